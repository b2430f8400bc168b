"""The days a report is about: ranges, the range before, and the days, weeks and months a range is made of."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from mailroom.problems import Problem
from oca.words import N_

# Days; more than anybody compares, and few enough to be read at once.
LONGEST = 5 * 366
LONGEST_BY_DAY = 366

Unit = Literal["day", "week", "month"]
UNITS: tuple[Unit, ...] = ("day", "week", "month")


@dataclass(frozen=True)
class Range:
    """Days of the team's zone, the first and the last included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Range":
        """The range right before it: as many whole months when it is made of whole months, else as many days."""
        last = self.first - timedelta(days=1)
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            count = self.first.year * 12 + self.first.month - 1 - months
            return Range(date(count // 12, count % 12 + 1, 1), last)
        return Range(self.first - timedelta(days=self.days), last)

    def parts(self, unit: Unit) -> list["Range"]:
        """The days, weeks (from Monday) or months it is made of; the first and the last may be cut short."""
        found, first = [], self.first
        while first <= self.last:
            last = min(_end(first, unit), self.last)
            found.append(Range(first, last))
            first = last + timedelta(days=1)
        return found

    @property
    def is_month(self) -> bool:
        """Whether it is a whole month."""
        return self.first.day == 1 and self.last == _end(self.first, "month")

    def periods(self, unit: Unit = "month") -> Iterator[str]:
        """Under which periods its mails were counted: whole months where there are any, days around them.

        unit: with another than month, days alone.
        """
        if unit != "month":
            yield from self._days()
            return
        for part in self.parts("month"):
            if part.is_month:
                yield part.first.isoformat()[:7]
            else:
                yield from part._days()

    def unit(self, wanted: str = "") -> Unit:
        """Which parts make a chart that one can read: those wanted, as long as there are not too many of them."""
        if wanted == "month":
            return "month"
        if wanted == "week" and self.days <= 380:
            return "week"
        return "day" if self.days <= 62 else "week" if self.days <= 190 else "month"

    def _days(self) -> Iterator[str]:
        return ((self.first + timedelta(days=n)).isoformat() for n in range(self.days))


# What a range can be called.
PRESETS = ("today", "7-days", "this-month", "last-month", "30-days", "this-year")


def preset(name: str, today: date) -> Range:
    """The range called so, as of `today`; the last 30 days for a name that nobody knows."""
    match name:
        case "today":
            return Range(today, today)
        case "7-days":
            return Range(today - timedelta(days=6), today)
        case "this-month":
            return Range(today.replace(day=1), today)
        case "last-month":
            last = today.replace(day=1) - timedelta(days=1)
            return Range(last.replace(day=1), last)
        case "this-year":
            return Range(today.replace(month=1, day=1), today)
        case _:
            return Range(today - timedelta(days=29), today)


def typed(first: str, last: str) -> Range:
    """The range between two dates as a date field gives them. Raises Problem, with the field, for what is none."""
    found = Range(_date(first, "from"), _date(last, "to"))
    if found.days < 1:
        raise Problem(N_("The last day is before the first. Swap the two, or choose another."), "to")
    if found.days > LONGEST:
        raise Problem(N_("A report spans five years at most. Choose a later first day."), "from")
    return found


@lru_cache(maxsize=2_000)
def part_of(period: str, unit: Unit) -> date:
    """The first day of the day, week or month that a period lies in; for a month, of that month."""
    return _begin(date.fromisoformat(period if len(period) == 10 else period + "-01"), unit)


def _begin(day: date, unit: Unit) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _end(day: date, unit: Unit) -> date:
    if unit == "week":
        return day + timedelta(days=6 - day.weekday())
    return day.replace(day=monthrange(day.year, day.month)[1]) if unit == "month" else day


def _date(text: str, field: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise Problem(N_("Write the day as 2026-11-23, or choose it."), field) from None
    if not 2000 <= found.year <= 2100:
        raise Problem(N_("Choose a day between 2000 and 2100."), field)
    return found
