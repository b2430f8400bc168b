"""Overview: what needs somebody, what is going now, the numbers, the latest batches."""

from typing import NamedTuple

from flask import Blueprint, Response
from flask_babel import gettext as _

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
from views.here import me, service, show
from views.report_form import USUAL
from views.report_words import compared, compared_share, percent
from views.words import number, spoken

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def index() -> Response:
    """The start page; what goes on renews itself."""
    store, now = service().store, service().clock()
    lines = tokens.all_tokens(store, now)
    counts = history.counts(store)
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
        month=_month(),
        going=[(batch, _pace(batch)) for batch in going],
        asked=_asked(),
        backup_trouble=service().backups.standing().trouble if may("backups.index") else None,
        latest=batches.newest(store, limit=5, now=now),
    )


class Month(NamedTuple):
    """The last 30 days: cards of a word, a number, how it compares with before and the figure it counts; the chart."""

    cards: list[tuple[str, str, str, str]]
    chart: Chart


def _month() -> Month | None:
    """What became of the mails of the last 30 days, beside the 30 before; None when there were none in both."""
    store = service().store
    within = periods.preset(USUAL, reports.today(store, service().clock()))
    now, was = reports.counted(store, within), reports.counted(store, within.before)
    if not now and not was:
        return None

    def counted(word: str, figure: str) -> tuple[str, str, str, str]:
        return word, number(now[figure]), compared(now[figure], was[figure]), figure

    cards = [
        counted(_("Handed over, 30 days"), "sent"),
        (_("Delivered"), percent(now.rate), compared_share(now.rate, was.rate), "delivered"),
        (_("Opened"), percent(now.open_rate), compared_share(now.open_rate, was.open_rate), "opened"),
        counted(_("Not delivered"), "failed"),
    ]
    if now["refused"]:
        cards.append(counted(_("Refused"), "refused"))
    return Month(cards, chart(reports.over_time(store, within), "day"))


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
