"""History: every mail, newest first; one mail beside the list, with everything that happened to it."""

from typing import Any

from flask import Blueprint, Response, abort, flash, request, url_for
from flask_babel import gettext as _

import oca
from mailroom import attachments, delivery, history
from views.here import download, see_other, service, show, wants_part, whole
from views.mail_frame import mail_page

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
    mail = history.mail(service().store, mail_id) or abort(404)
    body = history.body(service().store, mail_id)
    around = {} if wants_part() else _list()
    return show(
        "history/index.html", "history/_mail.html", mail=mail, body=body, now=service().clock(), **around
    )


@blueprint.get("/<int:mail_id>/body")
def body(mail_id: int) -> Response:
    """The mail itself, for its frame."""
    found = history.body(service().store, mail_id) or abort(404)
    return mail_page(found.html)


@blueprint.get("/<int:mail_id>/attachment")
def attachment(mail_id: int) -> Response:
    """The mail's attachment, as a download."""
    mail = history.mail(service().store, mail_id)
    if mail is None or mail.attachment_id is None:
        abort(404)
    return download(attachments.get(service().store, mail.attachment_id))


@blueprint.post("/<int:mail_id>/look-again")
def look_again(mail_id: int) -> Response:
    """Asks the gateway now what became of the mail."""
    history.mail(service().store, mail_id) or abort(404)
    try:
        changed = delivery.look_again(service().store, service().clients, mail_id, service().clock)
        flash(_("The gateway has news.") if changed else _("The gateway says the same as before."), "ok")
    except oca.GatewayError as error:
        flash(_("The gateway could not be asked. %(advice)s", advice=_(error.advice)), "error")
    return see_other("history.one", mail_id=mail_id, state=request.form.get("state") or None)


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
