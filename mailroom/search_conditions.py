"""What a search asks, as SQL: of one mail, of its batch, and in which ranges of ids such mails can be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlite_utils import Database

from mailroom.search_meaning import Meaning

# To look whether a word stands in one mail's subject takes so many times as long as to read its row: FTS5 begins anew.
SUBJECT_WORK = 100
# So many batches that follow each other make one range.
_BATCHES = 50


@dataclass(frozen=True)
class Condition:
    """A part of a WHERE, always a constant of this file, and what it compares with. work: beyond reading the row."""

    sql: str
    parameters: tuple[object, ...] = ()
    work: int = 0


def of_mail(meaning: Meaning) -> dict[str, Condition]:
    """What has to be true of a mail `m`, by name."""
    subject = "EXISTS (SELECT 1 FROM subjects WHERE subjects MATCH ? AND rowid = m.id)"
    counts_at = "coalesce(m.accepted_at, m.changed_at)"
    asked = {
        "email": Condition("m.email = ?", (meaning.email,)) if meaning.email else None,
        "email_start": _begins("m.email", meaning.email_start),
        "domain": Condition("m.domain = ?", (meaning.domain,)) if meaning.domain else None,
        "domain_start": _begins("m.domain", meaning.domain_start),
        "state": _among("m.shown", meaning.states),
        "match": Condition(subject, (meaning.match,), SUBJECT_WORK) if meaning.match else None,
        "since": Condition(f"{counts_at} >= ?", (meaning.since,)) if meaning.since else None,
        "until": Condition(f"{counts_at} < ?", (meaning.until,)) if meaning.until else None,
    }
    return {name: condition for name, condition in asked.items() if condition}


def of_batch(meaning: Meaning) -> list[Condition]:
    """What has to be true of the batch `b` of a mail."""
    templates = _among("template_id", meaning.templates)
    versions = "b.template_version_id IN (SELECT id FROM template_versions WHERE {})"
    asked = [
        Condition(versions.format(templates.sql), templates.parameters) if templates else None,
        _among("b.sender_email", meaning.senders),
        _among("b.created_by", meaning.people),
        _among("b.id", meaning.batches),
    ]
    return [condition for condition in asked if condition]


def bounds(db: Database, meaning: Meaning, before: int) -> tuple[int, int]:
    """The lowest id a mail of the days asked for can have, and the one that all have to be below."""
    lowest = 1
    if meaning.since:
        sql = "SELECT min(id) FROM batches INDEXED BY batches_by_last_day WHERE last_day >= ?"
        oldest = db.execute(sql, [meaning.since[:10]]).fetchone()[0]
        sql = "SELECT id FROM mails WHERE batch_id >= ? ORDER BY batch_id, row LIMIT 1"
        found = db.execute(sql, [oldest]).fetchone()
        lowest = found[0] if found else before
    if meaning.until:
        sql = "SELECT id FROM batches WHERE created_at < ? ORDER BY id DESC LIMIT 1"
        newest = db.execute(sql, [meaning.until]).fetchone()
        sql = "SELECT id FROM mails WHERE batch_id <= ? ORDER BY batch_id DESC, row DESC LIMIT 1"
        found = db.execute(sql, [newest[0] if newest else 0]).fetchone()
        before = min(before, found[0] + 1 if found else lowest)
    return lowest, before


def ranges(db: Database, meaning: Meaning, lowest: int, before: int) -> Iterator[tuple[int, int]]:
    """The lowest and the highest id of batches that can have such mails, the newest first, found as one goes.

    lowest, before: the `bounds()`.
    """
    where = [*of_batch(meaning), *_of_batch_in_time(meaning)]
    found = db.execute(
        "SELECT b.id FROM batches b WHERE b.id <= (SELECT batch_id FROM mails WHERE id < ? ORDER BY id DESC LIMIT 1) "  # noqa: S608
        "AND b.id >= (SELECT batch_id FROM mails WHERE id >= ? ORDER BY id LIMIT 1) "
        f"AND {' AND '.join(each.sql for each in where)} ORDER BY b.id DESC",
        [before, lowest, *(value for each in where for value in each.parameters)],
    )
    batches, low, high = 0, before, before - 1
    for batch_id in found:
        first, last = _ends(db, int(batch_id[0]))
        if batches and (last < low - 1 or batches == _BATCHES):
            yield low, high
            batches = 0
        high = high if batches else min(last, before - 1)
        batches, low = batches + 1, first
    if batches:
        yield low, high


def _ends(db: Database, batch_id: int) -> tuple[int, int]:
    """The lowest and the highest id of a batch's mails: they were put in row by row, with nothing in between."""
    # Two searches in an index; min() and max() would read all that the batch has there.
    end = "(SELECT id FROM mails WHERE batch_id = ?1 ORDER BY row {} LIMIT 1)"
    sql = f"SELECT coalesce({end.format('')}, 1), coalesce({end.format('DESC')}, 0)"
    first, last = db.execute(sql, [batch_id]).fetchone()
    return int(first), int(last)


def _of_batch_in_time(meaning: Meaning) -> list[Condition]:
    states = _among("c.shown", meaning.states)
    has_state = "EXISTS (SELECT 1 FROM batch_counts c WHERE c.batch_id = b.id AND {} AND c.n > 0)"
    asked = [
        # A day in UTC, so that a batch is rather looked into once too often.
        Condition("b.last_day >= ?", (meaning.since[:10],)) if meaning.since else None,
        Condition("b.created_at < ?", (meaning.until,)) if meaning.until else None,
        Condition(has_state.format(states.sql), states.parameters) if states else None,
    ]
    return [condition for condition in asked if condition]


def _begins(column: str, start: str) -> Condition | None:
    return Condition(f"{column} >= ? AND {column} < ?", (start, start + "\U0010ffff")) if start else None


def _among(column: str, values: tuple[object, ...] | None) -> Condition | None:
    if values is None:
        return None
    if len(values) == 1:
        # Of one value an index has the ids in their order.
        return Condition(f"{column} = ?", values)
    return Condition(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(values),))  # noqa: S608
