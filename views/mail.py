"""One mail: its content, its attachment, and what a person can do about it; beside the list of the history."""

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

import oca
from mailroom import attachments, delivery, one_mail
from mailroom.one_mail import Mail
from views.here import download, see_other, service
from views.mail_frame import mail_page

blueprint = Blueprint("mail", __name__, url_prefix="/history")


@blueprint.get("/<int:mail_id>/body")
def body(mail_id: int) -> Response:
    """The mail itself, for its frame."""
    found = one_mail.body(service().store, mail_id) or abort(404)
    return mail_page(found.html)


@blueprint.get("/<int:mail_id>/attachment")
def attachment(mail_id: int) -> Response:
    """The mail's attachment, as a download."""
    mail = _mail(mail_id)
    if mail.attachment_id is None:
        abort(404)
    return download(attachments.get(service().store, mail.attachment_id))


@blueprint.post("/<int:mail_id>/look-again")
def look_again(mail_id: int) -> Response:
    """Asks the gateway now what became of the mail."""
    _mail(mail_id)
    try:
        changed = delivery.look_again(service().store, service().clients, mail_id, service().clock)
        flash(_("The gateway has news.") if changed else _("The gateway says the same as before."), "ok")
    except oca.GatewayError as error:
        flash(_("The gateway could not be asked. %(advice)s", advice=_(error.advice)), "error")
    return see_other("history.one", mail_id=mail_id, **request.args)


def _mail(mail_id: int) -> Mail:
    return one_mail.get(service().store, mail_id) or abort(404)
