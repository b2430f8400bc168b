"""Confirm: everything in numbers once more, when it goes and how fast, and the one button that sends or asks."""

from typing import Any

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

from mailroom import approvals, batches, drafts
from mailroom.approvals import Approval
from mailroom.drafts import Draft
from mailroom.problems import Problem
from views import plan_form, send_check
from views.here import me, see_other, service, show
from views.plan_form import PlanForm
from views.words import said

blueprint = Blueprint("confirm", __name__, url_prefix="/send")


@blueprint.get("/<draft_id>/confirm")
def one(draft_id: str) -> Response:
    """The page; its estimate alone when the plan is being changed."""
    draft = _draft(draft_id)
    if moved := _moved_on(draft):
        return moved
    asked = approvals.get(service().store, draft_id)
    if asked and not plan_form.kept(request.args):
        return _show(draft, plan_form.of(asked.plan, asked.policy), asked)
    return _show(draft, plan_form.read(request.args), asked)


@blueprint.post("/<draft_id>/reckon")
def reckon(draft_id: str) -> Response:
    """The page again with what was chosen, for browsers that do not reckon by themselves."""
    _draft(draft_id)
    return see_other("confirm.one", draft_id=draft_id, **plan_form.kept(request.form))


@blueprint.post("/<draft_id>/queue")
def queue(draft_id: str) -> Response:
    """Queues every good row, once: pressed again it leads to the same batch."""
    draft, form = _draft(draft_id), plan_form.read(request.form)
    if moved := _moved_on(draft):
        return moved
    if form.problem:
        return _show(draft, form, None)
    here = service()
    try:
        batch_id = batches.queue(
            here.store,
            draft_id,
            me().id,
            here.clock(),
            form.policy,
            plan=form.plan,
            zone=here.settings.zone,
            links=here.links,
        )
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("confirm.one", draft_id=draft_id, **plan_form.kept(request.form))
    return see_other("batches.one", batch_id=batch_id)


@blueprint.post("/<draft_id>/ask")
def ask(draft_id: str) -> Response:
    """Asks a second person, with the plan as it was chosen."""
    draft, form = _draft(draft_id), plan_form.read(request.form)
    if moved := _moved_on(draft):
        return moved
    if form.problem:
        return _show(draft, form, None)
    try:
        approvals.ask(service().store, draft_id, me().id, form.plan, form.policy, service().clock())
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("confirm.one", draft_id=draft_id, **plan_form.kept(request.form))
    flash(_("Asked. Nothing is sent until a second person has approved it."), "ok")
    return see_other("confirm.one", draft_id=draft_id)


@blueprint.post("/<draft_id>/withdraw")
def withdraw(draft_id: str) -> Response:
    """Asks nobody any more; the draft stays."""
    draft = _draft(draft_id)
    if moved := _moved_on(draft):
        return moved
    if approvals.withdraw(service().store, draft_id, me().id, service().clock()):
        flash(_("Withdrawn. Nobody is asked any more, and nothing was sent."), "ok")
    else:
        flash(_("This does not wait for a decision any more."), "info")
    return see_other("confirm.one", draft_id=draft_id)


def _draft(draft_id: str) -> Draft:
    try:
        return drafts.get(service().store, draft_id, me().id)
    except LookupError:
        abort(404)


def _moved_on(draft: Draft) -> Response | None:
    """Where to go instead when there is nothing to confirm: queued already, or no row can be sent."""
    batch_id = batches.by_form_key(service().store, draft.id)
    if batch_id:
        return see_other("batches.one", batch_id=batch_id)
    if not draft.good:
        flash(_("No row can be sent. Mend the list and upload it again."), "error")
        return see_other("send.check", draft_id=draft.id)
    return None


def _show(draft: Draft, form: PlanForm, asked: Approval | None) -> Response:
    context = plan_form.reckoned(form, draft.token_id, draft.good) | _standing(draft, asked)
    if not context["waits"]:
        context["action"] = "confirm.ask" if context["second"] else "confirm.queue"
    return show(
        "send/confirm.html",
        "send/_reckoned.html",
        form.status,
        **send_check.facts(draft) | context | {"arrivals": arrivals(draft)},
    )


def _standing(draft: Draft, asked: Approval | None) -> dict[str, Any]:
    """How the draft stands with the second person, where one is needed."""
    store = service().store
    second = approvals.needed(store, draft.good)
    void = bool(asked and not asked.decision and not approvals.stands(store, asked))
    return {
        "asked": asked,
        "void": void,
        "waits": bool(asked and not asked.decision and not void),
        "second": second,
        "deciders": approvals.deciders(store, me().id) if second or asked else [],
    }


def arrivals(draft: Draft) -> list[Any]:
    """The first good row and the last as they will arrive, each with what goes along; one when there is no more."""
    store = service().store
    first, last = drafts.neighbours(store, draft.id, 0)[1], drafts.neighbours(store, draft.id, 2**62)[0]
    numbers = dict.fromkeys(number for number in (first, last) if number)
    shown = [found for number in numbers if (found := drafts.render_row(store, draft, number))]
    return [(row, rendered, send_check.attached(draft, row)) for row, rendered in shown]
