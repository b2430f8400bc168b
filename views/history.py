"""History: every mail, newest first; one mail beside the list, with everything that happened to it."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from mailroom import history
from views import mail
from views.here import service, show, wants_part, whole

blueprint = Blueprint("history", __name__, url_prefix="/history")

FILTERS = ("queued", "accepted", "delivered", "opened", "failed", "rejected", "unknown", "undecided", "cancelled",
           "gave_up", "lost", "skipped")  # fmt: skip


@blueprint.get("/")
def index() -> Response:
    """Mails, newest first, older ones on demand, of one state if asked."""
    part = "history/_lines.html" if request.args.get("before") else "history/_list.html"
    return show("history/index.html", part, mail=None, **_list())


@blueprint.get("/<int:mail_id>")
def one(mail_id: int) -> Response:
    """One mail: beside the list on a desk, as its own page on a phone."""
    beside = {} if wants_part() else _list()
    return show("history/index.html", "history/_mail.html", **mail.shown(mail_id), **beside)


def _list() -> dict[str, Any]:
    shown = request.args.get("state", "")
    shown = shown if shown in FILTERS else ""
    before = request.args.get("before", type=whole)
    lines = history.browse(service().store, shown, before, history.PAGE + 1)
    counts = history.counts(service().store)
    return {
        "lines": lines[: history.PAGE],
        "more": len(lines) > history.PAGE,
        "shown": shown,
        "first": not before,
        "total": sum(counts.values()),
        "filters": [
            (state, counts[state], url_for("history.index", state=state))
            for state in FILTERS
            if state in counts
        ],
    }
