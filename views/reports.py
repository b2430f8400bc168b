"""Reports: the numbers of any range as a chart and a table, to look at, to print and to take along."""

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mailroom import periods, reports
from mailroom.figures import Narrowed
from mailroom.problems import Problem
from mailroom.reports import Report
from views.chart import chart
from views.here import me, service, show, whole
from views.report_form import Asked, asked
from views.report_rows import COLUMNS, Rows
from views.report_words import compared, compared_share, compared_time, percent
from views.words import duration, number

blueprint = Blueprint("reports", __name__, url_prefix="/reports")

PRESETS = {
    "today": _l("Today"),
    "7-days": _l("7 days"),
    "30-days": _l("30 days"),
    "this-month": _l("This month"),
    "last-month": _l("Last month"),
    "this-year": _l("This year"),
}
GROUPS = {
    "day": _l("Day"),
    "week": _l("Week"),
    "month": _l("Month"),
    "template": _l("Template"),
    "sender": _l("Sender"),
    "batch": _l("Batch"),
    "person": _l("Person"),
    "domain": _l("Recipients’ domain"),
}


@blueprint.get("/")
def index() -> Response:
    """The report that is asked for; what cannot be one is said beside its field."""
    store, now = service().store, service().clock()
    today = reports.today(store, now)
    question = asked(today)
    made, errors = answer(question, request.args.get("before", type=whole))
    templates, senders, people = reports.choices(store)
    rows = Rows(question)
    return show(
        "reports/index.html",
        "reports/_lines.html",
        status=422 if errors else 200,
        asked=question,
        report=made,
        errors=errors,
        chart=chart(made.bars, question.within.unit(question.by)) if made else None,
        unit=question.within.unit(question.by),
        anything=bool(made and (made.total or made.before)) or reports.anything(store),
        presets=[
            (name, word, periods.preset(name, today) == question.within) for name, word in PRESETS.items()
        ],
        groups=GROUPS,
        columns=rows.words,
        rows=list(rows.all(made)) if made else [],
        total=rows.total(made.total) if made else None,
        stats=_stats(rows, made) if made else [],
        templates=templates,
        senders=[(address, address) for address in senders],
        people=people,
        narrowed=narrowed(question.only),
        now=now,
        me=me(),
    )


def answer(question: Asked, before: int | None = None) -> tuple[Report | None, dict[str, Problem]]:
    """The report, or None with what keeps it from being made, by field."""
    if question.errors:
        return None, question.errors
    try:
        store = service().store
        return reports.report(store, question.within, question.by, question.only, before), {}
    except Problem as problem:
        return None, {problem.field: problem}


def narrowed(only: Narrowed) -> str:
    """To which mails the report is narrowed, in words; "" when it is about all."""
    templates, _senders, people = reports.choices(service().store)
    said = []
    if only.template_id is not None:
        said.append(_("template “%(name)s”", name=dict(templates).get(only.template_id, only.template_id)))
    if only.sender:
        said.append(_("from %(address)s", address=only.sender))
    if only.user_id is not None:
        said.append(_("sent by %(name)s", name=dict(people).get(only.user_id, only.user_id)))
    return ", ".join(said)


def _stats(rows: Rows, made: Report) -> list[tuple[str, str, str, str]]:
    """The cards: word, number, how it compares with before, and where it leads; what never happens has none."""
    now, was = made.total, made.before
    cards = [
        (str(word), number(now[figure]), compared(now[figure], was[figure]), rows.href(figure))
        for figure, word in COLUMNS.items()
        if figure not in ("refused", "undecided") or now[figure] or was[figure]
    ]
    cards.append((_("Delivery rate"), percent(now.rate), compared_share(now.rate, was.rate), ""))
    if now.median is not None:
        cards.append((_("Median time until delivered"), duration(now.median), compared_time(now, was), ""))
    return cards
