"""Send: template and recipients, a look at every fault and at any mail as it will arrive, then one button."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, request, stream_with_context
from flask_babel import gettext as _

from mailroom import batches, drafts, email_templates, identities, progress, tokens
from mailroom.csv_files import safe_cell
from mailroom.drafts import Draft
from mailroom.problems import Problem
from mailroom.recipients import Row
from views import send_form
from views.here import me, see_other, service, show, wants_part, whole
from views.mail_frame import mail_page
from views.send_form import Choices, Form
from views.words import said

blueprint = Blueprint("send", __name__, url_prefix="/send")

BAD_ROWS = 100


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
    send_form.forgotten_files(form)
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
        return show("send/_rows.html", "send/_rows.html", draft=draft, **_bad_rows(draft))
    return _show_check(draft)


@blueprint.get("/<draft_id>/row/<int:number>")
def mail(draft_id: str, number: int) -> Response:
    """One mail as it will arrive, for its frame."""
    found = drafts.render_row(service().store, _draft(draft_id), number)
    return mail_page(found[1].html) if found else abort(404)


@blueprint.get("/<draft_id>/others.csv")
def others(draft_id: str) -> Response:
    """The rows with faults as a list that can be mended and uploaded again."""
    draft = _draft(draft_id)
    response = Response(stream_with_context(_csv(draft)), content_type="text/csv; charset=utf-8")
    name = draft.source.removesuffix(".csv") + "-" + _("others") + ".csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@blueprint.get("/<draft_id>/confirm")
def confirm(draft_id: str) -> Response:
    """Everything in numbers once more, and the button that sends."""
    draft = _draft(draft_id)
    batch_id = batches.by_form_key(service().store, draft_id)
    if batch_id:
        return see_other("batches.one", batch_id=batch_id)
    if not draft.good:
        return see_other("send.check", draft_id=draft_id)
    return show("send/confirm.html", **_facts(draft) | _arrival(draft))


@blueprint.post("/<draft_id>/queue")
def queue(draft_id: str) -> Response:
    """Queues every good row, once: pressed again it leads to the same batch."""
    try:
        policy: batches.Policy = "never_lost" if request.form.get("policy") == "never_lost" else "never_twice"
        batch_id = batches.queue(service().store, draft_id, me().id, service().clock(), policy)
    except LookupError:
        abort(404)
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("send.check", draft_id=draft_id)
    return see_other("batches.one", batch_id=batch_id)


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
    chosen = {"template": version.template_id, "sender": draft.sender_id, "token": draft.token_id}
    return {"name": draft.name} | {name: str(number) for name, number in chosen.items()}


def _show_form(offered: Choices, form: Form, status: int = 200) -> Response:
    version = form.version or send_form.chosen_version(form.typed, offered)
    return show(
        "send/new.html", status=status, choices=offered, typed=form.typed, errors=form.errors, version=version
    )


def _show_check(draft: Draft) -> Response:
    if wants_part():
        return show("send/_arrival.html", "send/_arrival.html", draft=draft, **_arrival(draft))
    batch_id = batches.by_form_key(service().store, draft.id)
    todo = drafts.faults(service().store, draft.id)
    context = _facts(draft) | _bad_rows(draft) | _arrival(draft)
    response = show("send/check.html", todo=todo, batch_id=batch_id, **context)
    response.vary.add("HX-Request-Type")
    return response


def _facts(draft: Draft) -> dict[str, Any]:
    store, now = service().store, service().clock()
    token = tokens.get(store, draft.token_id, now)
    return {
        "draft": draft,
        "version": email_templates.version(store, draft.template_version_id),
        "sender": identities.get(store, draft.sender_id),
        "token": token,
        "estimate": progress.estimate(
            store, token.id, draft.good, service().clients.pace(token.id).per_second, now
        ),
    }


def _bad_rows(draft: Draft) -> dict[str, Any]:
    after = request.args.get("after", 0, type=whole)
    found = list(drafts.bad_rows(service().store, draft.id, after, BAD_ROWS + 1))
    return {"bad": found[:BAD_ROWS], "more": len(found) > BAD_ROWS, "after": after}


def _arrival(draft: Draft) -> dict[str, Any]:
    """The good row the address names, or the first one, with its neighbours; nothing when no row is good."""
    store, number = service().store, request.args.get("row", 0, type=whole)
    first = drafts.neighbours(store, draft.id, 0)[1]
    found = drafts.render_row(store, draft, number) or (first and drafts.render_row(store, draft, first))
    if not found:
        return {"row": None}
    row, rendered = found
    before, after = drafts.neighbours(store, draft.id, row.number)
    phone = request.args.get("width") == "phone"
    sender = identities.get(store, draft.sender_id)
    return {
        "row": row,
        "rendered": rendered,
        "previous": before,
        "next": after,
        "phone": phone,
        "sender": sender,
    }


def _csv(draft: Draft) -> Iterator[str]:
    columns = [(name, key) for name, key in draft.columns if name != "error"]
    yield "\ufeff" + _line(draft, [*(name for name, _key in columns), "error"])
    for row in drafts.bad_rows(service().store, draft.id):
        yield _line(draft, [*(row.values.get(key, "") for _name, key in columns), _faults(draft, row)])


def _line(draft: Draft, cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=draft.delimiter or ",").writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()


def _faults(draft: Draft, row: Row) -> str:
    names = {key: name + ": " for name, key in draft.columns}
    return "; ".join(names.get(key, "") + said(fault) for key, fault in row.errors.items())
