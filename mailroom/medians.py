"""How long it took until mails were delivered: the median, from times counted by the database.

Beside the counts of each day stands how many of its times lie between a few marks. The middle one is between two of
them, so only the times between those are read, of hundreds.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from sqlite_utils import Database

from mailroom.periods import Unit, part_of

# Seconds; the columns of `report_ones` are called by them, and count the times from one up to the next.
MARKS = (0, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900, 3600, 14400)
TOOK = tuple(f"took_{mark}" for mark in MARKS)
BETWEEN = tuple(pairwise((*MARKS, 10**12)))

Times = list[tuple[int, int]]


class _Middle(NamedTuple):
    """Where a median lies: between which seconds, `end` not included, and how many times before it from `begin` on."""

    begin: int
    end: int
    before: float


def of_kind(db: Database, periods: str, kind: str, what: str | None) -> dict[str, int]:
    """The median seconds until delivered, by whose mails they are; those without any are left out.

    periods: a JSON list of days and months. kind: all, template, sender or person. what: its id or address, None for
    each of that kind.
    """
    values = {"periods": periods, "kind": kind, "what": what}
    rows = db.execute(
        f"SELECT what, {', '.join(f'sum({took})' for took in TOOK)} FROM report_ones "  # noqa: S608
        f"WHERE kind = :kind AND period IN (SELECT value FROM json_each(:periods)) "
        f"{'' if what is None else 'AND what = :what'} GROUP BY what",
        values,
    )
    middles = {key: found for key, *took in rows if (found := _middle(took))}
    wanted = json.dumps([(key, middle.begin, middle.end) for key, middle in middles.items()])
    rows = db.execute(
        "WITH wanted(what, begin, end) AS MATERIALIZED "
        "(SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:wanted)) "
        "SELECT t.what, t.seconds, sum(t.n) FROM wanted w CROSS JOIN json_each(:periods) p CROSS JOIN report_times t "
        "ON t.period = p.value AND t.kind = :kind AND t.what = w.what AND t.seconds >= w.begin AND t.seconds < w.end "
        "GROUP BY t.what, t.seconds",
        {**values, "wanted": wanted},
    )
    times: dict[str, Times] = defaultdict(list)
    for key, seconds, n in rows:
        times[key].append((seconds, n))
    return {key: _median(times[key], middle) for key, middle in middles.items()}


def over_periods(db: Database, periods: str, kind: str, what: str | None, unit: Unit) -> dict[date, int]:
    """The median seconds until delivered of each day, week or month, by its first day."""
    rows = db.execute(
        f"SELECT period, {', '.join(TOOK)} FROM report_ones WHERE kind = :kind AND what = :what "  # noqa: S608
        "AND period IN (SELECT value FROM json_each(:periods))",
        {"kind": kind, "what": what, "periods": periods},
    ).fetchall()
    parts: dict[date, list[Sequence[int]]] = defaultdict(list)
    for period, *took in rows:
        parts[part_of(period, unit)].append(took)
    middles = {
        part: found
        for part, each in parts.items()
        if (found := _middle([sum(column) for column in zip(*each, strict=True)]))
    }
    wanted = json.dumps(
        [
            (period, middle.begin, middle.end)
            for period, *_ in rows
            if (middle := middles.get(part_of(period, unit)))
        ]
    )
    times: dict[date, Times] = defaultdict(list)
    for period, seconds, n in db.execute(
        "WITH wanted(period, begin, end) AS MATERIALIZED "
        "(SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:wanted)) "
        "SELECT t.period, t.seconds, t.n FROM wanted w CROSS JOIN report_times t "
        "ON t.period = w.period AND t.kind = :kind AND t.what = :what AND t.seconds >= w.begin AND t.seconds < w.end",
        {"kind": kind, "what": what, "wanted": wanted},
    ):
        times[part_of(period, unit)].append((seconds, n))
    return {part: _median(times[part], middle) for part, middle in middles.items()}


def _middle(took: Iterable[int | None]) -> _Middle | None:
    """Where the median lies, of how many times are between the marks; None without any."""
    counts = [n or 0 for n in took]
    half = sum(counts) / 2
    if half <= 0:
        return None
    for n, (begin, end) in zip(counts, BETWEEN, strict=True):
        if half <= n:
            return _Middle(begin, end, half)
        half -= n
    return None


def _median(times: Times, middle: _Middle) -> int:
    left = middle.before
    for seconds, n in sorted(times):
        left -= n
        if left <= 0:
            return seconds
    return middle.begin
