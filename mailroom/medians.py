"""How long it took until mails were delivered: the median, from times counted by the database."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import TypeVar

from sqlite_utils import Database

from mailroom.periods import Unit, part_of

Key = TypeVar("Key", date, str | None)
Times = list[tuple[int, int]]


def of_kind(db: Database, periods: str, kind: str, what: str | None) -> dict[str | None, int]:
    """The median seconds until delivered, by whose mails they are; those without any are left out.

    periods: a JSON list of days and months. kind: all, template, sender or person. what: its id or address, None for
    each of that kind.
    """
    rows = db.execute(
        "SELECT what, seconds, sum(n) FROM report_times WHERE period IN (SELECT value FROM json_each(:periods)) "  # noqa: S608
        f"AND kind = :kind {'' if what is None else 'AND what = :what'} GROUP BY what, seconds",
        {"periods": periods, "kind": kind, "what": what},
    )
    found: dict[str | None, Times] = defaultdict(list)
    for key, seconds, n in rows:
        found[key].append((seconds, n))
    return _medians(found)


def over_periods(db: Database, periods: str, kind: str, what: str | None, unit: Unit) -> dict[date, int]:
    """The median seconds until delivered of each day, week or month, by its first day."""
    rows = db.execute(
        "SELECT period, seconds, n FROM report_times WHERE period IN (SELECT value FROM json_each(:periods)) "
        "AND kind = :kind AND what = :what",
        {"periods": periods, "kind": kind, "what": what},
    )
    found: dict[date, Times] = defaultdict(list)
    for period, seconds, n in rows:
        found[part_of(period, unit)].append((seconds, n))
    return _medians(found)


def _medians(found: dict[Key, Times]) -> dict[Key, int]:
    return {key: median for key, times in found.items() if (median := _median(times)) is not None}


def _median(times: Iterable[tuple[int, int]]) -> int | None:
    ordered = sorted((seconds, n) for seconds, n in times if n > 0)
    half = sum(n for _, n in ordered) / 2
    for seconds, n in ordered:
        half -= n
        if half <= 0:
            return seconds
    return None
