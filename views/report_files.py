"""What is behind a report: the mails of each number as a list, and both as files for a spreadsheet."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, Response, abort, get_template_attribute, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mailroom import activity, batches, exports, periods, reported_mails, reports
from mailroom.deeds import AddressesExported
from mailroom.figures import FIGURES, Figures, Line
from mailroom.periods import Range
from mailroom.problems import Problem
from mailroom.reported_mails import Selection
from mailroom.reports import Report
from mailroom.states import CHANGES, DELIVERY_CHANGES
from mailroom.store import Store
from mailroom.xlsx_files import MOST_ROWS, Cell
from views import reports as pages
from views.here import me, service, show, whole
from views.report_form import Asked, asked
from views.report_rows import COLUMNS, left

blueprint = Blueprint("report_files", __name__, url_prefix="/reports")

MAIL_COLUMNS = (
    _l("Handed over"), _l("Address"), _l("Subject"), _l("State"), _l("Delivered"), _l("Template"), _l("Sender"),
    _l("Batch"), _l("Row"), _l("Sent by"), _l("The gateway’s number"), _l("Number"),
)  # fmt: skip
# Each download keeps one of the server's threads until it has arrived, and pages need some as well.
MOST_AT_ONCE = 3
_going = threading.BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True)
class Behind:
    """The mails that are asked for: which they are, the question their report was made from, and their address."""

    asked: Asked
    selection: Selection
    row: dict[str, str]

    def args(self, **other: object) -> dict[str, object]:
        """The values of the address, with some of them others."""
        return {**self.asked.args(), **self.row, "figure": self.selection.figure or None, **other}


@blueprint.get("/mails")
def mails() -> Response:
    """The mails that a number of a report counts, newest first."""
    behind = _behind()
    found, more = reported_mails.page(
        service().store, behind.selection, request.args.get("before", type=whole)
    )
    n = reported_mails.count(service().store, behind.selection)
    return show(
        "reports/mails.html",
        "reports/_mails.html",
        behind=behind,
        within=behind.selection.within,
        mails=found,
        more=more,
        n=n,
        too_many=n > MOST_ROWS - 1,
        title=COLUMNS.get(behind.selection.figure, _("All mails")),
        narrowed=_narrowed(behind),
    )


@blueprint.get("/table.<format>")
def table(format: str) -> Response:
    """The table of a report, every row of it, as a file."""
    question = asked(reports.today(service().store, service().clock()))
    made, errors = pages.answer(question)
    if made is None or errors:
        abort(404)
    names = [pages.GROUPS[question.by], *COLUMNS.values(), _("Not known yet"), _("Not sent"),
             _("Delivery rate"), _("Median seconds until delivered")]  # fmt: skip
    return _file(
        format, f"report-{_days(question.within)}", names, _table_rows(service().store, question, made)
    )


@blueprint.get("/mails.<format>")
def mails_file(format: str) -> Response:
    """The mails that a number of a report counts, every one of them, as a file."""
    behind, here = _behind(), service()
    rows = exports.mail_rows(here.store, behind.selection, _words(), here.settings.zone)
    name = f"mails-{_days(behind.selection.within)}"
    return _file(format, name, MAIL_COLUMNS, rows, lambda: _note(name, behind.selection))


# What a row of a report is called in the address of its mails, beside the question of the report.
ROW = ("first", "last", "of_template", "of_sender", "of_person", "of_batch", "of_domain")


def _behind() -> Behind:
    question = asked(reports.today(service().store, service().clock()))
    figure = request.args.get("figure", "")
    row = {key: request.args[key][:320] for key in ROW if key in request.args}
    if question.errors or (figure and figure not in FIGURES):
        abort(404)
    try:
        within = periods.typed(row["first"], row.get("last", "")) if "first" in row else question.within
    except Problem:
        abort(404)
    only = replace(
        question.only,
        template_id=request.args.get("of_template", question.only.template_id, type=whole),
        sender=row.get("of_sender", question.only.sender),
        user_id=request.args.get("of_person", question.only.user_id, type=whole),
    )
    batch_id = request.args.get("of_batch", type=whole)
    return Behind(question, Selection(within, figure, only, batch_id, row.get("of_domain")), row)


def _narrowed(behind: Behind) -> str:
    said = [pages.narrowed(behind.selection.only)]
    if behind.selection.batch_id is not None:
        batch = batches.get(service().store, behind.selection.batch_id) or abort(404)
        said.append(_("batch “%(name)s”", name=batch.name))
    if behind.selection.domain is not None:
        said.append(_("to %(domain)s", domain=behind.selection.domain or "–"))
    return ", ".join(part for part in said if part)


def _table_rows(store: Store, question: Asked, made: Report) -> Iterator[tuple[Cell, ...]]:
    # Words are fetched at once: when the rows are written, the request and its language are over.
    return _written(store, question, made, _("Total"), left(made.left[0]) if made.left else "")


def _written(
    store: Store, question: Asked, made: Report, total: str, others: str
) -> Iterator[tuple[Cell, ...]]:
    part = made
    while True:
        for line in part.lines:
            yield _table_row(_name(line), line.figures)
        if part.more is None:
            break
        part = reports.report(store, question.within, question.by, question.only, part.more)
    if made.left:
        yield _table_row(others, made.left[1])
    yield _table_row(total, made.total)


def _name(line: Line) -> str:
    if line.within is None:
        return line.name
    days = line.within
    return str(days.first) if days.first == days.last else f"{days.first} – {days.last}"


def _table_row(name: str, figures: Figures) -> tuple[Cell, ...]:
    rate = None if figures.rate is None else round(figures.rate, 4)
    return (name, *(figures[each] for each in (*COLUMNS, "pending", "unsent")), rate, figures.median)


def _note(name: str, selection: Selection) -> None:
    here = service()
    deed = AddressesExported(name, reported_mails.count(here.store, selection))
    activity.record(here.store, deed, here.clock(), me().id)


def _file(
    format: str,
    name: str,
    names: Sequence[object],
    rows: Iterable[Sequence[Cell]],
    before: Callable[[], None] = lambda: None,
) -> Response:
    if format not in exports.WAYS:
        abort(404)
    if not _going.acquire(blocking=False):
        return show("reports/busy.html", status=503)
    try:
        before()
    except BaseException:
        _going.release()
        raise
    write, content_type = exports.WAYS[format]
    response = Response(write([str(each) for each in names], rows), content_type=content_type)
    # Called when the last byte is out and when the download breaks off, also before its first.
    response.call_on_close(_going.release)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{format}")
    return response


def _days(within: Range) -> str:
    return f"{within.first}-{within.last}"


def _words() -> dict[str, str]:
    pill = get_template_attribute("_parts.html", "pill")
    states = {state for change in (*CHANGES, *DELIVERY_CHANGES) for state in change}
    return {state: str(pill(state, word_only=True)).strip() for state in states if state}
