"""Links that let a person in once: how the first admin comes to be."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from mailroom import passwords, people
from mailroom.people import Role, User
from mailroom.store import Store
from mailroom.times import after, iso

VALID_SECONDS = 48 * 3600

# A link made for the first admin invites nobody any more once there is somebody.
_OPEN = (
    "secret_hash = :hash AND used_at IS NULL AND expires_at > :now "
    "AND (invited_by IS NOT NULL OR NOT EXISTS (SELECT 1 FROM users))"
)


class InviteEnded(Exception):
    """The link was used, has expired, was replaced by a newer one, or never existed."""


@dataclass(frozen=True)
class Invite:
    """An open invitation: the role it gives, and the address it was meant for ("" for anybody)."""

    role: Role
    email: str


def new_setup_link(store: Store, now: datetime) -> str | None:
    """The secret of a fresh link for the first admin, good for 48 hours; None once there is anybody.

    It is kept as a hash, so this is the only time it can be shown; links made before it end.
    """
    secret = secrets.token_urlsafe(32)
    with store.write() as db:
        if db.execute("SELECT 1 FROM users LIMIT 1").fetchone():
            return None
        db.execute("DELETE FROM invites WHERE invited_by IS NULL AND used_at IS NULL")
        db.execute(
            "INSERT INTO invites (secret_hash, role, created_at, expires_at) VALUES (?, 'admin', ?, ?)",
            [_hash(secret), iso(now), after(now, VALID_SECONDS)],
        )
    return secret


def find_invite(store: Store, secret: str, now: datetime) -> Invite | None:
    """The invitation behind a link; None when the link lets nobody in (any more)."""
    row = (
        store.read()
        .execute(f"SELECT role, email FROM invites WHERE {_OPEN}", {"hash": _hash(secret), "now": iso(now)})  # noqa: S608
        .fetchone()
    )
    return Invite(cast(Role, row["role"]), row["email"]) if row else None


def accept_invite(store: Store, secret: str, email: str, name: str, password: str, now: datetime) -> User:
    """The person who now exists; the link is used up with it.

    Raises InviteEnded when the link lets nobody in, and Problem by field for what cannot be used; the link
    stays good then.
    """
    if find_invite(store, secret, now) is None:
        raise InviteEnded
    for problem in people.faults(email, name, password).values():
        raise problem
    password_hash = passwords.hashed(password)
    with store.write() as db:
        # One statement finds and uses up the link: of two who open it at once, one gets no row.
        row = db.execute(
            f"UPDATE invites SET used_at = :now WHERE {_OPEN} RETURNING role",  # noqa: S608
            {"hash": _hash(secret), "now": iso(now)},
        ).fetchone()
        if row is None:
            raise InviteEnded
        return people.insert(db, email, name, row["role"], password_hash, now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
