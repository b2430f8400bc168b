"""How guessing is slowed down: wrong tries are counted for each account and each network, and nobody is locked out."""

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import account_deeds, activity
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso, parse
from oca.words import N_

# Wrong tries in the window that cost nothing. Each one more doubles the wait; nobody is locked out for good.
WINDOW = timedelta(minutes=15)
FREE_FOR_ACCOUNT, FREE_FOR_NETWORK = 5, 20
SHORTEST_WAIT, LONGEST_WAIT = 15, 300  # seconds


@dataclass(frozen=True)
class Attempt:
    """A try that counts as wrong until `forgive` is told otherwise. number: the how many-th of its account."""

    account: str
    row: int
    number: int


def start(store: Store, account: str, address: str, now: datetime) -> Attempt:
    """A new try. Raises Problem when there were too many, with how long to wait.

    account: what is guessed at, one of the keys below; "" for what nobody can guess, which only the network's tries
    slow down. address: where the request came from.
    """
    network = _network(address)
    # Written before the secret is looked at, so that a thousand tries at once are a thousand tries.
    with store.write() as db:
        number, wait = _wait(db, account, FREE_FOR_ACCOUNT, now) if account else (0, 0.0)
        wait = max(wait, _wait(db, network, FREE_FOR_NETWORK, now)[1])
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
        if account:
            db.execute(insert, [account, iso(now)])
        row = db.execute(insert, [network, iso(now)]).lastrowid
    return Attempt(account, int(row or 0), number + 1)


def forgive(db: Database, attempt: Attempt) -> None:
    """The try was right: the wrong ones before it no longer count, inside the caller's transaction."""
    # The others from the same network keep their tries: knowing one secret is no leave to guess more.
    db.execute("DELETE FROM signin_failures WHERE key = ? OR rowid = ?", [attempt.account, attempt.row])


def forget(db: Database, account: str) -> None:
    """The wrong tries of an account no longer count, inside the caller's transaction."""
    db.execute("DELETE FROM signin_failures WHERE key = ?", [account])


def tidy(store: Store, now: datetime) -> None:
    """Removes the wrong tries that are too old to count, and notes in the trail that there were many.

    One entry each time, however many tries: strangers must not be able to fill the trail.
    """
    with store.write() as db:
        team = {password_of(row[0]) for row in db.execute("SELECT email FROM users")}
        counts = dict(
            db.execute(
                "SELECT key, count(*) FROM signin_failures WHERE at <= ? AND key LIKE 'account:%' GROUP BY key",
                [iso(now - WINDOW)],
            ).fetchall()
        )
        db.execute("DELETE FROM signin_failures WHERE at <= ?", [iso(now - WINDOW)])
        tries = sum(counts.values())
        if tries >= FREE_FOR_ACCOUNT:
            activity.note(db, account_deeds.SignInsFailed(tries, len(team & set(counts))), now)


def password_of(email: str) -> str:
    """The key of guesses at the password of an account, whether there is one or not."""
    # Hashed, because people type passwords into the wrong field.
    return "account:" + hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()


def second_step_of(user_id: int) -> str:
    """The key of guesses at a code of somebody whose password was right.

    Of its own: whoever knows the password could else sign in half-way again and again to have more tries.
    """
    return f"second:{user_id}"


def _wait(db: Database, key: str, free: int, now: datetime) -> tuple[int, float]:
    count, last = db.execute(
        # Bounded above as well: a clock that once ran ahead must not lock anybody out.
        "SELECT count(*), max(at) FROM signin_failures WHERE key = ? AND at BETWEEN ? AND ?",
        [key, iso(now - WINDOW), iso(now + WINDOW)],
    ).fetchone()
    if count < free:
        return count, 0
    seconds: int = min(SHORTEST_WAIT * 2 ** (count - free), LONGEST_WAIT)
    return count, seconds - (now - parse(last)).total_seconds()


def _network(address: str) -> str:
    # Whoever has one IPv6 address has the 2**64 beside it.
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "address:?"
    if ip.version == 4:
        return f"address:{ip}"
    return f"address:{ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False)}"
