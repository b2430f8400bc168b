"""The one file that holds everything: how it is opened, written, read, and brought up to date.

SQLite 3.7.0–3.51.2 can corrupt a WAL file when two connections write or checkpoint at the same instant
(https://www.sqlite.org/wal.html#walresetbug), so one process owns the file and writes through one
connection behind one lock; every thread reads through a connection of its own that cannot write.
"""

import fcntl
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from sqlite_utils import Database

from mailroom import copies
from mailroom.schema import migrations
from mailroom.times import utc_now
from oca.words import N_

_log = logging.getLogger("mailroom.store")

# Bytes. With less no mail is claimed, so that answers still due find room: a few kB each, and the WAL's growth.
FLOOR_BYTES = 50_000_000
READER_CACHE_KB = 500
# Copies made before an upgrade; one for each of the last versions of the database.
KEPT_UPGRADES = 3
# While a backup is made, the WAL grows; afterwards it is cut to so many bytes.
WAL_BYTES = 64_000_000


class StoreError(RuntimeError):
    """The database cannot be used; the text says why and what to do."""


class StoreInUse(StoreError):
    """Another process has the database open."""


class Store:
    """The team's database in one file.

    path: where the file is, or is to be made. floor_bytes: how much of its disk has to be free for `has_room`.
    wait: seconds that another process may still need to let go of it.
    Raises StoreInUse when another process has it open, StoreError when it was made by a newer version of the program.
    """

    def __init__(self, path: Path, floor_bytes: int = FLOOR_BYTES, wait: float = 0.0) -> None:
        self.path = path
        self.floor_bytes = floor_bytes
        self._lock = threading.Lock()
        self._readers: dict[threading.Thread, Database] = {}
        self._readers_lock = threading.Lock()
        self._owner = _own(path, wait)
        # SQLite gives its WAL file the database's mode.
        path.touch(mode=0o600)
        try:
            self._writer = Database(_connect(path))
            _refuse_newer(self._writer)
            _migrate(self._writer, path, floor_bytes)
        except BaseException:
            self._owner.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Database]:
        """The writing connection inside one transaction: all of it is on the disk afterwards, or none of it.

        Never nest it: the lock is not re-entrant, and a verb that needs a transaction takes the `Database`.
        """
        with self._lock, self._transaction() as db:
            yield db

    def can_write(self, patience: float) -> bool:
        """Whether a transaction reaches the disk now; one is tried that leaves nothing behind.

        patience: seconds to wait for whoever is writing.
        """
        if not self._lock.acquire(timeout=patience):
            return False
        try:
            with self._transaction() as db:
                number = db.execute("PRAGMA user_version").fetchone()[0]
                # Nobody uses this number. Written as it was, it still takes a page and an fsync.
                db.execute(f"PRAGMA user_version = {number:d}")
        except sqlite3.Error:
            return False
        finally:
            self._lock.release()
        return True

    def read(self) -> Database:
        """This thread's reading connection; a write through it is an error."""
        thread = threading.current_thread()
        reader = self._readers.get(thread)
        if reader is None:
            connection = _connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            # kB, for each thread; the system keeps the file's pages as well, for all of them together.
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KB}")
            reader = Database(connection)
            with self._readers_lock:
                self._close_readers_of_ended_threads()
                self._readers[thread] = reader
        return reader

    def has_room(self, size: int = 0) -> bool:
        """Whether the disk has room for `size` bytes and the answers still due; without any no mail is claimed."""
        return shutil.disk_usage(self.path.parent).free >= self.floor_bytes + size

    def close(self) -> None:
        """Closes every connection and lets another process have the file."""
        for database in [*self._readers.values(), self._writer]:
            database.close()
        self._owner.close()

    @contextmanager
    def _transaction(self) -> Iterator[Database]:
        # IMMEDIATE, because a deferred BEGIN that reads before it writes can fail with "locked".
        self._writer.conn.execute("BEGIN IMMEDIATE")
        try:
            yield self._writer
        except BaseException:
            with suppress(sqlite3.Error):
                self._writer.conn.execute("ROLLBACK")
            raise
        self._commit()

    def _close_readers_of_ended_threads(self) -> None:
        for thread in [thread for thread in self._readers if not thread.is_alive()]:
            self._readers.pop(thread).close()

    def _commit(self) -> None:
        try:
            self._writer.conn.execute("COMMIT")
        except BaseException:
            # A COMMIT that failed on a full disk leaves the transaction open; the next BEGIN would fail too.
            with suppress(sqlite3.Error):
                self._writer.conn.execute("ROLLBACK")
            raise


class Onlooker(Store):
    """The same file for a command that only reads, whether the program runs beside it or not.

    It is read as it is, not brought up to date; `schema_of` says how far it is. Raises sqlite3.DatabaseError when it
    is no database.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.floor_bytes = path, FLOOR_BYTES
        self._reader = Database(copies.reading(path))

    def read(self) -> Database:
        """The one connection there is."""
        return self._reader

    @contextmanager
    def write(self) -> Iterator[Database]:
        """Raises RuntimeError, always."""
        raise RuntimeError("an onlooker does not write")
        yield

    def close(self) -> None:
        """Closes the connection."""
        self._reader.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL: with NORMAL a power cut takes back commits, and a mail whose record is taken back is sent again.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is erased is overwritten, not only left out, but for rare traces between two rows (VACUUM removes those);
    # Debian's SQLite does so by itself, others do not.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Keeps every other process from opening the database at `path`. Raises StoreInUse when one has it open."""
    with _own(path, 0):
        yield


def in_use(path: Path) -> bool:
    """Whether a process has the database at `path` open."""
    with suppress(FileNotFoundError), path.with_suffix(".lock").open() as lock:
        return not _locked(lock, fcntl.LOCK_SH, 0)
    return False


def _locked(lock: IO[str], kind: int, wait: float) -> bool:
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        else:
            return True


def _own(path: Path, wait: float) -> IO[str]:
    lock = path.with_suffix(".lock").open("a+")
    if not _locked(lock, fcntl.LOCK_EX, wait):
        lock.seek(0)
        holder = lock.read().strip() or "?"
        lock.close()
        sentence = N_(
            "Another copy of Mailroom (process %(pid)s) already has the database %(path)s open. "
            "Stop that one first, or give this one another folder with MAILROOM_DATA."
        )
        raise StoreInUse(sentence % {"pid": holder, "path": path})
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _migrate(db: Database, path: Path, floor_bytes: int) -> None:
    if not migrations.pending(db):
        return
    used = bool(migrations.applied(db) and db.execute("SELECT 1 FROM users").fetchone())
    if used:
        size = path.stat().st_size / 1e6
        _log.info("The database is of an older version. A copy of its %d MB is made and checked first.", size)
        _copy_before(path, floor_bytes)
        _log.info("The copy is there; now the database is brought up to date. Do not break it off.")
    # A table that is made anew is dropped in between, which its references would forbid.
    db.execute("PRAGMA foreign_keys = OFF")
    migrations.apply(db)
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise StoreError(N_("The database was not brought up to date: references in it lead nowhere."))
    db.execute("PRAGMA foreign_keys = ON")
    if used:
        _log.info("The database is up to date.")


def schema_of(db: Database) -> Literal["older", "current", "newer"]:
    """Whether the database is of this version of the program, or of which other."""
    if newer(db):
        return "newer"
    return "older" if migrations.pending(db) else "current"


def _copy_before(path: Path, floor_bytes: int) -> None:
    """Puts a copy of a database that somebody uses aside before it is brought up to date."""
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        copies.make(
            copies.Order(path, folder, "upgrade", KEPT_UPGRADES, floor_bytes), utc_now(), time.monotonic
        )
    except copies.CopyFailed as error:
        sentence = N_(
            "The database has to be brought up to date, but no copy of it can be made before, so nothing was changed. "
            "%(why)s"
        )
        raise StoreError(sentence % {"why": error}) from None


def newer(db: Database) -> list[str]:
    """The migrations of a database that only a newer version of the program knows; empty for one we can open."""
    known = {migration.name for migration in migrations._migrations}
    return [done.name for done in migrations.applied(db) if done.name not in known]


def _refuse_newer(db: Database) -> None:
    unknown = newer(db)
    if unknown:
        sentence = N_(
            "This database was made by a newer version of Mailroom (%(names)s). "
            "Install that version, or restore a backup made before the upgrade."
        )
        raise StoreError(sentence % {"names": ", ".join(unknown)})
