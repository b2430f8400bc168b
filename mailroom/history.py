"""Browsing: the mails that were sent, newest first."""

import json
from dataclasses import dataclass

from sqlite_utils import Database

from mailroom.store import Store

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One mail in a list.

    kind: `batch`, `test` for one that somebody sent to themselves, or `report`. shown: its state in one word, delivery
    included. why: the last event's words.
    """

    id: int
    batch_id: int
    batch_name: str
    kind: str
    row: int
    email: str
    subject: str
    shown: str
    created_at: str
    changed_at: str
    why: str


def lines(store: Store, ids: list[int]) -> list[Line]:
    """These mails, newest first."""
    return _lines(
        store.read(), "m.id IN (SELECT value FROM json_each(?)) ORDER BY m.id DESC", [json.dumps(ids)]
    )


def of_batch(store: Store, batch_id: int, shown: str = "", after: int = 0, limit: int = PAGE) -> list[Line]:
    """Mails of one batch in the order of its rows: those with an id above `after`, in one state if given."""
    if shown:
        where = "m.batch_id = ? AND m.shown = ? AND m.id > ? ORDER BY m.id LIMIT ?"
        return _lines(store.read(), where, [batch_id, shown, after, limit])
    # By row, which is the same order: an index has it, and a large batch is not sorted anew for each page.
    where = (
        "m.batch_id = ? AND m.row > coalesce((SELECT row FROM mails WHERE id = ?), -1) ORDER BY m.row LIMIT ?"
    )
    return _lines(store.read(), where, [batch_id, after, limit])


def of_address(store: Store, email: str, before: int | None = None, limit: int = PAGE) -> list[Line]:
    """Mails to one address, newest first: those with an id below `before`, if given."""
    where = "m.email = ? AND m.id < ? ORDER BY m.id DESC LIMIT ?"
    return _lines(store.read(), where, [email, before or 2**62, limit])


def counts(store: Store, tests: bool = True) -> dict[str, int]:
    """How many mails stand where, over all batches. tests: also those that people sent to themselves."""
    rows = store.read().query(
        "SELECT shown, sum(n) AS n FROM totals WHERE n > 0 AND (? OR kind = 'batch') GROUP BY shown", [tests]
    )
    return {row["shown"]: row["n"] for row in rows}


def _lines(db: Database, where: str, parameters: list[object]) -> list[Line]:
    rows = db.query(
        "SELECT m.id, m.batch_id, b.name AS batch_name, b.kind, m.row, m.email, m.subject, m.shown, m.created_at, "  # noqa: S608
        "m.changed_at, (SELECT e.why FROM events e WHERE e.mail_id = m.id ORDER BY e.id DESC LIMIT 1) AS why "
        # `where` is one of the constants above; what it compares with is always a parameter.
        "FROM mails m JOIN batches b ON b.id = m.batch_id WHERE " + where,
        parameters,
    )
    return [Line(**row) for row in rows]
