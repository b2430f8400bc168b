"""The rows of a report's table, each number with the address of the mails behind it.

Put together here rather than by the template: a year has hundreds of rows, and a page has to be there at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from flask import url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mailroom.figures import Figures, Line
from mailroom.reports import Report
from views.report_form import Asked
from views.report_words import days, label, percent
from views.words import duration, number

# The figures that a table has, in the order of its columns.
COLUMNS = {
    "sent": _l("Handed over"),
    "delivered": _l("Delivered"),
    "opened": _l("Opened"),
    "failed": _l("Not delivered"),
    "refused": _l("Refused"),
    "undecided": _l("Undecided"),
}


@dataclass(frozen=True)
class Cell:
    """A figure as it is written. word: its column; href: where it leads, "" for nowhere; nil: whether it is nothing."""

    word: str
    text: str
    href: str = ""
    nil: bool = False


@dataclass(frozen=True)
class Row:
    """A row as it is written. href: where its name leads, "" for nowhere; nil: whether all its figures are nothing."""

    name: str
    cells: tuple[Cell, ...]
    href: str = ""
    nil: bool = False


class Rows:
    """Makes the rows of the report that a question asks for."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._locale = asked, str(get_locale())
        self._words = [(figure, str(word)) for figure, word in COLUMNS.items()]
        self._rate, self._median = _("Delivery rate"), _("Median time")
        same = {key: value for key, value in asked.args().items() if value is not None}
        # The address of all mails of the report, to be gone on with; it keeps the question, for the way back.
        self._same = f"{url_for('report_files.mails')}?{urlencode(same)}&"

    def total(self, figures: Figures) -> Row:
        """The row of the whole report."""
        return self._row(_("Total"), figures, self._same)

    def all(self, report: Report) -> Iterator[Row]:
        """A row for each line of the report, and one for the domains that are not among them."""
        for line in report.lines:
            href = url_for("batches.one", batch_id=line.key) if report.by == "batch" else ""
            yield self._row(self._label(line, report.by), line.figures, self._of(line), href)
        if report.left:
            yield self._row(left(report.left[0]), report.left[1], "")

    def href(self, figure: str) -> str:
        """The address of all mails that a figure of the whole report counts."""
        return f"{self._same}figure={figure}"

    def _label(self, line: Line, by: str) -> str:
        return label(line, by) if line.within is None else _days(self._locale, line.within, by)

    def _of(self, line: Line) -> str:
        if line.within is not None:
            return f"{self._same}first={line.within.first}&last={line.within.last}&"
        return f"{self._same}{urlencode([(f'of_{self._asked.by}', line.key)])}&"

    def _row(self, name: str, figures: Figures, address: str, href: str = "") -> Row:
        cells = [
            Cell(word, number(n), f"{address}figure={figure}" if address else "")
            if n
            else Cell(word, "0", nil=True)
            for figure, word in self._words
            for n in [figures[figure]]
        ]
        cells.append(Cell(self._rate, _percent(self._locale, figures.rate), nil=figures.rate is None))
        median = "–" if figures.median is None else _duration(self._locale, figures.median)
        cells.append(Cell(self._median, median, nil=figures.median is None))
        return Row(name, tuple(cells), href, not figures)


def _remembered(write: Callable[..., str]) -> Callable[..., str]:
    """The same words, found once for each language: that takes longer than all the rest of a row."""
    return lru_cache(maxsize=10_000)(lambda _locale, *what: write(*what))


_percent, _duration, _days = _remembered(percent), _remembered(duration), _remembered(days)


def left(n: int) -> str:
    """What the row of all domains that are not named is called."""
    return ngettext("%(num)s other domain", "%(num)s other domains", n)
