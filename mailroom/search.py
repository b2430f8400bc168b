"""Finding mails, newest first: whatever is looked for, one page does a bounded amount of work.

A page walks one index downwards by id, the one that promises the least work, and looks at each row for the rest
of what is asked. What all mails of a batch have in common is a matter of ranges of ids, because the mails of a
batch are put in in one go. A page that has done its share says how far back it came, and the next one goes on
from there.
"""

import heapq
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from sqlite_utils import Database

from mailroom import history
from mailroom.history import PAGE, Line
from mailroom.search_conditions import SUBJECT_WORK, Condition, bounds, of_batch, of_mail, ranges
from mailroom.search_meaning import Meaning
from mailroom.store import Store

NEWEST = 2**62

# The work of one page, about 15 ms: a row read by the way counts 1, one that an index leads to 2, one whose subject
# is looked into or another range of the words' index 100, another range of any other index 10.
BUDGET = 6_000
_RANGE = 10
# Up to so many mails that begin so are put in order; of more, enough are met on the way back through all.
_MOST_BEGINNINGS = 20_000
# How far is counted to learn which index promises the least work; so many are examined without asking for ranges.
_FEW = 3_000
# So many of those that begin so are put in order at once.
_AT_ONCE = 500

# The indices to walk down: what follows FROM, the column that is in order, the condition it answers.
_WALKS = {
    "email": ("mails m INDEXED BY mails_by_email", "m.id", "m.email = ?"),
    "domain": ("mails m INDEXED BY mails_by_domain", "m.id", "m.domain = ?"),
    "state": ("mails m INDEXED BY mails_by_shown", "m.id", "m.shown = ?"),
    "match": ("subjects CROSS JOIN mails m ON m.id = subjects.rowid", "subjects.rowid", "subjects MATCH ?"),
    "": ("mails m NOT INDEXED", "m.id", "true"),
}
_BEGINNINGS = {"email_start": "mails_by_email", "domain_start": "mails_by_domain"}


@dataclass(frozen=True)
class Page:
    """One page of what was found.

    older: the `before` of the next page, or None when nothing older is left. reached: the moment up to which mails
    were examined, when the page ended because it had done its share; else "".
    """

    lines: tuple[Line, ...]
    older: int | None
    reached: str = ""


@dataclass(frozen=True)
class _Step:
    """How far a walk has come: all above `id` is done. found: whether that mail is one we want. work: what it took."""

    id: int
    found: bool
    work: int


def find(
    store: Store, meaning: Meaning, before: int | None = None, limit: int = PAGE, budget: int = BUDGET
) -> Page:
    """The mails a search means, newest first: those with an id below `before`, `limit` at most."""
    if meaning.nothing:
        return Page((), None)
    db = store.read()
    ids: list[int] = []
    with closing(_steps(store, meaning, before or NEWEST)) as steps:
        for step in steps:
            if step.found and len(ids) == limit:
                return Page(tuple(history.lines(store, ids)), ids[-1])
            if step.found:
                ids.append(step.id)
            budget -= step.work
            if budget <= 0:
                return Page(tuple(history.lines(store, ids)), step.id, _queued_at(db, step.id))
    return Page(tuple(history.lines(store, ids)), None)


def total(store: Store, meaning: Meaning) -> int | None:
    """How many mails a search means where the database keeps count: of everything and of each state; else None."""
    if meaning != Meaning(words=meaning.words, states=meaning.states):
        return None
    counts = history.counts(store)
    return sum(n for state, n in counts.items() if meaning.states is None or state in meaning.states)


def _steps(store: Store, meaning: Meaning, before: int) -> Generator[_Step, None, None]:
    db, asked = store.read(), of_mail(meaning)
    lowest, before = bounds(db, meaning, before)
    for name, index in _BEGINNINGS.items():
        if name in asked and "email" not in asked and (n := _beginnings(db, index, asked[name])) is not None:
            rest = [*(condition for each, condition in asked.items() if each != name), *of_batch(meaning)]
            within = Condition(f"{asked[name].sql} AND m.id >= ?", (*asked[name].parameters, lowest))
            yield from _in_order(db, index, within, n, rest, before)
            return
    walk, few = _walk(store, meaning, asked)
    rest = [condition for name, condition in asked.items() if name != walk]
    if few or not meaning.of_batches:
        yield from _down(db, walk, _values(walk, meaning), [*rest, *of_batch(meaning)], lowest, before - 1)
        return
    for low, high in ranges(db, meaning, lowest, before):
        yield from _down(db, walk, _values(walk, meaning), rest, low, high)
        yield _Step(low, False, SUBJECT_WORK if walk == "match" else _RANGE)


def _beginnings(db: Database, index: str, condition: Condition) -> int | None:
    """How many mails begin so; None when they are too many to put in order."""
    counted = db.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM mails m INDEXED BY {index} WHERE {condition.sql} LIMIT ?)",  # noqa: S608
        [*condition.parameters, _MOST_BEGINNINGS + 1],
    ).fetchone()[0]
    return int(counted) if counted <= _MOST_BEGINNINGS else None


def _in_order(
    db: Database,
    index: str,
    condition: Condition,
    n: int,
    rest: list[Condition],
    before: int,
) -> Iterator[_Step]:
    """The mails that begin so: the index has them in the order of the alphabet, we want the newest first."""
    sql = (
        f"SELECT id FROM mails m INDEXED BY {index} WHERE {condition.sql} AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608
    )
    while ids := [row[0] for row in db.execute(sql, [*condition.parameters, before, _AT_ONCE])]:
        given = Condition("m.id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
        yield from _rows(db, "mails m", "m.id", given, rest)
        before = ids[-1]
        yield _Step(before, False, n // 10)


def _walk(store: Store, meaning: Meaning, asked: dict[str, Condition]) -> tuple[str, bool]:
    """The name of the index that promises the least work for each mail that is found; whether it holds few mails."""
    if "email" in asked:
        return "email", True
    counts = history.counts(store)
    everything = sum(counts.values())
    numbers = {"": everything}
    if meaning.states is not None:
        numbers["state"] = sum(counts.get(state, 0) for state in meaning.states)
    # Beyond a few, a domain is taken to have a fifth of all mails and words a tenth: enough to choose by.
    for name, many in {"domain": everything // 5, "match": everything // 10}.items():
        if name in asked and (len(asked) > 1 or meaning.of_batches):
            numbers[name] = _few(store.read(), name, asked[name], max(many, _FEW))
        elif name in asked:
            return name, False
    work = {name: 1 + sum(each.work for other, each in asked.items() if other != name) for name in numbers}
    best = min(numbers, key=lambda name: (numbers[name] * work[name], name == ""))
    return best, numbers[best] < _FEW


def _few(db: Database, name: str, condition: Condition, many: int) -> int:
    """How many rows an index has, when they are few; else `many`."""
    table, _, answered = _WALKS[name]
    table = table.partition(" CROSS ")[0]
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {answered} LIMIT {_FEW})"  # noqa: S608
    counted = int(db.execute(sql, condition.parameters).fetchone()[0])
    return counted if counted < _FEW else many


def _values(walk: str, meaning: Meaning) -> list[tuple[object, ...]]:
    """What the index is asked for: one value, or each of several states by itself."""
    if walk == "state":
        return [(state,) for state in meaning.states or ()]
    values = {"email": (meaning.email,), "domain": (meaning.domain,), "match": (meaning.match,)}
    return [values.get(walk, ())]


def _down(
    db: Database,
    walk: str,
    values: list[tuple[object, ...]],
    rest: list[Condition],
    lowest: int,
    highest: int,
) -> Iterator[_Step]:
    """The rows of an index from the highest id to the lowest."""
    table, column, answered = _WALKS[walk]
    between = f"{answered} AND {column} BETWEEN ? AND ?"
    ways = [_rows(db, table, column, Condition(between, (*each, lowest, highest)), rest) for each in values]
    yield from heapq.merge(*ways, key=lambda step: -step.id)


def _rows(db: Database, table: str, column: str, where: Condition, rest: list[Condition]) -> Iterator[_Step]:
    """Rows one by one, so that no more of them is examined than asked for; each with whether the rest is true of it."""
    fits = " AND ".join(each.sql for each in rest) or "true"
    if not rest:
        # Nothing of the mail itself is asked for, so that its row need not be read.
        table = table.partition(" CROSS ")[0]
    elif "b." in fits:
        table += " CROSS JOIN batches b ON b.id = m.batch_id"
    # Put together of constants of the program; what they compare with is always a parameter.
    sql = f"SELECT {column}, {fits} FROM {table} WHERE {where.sql} ORDER BY {column} DESC"  # noqa: S608
    parameters = [*(value for each in rest for value in each.parameters), *where.parameters]
    # With nothing more to ask, or in the order in which they lie there, rows come one after the other.
    work = 1 + (bool(rest) and "NOT INDEXED" not in table) + sum(each.work for each in rest)
    with closing(db.execute(sql, parameters)) as cursor:
        for mail_id, true in cursor:
            yield _Step(mail_id, bool(true), work)


def _queued_at(db: Database, mail_id: int) -> str:
    """When the mail with that id, or the next younger one, was queued."""
    row = db.execute("SELECT created_at FROM mails WHERE id >= ? ORDER BY id LIMIT 1", [mail_id]).fetchone()
    return str(row[0]) if row else ""
