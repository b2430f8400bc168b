"""Saved lists: a list of recipients that was kept under a name, with how it is read, to be sent to again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds, library_deeds, recipients, sources
from mailroom.drafts import Draft
from mailroom.problems import Problem
from mailroom.recipients import Given, Reading
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

MAX_NAME = 100


@dataclass(frozen=True)
class SavedList:
    """A list as the pages show it.

    source_id: of the list as it was given; filename, size: its file's name, and its bytes. reading: how it is read.
    created_at, created_by: when it was kept or last replaced, and the name of who did. used_at: when mail was last
    queued for it, or "".
    """

    id: int
    name: str
    source_id: int
    filename: str
    size: int
    reading: Reading
    rows: int
    created_at: str
    created_by: str
    used_at: str

    def read_as(self, reading: Reading) -> Reading:
        """That reading, and what was chosen for the fields of other templates, which a list keeps."""
        fields = {**self.reading.fields, **reading.fields}
        at = reading.attachment if reading.attachment is not None else self.reading.attachment
        return replace(reading, fields=fields, attachment=at)


def keep(store: Store, draft: Draft, name: str, user_id: int, now: datetime) -> int:
    """The id of a new list: the one the draft was made of, read as it was there.

    Raises Problem beside `name` when it cannot be called that.
    """
    name = _named(name)
    with store.write() as db, _no_second(name):
        list_id = db.execute(
            "INSERT INTO lists (name, source_id, reading, rows, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)",
            [name, draft.source_id, draft.reading.to_json(), draft.total, iso(now), user_id],
        ).lastrowid
        activity.note(db, library_deeds.ListKept(name, draft.total), now, user_id)
        return int(list_id or 0)


def all_lists(store: Store) -> list[SavedList]:
    """Every list of the team, by name."""
    return list(_select(store, "ORDER BY l.name"))


def get(store: Store, list_id: int) -> SavedList:
    """One list. Raises LookupError when there is none with this id."""
    found = next(_select(store, "WHERE l.id = ?", [list_id]), None)
    if found is None:
        raise LookupError("no such list")
    return found


def of_source(store: Store, source_id: int | None) -> SavedList | None:
    """The list that was kept of a source, or None."""
    return next(_select(store, "WHERE l.source_id = ? ORDER BY l.id", [source_id]), None)


def given(store: Store, saved: SavedList) -> Given:
    """The list as it was uploaded."""
    return sources.get(store, saved.source_id)


def download(store: Store, saved: SavedList, user_id: int, now: datetime) -> bytes:
    """The file as it was uploaded, for a person who takes it away, which is noted."""
    activity.record(store, deeds.AddressesExported(saved.name, saved.rows), now, user_id)
    return given(store, saved).content


def rename(store: Store, list_id: int, name: str, user_id: int, now: datetime) -> None:
    """Calls the list something else. Raises Problem beside `name` when it cannot be called that."""
    name = _named(name)
    with store.write() as db, _no_second(name):
        before = db.execute("SELECT name FROM lists WHERE id = ?", [list_id]).fetchone()
        if before and before["name"] != name:
            db.execute("UPDATE lists SET name = ? WHERE id = ?", [name, list_id])
            activity.note(db, library_deeds.ListRenamed(before["name"], name), now, user_id)


def read_like(store: Store, saved: SavedList, draft: Draft, user_id: int, now: datetime) -> None:
    """Has the list read from now on as the draft was read."""
    reading = saved.read_as(draft.reading).to_json()
    with store.write() as db:
        db.execute("UPDATE lists SET reading = ?, rows = ? WHERE id = ?", [reading, draft.total, saved.id])
        activity.note(db, library_deeds.ListReadAnew(saved.name, draft.total), now, user_id)


def put_in_place(store: Store, saved: SavedList, newer: Given, user_id: int, now: datetime) -> int:
    """How many rows the list has now that a newer upload took its place.

    What was chosen about its columns stays when the newer one has the same columns. Raises Problem when it cannot
    be read.
    """
    sheet = recipients.read(newer)
    if sheet.columns == recipients.read(given(store, saved), saved.reading).columns:
        found = replace(
            saved.reading,
            encoding=sheet.reading.encoding,
            delimiter=sheet.reading.delimiter,
            sheet=sheet.reading.sheet,
            header_row=sheet.reading.header_row,
        )
    else:
        found = replace(sheet.reading, duplicates=saved.reading.duplicates)
    # Counted before the lock is taken: a long list takes seconds, and the sender writes through the same lock.
    rows = sum(1 for _ in sheet.read())
    with store.write() as db:
        db.execute(
            "UPDATE lists SET source_id = ?, reading = ?, rows = ?, created_at = ?, created_by = ? WHERE id = ?",
            [sources.keep(db, newer, now), found.to_json(), rows, iso(now), user_id, saved.id],
        )
        sources.forget(db, saved.source_id)
        activity.note(db, library_deeds.ListReplaced(saved.name, saved.rows, rows), now, user_id)
    return rows


def remove(store: Store, saved: SavedList) -> None:
    """Removes the list. Batches that were sent to it stay as they are."""
    with store.write() as db:
        gone = db.execute("DELETE FROM lists WHERE id = ?", [saved.id]).rowcount
        sources.forget(db, saved.source_id)
        if gone:
            activity.note(db, deeds.ListRemoved(saved.name, saved.rows))


def used(db: Database, source_id: int | None, now: datetime) -> None:
    """Notes that mail was queued for the list that was kept of this source, if any was."""
    db.execute("UPDATE lists SET used_at = ? WHERE source_id = ?", [iso(now), source_id])


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Problem(N_("Name the list in 1 to %(most)s letters."), field="name", most=MAX_NAME)
    return name


@contextmanager
def _no_second(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        sentence = N_("There is already a list called “%(name)s”. Choose another name.")
        raise Problem(sentence, field="name", name=name) from None


def _select(store: Store, where: str, parameters: list[object] | None = None) -> Iterator[SavedList]:
    rows = store.read().query(
        "SELECT l.id, l.name, l.source_id, s.filename, length(s.content) AS size, l.reading, l.rows, l.created_at, "  # noqa: S608
        "u.name AS created_by, l.used_at FROM lists l JOIN sources s ON s.id = l.source_id "
        "JOIN users u ON u.id = l.created_by " + where,
        # `where` is one of the constants above; what it compares with is always a parameter.
        parameters or [],
    )
    for row in rows:
        yield SavedList(**{**row, "reading": Reading.from_json(row["reading"])})
