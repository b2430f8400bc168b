"""When a batch goes out and how fast: at a time, only in business hours, so many mails a minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.times import iso, parse
from oca.words import N_

USUAL_ZONE = ZoneInfo("Asia/Jakarta")
LONGEST_AHEAD = timedelta(days=60)
MOST_PER_MINUTE = 6_000
# What is asked about the far future ends here; nothing is planned for so long.
_DAYS_AHEAD = 3660
# A claim that comes a little late is made up for, so that the pace holds on average; a longer stop is not.
_SLACK = timedelta(seconds=1)


@dataclass(frozen=True)
class Hours:
    """When the team does business.

    zone: the team's. opens, closes: local times, the first before the second. days: weekdays, Monday being 0.
    """

    zone: ZoneInfo
    opens: time
    closes: time
    days: frozenset[int]

    @classmethod
    def of(cls, preferences: Preferences, zone: ZoneInfo) -> "Hours":
        """The hours that the team prefers, in its zone."""
        opens, closes = (
            time.fromisoformat(text) for text in (preferences.office_from, preferences.office_to)
        )
        return cls(zone, opens, closes, frozenset(preferences.office_days))

    def opening(self, moment: datetime) -> datetime:
        """`moment` itself while open, otherwise when it is open next."""
        for opens, closes in self._spans(moment):
            if moment < closes:
                return max(moment, opens)
        return moment

    def after(self, moment: datetime, seconds: float) -> datetime:
        """When so many seconds of open time have passed since `moment`."""
        left = timedelta(seconds=seconds)
        last = moment
        for opens, closes in self._spans(moment):
            start = max(moment, opens)
            if start >= closes:
                continue
            if start + left <= closes:
                return start + left
            left -= closes - start
            last = closes
        return last

    def between(self, start: datetime, end: datetime) -> float:
        """How many seconds are open between the two moments."""
        seconds = 0.0
        for opens, closes in self._spans(start):
            if opens >= end:
                break
            seconds += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
        return seconds

    def _spans(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From when to when it is open, day by day, beginning with that of `moment`."""
        first = moment.astimezone(self.zone).date()
        for n in range(_DAYS_AHEAD):
            day = first + timedelta(days=n)
            if day.weekday() in self.days:
                opens, closes = (datetime.combine(day, at, self.zone) for at in (self.opens, self.closes))
                # In UTC, where a day on which the clocks change can be reckoned with like any other.
                yield opens.astimezone(UTC), closes.astimezone(UTC)


@dataclass(frozen=True)
class Plan:
    """When a batch goes out and how fast.

    start_at: not before this moment; None for at once. office_hours: only in the team's business hours.
    per_minute: at most so many mails a minute; None for as fast as the token may.
    """

    start_at: datetime | None = None
    office_hours: bool = False
    per_minute: float | None = None

    @property
    def plain(self) -> bool:
        """Whether all of it goes at once and as fast as it can."""
        return self == AT_ONCE

    @property
    def gap(self) -> timedelta:
        """From one mail to the next, on average."""
        return timedelta(seconds=60 / self.per_minute if self.per_minute else 0)

    def begins(self, now: datetime, hours: Hours) -> datetime:
        """When its first mail may go, or at `now` its next one."""
        start = max(now, self.start_at or now)
        return hours.opening(start) if self.office_hours else start

    def paced(self, due: datetime, now: datetime) -> datetime:
        """When the next mail may go after one that was due at `due` has gone at `now`."""
        return max(due, now - _SLACK) + self.gap

    def passed(self, now: datetime) -> bool:
        """Whether the time that was chosen is over, so that it would go at once."""
        return self.start_at is not None and self.start_at <= now

    def as_columns(self) -> dict[str, object]:
        """The plan as the columns of its batch, and as an approval keeps it."""
        start_at = iso(self.start_at) if self.start_at else ""
        return {"start_at": start_at, "office_hours": int(self.office_hours), "per_minute": self.per_minute}


AT_ONCE = Plan()


def from_columns(start_at: str, office_hours: int, per_minute: float | None) -> Plan:
    """The plan that `as_columns()` wrote."""
    return Plan(parse(start_at) if start_at else None, bool(office_hours), per_minute)


def chosen(day: str, at: str, office_hours: bool, per_minute: str, zone: ZoneInfo, now: datetime) -> Plan:
    """The plan that a form asks for.

    day, at: `2026-11-24` and `09:00` in the team's zone, both empty for at once. per_minute: a whole number, or
    empty. Raises Problem beside `day`, `at` or `per_minute`.
    """
    return Plan(_start(day.strip(), at.strip(), zone, now), office_hours, _pace(per_minute.strip()))


def _start(day: str, at: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    if not day and not at:
        return None
    if not day:
        raise Problem(N_("Choose the day as well, or leave both empty to send at once."), field="day")
    if not at:
        raise Problem(N_("Choose the time as well, or leave both empty to send at once."), field="at")
    start = datetime.combine(_day(day), _time(at), zone).astimezone(UTC)
    # A form knows no seconds, and whoever chooses this very minute means now.
    if start <= now - timedelta(minutes=1):
        raise Problem(
            N_("That time has passed. Choose a later one, or leave both empty to send at once."), field="at"
        )
    # By days, so that all of the last day a form offers can be chosen.
    if start.astimezone(zone).date() > (now + LONGEST_AHEAD).astimezone(zone).date():
        raise Problem(N_("Choose a day within the next %(days)s days."), field="day", days=LONGEST_AHEAD.days)
    return start


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Problem(N_("Write the day as year-month-day, for example 2026-12-24."), field="day") from None
    # Further away, a moment of that day may be none that a computer can count in another zone.
    if not 1971 <= day.year <= 9000:
        raise Problem(N_("Choose a day within the next %(days)s days."), field="day", days=LONGEST_AHEAD.days)
    return day


def _time(text: str) -> time:
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise Problem(N_("Write the time as hours and minutes, for example 09:00."), field="at") from None
    # What names a zone of its own is none that a form gave.
    return at.replace(tzinfo=None)


def _pace(text: str) -> float | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_PER_MINUTE):
        sentence = N_("Write a whole number of mails a minute, from 1 to 6,000, or leave it empty.")
        raise Problem(sentence, field="per_minute")
    return float(text)
