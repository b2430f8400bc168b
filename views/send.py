"""Send: template and recipients, a look at every fault and at any mail as it will arrive, then one button."""

from pathlib import PurePath

from flask import Blueprint, Response, abort, flash, request, stream_with_context
from flask_babel import gettext as _

from mailroom import attachments, batches, drafts, email_templates, lists, row_files, tokens
from mailroom.drafts import Draft
from mailroom.problems import Problem
from views import reading_form, send_check, send_form
from views.here import download, me, see_other, service, show, wants_part
from views.mail_frame import mail_page
from views.send_form import Choices, Errors, Form
from views.words import said

blueprint = Blueprint("send", __name__, url_prefix="/send")


@blueprint.get("/")
def new() -> Response:
    """The form: what is sent, from whom, to whom."""
    offered = send_form.choices()
    if not offered.complete:
        return show("send/not_yet.html", choices=offered, any_token=bool(tokens.all_tokens(service().store)))
    return _show_form(offered, Form(_again() | request.args.to_dict()))


@blueprint.get("/fields")
def fields() -> Response:
    """The fields of a template as inputs for one recipient."""
    offered = send_form.choices()
    version = send_form.chosen_version(request.args, offered) if offered.templates else None
    return show("send/_fields.html", version=version or abort(404), typed={}, errors={}, swapped=True)


@blueprint.post("/")
def create() -> Response:
    """Keeps the list with all its faults and goes on to the check, or shows the form with what is wrong."""
    offered = send_form.choices()
    if not offered.complete:
        return see_other("send.new")
    form = send_form.read(offered)
    if form.setup and form.sheet:
        try:
            draft_id = drafts.create(service().store, me().id, form.setup, form.sheet, service().clock())
        except Problem as problem:
            form.errors[problem.field or "recipients"] = problem.sentence
        else:
            return see_other("send.check", draft_id=draft_id)
    send_form.keep_files(form)
    return _show_form(offered, form, 422)


@blueprint.get("/<draft_id>")
def check(draft_id: str) -> Response:
    """What has to be mended, and any good row as it will arrive."""
    return _show_check(_draft(draft_id))


@blueprint.get("/<draft_id>/rows")
def rows(draft_id: str) -> Response:
    """More of the rows with faults: those after the one the address names."""
    draft = _draft(draft_id)
    if wants_part():
        return show("send/_rows.html", "send/_rows.html", draft=draft, **send_check.bad_rows(draft))
    return _show_check(draft)


@blueprint.get("/<draft_id>/row/<int:number>")
def mail(draft_id: str, number: int) -> Response:
    """One mail as it will arrive, for its frame."""
    found = drafts.render_row(service().store, _draft(draft_id), number)
    return mail_page(found[1].html) if found else abort(404)


@blueprint.get("/<draft_id>/row/<int:number>/attachment")
def attachment(draft_id: str, number: int) -> Response:
    """The file that goes with one row, as a download."""
    found = drafts.attached(service().store, _draft(draft_id), number)
    return download(attachments.get(service().store, found)) if found else abort(404)


@blueprint.get("/<draft_id>/others.csv")
def others(draft_id: str) -> Response:
    """The rows with faults as a list that can be mended and uploaded again."""
    draft = _draft(draft_id)
    response = Response(stream_with_context(send_check.others(draft)), content_type="text/csv; charset=utf-8")
    name = PurePath(said(draft.source)).stem + "-" + _("others") + ".csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@blueprint.post("/<draft_id>/reading")
def read_again(draft_id: str) -> Response:
    """Reads the same list in the way that was chosen, and goes on to the check of that."""
    draft = _draft(draft_id)
    try:
        reading = reading_form.chosen(draft, request.form)
        new_id = drafts.read_again(service().store, draft, reading, me().id, service().clock())
    except LookupError:
        abort(404)
    except Problem as problem:
        return _show_check(draft, 422, {problem.field or "reading": problem.sentence})
    return see_other("send.check", draft_id=new_id)


@blueprint.post("/<draft_id>/keep")
def keep(draft_id: str) -> Response:
    """Keeps the list under a name, to be sent to again."""
    draft = _draft(draft_id)
    if draft.source_id is None:
        abort(404)
    try:
        lists.keep(service().store, draft, request.form.get("name", ""), me().id, service().clock())
    except Problem as problem:
        return _show_check(draft, 422, {"name": problem.sentence})
    flash(_("The list is kept. You find it under Lists, and when you send."), "ok")
    return see_other("send.check", draft_id=draft_id)


@blueprint.post("/<draft_id>/list")
def read_like(draft_id: str) -> Response:
    """Has the saved list read from now on as it was read here."""
    draft = _draft(draft_id)
    saved = lists.of_source(service().store, draft.source_id)
    if saved is None:
        abort(404)
    lists.read_like(service().store, saved, draft, me().id, service().clock())
    flash(_("The list is read like this from now on."), "ok")
    return see_other("send.check", draft_id=draft_id)


@blueprint.post("/<draft_id>/discard")
def discard(draft_id: str) -> Response:
    """Throws the draft away; what was queued from it stays."""
    if drafts.discard(service().store, draft_id, me().id):
        flash(_("The list is discarded."), "ok")
    return see_other("send.new")


def _draft(draft_id: str) -> Draft:
    try:
        return drafts.get(service().store, draft_id, me().id)
    except LookupError:
        abort(404)


def _again() -> dict[str, str]:
    """What was chosen for the draft that is made again, so that only the list has to be chosen."""
    if "again" not in request.args:
        return {}
    draft = _draft(request.args["again"])
    version = email_templates.version(service().store, draft.template_version_id)
    chosen: dict[str, str | int] = {
        "template": version.template_id,
        "sender": draft.sender_id,
        "token": draft.token_id,
    }
    if row_files.any_of(service().store, draft.id):
        chosen |= {"files_of": draft.id, "may_lack_file": "1" if draft.reading.may_lack_file else ""}
    return {"name": draft.name} | {name: str(number) for name, number in chosen.items()}


def _show_form(offered: Choices, form: Form, status: int = 200) -> Response:
    version = form.version or send_form.chosen_version(form.typed, offered)
    return show(
        "send/new.html",
        status=status,
        choices=offered,
        typed=form.typed,
        errors=form.errors,
        version=version,
        spare=form.spare,
    )


def _show_check(draft: Draft, status: int = 200, errors: Errors | None = None) -> Response:
    if wants_part():
        return show("send/_arrival.html", "send/_arrival.html", draft=draft, **send_check.arrival(draft))
    response = show(
        "send/check.html",
        status=status,
        batch_id=batches.by_form_key(service().store, draft.id),
        offer=reading_form.offer(draft),
        errors=errors or {},
        typed=request.form,
        **send_check.facts(draft) | send_check.to_do(draft) | send_check.arrival(draft),
    )
    response.vary.add("HX-Request-Type")
    return response
