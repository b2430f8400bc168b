"""The rows of a report's table, each number with the address of the mails behind it.

Put together here rather than by the template: a year has hundreds of rows, and a page has to be there at once.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

from flask import get_template_attribute, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup, escape

from mailroom.figures import Figures, Line
from mailroom.reports import Report
from views.report_form import Asked
from views.report_words import Pen

# The figures that a table has, in the order of its columns.
COLUMNS = {
    "sent": _l("Handed over"),
    "delivered": _l("Delivered"),
    "opened": _l("Opened"),
    "failed": _l("Not delivered"),
    "refused": _l("Refused"),
    "undecided": _l("Undecided"),
}


class Row(NamedTuple):
    """A row as it is written. cells: its figures as HTML; href: where its name leads, "" for nowhere; nil: whether all
    its figures are nothing."""

    name: str
    cells: Markup
    href: str = ""
    nil: bool = False


class Column:
    """Writes the cells of one column.

    A year has thousands of cells that differ in two places, so the template draws one of each kind for the page, with
    a mark where an address or a text goes.
    """

    _MARK = "\N{OBJECT REPLACEMENT CHARACTER}"

    def __init__(self, word: str, nothing: str) -> None:
        draw = get_template_attribute("reports/_row.html", "cell")
        self.word, self.nothing = word, str(draw(word, nothing, nil=True))
        self._plain = str(draw(word, self._MARK)).split(self._MARK)
        self._linked = str(draw(word, self._MARK, self._MARK)).split(self._MARK)

    def plain(self, text: str) -> str:
        """A cell of this text."""
        before, after = self._plain
        return f"{before}{escape(text)}{after}"

    def linked(self, text: str, href: str) -> str:
        """A cell of this text that leads somewhere. href: escaped."""
        before, between, after = self._linked
        return f"{before}{href}{between}{escape(text)}{after}"


class Rows:
    """Makes the rows of the report that a question asks for."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._pen = asked, Pen()
        self._figures = [(figure, Column(str(word), "0")) for figure, word in COLUMNS.items()]
        self._rate, self._median = Column(_("Delivery rate"), "–"), Column(_("Median time"), "–")
        self.words = [column.word for _figure, column in self._figures] + [
            self._rate.word,
            self._median.word,
        ]
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
            yield self._row(self._pen.label(line, report.by), line.figures, self._of(line), href)
        if report.left:
            yield self._row(left(report.left[0]), report.left[1], "")

    def href(self, figure: str) -> str:
        """The address of all mails that a figure of the whole report counts."""
        return f"{self._same}figure={figure}"

    def _of(self, line: Line) -> str:
        if line.within is not None:
            return f"{self._same}first={line.within.first}&last={line.within.last}&"
        return f"{self._same}of_{self._asked.by}={quote_plus(line.key)}&"

    def _row(self, name: str, figures: Figures, address: str, href: str = "") -> Row:
        pen, counted, base = self._pen, figures.each(), str(escape(address))
        cells = []
        for figure, column in self._figures:
            n = counted[figure]
            if not n:
                cells.append(column.nothing)
            elif address:
                cells.append(column.linked(pen.number(n), f"{base}figure={figure}"))
            else:
                cells.append(column.plain(pen.number(n)))
        rate, median = figures.rate, figures.median
        cells.append(self._rate.nothing if rate is None else self._rate.plain(pen.percent(rate)))
        cells.append(self._median.nothing if median is None else self._median.plain(pen.duration(median)))
        # Each of them came from the template or was escaped.
        return Row(name, Markup("".join(cells)), href, not figures)  # noqa: S704


def left(n: int) -> str:
    """What the row of all domains that are not named is called."""
    return ngettext("%(num)s other domain", "%(num)s other domains", n)
