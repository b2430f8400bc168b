"""Every screen worth looking at: each page, and each state of it in which it looks different."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Page

from screens.acts import expire, fill, press, unfold
from screens.rooms import Name

Act = Callable[[Page], None]


@dataclass(frozen=True)
class Screen:
    """A page in one of its states.

    name: of its picture. path: its address, with `{name}` for what differs from one mailroom to the next. who: signed
    in as, or "". act: what is done on the page before it is looked at. status: what the page answers before that.
    """

    name: str
    path: str
    who: str = "adi"
    room: Name = "full"
    act: Act | None = None
    status: int = 200

    def address(self, facts: Mapping[str, object]) -> str:
        """The address of the page in a mailroom with these facts."""
        return self.path.format(**{name: quote(str(value)) for name, value in facts.items()})


SCREENS = (
    Screen("set-up", "/setup/{link}", "", "new"),
    Screen("set-up-faults", "/setup/{link}", "", "new", fill(name="", email="a", password="123")),
    Screen("set-up-link-ended", "/setup/x", "", "new", status=410),
    Screen("sign-in-nobody", "/sign-in", "", "new"),
    Screen("sign-in", "/sign-in", ""),
    Screen("sign-in-wrong", "/sign-in", "", act=fill(email="adi@contoh.id", password="salah")),
    Screen("signed-out-meanwhile", "/again", act=expire("/gateway/senders/add", email="baru@contoh.id")),
    Screen("overview-first-day", "/", "adi", "empty"),
    Screen("overview-first-day-viewer", "/", "vino", "empty"),
    Screen("overview", "/", "sari"),
    Screen("overview-admin", "/"),
    Screen("keys", "/", "sari", act=press("?")),
    Screen("send-not-yet", "/send/", "adi", "empty"),
    Screen("send", "/send/", "sari"),
    Screen("send-faults", "/send/", "sari", act=fill(name="")),
    Screen("check", "/send/{bad}", "sari"),
    Screen("check-reading", "/send/{bad}", "sari", act=unfold),
    Screen("check-good", "/send/{fine}", "sari"),
    Screen("check-phone-mail", "/send/{fine}?width=phone", "sari"),
    Screen("check-unclear", "/send/{unclear}", "sari"),
    Screen("confirm", "/send/{fine}/confirm", "sari"),
    Screen("confirm-later", "/send/{fine}/confirm", "sari", act=unfold),
    Screen("confirm-needs-second", "/send/{asked}/confirm", "sari"),
    Screen("confirm-returned", "/send/{returned}/confirm", "sari"),
    Screen("approvals-empty", "/approvals/", "sari", "empty"),
    Screen("approvals", "/approvals/"),
    Screen("approvals-own", "/approvals/", "sari"),
    Screen("approval", "/approvals/{asked}"),
    Screen("batches-empty", "/batches/", "sari", "empty"),
    Screen("batches", "/batches/", "sari"),
    Screen("batches-older", "/batches/?before=60", "sari"),
    Screen("batch", "/batches/{running}", "sari"),
    Screen("batch-viewer", "/batches/{running}", "vino"),
    Screen("batch-paused", "/batches/{paused}", "sari"),
    Screen("batch-scheduled", "/batches/{scheduled}", "sari"),
    Screen("batch-finished", "/batches/{finished}", "sari"),
    Screen("batch-failed-ones", "/batches/{finished}?state=failed", "sari"),
    Screen("batch-undecided", "/batches/{undecided_batch}", "sari"),
    Screen("batch-in-doubt", "/batches/{unknown_batch}", "sari"),
    Screen("batch-odd", "/batches/{odd_batch}", "sari"),
    Screen("batch-cancel", "/batches/{running}/cancel", "sari"),
    Screen("batch-retry", "/batches/{finished}/retry", "sari"),
    Screen("batch-now", "/batches/{scheduled}/now", "sari"),
    Screen("batch-time", "/batches/{scheduled}/time", "sari"),
    Screen("decision", "/decisions/{undecided}", "sari"),
    Screen("decision-faults", "/decisions/{undecided}", "sari", act=fill()),
    Screen("decision-viewer", "/decisions/{undecided}", "vino"),
    Screen("decision-in-doubt", "/decisions/{unknown}", "sari"),
    Screen("decision-batch", "/decisions/batch/{undecided_batch}", "sari"),
    Screen("history-empty", "/history/", "sari", "empty"),
    Screen("history", "/history/", "sari"),
    Screen("history-help", "/history/", "sari", act=unfold),
    Screen("history-search", "/history/?q=tagihan+status:failed+after:2026-01-01", "sari"),
    Screen("history-nothing", "/history/?q=tidak-ada@contoh.id", "sari"),
    Screen("history-misunderstood", "/history/?q=status:aneh+warna:merah", "sari"),
    Screen("mail", "/history/{opened}", "sari"),
    Screen("mail-phone", "/history/{opened}?width=phone", "sari"),
    Screen("mail-viewer", "/history/{opened}", "vino"),
    Screen("mail-failed", "/history/{failed}", "sari"),
    Screen("mail-refused", "/history/{refused}", "sari"),
    Screen("mail-waiting", "/history/{waiting}", "sari"),
    Screen("mail-undecided", "/history/{undecided}", "sari"),
    Screen("mail-in-doubt", "/history/{unknown}", "sari"),
    Screen("mail-odd", "/history/{odd_mail}", "sari"),
    Screen("mail-again", "/history/{opened}/again", "sari"),
    Screen("mail-again-undecided", "/history/{undecided}/again", "sari"),
    Screen("address", "/history/address/?email={hand}", "sari"),
    Screen("address-admin", "/history/address/?email={hand}"),
    Screen("address-long", "/history/address/?email={long_email}"),
    Screen("reports-empty", "/reports/", "sari", "empty"),
    Screen("reports", "/reports/", "sari"),
    Screen("reports-by-template", "/reports/?preset=365-days&by=template", "sari"),
    Screen("reports-by-domain", "/reports/?preset=365-days&by=domain", "sari"),
    Screen("reports-faults", "/reports/?from=kemarin&to=2026-13-40", "sari", status=422),
    Screen("reports-mails", "/reports/mails?figure=failed", "sari"),
    Screen("report-mail-empty", "/reports/mail/", "adi", "empty"),
    Screen("report-mail", "/reports/mail/"),
    Screen("report-mail-month", "/reports/mail/?every=month"),
    Screen("lists-empty", "/lists/", "sari", "empty"),
    Screen("lists", "/lists/", "sari"),
    Screen("list", "/lists/{list}", "sari"),
    Screen("list-remove", "/lists/{list}/remove", "sari"),
    Screen("templates-empty", "/templates/", "sari", "empty"),
    Screen("templates", "/templates/", "sari"),
    Screen("templates-viewer", "/templates/", "vino"),
    Screen("template-new", "/templates/new", "sari"),
    Screen("template-start", "/templates/new/event-id", "sari"),
    Screen("template", "/templates/{bill}", "sari"),
    Screen("template-long", "/templates/{long_template}", "sari"),
    Screen("template-version", "/templates/2/versions/1", "sari"),
    Screen("template-compare", "/templates/2/compare", "sari"),
    Screen("template-edit", "/templates/{bill}/edit", "sari"),
    Screen("template-edit-odd", "/templates/{odd_template}/edit", "sari"),
    Screen("template-edit-faults", "/templates/{odd_template}/edit", "sari", act=fill(subject="")),
    Screen("template-remove", "/templates/{long_template}/remove", "sari"),
    Screen("test-mail", "/test/template/{bill}", "sari"),
    Screen("do-not-mail-empty", "/do-not-mail/", "sari", "empty"),
    Screen("do-not-mail", "/do-not-mail/"),
    Screen("do-not-mail-nothing", "/do-not-mail/?q=tidak-ada", "sari"),
    Screen("do-not-mail-add", "/do-not-mail/add", "sari"),
    Screen("do-not-mail-add-faults", "/do-not-mail/add", "sari", act=fill(addresses="joko.contoh.id")),
    Screen("do-not-mail-import", "/do-not-mail/import"),
    Screen("do-not-mail-remove", "/do-not-mail/remove?email={hand}"),
    Screen("do-not-mail-failed", "/do-not-mail/batch/{finished}", "sari"),
    Screen("gateway-empty", "/gateway/", "adi", "empty"),
    Screen("gateway", "/gateway/"),
    Screen("gateway-viewer", "/gateway/", "vino"),
    Screen("token-add", "/gateway/tokens/add", "adi", "empty"),
    Screen("token-add-faults", "/gateway/tokens/add", act=fill(name="", per_second="0")),
    Screen("token-replace", "/gateway/tokens/1/replace"),
    Screen("token-remove", "/gateway/tokens/2/remove"),
    Screen("token-remove-needed", "/gateway/tokens/1/remove"),
    Screen("sender-add", "/gateway/senders/add"),
    Screen("sender-add-faults", "/gateway/senders/add", act=fill(email="a", name="")),
    Screen("gateway-history-empty", "/gateway/history/", "sari", "empty"),
    Screen("gateway-history", "/gateway/history/?now=1", "sari"),
    Screen("gateway-history-take", "/gateway/history/take?days=7", "sari"),
    Screen("activity-empty", "/activity/", "adi", "empty"),
    Screen("activity", "/activity/"),
    Screen("settings", "/settings/"),
    Screen("settings-faults", "/settings/", act=fill(approval_above="x")),
    Screen("retention", "/settings/retention/"),
    Screen("retention-reckoned", "/settings/retention/?days=30"),
    Screen("privacy", "/privacy/"),
    Screen("privacy-one", "/privacy/?email={hand}"),
    Screen("privacy-erase", "/privacy/erase?email={hand}"),
    Screen("your-account", "/account/", "sari"),
    Screen("your-account-faults", "/account/", "sari", act=fill(new_password="b")),
    Screen("unsubscribe", "/u/{link}", ""),
    Screen("unsubscribe-stopped", "/u/{left}", ""),
    Screen("unsubscribe-unknown", "/u/x", "", status=404),
    Screen("error-403", "/settings/", "vino", status=403),
    Screen("error-404", "/nothing/here", "vino", status=404),
    Screen("error-405", "/sign-out", "vino", status=405),
    Screen("error-500", "/broken", "vino", status=500),
)  # fmt: skip

# Addresses that answer a GET with something other than a page of their own, and what that is.
NO_SCREENS: Mapping[str, str] = {
    "static": "files",
    "health.check": "a word for programs",
    "send.fields": "a part of the form at send.new",
    "send.rows": "the check with more rows",
    "send.mail": "the mail in the frame of send.check",
    "send.attachment": "a download",
    "send.others": "a download",
    "approvals.mail": "the mail in the frame of approvals.one",
    "approvals.attachment": "a download",
    "mail.none": "a part of history.index",
    "mail.body": "the mail in the frame of history.one",
    "mail.attachment": "a download",
    "report_files.table": "a download",
    "report_files.mails_file": "a download",
    "report_mail.mail": "the mail in the frame of report_mail.index",
    "lists.download": "a download",
    "templates.starter_mail": "the mail in a frame of templates.new",
    "templates.preview_mail": "the mail in the frame of templates.edit",
    "templates.export": "a download",
    "suppressions.export": "a download",
}
