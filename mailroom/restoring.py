"""Putting a backup in the place of the database: checked first, in one step, and the present one is kept aside.

What the copy cannot know is left to the next start, which the mark tells of it (`restored`).
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from mailroom import activity, copies, restored
from mailroom.copies import CopyFailed, Facts
from mailroom.keys import KeyFileError, Keys
from mailroom.restored import Mark, PutBack
from mailroom.schema import migrations
from mailroom.settings import Settings
from mailroom.store import FLOOR_BYTES, newer, owned
from mailroom.times import iso
from mailroom.verify import Broken, rules
from oca.words import N_

PART = ".mailroom-restore.part"


@dataclass(frozen=True)
class Candidate:
    """A backup that could be put back.

    made_at: when it was made, or last written when no manifest says it. pending: whether it is brought up to date at
    the next start. opens: whether the key file that is there opens its tokens.
    """

    path: Path
    made_at: str
    size: int
    facts: Facts
    pending: bool
    opens: bool


def look(path: Path, settings: Settings) -> Candidate:
    """What a file holds, at a glance. Raises CopyFailed when it is none of ours, or of a newer version."""
    if not path.is_file():
        raise CopyFailed(N_("There is no file %(path)s."), path=path)
    known = copies.read(path)
    if known and known.size != path.stat().st_size:
        raise CopyFailed(
            N_("%(path)s is not as it was made: the manifest beside it tells another size."), path=path
        )
    try:
        with closing(copies.reading(path)) as connection:
            db = Database(connection)
            if not migrations.applied(db):
                raise CopyFailed(N_("%(path)s is no database of Mailroom."), path=path)
            if unknown := newer(db):
                raise CopyFailed(
                    N_(
                        "%(path)s was made by a newer version of Mailroom (%(names)s). Install that version first."
                    ),
                    path=path,
                    names=", ".join(unknown),
                )
            made_at = known.made_at if known else _last_written(db)
            pending = bool(migrations.pending(db))
            return Candidate(
                path, made_at, path.stat().st_size, copies.facts_of(db), pending, _opens(db, settings)
            )
    except (OSError, sqlite3.Error, ValueError) as error:  # a damaged file may hold what is no text
        raise CopyFailed(N_("%(path)s cannot be read: %(why)s."), path=path, why=copies.why(error)) from None


def put_back(
    candidate: Candidate, settings: Settings, now: datetime, despite: Callable[[list[Broken]], bool]
) -> Path | None:
    """Where the database is kept that was there until now; None when there was none.

    despite: asked whether a copy in which rules do not hold is wanted all the same. Raises CopyFailed, StoreInUse
    while the program runs; the database is as it was then.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database, part = settings.database, settings.data / PART
    with owned(database):
        part.unlink(missing_ok=True)
        try:
            _copy_checked(candidate, part, despite)
            aside = _aside(database, now)
            mark = _mark(candidate, database, aside, now)
            # First of all: nothing goes out from a copy that does not know it is one.
            restored.write_mark(database, mark)
            _sync(database.with_suffix(".mark"))
            _put_aside(database, aside)
            # What waits in the WAL of the old one must never be taken for the new one's.
            for name in ("-wal", "-shm"):
                database.with_name(database.name + name).unlink(missing_ok=True)
            copies.keep_name(settings.data)
            part.replace(database)
            copies.keep_name(settings.data)
        except (OSError, sqlite3.Error) as error:
            raise CopyFailed(N_("It could not be put back: %(why)s."), why=copies.why(error)) from None
        finally:
            part.unlink(missing_ok=True)
    return aside


def _copy_checked(candidate: Candidate, part: Path, despite: Callable[[list[Broken]], bool]) -> None:
    """Copies it to the data folder and looks at what arrived there, for that is what will be put in place."""
    free = shutil.disk_usage(part.parent).free
    if free < candidate.size + FLOOR_BYTES:
        raise CopyFailed(
            N_(
                "The disk of %(folder)s has no room for it: %(free)s MB are free, and %(needed)s MB are needed."
            ),
            folder=part.parent,
            free=free // 1_000_000,
            needed=-(-(candidate.size + FLOOR_BYTES) // 1_000_000),
        )
    known = copies.read(candidate.path)
    if known and known.sha256 != copies.sha256_of(candidate.path):
        raise CopyFailed(
            N_(
                "%(path)s is not as it was made: its SHA-256 differs from the manifest's. Take another backup."
            ),
            path=candidate.path,
        )
    copies.write(candidate.path, part, lambda: False, FLOOR_BYTES)
    # The rules are those of the present version: they say nothing about a copy that is to be brought up to date yet.
    _, broken = copies.check(part, (lambda _: []) if candidate.pending else rules)
    if broken and not despite(broken):
        raise CopyFailed(N_("It was not put back, because rules do not hold in it."))


def _mark(candidate: Candidate, database: Path, aside: Path | None, now: datetime) -> Mark:
    """How far the newest database had come, so that the next start looks up what may have been sent since.

    When the present one can be read and goes on from the copy, it knows. Otherwise something may have been sent, for
    example by a machine that is lost.
    """
    before = restored.mark_of(database) or Mark(0, iso(now))
    newest, trail = candidate.facts.attempt_id + 1, before.trail
    with suppress(OSError, sqlite3.Error), closing(copies.reading(database)) as connection:
        db = Database(connection)
        told = activity.Head(candidate.facts.trail_id, candidate.facts.trail_hash)
        if told.id and activity.holds(db, told):
            newest, trail = restored.last_attempt(db), activity.head(db)
    there = str(aside.relative_to(database.parent)) if aside else ""
    return Mark(
        max(before.attempt_id, newest),
        iso(now),
        trail,
        PutBack(candidate.path.name, candidate.made_at, there),
    )


def _aside(database: Path, now: datetime) -> Path | None:
    """Where the present database will be kept, in a folder of its own; None when there is none."""
    if not database.exists():
        return None
    stem = database.parent / "replaced" / f"{now:%Y%m%dT%H%M%SZ}"
    folder = next(one for one in (stem, *(Path(f"{stem}-{n}") for n in range(1, 1000))) if not one.exists())
    return folder / database.name


def _put_aside(database: Path, aside: Path | None) -> None:
    """Gives the present database a second name, so that at every moment it is there."""
    if aside is None:
        return
    aside.parent.mkdir(mode=0o700, parents=True)
    for there in (database, database.with_name(database.name + "-wal")):
        if there.exists():
            os.link(there, aside.parent / there.name)
    copies.keep_name(aside.parent)


def _opens(db: Database, settings: Settings) -> bool:
    """Whether the key file fits the tokens in it, as far as there are any."""
    row = db.execute("SELECT secret FROM tokens LIMIT 1").fetchone()
    if row is None:
        return True
    if not settings.key_file.exists():
        return False
    try:
        Keys.load_or_create(settings.key_file).decrypt(row[0])
    except KeyFileError:
        return False
    return True


def _last_written(db: Database) -> str:
    row = db.execute("SELECT at FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    copies.keep_name(path.parent)
