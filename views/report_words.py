"""How days, shares and comparisons are written in reports."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

from babel.numbers import format_compact_decimal
from flask import Flask
from flask_babel import format_date, format_decimal, get_locale
from flask_babel import gettext as _

from mailroom.figures import Figures, Line
from mailroom.periods import Range
from views.words import decimal, duration, language, number


def days(within: Range, by: str = "") -> str:
    """Days in the reader's words: 23 Nov 2026, 1–30 Nov 2026, 28 Sep – 4 Oct 2026; a whole month by its name."""
    first, last = within.first, within.last
    if within.is_month:
        return format_date(first, "MMMM y")
    if first == last:
        return format_date(first, "EEE, d MMM y" if by == "day" else "d MMM y")
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{format_date(last, 'd MMM y')}"
    return f"{format_date(first, 'd MMM' if first.year == last.year else 'd MMM y')} – {format_date(last, 'd MMM y')}"


def _short(day: date, by: str) -> str:
    return format_date(day, "MMM y" if by == "month" else "d MMM")


def percent(share: float | None) -> str:
    """A share as a percentage, never rounded to all or to none when it is neither."""
    return _percent(language(), _rounded(share))


def _rounded(share: float | None) -> float | None:
    if share is None:
        return None
    shown = round(share * 100, 1)
    return 99.9 if shown == 100 and share < 1 else 0.1 if shown == 0 and share > 0 else shown


@lru_cache(maxsize=2_000)
def _percent(_locale: str, shown: float | None) -> str:
    return "–" if shown is None else _("%(n)s\u00a0%%", n=format_decimal(shown))


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


def compared_share(now: float | None, before: float | None) -> str:
    """How a share that had better be high differs from the one of the range before, in words; "" without both."""
    if now is None or before is None:
        return ""
    points = round((now - before) * 100, 1)
    if not points:
        return _("the same as before")
    words = _("↑ better than %(before)s") if points > 0 else _("↓ worse than %(before)s")
    return words % {"before": percent(before)}


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


def _kept(write: Callable[..., str]) -> Callable[..., str]:
    return lru_cache(maxsize=2_000)(lambda _locale, *what: write(*what))


_duration, _days, _tick = _kept(duration), _kept(days), _kept(_short)


class Pen:
    """Writes one page of numbers and days in the reader's language.

    A report has thousands of them and babel takes its time: the language is looked up once for the page, and what was
    written in it is kept.
    """

    def __init__(self) -> None:
        self._locale = language()

    def number(self, n: int) -> str:
        """As `words.number` writes it."""
        return decimal(n, self._locale)

    def percent(self, share: float | None) -> str:
        """As `percent` writes it."""
        return _percent(self._locale, _rounded(share))

    def duration(self, seconds: int) -> str:
        """As `words.duration` writes it."""
        return _duration(self._locale, seconds)

    def label(self, line: Line, by: str) -> str:
        """What a row is called: its name, or its days in the reader's words."""
        return line.name or "–" if line.within is None else _days(self._locale, line.within, by)

    def tick(self, line: Line, by: str) -> str:
        """The few words below a bar."""
        return line.name if line.within is None else _tick(self._locale, line.within.first, by)


def init(app: Flask) -> None:
    """Makes the words of reports known to the page templates."""
    app.jinja_env.filters.update(days=days, percent=percent, compact=compact)
