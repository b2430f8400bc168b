"""Being signed in: the browsers people came in with, and how long they stay."""

import hashlib
import secrets
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlite_utils import Database

from mailroom import account_deeds, activity
from mailroom.people import Language, Role, User
from mailroom.store import Store
from mailroom.times import iso, parse

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
FRESH = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)
LONGEST_BROWSER = 200


@dataclass(frozen=True)
class Session:
    """A browser somebody is signed in with.

    id: of this line, which lets nobody in. seen_at: to the minute. this: whether it is the one that asks.
    """

    id: str
    created_at: str
    seen_at: str
    address: str
    browser: str
    this: bool


def begin(store: Store, user_id: int, address: str, browser: str, now: datetime, method: str = "link") -> str:
    """The random id of a new session of somebody who has shown who they are; only its hash is kept.

    address: where the request came from. browser: its User-Agent. method: how they showed it, one of
    `account_deeds.SignedIn`'s.
    """
    with store.write() as db:
        return start(db, user_id, address, browser, now, method)


def start(db: Database, user_id: int, address: str, browser: str, now: datetime, method: str) -> str:
    """The same, inside the caller's transaction."""
    session_id = secrets.token_urlsafe(32)
    values = [_hash(session_id), user_id, iso(now), iso(now), iso(now), iso(now + IDLE), address]
    db.execute(
        "INSERT INTO sessions (id_hash, user_id, created_at, seen_at, confirmed_at, expires_at, address, browser) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [*values, browser[:LONGEST_BROWSER]],
    )
    activity.note(db, account_deeds.SignedIn(method), now, user_id)
    return session_id


def session_user(store: Store, session_id: str, now: datetime, extend: bool) -> User | None:
    """The person behind a browser's cookie, as they are now; None when they are signed out or shut out.

    extend: whether a person did this request; a page that polls by itself must not keep a session alive.
    """
    row = (
        store.read()
        .execute(
            "SELECT users.id, email, name, role, language, sessions.created_at, seen_at FROM sessions "
            "JOIN users ON users.id = user_id WHERE id_hash = ? AND expires_at > ? AND disabled_at IS NULL",
            [_hash(session_id), iso(now)],
        )
        .fetchone()
    )
    if row is None:
        return None
    if extend and now - parse(row["seen_at"]) >= SEEN_EVERY:
        end = min(now + IDLE, parse(row["created_at"]) + LONGEST)
        # On a full disk people can at least still read.
        with suppress(sqlite3.OperationalError), store.write() as db:
            db.execute(
                "UPDATE sessions SET seen_at = ?, expires_at = ? WHERE id_hash = ?",
                [iso(now), iso(end), _hash(session_id)],
            )
    role, language = cast(Role, row["role"]), cast(Language, row["language"])
    return User(row["id"], row["email"], row["name"], role, disabled=False, language=language)


def sign_out(store: Store, session_id: str) -> None:
    """Ends the session: its cookie is worth nothing afterwards, wherever it was copied to."""
    with store.write() as db:
        db.execute("DELETE FROM sessions WHERE id_hash = ?", [_hash(session_id)])


def of_user(store: Store, user_id: int, session_id: str, now: datetime) -> list[Session]:
    """Where the person is signed in: the browser that asks first, then the one seen last.

    session_id: of the browser that asks, or "".
    """
    rows = store.read().query(
        "SELECT id_hash AS id, created_at, seen_at, address, browser, id_hash = :this AS this FROM sessions "
        "WHERE user_id = :user AND expires_at > :now ORDER BY this DESC, seen_at DESC, id_hash",
        {"this": _hash(session_id), "user": user_id, "now": iso(now)},
    )
    return [Session(**{**row, "this": bool(row["this"])}) for row in rows]


def end(store: Store, user_id: int, line: str, now: datetime) -> bool:
    """Ends one session of the person, by the id of its line; False when it had ended already."""
    with store.write() as db:
        ended = db.execute("DELETE FROM sessions WHERE id_hash = ? AND user_id = ?", [line, user_id]).rowcount
        if ended:
            activity.note(db, account_deeds.SessionsEnded(ended), now, user_id)
    return bool(ended)


def end_others(store: Store, user_id: int, session_id: str, now: datetime) -> int:
    """Ends every session of the person but this one; how many there were."""
    with store.write() as db:
        ended = _end_others(db, user_id, session_id)
        if ended:
            activity.note(db, account_deeds.SessionsEnded(ended), now, user_id)
    return ended


def renew(db: Database, user_id: int, session_id: str) -> str:
    """The new id of this session after something changed that lets the person in; their others end with it.

    Inside the caller's transaction. Whoever had copied the old id, or came in with the old secret, is out.
    """
    _end_others(db, user_id, session_id)
    fresh = secrets.token_urlsafe(32)
    db.execute("UPDATE sessions SET id_hash = ? WHERE id_hash = ?", [_hash(fresh), _hash(session_id)])
    return fresh


def end_all(db: Database, user_id: int) -> int:
    """Ends every session of the person, inside the caller's transaction; how many there were."""
    return _end_others(db, user_id, "")


def is_fresh(store: Store, session_id: str, now: datetime) -> bool:
    """Whether the person showed who they are so lately that what matters may be changed without asking again."""
    found = store.read().execute(
        "SELECT 1 FROM sessions WHERE id_hash = ? AND confirmed_at > ?",
        [_hash(session_id), iso(now - FRESH)],
    )
    return found.fetchone() is not None


def confirm(store: Store, session_id: str, now: datetime) -> None:
    """Notes that the person has shown again who they are."""
    with store.write() as db:
        db.execute("UPDATE sessions SET confirmed_at = ? WHERE id_hash = ?", [iso(now), _hash(session_id)])


def end_everybodys(db: Database) -> None:
    """Signs everybody out everywhere, in the caller's transaction."""
    db.execute("DELETE FROM sessions")


def tidy(store: Store, now: datetime) -> None:
    """Removes the sessions that have ended."""
    with store.write() as db:
        db.execute("DELETE FROM sessions WHERE expires_at <= ?", [iso(now)])


def _end_others(db: Database, user_id: int, session_id: str) -> int:
    # Nor does anybody come in who is half-way: the password they gave may be the old one.
    db.execute("DELETE FROM pending_sign_ins WHERE user_id = ?", [user_id])
    return db.execute(
        "DELETE FROM sessions WHERE user_id = ? AND id_hash <> ?", [user_id, _hash(session_id)]
    ).rowcount


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
