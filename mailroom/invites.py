"""Links that let a person in once: how the first admin comes to be, and everybody after them."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlite_utils import Database

from mailroom import activity, deeds, passwords, people, team_deeds
from mailroom.people import RANKS, Role, User
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import after, iso
from oca.words import N_

VALID_SECONDS = 48 * 3600
# How long an address that was invited and never came is kept.
KEPT_DAYS = 30

# A link made for the first admin invites nobody any more once there is somebody; any other one is worth as much as
# the admin who made it, so that nobody who was shut out comes in again by a link of their own.
_OPEN = (
    "used_at IS NULL AND expires_at > :now AND CASE WHEN invited_by IS NULL "
    "THEN NOT EXISTS (SELECT 1 FROM users) ELSE EXISTS (SELECT 1 FROM users u WHERE u.id = invited_by "
    "AND u.role = 'admin' AND u.disabled_at IS NULL) END"
)


class InviteEnded(Exception):
    """The link was used, has expired, was replaced by a newer one or withdrawn, or never existed."""


@dataclass(frozen=True)
class Invite:
    """What is behind a link: the role it gives, the address it was meant for ("" for anybody), and who made it.

    by: an admin's name; "" for the link that the program prints for the first admin.
    """

    role: Role
    email: str
    by: str = ""


@dataclass(frozen=True)
class Invitation:
    """An invitation that nobody has taken yet, as admins see it.

    email: "" for anybody who has the link. by: who made the link. ended: whether it lets nobody in any more.
    """

    id: int
    role: Role
    email: str
    by: str
    created_at: str
    expires_at: str
    ended: bool


@dataclass(frozen=True)
class Made:
    """A fresh link: its number, and its secret, which is kept as a hash and can be shown only now."""

    id: int
    secret: str


def new_setup_link(store: Store, now: datetime) -> str | None:
    """The secret of a fresh link for the first admin, good for 48 hours; None once there is anybody.

    It is kept as a hash, so this is the only time it can be shown; links made before it end.
    """
    secret = new_secret()
    with store.write() as db:
        if db.execute("SELECT 1 FROM users LIMIT 1").fetchone():
            return None
        db.execute("DELETE FROM invites WHERE invited_by IS NULL AND used_at IS NULL")
        db.execute(
            "INSERT INTO invites (secret_hash, role, created_at, expires_at) VALUES (?, 'admin', ?, ?)",
            [hash_of(secret), iso(now), after(now, VALID_SECONDS)],
        )
    return secret


def invite(store: Store, role: str, email: str, by: int, now: datetime) -> Made:
    """A fresh invitation, good for 48 hours; one to the same address that is still open ends.

    email: whom it is for, or "" for anybody who has the link. by: the admin's id.
    Raises Problem beside `role` or `email`, NotAllowed when `by` is no admin any more.
    """
    if role not in RANKS:
        raise Problem(N_("Choose what they may do."), field="role")
    email = people.clean_email(email) if email.strip() else ""
    secret = new_secret()
    with store.write() as db:
        people.insist(db, by, "admin")
        if db.execute("SELECT 1 FROM users WHERE email = ?", [email]).fetchone():
            raise Problem(N_("Somebody of your team has this address already."), field="email")
        if email:
            db.execute("DELETE FROM invites WHERE email = ? COLLATE NOCASE AND used_at IS NULL", [email])
        made = db.execute(
            "INSERT INTO invites (secret_hash, role, email, invited_by, created_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [hash_of(secret), role, email, by, iso(now), after(now, VALID_SECONDS)],
        ).lastrowid
        activity.note(db, team_deeds.PersonInvited(**_whom(email), role=role), now, by)
    return Made(int(made or 0), secret)


def renew(store: Store, invite_id: int, by: int, now: datetime) -> Made:
    """The invitation with a fresh link, good for 48 hours from now; the old one ends.

    Raises LookupError when it was taken or withdrawn meanwhile, NotAllowed when `by` is no admin any more.
    """
    secret = new_secret()
    with store.write() as db:
        people.insist(db, by, "admin")
        row = db.execute(
            "UPDATE invites SET secret_hash = ?, invited_by = ?, created_at = ?, expires_at = ? "
            "WHERE id = ? AND used_at IS NULL AND invited_by IS NOT NULL RETURNING email, role",
            [hash_of(secret), by, iso(now), after(now, VALID_SECONDS), invite_id],
        ).fetchone()
        if row is None:
            raise LookupError(invite_id)
        activity.note(db, team_deeds.InviteRenewed(**_whom(row["email"]), role=row["role"]), now, by)
    return Made(invite_id, secret)


def withdraw(store: Store, invite_id: int, by: int, now: datetime) -> bool:
    """Whether the invitation was still open to anybody, and is no more."""
    with store.write() as db:
        people.insist(db, by, "admin")
        row = db.execute(
            "DELETE FROM invites WHERE id = ? AND used_at IS NULL AND invited_by IS NOT NULL RETURNING email, role",
            [invite_id],
        ).fetchone()
        if row:
            activity.note(db, team_deeds.InviteWithdrawn(**_whom(row["email"]), role=row["role"]), now, by)
    return row is not None


def invitations(store: Store, now: datetime) -> list[Invitation]:
    """Every invitation that nobody has taken yet, the newest first."""
    rows = store.read().query(
        "SELECT i.id, i.role, i.email, u.name AS by, i.created_at, i.expires_at, "  # noqa: S608 – a constant
        f"i.id NOT IN (SELECT id FROM invites WHERE {_OPEN}) AS ended FROM invites i "
        "JOIN users u ON u.id = i.invited_by WHERE i.used_at IS NULL ORDER BY i.created_at DESC, i.id DESC",
        {"now": iso(now)},
    )
    return [Invitation(**{**row, "ended": bool(row["ended"])}) for row in rows]


def find_invite(store: Store, secret: str, now: datetime) -> Invite | None:
    """The invitation behind a link; None when the link lets nobody in (any more)."""
    row = next(
        store.read().query(
            "SELECT role, email, coalesce((SELECT name FROM users WHERE id = invited_by), '') AS by "  # noqa: S608
            f"FROM invites WHERE secret_hash = :hash AND {_OPEN}",
            {"hash": hash_of(secret), "now": iso(now)},
        ),
        None,
    )
    return Invite(cast(Role, row["role"]), row["email"], row["by"]) if row else None


def accept_invite(store: Store, secret: str, email: str, name: str, password: str, now: datetime) -> User:
    """The person who now exists; the link is used up with it.

    email: what they sign in with; an invitation that was meant for one address gives them that one.
    Raises InviteEnded when the link lets nobody in, and Problem by field for what cannot be used; the link
    stays good then.
    """
    found = find_invite(store, secret, now)
    if found is None:
        raise InviteEnded
    email = found.email or email
    for problem in people.faults(email, name, password).values():
        raise problem
    password_hash = passwords.hashed(password)
    with store.write() as db:
        # One statement finds and uses up the link: of two who open it at once, one gets no row.
        row = db.execute(
            f"UPDATE invites SET used_at = :now WHERE secret_hash = :hash AND {_OPEN} RETURNING role",  # noqa: S608
            {"hash": hash_of(secret), "now": iso(now)},
        ).fetchone()
        if row is None:
            raise InviteEnded
        user = people.insert(db, email, name, row["role"], password_hash, now)
        activity.note(db, team_deeds.PersonJoined(**deeds.person(user.email), role=user.role), now, user.id)
        return user


def end_all(db: Database, now: datetime) -> None:
    """Ends every link that is still open, in the caller's transaction."""
    db.execute(
        "UPDATE invites SET expires_at = :now WHERE used_at IS NULL AND expires_at > :now", {"now": iso(now)}
    )


def tidy(store: Store, now: datetime) -> None:
    """Removes what ended a month ago: it may hold the address of somebody who never came."""
    with store.write() as db:
        db.execute("DELETE FROM invites WHERE expires_at <= ?", [iso(now - timedelta(days=KEPT_DAYS))])


def new_secret() -> str:
    """What stands in a link: too long to be guessed."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of a link's secret."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _whom(email: str) -> dict[str, str]:
    return deeds.person(email) if email else {"whom": "", "whom_sha256": ""}
