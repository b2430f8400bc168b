"""Lists: kept under a name from a check page, to be sent to again, renamed, replaced by a newer file, removed."""

from io import BytesIO

from flask import Blueprint, Response, abort, flash, request, send_file
from flask_babel import gettext as _

from mailroom import attachments, lists, texts
from mailroom.lists import SavedList
from mailroom.problems import Problem
from mailroom.recipients import PASTED, Given
from oca.words import N_
from views.here import me, see_other, service, show
from views.words import number

blueprint = Blueprint("lists", __name__, url_prefix="/lists")


@blueprint.get("/")
def index() -> Response:
    """Every saved list, with its size and when it was used."""
    return show("lists/index.html", lists=lists.all_lists(service().store))


@blueprint.get("/<int:list_id>")
def one(list_id: int) -> Response:
    """One list, and what can be done with it."""
    return _show_one(_list(list_id))


@blueprint.post("/<int:list_id>/name")
def rename(list_id: int) -> Response:
    """Calls the list something else."""
    saved = _list(list_id)
    try:
        lists.rename(service().store, saved.id, request.form.get("name", ""), me().id, service().clock())
    except Problem as problem:
        return _show_one(saved, problem)
    flash(_("The list has its new name."), "ok")
    return see_other("lists.one", list_id=list_id)


@blueprint.post("/<int:list_id>/file")
def replace(list_id: int) -> Response:
    """Takes a newer upload in place of the list."""
    saved, chosen = _list(list_id), request.files.get("file")
    if not chosen or not chosen.filename:
        return _show_one(saved, Problem(N_("Choose the newer file."), "file"))
    given = Given(attachments.safe_name(chosen.filename), chosen.read(texts.MAX_BYTES + 1))
    try:
        rows = lists.put_in_place(service().store, saved, given, me().id, service().clock())
    except Problem as problem:
        problem.field = "file"
        return _show_one(saved, problem)
    flash(
        _("The list has %(rows)s rows now; it had %(before)s.", rows=number(rows), before=number(saved.rows)),
        "ok",
    )
    return see_other("lists.one", list_id=list_id)


@blueprint.get("/<int:list_id>/file")
def download(list_id: int) -> Response:
    """The list as it was uploaded."""
    saved = _list(list_id)
    content = lists.download(service().store, saved, me().id, service().clock())
    name = _("pasted list") + ".txt" if saved.filename == PASTED else saved.filename
    # As a file and of no kind that a browser would show: what stands in it was written by strangers.
    return send_file(BytesIO(content), "application/octet-stream", as_attachment=True, download_name=name)


@blueprint.get("/<int:list_id>/remove")
def ask_remove(list_id: int) -> Response:
    """Asks before the list goes."""
    return show("lists/remove.html", saved=_list(list_id))


@blueprint.post("/<int:list_id>/remove")
def remove(list_id: int) -> Response:
    """Removes the list; pressed again it is gone already."""
    try:
        lists.remove(service().store, lists.get(service().store, list_id))
    except LookupError:
        return see_other("lists.index")
    flash(_("The list is removed. Batches that were sent to it stay as they are."), "ok")
    return see_other("lists.index")


def _list(list_id: int) -> SavedList:
    try:
        return lists.get(service().store, list_id)
    except LookupError:
        abort(404)


def _show_one(saved: SavedList, problem: Problem | None = None) -> Response:
    errors = {problem.field: problem.sentence} if problem else {}
    return show(
        "lists/one.html", status=422 if problem else 200, saved=saved, errors=errors, typed=request.form
    )
