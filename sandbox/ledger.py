"""What the sandbox accepted, in SQLite: a file that survives a restart, or memory."""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.lives import stamp

# Mails with this application came from "another program" on the same account.
STRANGER = "0" * 24

SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, msg_id TEXT NOT NULL UNIQUE, application TEXT NOT NULL,
    accepted_at TEXT NOT NULL, email TEXT NOT NULL, sender_email TEXT NOT NULL, sender_name TEXT NOT NULL,
    subject TEXT NOT NULL, body_sha256 TEXT NOT NULL, body_bytes INTEGER NOT NULL,
    attachment_name TEXT, attachment_sha256 TEXT, attachment_bytes INTEGER);
CREATE INDEX IF NOT EXISTS mails_by_content ON mails (email, body_sha256);
CREATE TABLE IF NOT EXISTS contents (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (fingerprint TEXT PRIMARY KEY, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

ORDERS = {"newest": "seq DESC", "oldest": "seq", "mixed": "msg_id"}


@dataclass(frozen=True)
class Mail:
    """One mail as it was posted; `body` is the decoded HTML."""

    email: str
    sender_email: str
    sender_name: str
    subject: str
    body: bytes
    attachment_name: str | None = None
    attachment: bytes | None = None


@dataclass(frozen=True)
class Entry:
    """One accepted mail as the ledger lists it, without its contents."""

    seq: int
    msg_id: str
    application: str
    accepted_at: str
    email: str
    sender_email: str
    sender_name: str
    subject: str
    body_sha256: str
    body_bytes: int
    attachment_name: str | None
    attachment_sha256: str | None
    attachment_bytes: int | None

    def age_at(self, now: datetime) -> timedelta:
        return now - datetime.fromisoformat(self.accepted_at)


COLUMNS = ", ".join(field.name for field in fields(Entry) if field.name != "seq")


class Ledger:
    """The accepted mails and, beside them, what else must survive a restart; safe from many threads."""

    def __init__(self, path: str = ":memory:") -> None:
        # Losing the last second in a power cut is fine for a stand-in, so nothing waits for the disk.
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._lock = threading.RLock()
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def accept(self, mail: Mail, application: str) -> str:
        """Writes the mail down and returns its new id."""
        msg_id = secrets.token_hex(10)
        body = (sha256(mail.body), len(mail.body))
        attachment: tuple[str | None, str | None, int | None] = (None, None, None)
        if mail.attachment is not None:
            attachment = (mail.attachment_name, sha256(mail.attachment), len(mail.attachment))
        who = (mail.email, mail.sender_email, mail.sender_name, mail.subject)
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._keep(mail.body)
            self._keep(mail.attachment)
            # The time is taken under the lock, so that it never runs backwards along seq.
            facts = (msg_id, application, stamp(datetime.now(UTC)), *who, *body, *attachment)
            places = ", ".join("?" * len(facts))
            self._db.execute(f"INSERT INTO mails ({COLUMNS}) VALUES ({places})", facts)  # noqa: S608
        return msg_id

    def _keep(self, content: bytes | None) -> None:
        if content is not None:
            self._db.execute("INSERT OR IGNORE INTO contents VALUES (?, ?)", (sha256(content), content))

    def find(self, msg_id: str) -> Entry | None:
        found = self._entries("WHERE msg_id = ?", msg_id)
        return found[0] if found else None

    def content(self, content_sha256: str) -> bytes:
        """The bytes of a body or an attachment."""
        return bytes(self._rows("SELECT content FROM contents WHERE sha256 = ?", content_sha256)[0][0])

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The mails accepted after this one, oldest first."""
        return self._entries("WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)

    def before(self, seq: int, limit: int) -> list[Entry]:
        """The mails accepted before this one, newest first."""
        return self._entries("WHERE seq < ? ORDER BY seq DESC LIMIT ?", seq, limit)

    def history(
        self, page: int, limit: int, *, until: datetime, cut: int = 0, order: str = "newest"
    ) -> tuple[list[Entry], int]:
        """One page of the mails accepted by `until`, and how many there are in all.

        `cut` keeps only the newest so many of them; a negative one only the oldest.
        """
        with self._lock:
            first, last = self._bounds(stamp(until), cut)
            total = self._rows("SELECT count(*) FROM mails WHERE seq BETWEEN ? AND ?", first, last)[0][0]
            where = f"WHERE seq BETWEEN ? AND ? ORDER BY {ORDERS[order]} LIMIT ? OFFSET ?"
            return self._entries(where, first, last, limit, (page - 1) * limit), total

    def _bounds(self, until: str, cut: int) -> tuple[int, int]:
        last = self._rows("SELECT max(seq) FROM mails WHERE accepted_at <= ?", until)[0][0] or 0
        if cut == 0:
            return 0, last
        order = "DESC" if cut > 0 else "ASC"
        nth = f"SELECT seq FROM mails WHERE seq <= ? ORDER BY seq {order} LIMIT 1 OFFSET ?"  # noqa: S608
        found = self._rows(nth, last, abs(cut) - 1)
        if not found:
            return 0, last
        return (found[0][0], last) if cut > 0 else (0, found[0][0])

    def summary(self) -> dict[str, object]:
        """How many were accepted, how many ids that makes, and how many contents came more than once."""
        accepted, ids = self._rows(
            "SELECT count(*), count(DISTINCT msg_id) FROM mails WHERE application != ?", STRANGER
        )[0]
        doubled = self._rows(
            "SELECT count(*) FROM (SELECT 1 FROM mails WHERE application != ?"
            " GROUP BY email, body_sha256 HAVING count(*) > 1)",
            STRANGER,
        )[0][0]
        strangers = self._rows("SELECT count(*) FROM mails WHERE application = ?", STRANGER)[0][0]
        return {"accepted": accepted, "distinct_ids": ids, "doubled": doubled, "strangers": strangers}

    def clear(self) -> None:
        """Forgets every mail, but no token."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM mails")
            self._db.execute("DELETE FROM contents")

    def setting(self, name: str, make: Callable[[], str]) -> str:
        """A value made once and kept, such as the signing key."""
        found = self._rows("SELECT value FROM settings WHERE name = ?", name)
        if found:
            return str(found[0][0])
        value = make()
        self._rows("INSERT INTO settings VALUES (?, ?)", name, value)
        return value

    def remember_token(self, fingerprint: str) -> None:
        self._rows("INSERT INTO tokens (fingerprint) VALUES (?)", fingerprint)

    def token_is_good(self, fingerprint: str) -> bool:
        return bool(self._rows("SELECT 1 FROM tokens WHERE fingerprint = ? AND revoked = 0", fingerprint))

    def revoke_tokens(self, fingerprint: str | None) -> int:
        """Revokes one token, or all; returns how many were good until now."""
        sql = "UPDATE tokens SET revoked = 1 WHERE revoked = 0 AND (? IS NULL OR fingerprint = ?) RETURNING 1"
        return len(self._rows(sql, fingerprint, fingerprint))

    def _rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    def _entries(self, where: str, *params: object) -> list[Entry]:
        return [Entry(*row) for row in self._rows(f"SELECT seq, {COLUMNS} FROM mails {where}", *params)]  # noqa: S608


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
