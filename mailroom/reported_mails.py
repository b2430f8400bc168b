"""The mails behind a number of a report: each once, from the newest on, in short reads."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, cast

from sqlite_utils import Database

from mailroom import reports
from mailroom.figures import ALL, COUNTED, FIGURES, Figures, Narrowed
from mailroom.periods import Range
from mailroom.store import Store
from mailroom.times import iso

# Mails of one read. Between two reads the database may tidy up its log, which a read that lasts minutes forbids.
PORTION = 500
PAGE = 50
# Batches looked up at once, and how many mails of one are sorted rather than gone through.
_BATCHES = 200
_FEW = 5000
# Mails of a domain in a range, up to which they are looked up by their domain rather than among all mails.
_FEW_OF_DOMAIN = 100_000


@dataclass(frozen=True)
class Selection:
    """Which mails: those that a number of a report counts.

    figure: one of `FIGURES`, or "" for all that are counted. batch_id, domain: of these alone, if given.
    """

    within: Range
    figure: str = ""
    only: Narrowed = ALL
    batch_id: int | None = None
    domain: str | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The states of its mails."""
        return FIGURES[self.figure] if self.figure else COUNTED


class Mail(NamedTuple):
    """One mail of a report; a tuple, because there may be a million of them. at: when it was handed over or changed."""

    id: int
    batch_id: int
    row: int
    email: str
    subject: str
    shown: str
    at: str
    accepted_at: str | None
    delivered_at: str | None
    gateway_id: str | None


class Batch(NamedTuple):
    """What the mails of one batch have in common."""

    name: str
    template: str
    sender: str
    person: str


_COLUMNS = (
    "id, batch_id, row, email, subject, shown, coalesce(accepted_at, changed_at) AS at, accepted_at, delivered_at, "
    "gateway_id"
)
_TIME = "coalesce(accepted_at, changed_at) >= :begin AND coalesce(accepted_at, changed_at) < :end"
_STATES = "(SELECT value FROM json_each(:states))"


def page(store: Store, selection: Selection, before: int | None = None) -> tuple[list[Mail], int | None]:
    """The next mails, newest first, and the id from which older ones go on; None when that was all."""
    found = list(islice(walk(store, selection, before, PAGE + 1), PAGE + 1))
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def walk(
    store: Store, selection: Selection, before: int | None = None, portion: int = PORTION
) -> Iterator[Mail]:
    """Every mail of the selection once, newest first, whatever becomes of it meanwhile; with a lower id, if given.

    portion: how many are read at once; nothing is read, and nothing held open, while the caller works on them.
    """
    begin, end = reports.moments(store, selection.within)
    values: dict[str, object] = {
        "begin": iso(begin),
        "end": iso(end),
        "portion": portion,
        "states": json.dumps(selection.states),
        "domain": selection.domain,
        "below": before or 2**62,
    }
    if selection.domain is not None and _figures(store, selection).total <= _FEW_OF_DOMAIN:
        yield from _of_domain(store, selection, values)
        return
    below = 2**62 if before is None else _batch_of(store.read(), before) + 1
    while some := _batches(store.read(), selection, below):
        for batch_id, n in some:
            yield from _of_batch(store, selection, batch_id, n, values)
        below = some[-1][0]


def described(store: Store, batch_id: int) -> Batch:
    """What the mails of a batch have in common."""
    row = store.read().execute(
        "SELECT b.name, t.name, b.sender_email, u.name FROM batches b JOIN users u ON u.id = b.created_by "
        "JOIN template_versions v ON v.id = b.template_version_id JOIN templates t ON t.id = v.template_id "
        "WHERE b.id = ?",
        [batch_id],
    )
    return Batch(*row.fetchone())


def count(store: Store, selection: Selection) -> int:
    """How many mails the selection has, from the counters that the report itself reads."""
    figures = _figures(store, selection)
    return sum(figures.counts.get(state, 0) for state in selection.states)


def _figures(store: Store, selection: Selection) -> Figures:
    if selection.batch_id is not None:
        return reports.of_batch(store, selection.within, selection.batch_id)
    if selection.domain is not None:
        return reports.of_domain(store, selection.within, selection.domain)
    return reports.summary(store, selection.within, selection.only)


def _batches(db: Database, selection: Selection, below: int) -> list[tuple[int, int]]:
    """The next batches with such mails, newest first, and how many each has; of all domains."""
    ids = (
        [selection.batch_id] if selection.batch_id is not None and selection.batch_id < below
        else [] if selection.batch_id is not None
        else reports.batch_ids(db, selection.within, selection.only, below, _BATCHES, selection.states)
    )  # fmt: skip
    rows = db.execute(
        "SELECT batch_id, sum(n) FROM report_batches WHERE batch_id IN (SELECT value FROM json_each(:ids)) AND n > 0 "
        "AND period BETWEEN :first AND :last AND shown IN (SELECT value FROM json_each(:states)) "
        "GROUP BY batch_id ORDER BY batch_id DESC",
        {
            "ids": json.dumps(ids),
            "first": str(selection.within.first),
            "last": str(selection.within.last),
            "states": json.dumps(selection.states),
        },
    )
    return [tuple(row) for row in rows]


def _of_batch(
    store: Store, selection: Selection, batch_id: int, n: int, values: dict[str, object]
) -> Iterator[Mail]:
    # A batch's mails came in at once, so their ids follow each other. Along the ids each mail is met once even when
    # its state changes between two reads; where few of many are wanted, the index of states finds them, and sorting
    # them costs little.
    first, last = _ids(store.read(), batch_id)
    wanted = "batch_id = :batch AND shown" if n <= _FEW else "+batch_id = :batch AND +shown"
    of_domain = "" if selection.domain is None else "AND +domain = :domain"
    sql = (
        f"SELECT {_COLUMNS} FROM mails WHERE id >= :first AND id < :below AND {wanted} IN {_STATES} AND {_TIME} "  # noqa: S608
        f"{of_domain} ORDER BY id DESC LIMIT :portion"
    )
    below = min(cast(int, values["below"]), last + 1)
    yield from _portions(store, sql, {**values, "batch": batch_id, "first": first, "below": below})


def _of_domain(store: Store, selection: Selection, values: dict[str, object]) -> Iterator[Mail]:
    days = {"from": str(selection.within.first), "to": str(selection.within.last)}
    oldest = store.read().execute(
        "SELECT min(batch_id) FROM report_batches WHERE period BETWEEN :from AND :to", days
    )
    batch_id = oldest.fetchone()[0]
    if batch_id is None:
        return
    sql = (
        f"SELECT {_COLUMNS} FROM mails WHERE domain = :domain AND id >= :first AND id < :below AND {_TIME} "  # noqa: S608
        f"AND +shown IN {_STATES} AND batch_id IN (SELECT id FROM batches WHERE kind = 'batch' AND id = batch_id) "
        "ORDER BY id DESC LIMIT :portion"
    )
    yield from _portions(store, sql, {**values, "first": _ids(store.read(), batch_id)[0]})


def _portions(store: Store, sql: str, values: dict[str, object]) -> Iterator[Mail]:
    while found := [Mail._make(row) for row in store.read().execute(sql, values)]:
        yield from found
        values["below"] = found[-1].id


def _ids(db: Database, batch_id: int) -> tuple[int, int]:
    """The first and the last id of a batch's mails."""
    row = db.execute(
        "SELECT (SELECT id FROM mails WHERE batch_id = :batch ORDER BY row LIMIT 1), "
        "(SELECT id FROM mails WHERE batch_id = :batch ORDER BY row DESC LIMIT 1)",
        {"batch": batch_id},
    )
    first, last = row.fetchone()
    return int(first), int(last)


def _batch_of(db: Database, mail_id: int) -> int:
    row = db.execute("SELECT batch_id FROM mails WHERE id = ?", [mail_id]).fetchone()
    return int(row[0]) if row else -1
