"""Approvals: what waits for a second person, exactly what would be sent, and the two buttons that decide."""

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

from mailroom import approvals, attachments, batches, drafts
from mailroom.approvals import Approval
from mailroom.drafts import Draft
from mailroom.problems import Problem
from views import plan_form, send_check
from views.confirm import arrivals
from views.here import download, me, see_other, service, show
from views.mail_frame import mail_page
from views.words import said

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")


@blueprint.get("/")
def index() -> Response:
    """What waits for a decision, the oldest first."""
    return show("approvals/index.html", waiting=approvals.waiting(service().store))


@blueprint.get("/<draft_id>")
def one(draft_id: str) -> Response:
    """Exactly what would be sent, any row of it, and the buttons."""
    asked = approvals.get(service().store, draft_id)
    if asked is None or asked.decision:
        return _decided(draft_id)
    return _show(asked)


@blueprint.get("/<draft_id>/row/<int:number>")
def mail(draft_id: str, number: int) -> Response:
    """One mail as it would arrive, for its frame."""
    asked = approvals.get(service().store, draft_id) or abort(404)
    found = drafts.render_row(service().store, _draft(asked), number)
    return mail_page(found[1].html) if found else abort(404)


@blueprint.get("/<draft_id>/row/<int:number>/attachment")
def attachment(draft_id: str, number: int) -> Response:
    """The file that would go with one row, as a download."""
    asked = approvals.get(service().store, draft_id) or abort(404)
    found = drafts.attached(service().store, _draft(asked), number)
    return download(attachments.get(service().store, found)) if found else abort(404)


@blueprint.post("/<draft_id>/approve")
def approve(draft_id: str) -> Response:
    """Lets it go, once, as it was seen."""
    here, seen = service(), request.form.get("fingerprint", "")
    try:
        batch_id = batches.queue_approved(
            here.store, draft_id, me().id, seen, here.clock(), here.settings.zone, here.links
        )
    except LookupError:
        return _decided(draft_id)
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("approvals.one", draft_id=draft_id)
    return see_other("batches.one", batch_id=batch_id)


@blueprint.post("/<draft_id>/return")
def give_back(draft_id: str) -> Response:
    """Returns it to whoever asked, with a note that says why."""
    asked = approvals.get(service().store, draft_id)
    if asked is None or asked.decision:
        return _decided(draft_id)
    note = request.form.get("note", "")
    try:
        if not approvals.give_back(service().store, draft_id, me().id, note, service().clock()):
            return _decided(draft_id)
    except Problem as problem:
        return _show(asked, problem, note)
    flash(_("Returned. %(name)s sees your note.", name=asked.asker), "ok")
    return see_other("approvals.index")


def _draft(asked: Approval) -> Draft:
    return drafts.get(service().store, asked.draft_id, asked.asked_by)


def _decided(draft_id: str) -> Response:
    """Where to go when there is nothing to decide any more: somebody else was faster, or it was withdrawn."""
    batch_id = batches.by_form_key(service().store, draft_id)
    if batch_id:
        flash(_("It was approved already."), "info")
        return see_other("batches.one", batch_id=batch_id)
    flash(_("This does not wait for a decision any more."), "info")
    return see_other("approvals.index")


def _show(asked: Approval, problem: Problem | None = None, note: str = "") -> Response:
    draft, form = _draft(asked), plan_form.of(asked.plan, asked.policy)
    context = send_check.facts(draft) | send_check.arrival(draft)
    context |= plan_form.reckoned(form, draft.token_id, draft.good)
    return show(
        "approvals/one.html",
        "send/_arrival.html",
        422 if problem else 200,
        asked=asked,
        void=not approvals.stands(service().store, asked),
        arrivals=arrivals(draft),
        mine=asked.asked_by == me().id,
        problem=problem,
        note=note,
        passed=asked.plan.passed(service().clock()),
        shown_on="approvals.one",
        frame="approvals.mail",
        attached_at="approvals.attachment",
        **context,
    )
