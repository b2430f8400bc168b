"""Being signed in: the browsers people came in with, and how guessing passwords is slowed down."""

import hashlib
import ipaddress
import math
import secrets
import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from typing import cast

from sqlite_utils import Database

from mailroom import passwords
from mailroom.people import Role, User
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso, parse
from oca.words import N_

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=1)
LONGEST_BROWSER = 200

# Wrong tries in the window that cost nothing. Each one more doubles the wait; nobody is locked out for good.
WINDOW = timedelta(minutes=15)
FREE_FOR_ACCOUNT, FREE_FOR_NETWORK = 5, 20
SHORTEST_WAIT, LONGEST_WAIT = 15, 300  # seconds


def sign_in(store: Store, email: str, password: str, address: str, browser: str, now: datetime) -> str:
    """The random id of a new session, for the browser's cookie.

    address: where the request came from. browser: its User-Agent.
    Raises Problem, in the same words and after the same work whether the account exists or not.
    """
    account = _account(email)
    attempt = _start_attempt(store, account, _network(address), now)
    row = (
        store.read()
        .execute(
            "SELECT id, password_hash FROM users WHERE email = ? AND disabled_at IS NULL", [email.strip()]
        )
        .fetchone()
    )
    if not passwords.fits(row and row["password_hash"], password):
        raise Problem(N_("This address and password do not belong together. Check both and try again."))
    with store.write() as db:
        # The others from the same network keep their tries: knowing one password is no leave to guess more.
        db.execute("DELETE FROM signin_failures WHERE key = ? OR rowid = ?", [account, attempt])
    return begin(store, row["id"], address, browser, now)


def begin(store: Store, user_id: int, address: str, browser: str, now: datetime) -> str:
    """The random id of a new session of somebody who has shown who they are; only its hash is kept."""
    session_id = secrets.token_urlsafe(32)
    with store.write() as db:
        db.execute(
            "INSERT INTO sessions (id_hash, user_id, created_at, seen_at, expires_at, address, browser) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                _hash(session_id),
                user_id,
                iso(now),
                iso(now),
                iso(now + IDLE),
                address,
                browser[:LONGEST_BROWSER],
            ],
        )
    return session_id


def session_user(store: Store, session_id: str, now: datetime, extend: bool) -> User | None:
    """The person behind a browser's cookie, as they are now; None when they are signed out or shut out.

    extend: whether a person did this request; a page that polls by itself must not keep a session alive.
    """
    row = (
        store.read()
        .execute(
            "SELECT users.id, email, name, role, sessions.created_at, seen_at FROM sessions "
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
    return User(row["id"], row["email"], row["name"], cast(Role, row["role"]), disabled=False)


def sign_out(store: Store, session_id: str) -> None:
    """Ends the session: its cookie is worth nothing afterwards, wherever it was copied to."""
    with store.write() as db:
        db.execute("DELETE FROM sessions WHERE id_hash = ?", [_hash(session_id)])


def tidy(store: Store, now: datetime) -> None:
    """Removes the sessions that have ended and the failed sign-ins too old to count."""
    with store.write() as db:
        db.execute("DELETE FROM sessions WHERE expires_at <= ?", [iso(now)])
        db.execute("DELETE FROM signin_failures WHERE at <= ?", [iso(now - WINDOW)])


def _start_attempt(store: Store, account: str, network: str, now: datetime) -> int:
    # Written before the password is looked at, so that a thousand tries at once are a thousand tries.
    with store.write() as db:
        wait = max(
            _wait(db, account, FREE_FOR_ACCOUNT, now),
            _wait(db, network, FREE_FOR_NETWORK, now),
        )
        if wait > 90:
            raise Problem(
                N_("Too many wrong tries. Wait %(minutes)s minutes, then try again."),
                minutes=math.ceil(wait / 60),
            )
        if wait > 0:
            raise Problem(
                N_("Too many wrong tries. Wait %(seconds)s seconds, then try again."),
                seconds=5 * math.ceil(wait / 5),
            )
        insert = "INSERT INTO signin_failures (key, at) VALUES (?, ?)"
        db.execute(insert, [account, iso(now)])
        attempt = db.execute(insert, [network, iso(now)]).lastrowid
    return int(attempt or 0)


def _wait(db: Database, key: str, free: int, now: datetime) -> float:
    count, last = db.execute(
        # Bounded above as well: a clock that once ran ahead must not lock anybody out.
        "SELECT count(*), max(at) FROM signin_failures WHERE key = ? AND at BETWEEN ? AND ?",
        [key, iso(now - WINDOW), iso(now + WINDOW)],
    ).fetchone()
    if count < free:
        return 0
    seconds: int = min(SHORTEST_WAIT * 2 ** (count - free), LONGEST_WAIT)
    return seconds - (now - parse(last)).total_seconds()


def _account(email: str) -> str:
    # Hashed, because people type passwords into the wrong field.
    return "account:" + _hash(email.strip().lower())


def _network(address: str) -> str:
    # Whoever has one IPv6 address has the 2**64 beside it.
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "address:?"
    if ip.version == 4:
        return f"address:{ip}"
    return f"address:{ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
