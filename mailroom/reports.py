"""Reports: how many mails were handed over and what became of them, read from counters alone, never from the mails.

A mail counts on the day it was handed over, or, when it never was, on the day it last changed; test mails do not count.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from sqlite_utils import Database

from mailroom import tallies
from mailroom.figures import ALL, COUNTED, Figures, Line, Narrowed
from mailroom.medians import of_kind, over_periods
from mailroom.periods import LONGEST_BY_DAY, Range, Unit, part_of
from mailroom.problems import Problem
from mailroom.store import Store
from oca.words import N_

By = Literal["day", "week", "month", "template", "sender", "batch", "person", "domain"]
GROUPS: tuple[By, ...] = ("day", "week", "month", "template", "sender", "batch", "person", "domain")

BATCHES = 50
# Days up to which each day or week has its median: times are many, and have to be read one by one.
LONGEST_WITH_TIMES = 190
DOMAINS = 100


@dataclass(frozen=True)
class Report:
    """A report: the totals of the range and of the range before, a row each, and the bars of the chart.

    more: for batches, the id from which older ones go on, or None. left: how many domains are not among the rows,
    and what became of their mails.
    """

    range: Range
    by: By
    total: Figures
    before: Figures
    lines: list[Line]
    bars: list[Line]
    more: int | None = None
    left: tuple[int, Figures] | None = None


def today(store: Store, now: datetime) -> date:
    """The day it is for reports: in the team's zone, its standard time all the year round."""
    return (now + timedelta(minutes=_minutes(store.read()))).date()


def moments(store: Store, within: Range) -> tuple[datetime, datetime]:
    """When the range begins, and when the day after it does; aware."""
    offset = timedelta(minutes=_minutes(store.read()))
    begin = datetime.fromisoformat(f"{within.first}T00:00:00Z")
    return begin - offset, begin + timedelta(days=within.days) - offset


def report(store: Store, within: Range, by: By, only: Narrowed = ALL, before: int | None = None) -> Report:
    """The report of a range.

    only: the mails it is narrowed to; by domain it cannot be. before: for batches, only those with a lower id.
    Raises Problem, with the field, when the range has too many days for one row each or cannot be narrowed.
    """
    if by == "domain" and only:
        raise Problem(N_("By domain all mails are counted. Take out template, sender and person."), "by")
    if by == "day" and within.days > LONGEST_BY_DAY:
        raise Problem(
            N_("That is more than a year, too many days for a row each. Choose weeks or months."), "by"
        )
    db = store.read()
    unit = within.unit(by)
    bars = _over_time(
        db, within, unit, only, medians=by == unit and (by == "month" or within.days <= LONGEST_WITH_TIMES)
    )
    made = Report(within, by, summary(store, within, only), summary(store, within.before, only), bars, bars)
    if by == "day" or by == "week" or by == "month":
        return made if by == unit else replace(made, lines=_over_time(db, within, by, only, medians=False))
    if by == "batch":
        lines = _batches(db, within, only, before)
        more = int(lines[BATCHES - 1].key) if len(lines) > BATCHES else None
        return replace(made, lines=lines[:BATCHES], more=more)
    if by == "domain":
        lines = _domains(db, within)
        rest = lines[DOMAINS:]
        left = (len(rest), Figures(_added(line.figures.counts for line in rest))) if rest else None
        return replace(made, lines=lines[:DOMAINS], left=left)
    return replace(made, lines=_by(db, within, by, only))


def summary(store: Store, within: Range, only: Narrowed = ALL) -> Figures:
    """What became of all mails of a range."""
    db = store.read()
    times = tallies.one(None, only)
    median = of_kind(db, tallies.periods(within), *times).get(times[1] or "") if times else None
    return Figures(tallies.total(db, within, only), median)


def counted(store: Store, within: Range) -> Figures:
    """What became of all mails of a range, without how long it took, which takes long to find."""
    return Figures(tallies.total(store.read(), within, ALL))


def of_batch(store: Store, within: Range, batch_id: int) -> Figures:
    """What became of a batch's mails in a range."""
    rows = store.read().execute(
        "SELECT shown, sum(n) FROM report_batches WHERE batch_id = ? AND period BETWEEN ? AND ? GROUP BY shown",
        [batch_id, str(within.first), str(within.last)],
    )
    return Figures({shown: n for shown, n in rows if n})


def of_domain(store: Store, within: Range, domain: str) -> Figures:
    """What became of the mails to a domain in a range."""
    return Figures(tallies.of_domain(store.read(), within, domain))


def over_time(store: Store, within: Range, unit: Unit = "day", only: Narrowed = ALL) -> list[Line]:
    """What became of the mails of each day, week or month of a range, also of those without any; no medians."""
    return _over_time(store.read(), within, unit, only, medians=False)


def choices(store: Store) -> tuple[list[tuple[int, str]], list[str], list[tuple[int, str]]]:
    """What a report can be narrowed to: templates and people with their names, and sender addresses."""
    db = store.read()
    templates = [
        (row[0], row[1])
        for row in db.execute("SELECT id, name FROM templates WHERE NOT hidden ORDER BY name")
    ]
    people = [(row[0], row[1]) for row in db.execute("SELECT id, name FROM users ORDER BY name")]
    return (
        templates,
        [row[0] for row in db.execute("SELECT DISTINCT email FROM senders ORDER BY email")],
        people,
    )


def anything(store: Store) -> bool:
    """Whether any mail is counted yet."""
    return store.read().execute("SELECT 1 FROM report_counts WHERE n > 0 LIMIT 1").fetchone() is not None


def _over_time(db: Database, within: Range, unit: Unit, only: Narrowed, medians: bool) -> list[Line]:
    counts = tallies.over_time(db, within, unit, only)
    times = tallies.one(None, only) if medians else None
    known = over_periods(db, tallies.periods(within, unit), *times, unit) if times else {}
    return [
        Line(str(part.first), "", Figures(counts.get(begin, {}), known.get(begin)), part)
        for part in within.parts(unit)
        for begin in [part_of(str(part.first), unit)]
    ]


def _by(db: Database, within: Range, by: By, only: Narrowed) -> list[Line]:
    times = tallies.one(by, only)
    medians = of_kind(db, tallies.periods(within), *times) if times else {}
    names = _names(db, by)
    return _sorted(
        Line(key, names.get(key, key), Figures(counts, medians.get(key)))
        for key, counts in tallies.by_thing(db, within, by, only).items()
    )


def _domains(db: Database, within: Range) -> list[Line]:
    return _sorted(
        Line(domain, domain, Figures(counts)) for domain, counts in tallies.by_domain(db, within).items()
    )


def batch_ids(
    db: Database, within: Range, only: Narrowed, below: int, limit: int, states: Iterable[str] = COUNTED
) -> list[int]:
    """The batches with mails of the range in one of these states, newest first, those with an id below `below`."""
    where, values = tallies.where(only, person="b.created_by")
    values |= {
        "first": str(within.first), "last": str(within.last), "below": below, "limit": limit,
        "states": json.dumps(list(states)),
    }  # fmt: skip
    # Newest first along the key, so that a page reads no more than its own batches and those too new for the range.
    rows = db.execute(
        "SELECT DISTINCT c.batch_id FROM report_batches c CROSS JOIN batches b ON b.id = c.batch_id "  # noqa: S608
        "JOIN template_versions v ON v.id = b.template_version_id "
        "WHERE c.batch_id < :below AND c.n > 0 AND c.period BETWEEN :first AND :last "
        f"AND c.shown IN (SELECT value FROM json_each(:states)) {where} ORDER BY c.batch_id DESC LIMIT :limit",
        values,
    )
    return [row[0] for row in rows]


def _batches(db: Database, within: Range, only: Narrowed, before: int | None) -> list[Line]:
    ids = batch_ids(db, within, only, before or 2**62, BATCHES + 1)
    rows = db.execute(
        "SELECT c.batch_id, b.name, c.shown, sum(c.n) FROM report_batches c JOIN batches b ON b.id = c.batch_id "
        "WHERE c.batch_id IN (SELECT value FROM json_each(:ids)) AND c.period BETWEEN :first AND :last "
        "GROUP BY c.batch_id, c.shown ORDER BY c.batch_id DESC",
        {"ids": json.dumps(ids), "first": str(within.first), "last": str(within.last)},
    ).fetchall()
    names = {str(key): name for key, name, _, _ in rows}
    found = _grouped((str(key), shown, n) for key, _, shown, n in rows)
    return [Line(key, names[key], Figures(counts)) for key, counts in found.items()]


def _grouped(rows: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for key, shown, n in rows:
        if n:
            found.setdefault(key, {})[shown] = n
    return found


def _added(many: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for counts in many:
        for shown, n in counts.items():
            total[shown] += n
    return dict(total)


def _sorted(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.figures["sent"], line.name.casefold()))


def _names(db: Database, by: By) -> dict[str, str]:
    tables = {"template": "templates", "person": "users"}
    if by not in tables:
        return {}
    return {str(row[0]): row[1] for row in db.execute(f"SELECT id, name FROM {tables[by]}")}  # noqa: S608


def _minutes(db: Database) -> int:
    return int(db.execute("SELECT minutes FROM report_zone").fetchone()[0])
