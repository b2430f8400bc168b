"""Whatever a person does by a form is noted in the activity trail, or stands here with the reason why not."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from mailroom import activity, tokens
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.verify import verify
from tests.doubt import old_sandbox
from tests.filled import ADI, SARI, VINO, Filled, fill, left_undecided
from tests.house import Browser, furnished

DRAFT = "a draft is its author's alone, sends nothing, and is gone after a week"
NOTHING = "it changes nothing, and shows the page again"
GATEWAY = "it asks what the gateway knows; what comes of it stands in the history of each mail"

# Every form that is not noted, and why.
EXCEPTIONS = {
    "your_account.confirm": "it shows again who somebody is; what they then change is noted",
    "second_factors.begin_app": "nothing is asked for until the first code was given, which is noted",
    "account.sign_out": "it ends a session of the person's own",
    "send.create": DRAFT,
    "send.read_again": DRAFT,
    "send.discard": DRAFT,
    "confirm.reckon": NOTHING,
    "schedule.reckon": NOTHING,
    "templates.preview": NOTHING,
    "templates.import_file": "it shows what is in a file; what is then saved is noted",
    "trials.ask": NOTHING,
    "mail.look_again": GATEWAY,
    "decisions.look": GATEWAY,
    "gateway_history.take_over": GATEWAY,
    "gateway.check_token": "it asks the gateway; that a token which was stopped is used again is noted",
    "language.choose": "it is how the pages speak to one person, and changes nothing else",
    "unsubscribe.stop": "a recipient's own wish, kept with its time on the do-not-mail list",
}

# Forms whose deeds other tests look for: where, and what they note.
ELSEWHERE = {
    "decisions.decide_all": ("test_activity_of_posts", "mails_decided"),
    "backups.make_now": ("test_backups_pages", "backup_made"),
    "unsubscribe.undo": ("test_activity_of_posts", "suppression_removed"),
    "team.invite": ("test_team", "person_invited"),
    "team.renew_invite": ("test_team", "invite_renewed"),
    "team.withdraw_invite": ("test_team", "invite_withdrawn"),
    "team.disable": ("test_team", "person_disabled"),
    "team.enable": ("test_team", "person_enabled"),
    "team.end_sessions": ("test_team", "person_signed_out"),
    "team.reset": ("test_team", "reset_link_made"),
    "team.remove_factors": ("test_team", "second_factors_removed"),
    "joining.join": ("test_team", "person_joined"),
    "joining.reset": ("test_team", "password_reset"),
    "account.setup": ("test_account_pages", "signed_in"),
    "account.sign_in": ("test_second_factor_pages", "signed_in"),
    "account.by_passkey": ("test_second_factor_pages", "signed_in"),
    "second_step.code": ("test_second_factors", "signed_in"),
    "second_step.passkey": ("test_second_factors", "signed_in"),
    "second_factors.confirm_app": ("test_second_factor_pages", "second_factor_added"),
    "second_factors.remove_app": ("test_second_factor_pages", "second_factor_removed"),
    "second_factors.add_passkey": ("test_second_factor_pages", "passkey_added"),
    "second_factors.remove_passkey": ("test_second_factors", "passkey_removed"),
    "second_factors.new_codes": ("test_second_factor_pages", "recovery_codes_made"),
    "your_account.change_password": ("test_your_account_pages", "password_changed"),
    "your_account.end_session": ("test_your_account_pages", "sessions_ended"),
    "your_account.end_others": ("test_your_account_pages", "sessions_ended"),
}


@dataclass(frozen=True)
class Press:
    """One form that is sent. kinds: what it notes. at: the page that the form stands on, for its hidden fields."""

    endpoint: str
    url: str
    form: Mapping[str, object] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    person: str = "sari"
    at: str = ""


@pytest.fixture
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with old_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        data = furnished(tmp_path_factory.mktemp("mailroom") / "data")
        service = open_service(Settings(gateway_url=sandbox.url, sandbox=True, data=data))
        yield fill(service, sandbox=sandbox)
        service.close()


@pytest.fixture
def app(filled: Filled) -> Flask:
    app = create_app(filled.service)
    app.testing = True
    return app


def posts(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}


def hidden(browser: Browser, page: str, action: str) -> dict[str, object]:
    """The hidden fields of the form on a page that leads to `action`."""
    html = browser.get(page).text
    forms = [form for form in re.findall(r"<form.*?</form>", html, re.DOTALL) if f'action="{action}"' in form]
    assert forms, f"no form to {action} on {page}"
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', forms[0]))


def file(name: str, content: bytes) -> dict[str, object]:
    return {"file": (io.BytesIO(content), name)}


def presses(filled: Filled) -> Iterator[Press]:
    """Every form that is noted, in an order in which each has something to do."""
    b, m, t = filled.batches, filled.mails, filled.live.version.template_id
    new = b"email,nama,total\na@contoh.id,A,1\nb@contoh.id,B,2\n"
    yield from _sending(filled)
    yield Press("batches.pause", f"/batches/{b['waiting']}/pause", kinds=("batch_paused",))
    yield Press("batches.resume", f"/batches/{b['waiting']}/resume", kinds=("batch_resumed",))
    day = (filled.service.clock() + timedelta(days=3)).strftime("%Y-%m-%d")
    time: dict[str, object] = {"day": day, "at": "09:00", "per_minute": "5"}
    yield Press("schedule.change", f"/batches/{b['scheduled']}/time", time, ("batch_rescheduled",))
    yield Press("schedule.send_now", f"/batches/{b['scheduled']}/now", kinds=("batch_rescheduled",))
    yield Press("batches.cancel", f"/batches/{b['waiting']}/cancel", kinds=("batch_cancelled",))
    retry = f"/batches/{b['done']}/retry"
    again = f"/history/{m['delivered']}/again"
    yield Press("mail.send_again", again, kinds=("batch_queued",), at=again)
    yield Press("batches.retry", retry, {"name": "Lagi", "kinds": ["failed"]}, ("batch_queued",), at=retry)
    one = f"/decisions/{m['undecided']}"
    decision: dict[str, object] = {"decision": "arrived", "reason": "Ada di kotak masuknya"}
    yield Press("decisions.decide", one, decision, ("mail_decided",), at=one)
    policy: dict[str, object] = {"policy": "never_lost"}
    yield Press("decisions.policy", f"/decisions/batch/{b['done']}/policy", policy, ("batch_policy_changed",))
    yield Press("lists.rename", f"/lists/{filled.list_id}/name", {"name": "Lain"}, ("list_renamed",))
    yield Press("lists.replace", f"/lists/{filled.list_id}/file", file("b.csv", new), ("list_replaced",))
    yield Press("lists.remove", f"/lists/{filled.list_id}/remove", kinds=("list_removed",))
    mail: dict[str, object] = {"name": "Baru", "subject": "Halo", "html": "<p>Halo</p>", "kind": "html"}
    yield Press("templates.save", "/templates/", mail, ("template_saved",))
    yield Press("templates.take", "/templates/starters/invoice-id", kinds=("template_saved",))
    yield Press("templates.remove", f"/templates/{t}/remove", kinds=("template_removed",))
    yield Press("templates.restore", f"/templates/{t}/restore", kinds=("template_restored",))
    yield Press("gateway_history.take", "/gateway/history/take", kinds=("mails_taken_in",),
                at="/gateway/history/take?token=1&page=1")  # fmt: skip
    yield from _house(filled)


def _sending(filled: Filled) -> Iterator[Press]:
    draft, t = filled.drafts[SARI], filled.live.version.template_id
    yield Press("send.keep", f"/send/{draft}/keep", {"name": "Pelanggan"}, ("list_kept",))
    yield Press("send.read_like", f"/send/{draft}/list", kinds=("list_read_anew",))
    yield Press("confirm.ask", f"/send/{draft}/ask", {"policy": "never_twice"}, ("approval_asked",))
    yield Press("confirm.withdraw", f"/send/{draft}/withdraw", kinds=("approval_withdrawn",))
    test = {"row": "2", "form_key": "a"}
    yield Press("trials.of_row", f"/test/list/{draft}", test, ("test_sent",))
    values: dict[str, object] = {"sample-nama": "A", "sample-total": "1", "sender": "1", "token": "1"}
    yield Press("trials.of_template", f"/test/template/{t}/send", values | {"form_key": "b"}, ("test_sent",))
    yield Press("confirm.queue", f"/send/{draft}/queue", {"policy": "never_twice"}, ("batch_queued",))
    asked = f"/approvals/{filled.asked[ADI]}"
    yield Press("approvals.approve", asked + "/approve", kinds=("batch_approved",), at=asked)
    back = f"/approvals/{filled.asked[SARI]}/return"
    yield Press("approvals.give_back", back, {"note": "Salah"}, ("approval_returned",), "adi")


def _house(filled: Filled) -> Iterator[Press]:
    b = filled.batches
    many: dict[str, object] = {"addresses": "c@contoh.id\nd@contoh.id"}
    yield Press("suppressions.add", "/do-not-mail/add", many, ("suppressions_added",))
    failed = f"/do-not-mail/batch/{b['done']}"
    yield Press("suppressions.failed", failed, kinds=("failed_suppressed",))
    taken = file("x.csv", b"email\ne@contoh.id\n")
    yield Press("suppressions.take_file", "/do-not-mail/import", taken, ("suppression_added",), "adi")
    gone: dict[str, object] = {"email": "hand@contoh.id"}
    yield Press("suppressions.remove", "/do-not-mail/remove", gone, ("suppression_removed",), "adi")
    one: dict[str, object] = {"email": "f@contoh.id"}
    yield Press("address.suppress", "/history/address/do-not-mail", one, ("suppression_added",))
    token = file("t.txt", filled.live.sandbox.token(exp=5_000_000).encode())
    named: dict[str, object] = {"name": "Ketiga", "per_second": "25"}
    yield Press("gateway.add_token", "/gateway/tokens/add", named | token, ("token_added",), "adi")
    newer = file("t.txt", filled.live.sandbox.token(exp=6_000_000).encode())
    yield Press("gateway.replace_token", "/gateway/tokens/1/replace", newer, ("token_replaced",), "adi")
    yield Press("gateway.remove_token", "/gateway/tokens/2/remove", {}, ("token_removed",), "adi")
    yield Press("gateway.take_sandbox_token", "/gateway/tokens/sandbox", {}, ("token_added",), "adi")
    sender: dict[str, object] = {"email": "baru@contoh.id", "name": "Tim Baru"}
    yield Press("gateway.add_sender", "/gateway/senders/add", sender, ("sender_added",), "adi")
    yield Press("gateway.remove_sender", "/gateway/senders/2/remove", {}, ("sender_removed",), "adi")
    report: dict[str, object] = {"every": ["week"], "people": ["3"], "sender": "1", "token": "1"}
    yield Press("report_mail.save", "/reports/mail/", report, ("report_mail_set",), "adi")
    now: dict[str, object] = {"every": "week", "form_key": "c"}
    yield Press("report_mail.send_now", "/reports/mail/now", now, ("test_sent",), "adi")
    settings: dict[str, object] = {"approval_above": "100", "office_from": "08:00", "office_to": "17:00",
                                   "office_days": ["0", "1", "2", "3", "4"]}  # fmt: skip
    yield Press("settings.save", "/settings/", settings, ("preference_changed",), "adi")
    yield Press("retention.choose", "/settings/retention/", {"days": "365"}, ("preference_changed",), "adi")
    daily: dict[str, object] = {"daily": "1", "backup_at": "03:00", "backup_keep": "7"}
    yield Press("backups.choose", "/settings/backups/", daily, ("preference_changed",), "adi")
    person: dict[str, object] = {"email": "siti@contoh.id"}
    yield Press("team.change_role", f"/team/{VINO}/role", {"role": "editor"}, ("role_changed",), "adi")
    yield Press("privacy.export", "/privacy/export", person, ("person_exported",), "adi")
    yield Press("privacy.erase", "/privacy/erase", person, ("person_erased",), "adi")


def test_every_form_is_noted_or_has_a_reason_not_to_be(app: Flask, filled: Filled) -> None:
    browsers = {"sari": Browser(app, "sari"), "adi": Browser(app, "adi")}
    done = set()
    for press in presses(filled):
        before = activity.head(filled.service.store.read()).id
        send(browsers[press.person], press)
        entries = [e for e in reversed(activity.newest(filled.service.store)) if e.id > before]
        assert tuple(entry.kind for entry in entries) == press.kinds, press
        actor = f"user:{ADI if press.person == 'adi' else SARI}"
        assert {(e.actor, e.address) for e in entries} == {(actor, "127.0.0.1")}, press
        assert all(str(entry.sentence) for entry in entries), press
        done.add(press.endpoint)
    told = done | set(ELSEWHERE) | set(EXCEPTIONS)
    missing = posts(app) - told
    assert not missing, f"note what these do in the activity trail, and press them above: {missing}"
    assert told <= posts(app), "a line for a form that there is not"
    assert not set(EXCEPTIONS) & (done | set(ELSEWHERE))
    for name, kind in ELSEWHERE.values():
        assert kind in activity.KINDS
        assert kind in (Path(__file__).parent / f"{name}.py").read_text(), (name, kind)
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())
    assert verify(filled.service.store.read()) == []
    holds_no_address_and_no_secret(filled)
    is_read_in_words(browsers["adi"])


def holds_no_address_and_no_secret(filled: Filled) -> None:
    rows = filled.live.rows("SELECT details FROM activity")
    text = "\n".join(str(row[0]) for row in rows)
    assert "@" in text
    assert "@" not in re.sub(r"\w•••@contoh\.id", "", text)
    assert not re.search(r"eyJ\w{10}", text)


def is_read_in_words(adi: Browser) -> None:
    page, url = "", "/activity/"
    while url:
        part = adi.get(url).text
        page += part
        _, more, rest = part.partition('hx-get="/activity/')
        url = "/activity/" + rest.partition('"')[0].replace("&amp;", "&") if more else ""
    for sentence in (
        "wants when nobody can tell, from “Ask a person” to “Send it again”.",
        "Now: not before",
        "it arrived.",
        "and gave it back (mails: 2, asked by TagihanS).",
        "marketing: no",
        "Put a list of addresses on the do-not-mail list (By hand, addresses given: 2).",
    ):
        assert sentence in page, sentence
    assert "%(" not in page


def send(browser: Browser, press: Press) -> None:
    form = dict(press.form)
    if press.endpoint == "gateway_history.take":
        form |= {"id": re.findall(r'name="id" value="([^"]+)"', browser.get(press.at).text)}
    if press.at:
        form = hidden(browser, press.at, press.url) | form
    with browser.post_form(press.url, form) as answer:
        assert answer.status_code in (200, 303), (press, answer.status_code)


def test_several_decisions_and_a_recipients_second_thought_are_noted(app: Flask, filled: Filled) -> None:
    store = filled.service.store
    # Beside the one that stands undecided from the beginning.
    left_undecided(filled, filled.mails["unknown"])
    sari, page = Browser(app, "sari"), f"/decisions/batch/{filled.batches['done']}"
    send(sari, Press("decisions.decide_all", page, {"decision": "again", "reason": "Tidak ada"}, at=page))
    newest = activity.newest(store)[0]
    assert (newest.kind, newest.details["mails"]) == ("mails_decided", 2)
    link = filled.service.links.url("berhenti@contoh.id").removeprefix(filled.service.links.base_url)
    stranger = app.test_client()
    stranger.post(link)
    stranger.post(link + "/undo")
    newest = activity.newest(store)[0]
    assert (newest.kind, newest.actor, newest.who) == ("suppression_removed", "visitor", "")


def test_what_only_shows_changes_nothing(app: Flask, filled: Filled) -> None:
    sari, t = Browser(app, "sari"), filled.live.version.template_id
    typed: dict[str, object] = {"name": "X", "subject": "X", "html": "<p>X</p>", "kind": "html"}
    exported = sari.get(f"/templates/{t}/export").data
    shows: list[tuple[str, dict[str, object]]] = [
        ("/templates/preview", typed),
        ("/templates/import", file("x.txt", exported)),
        (f"/test/template/{t}", typed),
        (f"/batches/{filled.batches['scheduled']}/reckon", {"per_minute": "3"}),
    ]
    before = list(filled.service.store.read().conn.iterdump())
    for url, form in shows:
        assert sari.post_form(url, form).status_code in (200, 303), url
    assert list(filled.service.store.read().conn.iterdump()) == before


def test_a_token_that_is_used_again_is_noted(filled: Filled) -> None:
    store, now = filled.service.store, filled.service.clock()
    with store.write() as db:
        tokens.stop(db, 1, "No", now)
    assert tokens.clear_stop(store, 1)
    assert not tokens.clear_stop(store, 1)
    assert [entry.kind for entry in activity.newest(store, kind="token_resumed")] == ["token_resumed"]
