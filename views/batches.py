"""Batches: the list, one batch while it goes, and the buttons on it."""

import secrets
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import batch_controls, batches, history, holds, progress, retries, suppressions
from mailroom.batches import Batch
from mailroom.problems import Problem
from views import plan_form
from views.here import me, see_other, service, show, whole
from views.words import number

blueprint = Blueprint("batches", __name__, url_prefix="/batches")

COUNTED = ("queued", "sending", "accepted", "unknown", "undecided", "delivered", "opened", "failed", "rejected",
           "lost", "gave_up", "skipped", "cancelled")  # fmt: skip
ALWAYS_COUNTED = ("queued", "accepted", "delivered", "opened", "failed")


@blueprint.get("/")
def index() -> Response:
    """Batches, newest first."""
    before = request.args.get("before", type=whole)
    lines = batches.newest(service().store, before, 31, service().clock())
    return show(
        "batches/index.html", "batches/_lines.html", lines=lines[:30], more=len(lines) > 30, first=not before
    )


@blueprint.get("/<int:batch_id>")
def one(batch_id: int) -> Response:
    """One batch: its bar, its counts, its mails; the bar and the counts renew themselves."""
    batch = _batch(batch_id)
    shown, after = request.args.get("state", ""), request.args.get("after", 0, type=whole)
    part = {"status": "batches/_status.html", "mails": "batches/_mails.html"}.get(
        request.args.get("part", "")
    )
    lines = (
        []
        if part == "batches/_status.html"
        else history.of_batch(service().store, batch_id, shown, after, 51)
    )
    return show(
        "batches/one.html",
        part,
        batch=batch,
        lines=lines[:50],
        more=len(lines) > 50,
        shown=shown,
        after=after,
        counts=_counts(batch),
        live=not batch.settled(service().clock()),
        **_how_it_goes(batch),
    )


@blueprint.post("/<int:batch_id>/pause")
def pause(batch_id: int) -> Response:
    """Holds what waits."""
    batch = _batch(batch_id)
    if batch_controls.pause(service().store, batch_id, me().id, service().clock()):
        said = ngettext(
            "Paused. %(n)s mail waits until you resume.",
            "Paused. %(n)s mails wait until you resume.",
            batch.waiting,
            n=number(batch.waiting),
        )
        flash(said, "ok")
    else:
        flash(_why_not(_batch(batch_id)), "info")
    return see_other("batches.one", batch_id=batch_id)


@blueprint.post("/<int:batch_id>/resume")
def resume(batch_id: int) -> Response:
    """Lets it go on."""
    _batch(batch_id)
    if batch_controls.resume(service().store, batch_id, me().id, service().clock()):
        flash(_("Goes on."), "ok")
    else:
        flash(_why_not(_batch(batch_id)), "info")
    return see_other("batches.one", batch_id=batch_id)


@blueprint.get("/<int:batch_id>/cancel")
def ask_cancel(batch_id: int) -> Response:
    """Asks, with numbers, before the rest is cancelled."""
    batch = _batch(batch_id)
    if not (batch.waiting or batch.may_still_go):
        flash(_why_not(batch), "info")
        return see_other("batches.one", batch_id=batch_id)
    return show("batches/cancel.html", batch=batch)


@blueprint.post("/<int:batch_id>/cancel")
def cancel(batch_id: int) -> Response:
    """Cancels what waits."""
    before = _batch(batch_id)
    n = batch_controls.cancel(service().store, batch_id, me().id, service().clock())
    after = _batch(batch_id)
    if n:
        flash(ngettext("%(n)s mail was cancelled.", "%(n)s mails were cancelled.", n, n=number(n)), "ok")
    if after.state != before.state and (after.waiting or after.counts.get("unknown")):
        flash(_("What is on its way right now is cancelled too if the gateway does not take it."), "info")
    elif not n:
        flash(_why_not(after), "info")
    return see_other("batches.one", batch_id=batch_id)


@blueprint.get("/<int:batch_id>/retry")
def ask_retry(batch_id: int) -> Response:
    """Asks, with numbers, which of the mails that failed are sent again."""
    batch = _batch(batch_id)
    offered = retries.offered(service().store, batch_id)
    if not offered:
        flash(_nothing_to_retry(batch), "info")
        return see_other("batches.one", batch_id=batch_id)
    # What was lost may have arrived all the same, so nobody sends it twice without having ticked it.
    ticked = [kind for kind in offered if kind != "lost"]
    name = _("%(name)s, again", name=batch.name[:100])
    return _show_retry(batch, offered, ticked, name, secrets.token_urlsafe(16))


@blueprint.post("/<int:batch_id>/retry")
def retry(batch_id: int) -> Response:
    """Queues them as a batch of their own, once: pressed again it leads to the same batch."""
    batch = _batch(batch_id)
    ticked, name = request.form.getlist("kinds"), request.form.get("name", "")
    key = request.form.get("form_key", "")
    try:
        retry_id = retries.retry(service().store, batch_id, ticked, name, key, me().id, service().clock())
    except Problem as problem:
        offered = retries.offered(service().store, batch_id)
        if not offered:
            flash(_nothing_to_retry(batch), "info")
            return see_other("batches.one", batch_id=batch_id)
        return _show_retry(batch, offered, ticked, name, key or secrets.token_urlsafe(16), problem)
    return see_other("batches.one", batch_id=retry_id)


def _batch(batch_id: int) -> Batch:
    return batches.get(service().store, batch_id, service().clock()) or abort(404)


def _counts(batch: Batch) -> list[tuple[str, int, str]]:
    return [
        (state, batch.counts.get(state, 0), url_for("batches.one", batch_id=batch.id, state=state))
        for state in COUNTED
        if state in ALWAYS_COUNTED or batch.counts.get(state)
    ]


def _how_it_goes(batch: Batch) -> dict[str, Any]:
    store, now = service().store, service().clock()
    limit = service().clients.pace(batch.token_id).per_second
    return {
        "pace": progress.pace(store, batch, limit, now, plan_form.hours()),
        "hold": holds.of_token(store, batch.token_id, now) if batch.may_still_go else None,
        "retries": retries.of(store, batch.id),
        "retryable": retries.any_offered(store, batch.id),
        "suppressible": bool(batch.counts.get("failed")) and suppressions.any_failed_of(store, batch.id),
    }


def _why_not(batch: Batch) -> str:
    """Why a button changed nothing: somebody else was faster, or there was nothing left to do."""
    if batch.state == "cancelled":
        return _("This batch was cancelled; nothing of it is sent any more.")
    if not batch.may_still_go:
        return _("Nothing of this batch waits any more, so there was nothing to hold back or let go on.")
    if batch.state == "running":
        return _("It runs already.")
    if batch.paused_by:
        return _("It is paused already, by %(name)s.", name=batch.paused_by)
    return _("It is paused already.")


def _nothing_to_retry(batch: Batch) -> str:
    linked = retries.of(service().store, batch.id)
    if linked:
        return _("What failed was sent again already, in “%(name)s”.", name=linked[-1].name)
    return _("No mail of this batch failed, so there is nothing to send again.")


def _show_retry(
    batch: Batch,
    offered: dict[str, int],
    ticked: list[str],
    name: str,
    form_key: str,
    problem: Problem | None = None,
) -> Response:
    store, now = service().store, service().clock()
    pace = service().clients.pace(batch.token_id)
    return show(
        "batches/retry.html",
        status=422 if problem else 200,
        batch=batch,
        offered=offered,
        ticked=ticked,
        name=name,
        form_key=form_key,
        problem=problem,
        hold=holds.of_token(store, batch.token_id, now),
        estimate=progress.estimate(
            store,
            batch.token_id,
            sum(offered.values()),
            pace.per_second,
            now,
            plan=replace(batch.plan, start_at=None),
            hours=plan_form.hours(),
        ),
    )
