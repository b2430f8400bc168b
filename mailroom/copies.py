"""A copy of the database in a file of its own: written under another name, checked, and only then there.

The copy is made page by page through a connection that only reads, inside one transaction: it is the database of one
moment, it may be made beside the program that sends meanwhile, and it never checkpoints (see `mailroom.store`). What
is written meanwhile waits in the WAL, about 200 kB for each mail that is sent. `VACUUM INTO` would do the same with
more work, and SQLite 3.40 refuses it through such a connection for tables with generated columns.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database

from mailroom.problems import say
from mailroom.times import iso
from oca.words import N_

Kind = Literal["mailroom", "upgrade"]

FORMAT = 1
LOCK = ".mailroom-backup.lock"
# 8 MB at a time: often enough to stop soon, and to let the disk keep up instead of everything at the end.
PAGES = 2048
# SQLite's steps between two looks whether to stop.
STEPS = 100_000

_NAME = re.compile(r"(mailroom|upgrade)-(?:\w+-)?\d{8}T\d{6}Z(?:-\d+)?")
_HALF = re.compile(rf"\.{_NAME.pattern}\.(?:db|json)\.part(?:-\w+)?")


class CopyFailed(RuntimeError):
    """There is no copy; `sentence` says why and what to do."""

    def __init__(self, text: str, **values: object) -> None:
        self.sentence = say(text, **values)
        super().__init__(str(self.sentence))


class Stopped(CopyFailed):
    """It was broken off because the program stops."""

    def __init__(self) -> None:
        super().__init__(N_("It was broken off because the program stopped."))


@dataclass(frozen=True)
class Facts:
    """What stands in a database.

    mailroom: which one it is, by the hash of its trail's first entry, "" before there is one. schema: the last
    migration. mails: how many stand where. attempt_id: the last attempt; trail_id, trail_hash: the last entry.
    """

    mailroom: str = ""
    schema: str = ""
    mails: dict[str, int] = field(default_factory=dict)
    attempt_id: int = 0
    trail_id: int = 0
    trail_hash: str = ""


@dataclass(frozen=True)
class Copy:
    """A copy that is there. kind: `mailroom`, or `upgrade` when it was made before the database was brought up to date.

    made_at: when it was begun. size: bytes. seconds: how long it took, checks included. broken: how many rules do not
    hold in it, or in the database it is a copy of.
    """

    path: Path
    kind: Kind
    made_at: str
    size: int
    sha256: str
    seconds: float
    broken: int
    facts: Facts

    @property
    def mails(self) -> int:
        """How many mails are in it."""
        return sum(self.facts.mails.values())


@dataclass(frozen=True)
class Order:
    """What is to be copied, and where to.

    source: the database. folder: where the copy goes, which must be there. keep: how many of its kind stay. floor:
    bytes that stay free on its disk. rules: what the copy is checked for besides being sound. stopping: asked often.
    """

    source: Path
    folder: Path
    kind: Kind
    keep: int
    floor: int
    rules: Callable[[Database], list[Any]] = lambda _: []
    stopping: Callable[[], bool] = lambda: False


def make(order: Order, now: datetime, clock: Callable[[], float]) -> Copy:
    """The new copy, complete and checked; the oldest beyond those that are kept are gone then.

    clock: seconds, for how long it took. Raises CopyFailed, and then everything is as it was.
    """
    with _alone(order.folder):
        _clear_leftovers(order.folder)
        _refuse_without_room(order.source, order.folder, order.floor)
        begun, part = clock(), order.folder / f".{_name(order, now)}.db.part"
        try:
            write(order.source, part, order.stopping, order.floor)
            facts, broken = check(part, order.rules, order.stopping)
            name = _name(order, now, facts.schema)
            copy = Copy(
                order.folder / f"{name}.db", order.kind, iso(now), part.stat().st_size, sha256_of(part), 0.0,
                len(broken), facts,
            )  # fmt: skip
            there = _same(copy)
            if not there:
                copy = replace(copy, seconds=round(clock() - begun, 1))
                _publish(part, copy)
        except (OSError, sqlite3.OperationalError) as error:
            raise CopyFailed(N_("It could not be written: %(why)s."), why=why(error)) from None
        except sqlite3.DatabaseError as error:
            raise _damaged(error) from None
        finally:
            for left in order.folder.glob(f"{part.name}*"):
                left.unlink(missing_ok=True)
        if there:
            return there
        if not broken:
            _remove_oldest(copy, order.keep)
        return copy


def existing(folder: Path, kind: Kind = "mailroom") -> list[Copy]:
    """The copies of a kind in a folder, the newest first; what has no manifest beside it is none of ours."""
    found = [copy for path in folder.glob(f"{kind}-*.db") if (copy := read(path)) and copy.kind == kind]
    return sorted(found, key=lambda copy: (copy.made_at, copy.path.name), reverse=True)


def read(path: Path) -> Copy | None:
    """The copy at `path` as its manifest tells; None without one that can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        told = json.loads(path.with_suffix(".json").read_text())
        if told.pop("format") == FORMAT and path.is_file() and _NAME.fullmatch(path.stem):
            return Copy(**{**told, "path": path, "facts": Facts(**told["facts"])})
    return None


def write(source: Path, target: Path, stopping: Callable[[], bool], floor: int) -> None:
    """Copies a database into a new file for its owner alone, which is on the disk then; may be beside its program.

    Raises CopyFailed when the disk gets fuller than `floor` bytes free, or when it is to stop.
    """

    def breathe(*_: int) -> None:
        if stopping():
            raise Stopped
        if shutil.disk_usage(target.parent).free < floor:
            raise CopyFailed(N_("The disk got too full meanwhile. Make room, then try again."))
        os.fdatasync(file)

    file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            closing(reading(source)) as theirs,
            closing(sqlite3.connect(target, isolation_level=None)) as ours,
        ):
            theirs.execute("BEGIN")
            theirs.execute("SELECT 1 FROM sqlite_schema").fetchone()
            # A file that is not there under its own name yet needs no journal.
            ours.execute("PRAGMA journal_mode = OFF")
            ours.execute("PRAGMA synchronous = OFF")
            theirs.backup(ours, pages=PAGES, progress=breathe)
            # One plain file, without a WAL that would have to go with it.
            ours.execute("PRAGMA journal_mode = DELETE")
        os.fsync(file)
    finally:
        os.close(file)


def check(
    path: Path, rules: Callable[[Database], list[Any]], stopping: Callable[[], bool] = lambda: False
) -> tuple[Facts, list[Any]]:
    """What stands in a copy, and which rules do not hold in it. Raises CopyFailed when it is not sound."""
    with closing(reading(path)) as connection:
        connection.set_progress_handler(stopping, STEPS)
        try:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found == "ok":
                db = Database(connection)
                return facts_of(db), rules(db)
        except sqlite3.OperationalError as error:
            if stopping():
                raise Stopped from None
            found = error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            found = error
    raise _damaged(found)


def facts_of(db: Database) -> Facts:
    """What stands in a database of any version of the program."""
    there = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    def one(table: str, what: str, rest: str = "") -> tuple[Any, ...]:
        # Only words of ours.
        row = db.execute(f"SELECT {what} FROM {table} {rest}").fetchone() if table in there else None  # noqa: S608
        return tuple(row) if row else ("",) * (what.count(",") + 1)

    last = one("activity", "id, hash", "ORDER BY id DESC LIMIT 1")
    counts = (
        db.execute("SELECT shown, sum(n) FROM batch_counts GROUP BY shown HAVING sum(n) > 0").fetchall()
        if "batch_counts" in there
        else []
    )
    return Facts(
        one("activity", "hash", "ORDER BY id LIMIT 1")[0],
        one("_sqlite_migrations", "name", "ORDER BY id DESC LIMIT 1")[0],
        {row[0]: int(row[1]) for row in counts},
        int(one("attempts", "max(id)")[0] or 0),
        int(last[0] or 0),
        last[1],
    )


def reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads; it never checkpoints, so it may be there beside the program."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    return connection


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def why(error: Exception) -> str:
    """What went wrong, in the system's words, without its number."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def keep_name(folder: Path) -> None:
    """Puts what was renamed in a folder on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _damaged(what: object) -> CopyFailed:
    return CopyFailed(
        N_(
            "The copy is damaged, so the database or the disk may be: %(what)s. Run flask verify, and keep the "
            "older backups."
        ),
        what=what,
    )


def _name(order: Order, now: datetime, schema: str = "") -> str:
    stem = f"{order.kind}-{schema + '-' if order.kind == 'upgrade' and schema else ''}{now:%Y%m%dT%H%M%SZ}"
    names = (stem, *(f"{stem}-{n}" for n in range(1, 10_000)))
    return next(name for name in names if not (order.folder / f"{name}.db").exists())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder for one process; the lock ends with it, however it ends."""
    try:
        lock = os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    except OSError as error:
        raise CopyFailed(
            N_("Nothing can be written to %(folder)s: %(why)s."), folder=folder, why=why(error)
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CopyFailed(
                N_("Another backup is just being written to %(folder)s. Wait until it is done."),
                folder=folder,
            ) from None
        yield


def _clear_leftovers(folder: Path) -> None:
    """Takes away what a run left that was killed: what is half written, and manifests whose copy never came."""
    for path in folder.iterdir():
        alone = path.suffix == ".json" and _NAME.fullmatch(path.stem) and not path.with_suffix(".db").exists()
        if alone or _HALF.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _refuse_without_room(source: Path, folder: Path, floor: int) -> None:
    try:
        # A tenth more, for what is written meanwhile.
        needed = source.stat().st_size * 11 // 10 + floor
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise CopyFailed(N_("It could not be written: %(why)s."), why=why(error)) from None
    if free < needed:
        raise CopyFailed(
            N_(
                "The disk of %(folder)s has %(free)s MB free, and %(needed)s MB are needed. Make room, or keep fewer "
                "backups."
            ),
            folder=folder,
            free=free // 1_000_000,
            needed=-(-needed // 1_000_000),
        )


def _same(copy: Copy) -> Copy | None:
    """The copy with the very same content that was made before the same upgrade, when that is tried again."""
    if copy.kind != "upgrade":
        return None
    return next((one for one in existing(copy.path.parent, "upgrade") if one.sha256 == copy.sha256), None)


def _publish(part: Path, copy: Copy) -> None:
    told = {"format": FORMAT, **asdict(copy)}
    del told["path"]
    manifest = part.with_name(f".{copy.path.stem}.json.part")
    try:
        with os.fdopen(os.open(manifest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(told, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        # The manifest first: a copy is there from the moment on when it has its name.
        manifest.replace(copy.path.with_suffix(".json"))
        part.rename(copy.path)
    finally:
        manifest.unlink(missing_ok=True)
    keep_name(copy.path.parent)


def _remove_oldest(newest: Copy, keep: int) -> None:
    ours = [
        copy
        for copy in existing(newest.path.parent, newest.kind)
        if copy.facts.mailroom == newest.facts.mailroom and copy.path != newest.path
    ]
    for copy in ours[max(keep, 1) - 1 :]:
        copy.path.unlink(missing_ok=True)
        copy.path.with_suffix(".json").unlink(missing_ok=True)
