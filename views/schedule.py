"""When a batch goes: another time for one that has not begun, or now for one that waits."""

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

from mailroom import batch_controls, batches
from mailroom.batches import Batch
from mailroom.problems import Problem
from views import plan_form
from views.here import me, see_other, service, show
from views.plan_form import PlanForm
from views.words import said

blueprint = Blueprint("schedule", __name__, url_prefix="/batches")


@blueprint.get("/<int:batch_id>/now")
def ask_now(batch_id: int) -> Response:
    """Asks, with numbers, before a batch that waits goes at once."""
    batch = _batch(batch_id)
    if batch.shown != "scheduled":
        return _too_late(batch)
    return show("batches/now.html", batch=batch)


@blueprint.post("/<int:batch_id>/now")
def send_now(batch_id: int) -> Response:
    """Lets it go at once, whatever time or business hours it waited for."""
    batch, here = _batch(batch_id), service()
    try:
        if not batch_controls.send_now(here.store, batch_id, me().id, here.clock(), here.settings.zone):
            return _too_late(batch)
    except Problem as problem:
        flash(said(problem), "error")
    else:
        flash(_("It goes now. No time and no business hours hold it back any more."), "ok")
    return see_other("batches.one", batch_id=batch_id)


@blueprint.get("/<int:batch_id>/time")
def ask_time(batch_id: int) -> Response:
    """The plan of a batch that has not begun, to be changed; its estimate alone while that is done."""
    batch = _batch(batch_id)
    if not batch.starts_later or batch.finished:
        return _too_late(batch)
    chosen = "reckoned" in request.args
    return _show(batch, plan_form.read(request.args) if chosen else plan_form.of(batch.plan))


@blueprint.post("/<int:batch_id>/reckon")
def reckon(batch_id: int) -> Response:
    """The page again with what was chosen, for browsers that do not reckon by themselves."""
    return see_other("schedule.ask_time", batch_id=batch_id, reckoned=1, **plan_form.kept(request.form))


@blueprint.post("/<int:batch_id>/time")
def change(batch_id: int) -> Response:
    """Puts the batch to another plan, unless it has begun meanwhile."""
    batch, form, here = _batch(batch_id), plan_form.read(request.form), service()
    if form.problem:
        return _show(batch, form)
    try:
        changed = batch_controls.reschedule(
            here.store, batch_id, form.plan, me().id, here.clock(), here.settings.zone
        )
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("batches.one", batch_id=batch_id)
    if not changed:
        return _too_late(batch)
    flash(_("Changed: %(plan)s.", plan=plan_form.plan_words(form.plan)), "ok")
    return see_other("batches.one", batch_id=batch_id)


def _batch(batch_id: int) -> Batch:
    return batches.get(service().store, batch_id, service().clock()) or abort(404)


def _too_late(batch: Batch) -> Response:
    if batch.state == "cancelled":
        flash(_("This batch was cancelled; nothing of it is sent any more."), "info")
    else:
        flash(_("It does not wait for its time any more, so nothing was changed."), "info")
    return see_other("batches.one", batch_id=batch.id)


def _show(batch: Batch, form: PlanForm) -> Response:
    return show(
        "batches/time.html",
        "batches/_time.html",
        form.status,
        batch=batch,
        **plan_form.reckoned(form, batch.token_id, batch.waiting, batch.id),
    )
