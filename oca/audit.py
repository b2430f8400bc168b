"""Every attempt to send, written down before the request leaves and completed after the answer.

An attempt that was begun and never completed is a mail that may have left.
"""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import sqlite_utils

from oca.messages import Message
from oca.token import Token

MAX_DETAIL = 2000

# The columns of `attempts` that this module fills; a table may have more.
ATTEMPT_COLUMNS = """
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    to_email TEXT NOT NULL,
    sender_email TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    subject TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    body_bytes INTEGER NOT NULL,
    attachment_name TEXT,
    attachment_sha256 TEXT,
    attachment_bytes INTEGER,
    token_fingerprint TEXT NOT NULL,
    finished_at TEXT,
    outcome TEXT,
    http_status INTEGER,
    code INTEGER,
    detail TEXT,
    msg_id TEXT,
    duration_ms INTEGER
"""


@dataclass(frozen=True)
class AttemptFacts:
    """What is known before a mail leaves: hashes of what is sent, never the content or the token."""

    started_at: datetime
    to_email: str
    sender_email: str
    sender_name: str
    subject: str
    body_sha256: str
    body_bytes: int
    attachment_name: str | None
    attachment_sha256: str | None
    attachment_bytes: int | None
    token_fingerprint: str

    @classmethod
    def of(cls, message: Message, token: Token, now: datetime) -> "AttemptFacts":
        """The facts of sending this message with this token, starting now (an aware datetime)."""
        return cls.by(message, token.fingerprint, now)

    @classmethod
    def by(cls, message: Message, fingerprint: str, now: datetime) -> "AttemptFacts":
        """The facts of sending this message with the token of that fingerprint, starting now."""
        attachment = message.attachment
        return cls(
            started_at=now,
            to_email=message.to,
            sender_email=message.sender_email,
            sender_name=message.sender_name,
            subject=message.subject,
            body_sha256=message.body_sha256,
            body_bytes=message.body_bytes,
            attachment_name=attachment.filename if attachment else None,
            attachment_sha256=attachment.sha256 if attachment else None,
            attachment_bytes=len(attachment.content) if attachment else None,
            token_fingerprint=fingerprint,
        )


@dataclass(frozen=True)
class AttemptResult:
    """How an attempt ended: `outcome` is "accepted" or the verdict of the error."""

    finished_at: datetime
    outcome: str
    http_status: int | None = None
    code: int | None = None
    detail: str = ""
    msg_id: str | None = None
    duration_ms: int | None = None


class Audit(Protocol):
    """Where attempts are written down."""

    def begin(self, facts: AttemptFacts) -> int:
        """Write an open attempt to disk and return its id; nothing is sent where this raises."""
        ...

    def complete(self, attempt_id: int, result: AttemptResult) -> None:
        """Write how the attempt ended."""
        ...


def insert_attempt(db: sqlite_utils.Database, facts: AttemptFacts, **extra: Any) -> int:
    """Write an open attempt in the caller's transaction; `extra` fills further columns. Returns its id."""
    row = {**vars(facts), "started_at": timestamp(facts.started_at), **extra}
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    sql = f"INSERT INTO attempts ({names}) VALUES ({marks})"  # noqa: S608 – our own column names
    attempt_id = db.execute(sql, list(row.values())).lastrowid
    assert attempt_id is not None  # noqa: S101 – for the type checker: an INSERT has one
    return attempt_id


def complete_attempt(db: sqlite_utils.Database, attempt_id: int, result: AttemptResult) -> None:
    """Write the result of an open attempt in the caller's transaction.

    Raises LookupError where the attempt is not open: a result once written is evidence and stays.
    """
    row = {
        **vars(result),
        "finished_at": timestamp(result.finished_at),
        "detail": result.detail[:MAX_DETAIL],
    }
    names = ", ".join(f'"{name}" = ?' for name in row)
    sql = f"UPDATE attempts SET {names} WHERE id = ? AND finished_at IS NULL"  # noqa: S608 – as above
    if db.execute(sql, [*row.values(), attempt_id]).rowcount != 1:
        raise LookupError(f"attempt {attempt_id} is not open")


def timestamp(moment: datetime) -> str:
    """A moment as it is stored: UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class AuditLog:
    """An audit in a SQLite file of its own, readable only by its owner.

    Safe to use from many threads, and by several processes at a time.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        lock = path.with_name(path.name + ".lock")
        for file in (path, lock):
            file.touch(mode=0o600)
        self._threads = threading.Lock()
        self._processes = lock.open("a")
        connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
        self._db = sqlite_utils.Database(connection)
        with self._alone():
            self._db.execute("PRAGMA journal_mode = WAL").fetchone()
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(f"CREATE TABLE IF NOT EXISTS attempts ({ATTEMPT_COLUMNS})")
            self._db.execute(
                "CREATE INDEX IF NOT EXISTS attempts_open ON attempts (id) WHERE finished_at IS NULL"
            )

    def begin(self, facts: AttemptFacts) -> int:
        """Write an open attempt; it is on disk when this returns. Raises sqlite3.Error or OSError."""
        with self._writing():
            return insert_attempt(self._db, facts)

    def complete(self, attempt_id: int, result: AttemptResult) -> None:
        """Write how the attempt ended. Raises LookupError where it is not open."""
        with self._writing():
            complete_attempt(self._db, attempt_id, result)

    def attempts(self, newest: int = 50) -> list[dict[str, Any]]:
        """The newest attempts, newest first, as rows."""
        return self._rows("SELECT * FROM attempts ORDER BY id DESC LIMIT ?", [newest])

    def open_attempts(self) -> list[dict[str, Any]]:
        """The attempts that never got a result, oldest first: mails that may have left."""
        return self._rows("SELECT * FROM attempts WHERE finished_at IS NULL ORDER BY id", [])

    def close(self) -> None:
        """Close the file; the log cannot be used afterwards."""
        with self._alone():
            self._db.close()
        self._processes.close()

    def __enter__(self) -> "AuditLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
        with self._threads:
            return list(self._db.query(sql, parameters))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # SQLite before 3.51.3 can corrupt a WAL file when two connections write or checkpoint at the same
        # instant, so its own locks are not enough between processes.
        with self._threads:
            fcntl.flock(self._processes, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._processes, fcntl.LOCK_UN)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._alone():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.rollback()
                raise
