"""Batches: the list, one batch while it goes, and the buttons on it."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import batches, history
from mailroom.batches import Batch
from views.here import me, see_other, service, show

blueprint = Blueprint("batches", __name__, url_prefix="/batches")

COUNTED = ("queued", "sending", "accepted", "unknown", "undecided", "delivered", "opened", "failed", "rejected",
           "lost", "gave_up", "cancelled")  # fmt: skip
ALWAYS_COUNTED = ("queued", "accepted", "delivered", "opened", "failed")


@blueprint.get("/")
def index() -> Response:
    """Batches, newest first."""
    before = request.args.get("before", type=int)
    lines = batches.newest(service().store, before, 31)
    return show(
        "batches/index.html", "batches/_lines.html", lines=lines[:30], more=len(lines) > 30, first=not before
    )


@blueprint.get("/<int:batch_id>")
def one(batch_id: int) -> Response:
    """One batch: its bar, its counts, its mails; the bar and the counts renew themselves."""
    batch = _batch(batch_id)
    shown, after = request.args.get("state", ""), request.args.get("after", 0, type=int)
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
        live=not batch.settled,
        **_pace(batch),
    )


@blueprint.post("/<int:batch_id>/pause")
def pause(batch_id: int) -> Response:
    """Holds what waits."""
    batch = _batch(batch_id)
    if batches.pause(service().store, batch_id, _("by %(name)s", name=me().name)):
        flash(_("Paused. %(n)s mails wait until you resume.", n=batch.waiting), "ok")
    return see_other("batches.one", batch_id=batch_id)


@blueprint.post("/<int:batch_id>/resume")
def resume(batch_id: int) -> Response:
    """Lets it go on."""
    _batch(batch_id)
    if batches.resume(service().store, batch_id):
        flash(_("Goes on."), "ok")
    return see_other("batches.one", batch_id=batch_id)


@blueprint.get("/<int:batch_id>/cancel")
def ask_cancel(batch_id: int) -> Response:
    """Asks, with numbers, before the rest is cancelled."""
    return show("batches/cancel.html", batch=_batch(batch_id))


@blueprint.post("/<int:batch_id>/cancel")
def cancel(batch_id: int) -> Response:
    """Cancels what waits."""
    _batch(batch_id)
    n = batches.cancel(service().store, batch_id, me().id, service().clock())
    flash(ngettext("%(num)s mail was cancelled.", "%(num)s mails were cancelled.", n), "ok")
    return see_other("batches.one", batch_id=batch_id)


def _batch(batch_id: int) -> Batch:
    return batches.get(service().store, batch_id) or abort(404)


def _counts(batch: Batch) -> list[tuple[str, int, str]]:
    return [
        (state, batch.counts.get(state, 0), url_for("batches.one", batch_id=batch.id, state=state))
        for state in COUNTED
        if state in ALWAYS_COUNTED or batch.counts.get(state)
    ]


def _pace(batch: Batch) -> dict[str, Any]:
    now = service().clock()
    limit = service().clients.pace(batch.token_id).per_second
    pace = batches.pace(service().store, batch, limit, now)
    left = pace.seconds_left
    return {"pace": pace, "done_at": now + timedelta(seconds=left) if left is not None else None}
