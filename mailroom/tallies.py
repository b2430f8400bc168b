"""What reports read: counts that the database keeps, from the smallest table that has them.

Counts are by state as shown; a state without mails is left out.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlite_utils import Database

from mailroom.figures import ALL, COUNTED, Narrowed
from mailroom.periods import Range, Unit, part_of

Counts = dict[str, int]

_WITHIN = "period IN (SELECT value FROM json_each(:periods))"
_EACH, _SUMS = ", ".join(COUNTED), ", ".join(f"sum({state})" for state in COUNTED)
# What a report can be narrowed to and grouped by, and its column where mails are counted by all of them at once.
COLUMNS = {"template": "template_id", "sender": "sender_email", "person": "user_id"}


def periods(within: Range, unit: Unit = "month") -> str:
    """As JSON, under which periods the mails of a range were counted; see `Range.periods`."""
    return json.dumps(list(within.periods(unit)))


def one(by: str | None, only: Narrowed) -> tuple[str, str | None] | None:
    """What is counted by, as kind and key (None for each of the kind); None when it is by two things at once."""
    narrowed = [
        (kind, str(value))
        for kind, value in (("template", only.template_id), ("sender", only.sender), ("person", only.user_id))
        if value not in (None, "")
    ]
    if by is not None:
        return None if narrowed else (by, None)
    return narrowed[0] if len(narrowed) == 1 else None if narrowed else ("all", "")


def where(only: Narrowed, person: str = "user_id") -> tuple[str, dict[str, object]]:
    """A condition on the columns of all things at once, and its values. person: the column of who sent it."""
    found = ""
    if only.template_id is not None:
        found += "AND template_id = :template_id "
    if only.sender:
        found += "AND sender_email = :sender "
    if only.user_id is not None:
        found += f"AND {person} = :user_id "
    return found, dict(vars(only))


def total(db: Database, within: Range, only: Narrowed = ALL) -> Counts:
    """What became of all mails of a range."""
    if of := one(None, only):
        row = db.execute(
            f"SELECT {_SUMS} FROM report_ones WHERE kind = :kind AND what = :what AND {_WITHIN}",  # noqa: S608
            {"kind": of[0], "what": of[1], "periods": periods(within)},
        ).fetchone()
        return _named(row)
    condition, values = where(only)
    rows = db.execute(
        f"SELECT shown, sum(n) FROM report_counts WHERE {_WITHIN} {condition} GROUP BY shown",  # noqa: S608
        {"periods": periods(within), **values},
    )
    return {shown: n for shown, n in rows if n}


def over_time(db: Database, within: Range, unit: Unit, only: Narrowed) -> dict[date, Counts]:
    """By the first day of each day, week or month of a range."""
    found: dict[date, Counts] = defaultdict(dict)
    if of := one(None, only):
        rows = db.execute(
            f"SELECT period, {_EACH} FROM report_ones WHERE kind = :kind AND what = :what AND {_WITHIN}",  # noqa: S608
            {"kind": of[0], "what": of[1], "periods": periods(within, unit)},
        )
        for period, *counts in rows:
            _add(found[part_of(period, unit)], _named(counts))
        return found
    condition, values = where(only)
    rows = db.execute(
        f"SELECT period, shown, sum(n) FROM report_counts WHERE {_WITHIN} {condition} GROUP BY period, shown",  # noqa: S608
        {"periods": periods(within, unit), **values},
    )
    for period, shown, n in rows:
        _add(found[part_of(period, unit)], {shown: n})
    return found


def by_thing(db: Database, within: Range, by: str, only: Narrowed) -> dict[str, Counts]:
    """By the id of each template or person, or by each sender's address."""
    if one(by, only):
        rows = db.execute(
            f"SELECT what, {_SUMS} FROM report_ones WHERE kind = :kind AND {_WITHIN} GROUP BY what",  # noqa: S608
            {"kind": by, "periods": periods(within)},
        )
        return _kept((what, _named(counts)) for what, *counts in rows)
    condition, values = where(only)
    found: dict[str, Counts] = defaultdict(dict)
    rows = db.execute(
        f"SELECT {COLUMNS[by]}, shown, sum(n) FROM report_counts WHERE {_WITHIN} {condition} GROUP BY 1, 2",  # noqa: S608
        {"periods": periods(within), **values},
    )
    for what, shown, n in rows:
        _add(found[str(what)], {shown: n})
    return _kept(found.items())


def by_domain(db: Database, within: Range) -> dict[str, Counts]:
    """By each recipients' domain."""
    rows = db.execute(
        f"SELECT domain, {_SUMS} FROM report_domains WHERE {_WITHIN} GROUP BY domain",  # noqa: S608
        {"periods": periods(within)},
    )
    return _kept((domain, _named(counts)) for domain, *counts in rows)


def of_domain(db: Database, within: Range, domain: str) -> Counts:
    """What became of the mails to one domain."""
    row = db.execute(
        f"SELECT {_SUMS} FROM report_domains WHERE {_WITHIN} AND domain = :domain",  # noqa: S608
        {"periods": periods(within), "domain": domain},
    ).fetchone()
    return _named(row)


def _named(counts: Iterable[int | None]) -> Counts:
    return {state: n for state, n in zip(COUNTED, counts, strict=True) if n}


def _add(counts: Counts, more: Counts) -> None:
    for shown, n in more.items():
        if n:
            counts[shown] = counts.get(shown, 0) + n


def _kept(found: Iterable[tuple[str, Counts]]) -> dict[str, Counts]:
    return {what: counts for what, counts in found if counts}
