"""One mail: its content, its attachment, and what a person can do about it; beside the list of the history."""

from typing import Any

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

import oca
from mailroom import again, attachments, batches, delivery, holds, one_mail, suppressions
from mailroom.one_mail import Mail
from mailroom.problems import Problem
from views.here import download, me, see_other, service, show
from views.mail_frame import mail_page
from views.words import number, said

blueprint = Blueprint("mail", __name__, url_prefix="/history")

# What an address says about the list beside the mail; the only words of it that links take over.
OF_THE_LIST = ("q", "before", "pages")


def around() -> dict[str, str]:
    """What the address says about the list beside the mail, for the links that keep it there."""
    return {name: request.args[name] for name in OF_THE_LIST if request.args.get(name)}


def shown(mail_id: int) -> dict[str, Any]:
    """Everything the mail's page shows of it; not found when there is no such mail."""
    here, mail = service(), _mail(mail_id)
    waits = mail.state == "queued"
    return {
        "mail": mail,
        "body": one_mail.body(here.store, mail_id),
        "question": again.question(here.store, mail_id),
        "suppressed": suppressions.get(here.store, mail.email),
        "batch": batches.get(here.store, mail.batch_id, here.clock()) if waits else None,
        "hold": holds.of_token(here.store, mail.token_id, here.clock()) if waits else None,
        "phone": request.args.get("width") == "phone",
        "around": around(),
        "now": here.clock(),
    }


@blueprint.get("/none")
def none() -> Response:
    """The place beside the list when no mail is open."""
    return show("history/_none.html") if "HX-Request" in request.headers else see_other("history.index")


@blueprint.get("/<int:mail_id>/body")
def body(mail_id: int) -> Response:
    """The mail itself, for its frame."""
    found = one_mail.body(service().store, mail_id)
    if found is None or found.proof in ("forgotten", "not known"):
        abort(404)
    return mail_page(found.html)


@blueprint.get("/<int:mail_id>/attachment")
def attachment(mail_id: int) -> Response:
    """The mail's attachment, as a download."""
    mail = _mail(mail_id)
    if mail.attachment_id is None or mail.forgotten_at:
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
    return see_other("history.one", mail_id=mail_id, **around())


@blueprint.get("/<int:mail_id>/again")
def ask_again(mail_id: int) -> Response:
    """Asks, with what became of it, before the mail is sent again."""
    return _show_again(_mail(mail_id))


@blueprint.post("/<int:mail_id>/again")
def send_again(mail_id: int) -> Response:
    """Queues the mail once more, as a batch of its own; pressed again it leads to the same new mail."""
    mail, form, here = _mail(mail_id), request.form, service()
    name = _("%(name)s, row %(row)s again", name=mail.batch_name[:90], row=number(mail.row))
    seen, key = form.get("seen", ""), form.get("form_key", "")
    try:
        new_id = again.send(here.store, mail_id, name, seen, key, me().id, here.clock())
    except Problem as problem:
        return _show_again(mail, problem)
    flash(_("It waits for its turn to be sent again. This is the new mail."), "ok")
    return see_other("history.one", mail_id=new_id)


def _show_again(mail: Mail, problem: Problem | None = None) -> Response:
    here = service()
    question = again.question(here.store, mail.id)
    if question.why_not:
        flash(said(question.why_not), "info")
        return see_other("history.one", mail_id=mail.id, **around())
    return show(
        "history/again.html",
        status=422 if problem else 200,
        mail=mail,
        question=question,
        hold=holds.of_token(here.store, mail.token_id, here.clock()),
        problem=problem,
        now=here.clock(),
    )


def _mail(mail_id: int) -> Mail:
    return one_mail.get(service().store, mail_id) or abort(404)
