"""Overview: what needs somebody, what is going now, the numbers, the latest batches."""

from flask import Blueprint, Response

from mailroom import (
    approvals,
    batches,
    email_templates,
    first_steps,
    gallery,
    history,
    holds,
    periods,
    progress,
    reports,
    tokens,
)
from mailroom.approvals import Approval
from mailroom.batches import Batch
from mailroom.progress import Pace
from mailroom.times import iso
from views import plan_form
from views.access import may
from views.chart import Chart, chart
from views.gateway import SOON
from views.here import me, service, show, wants_part
from views.words import spoken

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def index() -> Response:
    """The start page; what goes on renews itself."""
    store, now = service().store, service().clock()
    lines = tokens.all_tokens(store, now)
    counts, figures = history.counts(store), history.counts(store, tests=False)
    missing = first_steps.missing(store)
    going = [
        batch
        for batch in batches.unfinished(store, now)
        if batch.shown != "cancelled" and batch.kind == "batch" and (batch.waiting or batch.state == "paused")
    ]
    # What waits for somebody stands before what goes by itself.
    going.sort(key=lambda batch: batch.state != "paused")
    return show(
        "overview/index.html",
        "overview/_now.html",
        now=now,
        tokens=lines,
        holds=holds.of_tokens(store, now),
        ending=[line for line in lines if iso(now) < (line.expires_at or "") < iso(now + SOON)],
        missing=missing,
        starter=gallery.starters("id" if spoken() == "id" else "en")[0],
        template=next(iter(email_templates.all_templates(store)), None) if missing else None,
        counts=counts,
        figures=figures,
        handed_over=sum(figures.get(state, 0) for state in batches.HANDED_OVER),
        going=[(batch, _pace(batch)) for batch in going],
        asked=_asked(),
        backup_trouble=service().backups.standing().trouble if may("backups.index") else None,
        latest=batches.newest(store, limit=5, now=now),
        chart=None if wants_part() else _month(),
    )


def _month() -> Chart | None:
    """The last 30 days as a chart; None when nothing was handed over in them."""
    store = service().store
    within = periods.preset("30-days", reports.today(store, service().clock()))
    drawn = chart(reports.over_time(store, within), "day")
    return drawn if drawn.totals else None


def _asked() -> dict[str, list[Approval]]:
    """What waits for this person to approve, what they asked for themselves, and what was returned to them."""
    if not may("approvals.index"):
        return {}
    waiting = approvals.waiting(service().store)
    return {
        "to_decide": [one for one in waiting if one.asked_by != me().id],
        "own": [one for one in waiting if one.asked_by == me().id],
        "returned": approvals.returned(service().store, me().id),
    }


def _pace(batch: Batch) -> Pace:
    here = service()
    limit = here.clients.pace(batch.token_id).per_second
    return progress.pace(here.store, batch, limit, here.clock(), plan_form.hours())
