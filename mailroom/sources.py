"""Lists as they were uploaded, kept once however often they are used, so that they can be read another way."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlite_utils import Database

from mailroom.problems import Problem
from mailroom.recipients import ONE, PASTED, Given
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

# A source that no draft and no saved list points to is left by a form that had other faults; it may come again.
SPARE_DAYS = 1

_WAYS: dict[str, Literal["file", "pasted", "one"]] = {PASTED: "pasted", ONE: "one"}


@dataclass(frozen=True)
class Spare:
    """A source as a form names it, so that the file need not be chosen again.

    sha256: of its content; who knows it has had the file.
    """

    sha256: str
    name: str


def keep(db: Database, given: Given, now: datetime) -> int:
    """The id of the source, kept now or found as it was kept before."""
    key = {"sha256": _sum(given), "filename": _name(given)}
    # Looked for first: writing the same content again would cost as much as writing it.
    found = next(
        db.query("SELECT id FROM sources WHERE sha256 = :sha256 AND filename = :filename", key), None
    )
    if found:
        db.execute("UPDATE sources SET created_at = ? WHERE id = ?", [iso(now), found["id"]])
        return int(found["id"])
    return int(
        db.execute(
            "INSERT INTO sources (sha256, filename, content, created_at) VALUES (?, ?, ?, ?)",
            [key["sha256"], key["filename"], given.content, iso(now)],
        ).lastrowid
        or 0
    )


def spare(store: Store, given: Given, now: datetime) -> Spare:
    """Keeps the source for a day, for a form that comes again."""
    with store.write() as db:
        keep(db, given, now)
    return Spare(_sum(given), _name(given))


def get(store: Store, source_id: int) -> Given:
    """The list as it was given. Raises LookupError when there is none with this id."""
    return _given(store, "id = ?", [source_id])


def again(store: Store, spared: Spare) -> Given:
    """The list that a form left. Raises Problem when it is gone."""
    try:
        return _given(store, "sha256 = ? AND filename = ?", [spared.sha256, spared.name])
    except LookupError:
        raise Problem(N_("“%(name)s” is not kept any more. Choose it again."), name=spared.name) from None


def forget_unused(db: Database, now: datetime) -> None:
    """Removes what no draft and no saved list points to, and no form has left within a day."""
    db.execute(
        "DELETE FROM sources WHERE created_at < ? "
        "AND NOT EXISTS (SELECT 1 FROM drafts WHERE source_id = sources.id) "
        "AND NOT EXISTS (SELECT 1 FROM lists WHERE source_id = sources.id)",
        [iso(now - timedelta(days=SPARE_DAYS))],
    )


def forget(db: Database, source_id: int | None) -> None:
    """Removes one source, unless a draft or a saved list points to it."""
    db.execute(
        "DELETE FROM sources WHERE id = ? AND NOT EXISTS (SELECT 1 FROM drafts WHERE source_id = sources.id) "
        "AND NOT EXISTS (SELECT 1 FROM lists WHERE source_id = sources.id)",
        [source_id],
    )


def _given(store: Store, where: str, parameters: list[object]) -> Given:
    # `where` is one of the constants above; what it compares with is always a parameter.
    query = "SELECT filename, content FROM sources WHERE " + where  # noqa: S608
    row = next(store.read().query(query, parameters), None)
    if row is None:
        raise LookupError("no such source")
    return Given(row["filename"], row["content"], _WAYS.get(row["filename"], "file"))


def _sum(given: Given) -> str:
    return hashlib.sha256(given.content).hexdigest()


def _name(given: Given) -> str:
    # A file that bears one of our own words would come back as what was typed.
    return given.name + ".txt" if given.way == "file" and given.name in _WAYS else given.name
