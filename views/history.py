"""History: every mail, newest first; one mail beside the list, with everything that happened to it."""

from typing import Any

from flask import Blueprint, Response, abort, request, url_for

from mailroom import history, one_mail
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
    mail = one_mail.get(service().store, mail_id) or abort(404)
    body = one_mail.body(service().store, mail_id)
    around = {} if wants_part() else _list()
    return show(
        "history/index.html", "history/_mail.html", mail=mail, body=body, now=service().clock(), **around
    )


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
