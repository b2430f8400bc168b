"""How days, shares and comparisons are written in reports."""

from babel.numbers import format_compact_decimal
from flask import Flask
from flask_babel import format_date, format_decimal, get_locale
from flask_babel import gettext as _

from mailroom.figures import Figures, Line
from mailroom.periods import Range
from views.words import duration, number


def label(line: Line, by: str) -> str:
    """What a row is called: its name, or its days in the reader's words."""
    if line.within is None:
        return line.name or "–"
    return days(line.within, by)


def days(within: Range, by: str = "") -> str:
    """Days in the reader's words: 23 Nov 2026, 1–30 Nov 2026, 28 Sep – 4 Oct 2026; a whole month by its name."""
    first, last = within.first, within.last
    whole_month = len(list(within.periods())) == 1 and len(next(within.periods())) == 7
    if whole_month:
        return format_date(first, "MMMM y")
    if first == last:
        return format_date(first, "EEE, d MMM y" if by == "day" else "d MMM y")
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{format_date(last, 'd MMM y')}"
    return f"{format_date(first, 'd MMM' if first.year == last.year else 'd MMM y')} – {format_date(last, 'd MMM y')}"


def tick(line: Line, by: str) -> str:
    """The few words below a bar."""
    if line.within is None:
        return line.name
    return format_date(line.within.first, "MMM y" if by == "month" else "d MMM")


def percent(share: float | None) -> str:
    """A share as a percentage, never rounded to all or to none when it is neither."""
    if share is None:
        return "–"
    shown = round(share * 100, 1)
    shown = 99.9 if shown == 100 and share < 1 else 0.1 if shown == 0 and share > 0 else shown
    return _("%(n)s\u00a0%%", n=format_decimal(shown))


def compared(now: int, before: int) -> str:
    """How a number differs from the one of the range before, in words."""
    if now == before:
        return _("as many as before")
    if not before:
        return _("none before")
    share = number(round(abs(now - before) / before * 100)) if abs(now - before) / before >= 0.01 else "<1"
    if now > before:
        return _("↑ %(n)s\u00a0%% more than %(before)s", n=share, before=number(before))
    return _("↓ %(n)s\u00a0%% fewer than %(before)s", n=share, before=number(before))


def compared_rate(now: Figures, before: Figures) -> str:
    """How the delivery rate differs from the one of the range before, in words."""
    if now.rate is None or before.rate is None:
        return ""
    points = round((now.rate - before.rate) * 100, 1)
    if not points:
        return _("the same as before")
    words = _("↑ better than %(before)s") if points > 0 else _("↓ worse than %(before)s")
    return words % {"before": percent(before.rate)}


def compared_time(now: Figures, before: Figures) -> str:
    """How the median time until delivered differs from the one of the range before, in words."""
    if now.median is None or before.median is None:
        return ""
    if now.median == before.median:
        return _("the same as before")
    words = _("↓ faster than %(before)s") if now.median < before.median else _("↑ slower than %(before)s")
    return words % {"before": duration(before.median)}


def compact(n: int) -> str:
    """A number in as few letters as there is room for beside a chart: 500, 20K."""
    return format_compact_decimal(n, locale=get_locale(), fraction_digits=1)


def init(app: Flask) -> None:
    """Makes the words of reports known to the page templates."""
    app.jinja_env.filters.update(days=days, percent=percent, compact=compact)
    app.jinja_env.globals.update(report_label=label, report_tick=tick)
