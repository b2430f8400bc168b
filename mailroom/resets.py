"""Links for people of the team who lost their password: an admin makes one, the person sets a new one with it."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds, passwords, people, sessions, team_deeds, throttle
from mailroom.invites import VALID_SECONDS, hash_of, new_secret
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import after, iso
from oca.words import N_

# Worth as much as the admin who made it, like an invitation; and nothing to somebody who is shut out.
_OPEN = (
    "used_at IS NULL AND expires_at > :now AND EXISTS (SELECT 1 FROM users u WHERE u.id = made_by "
    "AND u.role = 'admin' AND u.disabled_at IS NULL) "
    "AND EXISTS (SELECT 1 FROM users u WHERE u.id = user_id AND u.disabled_at IS NULL)"
)


class ResetEnded(Exception):
    """The link was used, has expired, was replaced by a newer one, or never existed."""


@dataclass(frozen=True)
class Reset:
    """What is behind a link: whose password it sets."""

    user_id: int
    email: str
    name: str


def make(store: Store, user_id: int, by: int, now: datetime) -> str:
    """The secret of a fresh link, good for 48 hours; one made before for the same person ends.

    It is kept as a hash, so this is the only time it can be shown. by: the admin's id. Raises Problem for somebody who
    is shut out, and for oneself; LookupError; NotAllowed when `by` is no admin any more.
    """
    if user_id == by:
        raise Problem(N_("You know your password, for you are signed in. Change it under Your account."))
    secret = new_secret()
    with store.write() as db:
        people.insist(db, by, "admin")
        row = db.execute("SELECT email, disabled_at FROM users WHERE id = ?", [user_id]).fetchone()
        if row is None:
            raise LookupError(user_id)
        if row["disabled_at"]:
            raise Problem(
                N_("They are disabled, so a new password would not let them in. Enable them first.")
            )
        db.execute("DELETE FROM password_resets WHERE user_id = ? AND used_at IS NULL", [user_id])
        db.execute(
            "INSERT INTO password_resets (secret_hash, user_id, made_by, created_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?)",
            [hash_of(secret), user_id, by, iso(now), after(now, VALID_SECONDS)],
        )
        activity.note(db, team_deeds.ResetLinkMade(**deeds.person(row["email"])), now, by)
    return secret


def find(store: Store, secret: str, now: datetime) -> Reset | None:
    """What is behind a link; None when it is worth nothing (any more)."""
    row = next(
        store.read().query(
            "SELECT user_id, email, name FROM password_resets JOIN users ON users.id = user_id "  # noqa: S608
            f"WHERE secret_hash = :hash AND {_OPEN}",
            {"hash": hash_of(secret), "now": iso(now)},
        ),
        None,
    )
    return Reset(**row) if row else None


def open_until(store: Store, user_id: int, now: datetime) -> str | None:
    """When the open link of this person ends, or None when there is none."""
    row = (
        store.read()
        .execute(
            f"SELECT expires_at FROM password_resets WHERE user_id = :user AND {_OPEN}",  # noqa: S608
            {"user": user_id, "now": iso(now)},
        )
        .fetchone()
    )
    return str(row[0]) if row else None


def use(store: Store, secret: str, password: str, now: datetime) -> None:
    """Sets the person's password; the link is used up, and they are signed out everywhere.

    Raises ResetEnded when the link is worth nothing, and Problem for a password that cannot be used; the link stays
    good then.
    """
    found = find(store, secret, now)
    if found is None:
        raise ResetEnded
    passwords.check(password, found.email)
    password_hash = passwords.hashed(password)
    with store.write() as db:
        # One statement finds and uses up the link: of two who open it at once, one gets no row.
        row = db.execute(
            f"UPDATE password_resets SET used_at = :now WHERE secret_hash = :hash AND {_OPEN} RETURNING user_id",  # noqa: S608
            {"hash": hash_of(secret), "now": iso(now)},
        ).fetchone()
        if row is None:
            raise ResetEnded
        db.execute("UPDATE users SET password_hash = ? WHERE id = ?", [password_hash, found.user_id])
        sessions.end_all(db, found.user_id)
        # They tried their old passwords first; nobody else can know the new one.
        throttle.forget(db, throttle.password_of(found.email))
        activity.note(db, team_deeds.PasswordReset(), now, found.user_id)


def end_all(db: Database, now: datetime) -> None:
    """Ends every link that is still open, in the caller's transaction."""
    db.execute(
        "UPDATE password_resets SET expires_at = :now WHERE used_at IS NULL AND expires_at > :now",
        {"now": iso(now)},
    )


def tidy(store: Store, now: datetime) -> None:
    """Removes links that have ended."""
    with store.write() as db:
        db.execute("DELETE FROM password_resets WHERE expires_at <= ?", [iso(now)])
