"""The menu at the side of every page, and what else every page needs to know."""

from dataclasses import dataclass

from flask import Flask, request, url_for
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from mailroom import approvals, batches
from views.access import may
from views.here import me, service, wants_part
from views.words import LANGUAGES

# endpoint, word, icon, group; a person sees the entries the policy lets them open.
ENTRIES = (
    ("overview.index", _l("Overview"), "home", "work"),
    ("send.new", _l("Send"), "send", "work"),
    ("approvals.index", _l("Approvals"), "shield-check", "work"),
    ("batches.index", _l("Batches"), "batches", "work"),
    ("history.index", _l("History"), "history", "work"),
    ("reports.index", _l("Reports"), "reports", "work"),
    ("lists.index", _l("Lists"), "layers", "work"),
    ("templates.index", _l("Templates"), "template", "work"),
    ("suppressions.index", _l("Do not mail"), "ban", "work"),
    ("gateway.index", _l("Gateway"), "gateway", "house"),
    ("team.index", _l("Team"), "team", "house"),
    ("activity.index", _l("Activity"), "activity", "house"),
    ("settings.index", _l("Settings"), "settings", "house"),
)
# Pages that stand under the entry of others.
WITHIN = {
    "confirm": "send",
    "schedule": "batches",
    "mail": "history",
    "gateway_history": "gateway",
    "address": "history",
    "report_files": "reports",
    "report_mail": "reports",
    "privacy": "settings",
    "retention": "settings",
    "backups": "settings",
    "style": "settings",
    "machine": "settings",
}


@dataclass(frozen=True)
class Entry:
    """One line of the menu. badge: how many things behind it need somebody."""

    endpoint: str
    label: str
    icon: str
    group: str
    current: bool
    badge: int = 0


def entries() -> list[Entry]:
    """The menu of the person signed in, the entry of the current page marked."""
    here = (request.endpoint or "").partition(".")[0]
    here = WITHIN.get(here, here)
    return [
        Entry(endpoint, str(label), icon, group, endpoint.partition(".")[0] == here, _badge(endpoint))
        for endpoint, label, icon, group in ENTRIES
        # A team that approves nothing need not know of it.
        if may(endpoint) and (endpoint != "approvals.index" or approvals.in_use(service().store))
    ]


def _badge(endpoint: str) -> int:
    if endpoint == "batches.index":
        return batches.needing(service().store, service().clock())
    return approvals.to_decide(service().store, me().id) if endpoint == "approvals.index" else 0


def init(app: Flask) -> None:
    """Makes the menu and the sandbox band known to the page templates."""

    @app.context_processor
    def everywhere() -> dict[str, object]:
        settings = service().settings
        # A fragment has no frame around it, and some are asked for every two seconds.
        framed = current_user.is_authenticated and not wants_part()
        return {
            "menu": entries() if framed else [],
            "sandbox": settings.sandbox,
            "gateway_url": settings.gateway_url,
            "sign_out_url": url_for("account.sign_out"),
            "lang": str(get_locale()),
            "languages": LANGUAGES,
            "may": may,
            "disk_full": framed and not service().store.has_room(),
        }
