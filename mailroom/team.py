"""The team as its admins keep it: who is in it, what each may do, and who is shut out. There is always an admin."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds, people, second_factors, sessions, team_deeds
from mailroom.people import RANKS, Role
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

# Part of the very statement that takes an admin away, so that of two who do it to each other one stays.
_NOT_THE_LAST = (
    "(role <> 'admin' OR disabled_at IS NOT NULL OR EXISTS (SELECT 1 FROM users AS other "
    "WHERE other.id <> users.id AND other.role = 'admin' AND other.disabled_at IS NULL))"
)


@dataclass(frozen=True)
class Member:
    """Somebody of the team, as admins see them.

    seen_at: when they were last here, to the minute, or None. browsers: how many they are signed in with now.
    second_factor: whether they use one. disabled_at: since when they are shut out, or None. Times as the database
    keeps them.
    """

    id: int
    email: str
    name: str
    role: Role
    created_at: str
    seen_at: str | None
    browsers: int
    second_factor: bool
    disabled_at: str | None


def everybody(store: Store, now: datetime) -> list[Member]:
    """The whole team by name, those who are shut out at the end."""
    return _select(store, "ORDER BY disabled_at IS NOT NULL, name COLLATE NOCASE, id", [], now)


def member(store: Store, user_id: int, now: datetime) -> Member:
    """One of the team. Raises LookupError."""
    found = _select(store, "WHERE id = ?", [user_id], now)
    if not found:
        raise LookupError(user_id)
    return found[0]


def change_role(store: Store, user_id: int, role: str, by: int, now: datetime) -> bool:
    """Whether the person had another role until now; it holds from their next request on.

    by: the admin's id. Raises Problem beside `role`, also for the last admin; LookupError; NotAllowed when `by` is no
    admin any more.
    """
    if role not in RANKS:
        raise Problem(N_("Choose what they may do."), field="role")
    with store.write() as db:
        email, before = _known(db, user_id, by)
        changed = db.execute(
            f"UPDATE users SET role = :role WHERE id = :id AND role <> :role AND {_NOT_THE_LAST}",  # noqa: S608
            {"role": role, "id": user_id},
        ).rowcount
        if not changed and before != role:
            raise Problem(N_("Somebody has to be admin. Make another person one first."), field="role")
        if changed:
            deed = team_deeds.RoleChanged(**deeds.person(email), before=before, after=role)
            activity.note(db, deed, now, by)
    return bool(changed)


def disable(store: Store, user_id: int, by: int, now: datetime) -> bool:
    """Whether the person could come in until now; they are signed out everywhere, and links of theirs end.

    What they queued goes on. Raises Problem for the last admin, LookupError, NotAllowed.
    """
    with store.write() as db:
        email, _ = _known(db, user_id, by)
        changed = db.execute(
            f"UPDATE users SET disabled_at = :now WHERE id = :id AND disabled_at IS NULL AND {_NOT_THE_LAST}",  # noqa: S608
            {"now": iso(now), "id": user_id},
        ).rowcount
        if not changed and _may_come_in(db, user_id):
            raise Problem(N_("Somebody has to be admin. Make another person one first."))
        if changed:
            # Otherwise both would be good again once they are let in again.
            sessions.end_all(db, user_id)
            db.execute("DELETE FROM password_resets WHERE user_id = ?", [user_id])
            activity.note(db, team_deeds.PersonDisabled(**deeds.person(email)), now, by)
    return bool(changed)


def enable(store: Store, user_id: int, by: int, now: datetime) -> bool:
    """Whether the person was shut out until now. Raises LookupError, NotAllowed."""
    with store.write() as db:
        email, _ = _known(db, user_id, by)
        changed = db.execute(
            "UPDATE users SET disabled_at = NULL WHERE id = ? AND disabled_at IS NOT NULL", [user_id]
        ).rowcount
        if changed:
            activity.note(db, team_deeds.PersonEnabled(**deeds.person(email)), now, by)
    return bool(changed)


def end_sessions(store: Store, user_id: int, by: int, now: datetime) -> int:
    """How many browsers the person was signed in with; they have to sign in anew. Raises LookupError, NotAllowed."""
    with store.write() as db:
        email, _ = _known(db, user_id, by)
        ended = sessions.end_all(db, user_id)
        if ended:
            activity.note(db, team_deeds.PersonSignedOut(**deeds.person(email), sessions=ended), now, by)
    return ended


def batches_going(store: Store, user_id: int) -> int:
    """How many batches that the person queued still have mails to hand over."""
    row = (
        store.read()
        .execute(
            "SELECT count(DISTINCT b.id) FROM batch_counts c JOIN batches b ON b.id = c.batch_id "
            "WHERE c.shown IN ('queued', 'sending') AND c.n > 0 AND b.created_by = ?",
            [user_id],
        )
        .fetchone()
    )
    return int(row[0])


def _known(db: Database, user_id: int, by: int) -> tuple[str, str]:
    """The person's address and role, once it is sure that an admin asks."""
    people.insist(db, by, "admin")
    row = db.execute("SELECT email, role FROM users WHERE id = ?", [user_id]).fetchone()
    if row is None:
        raise LookupError(user_id)
    return row["email"], row["role"]


def _may_come_in(db: Database, user_id: int) -> bool:
    query = "SELECT 1 FROM users WHERE id = ? AND disabled_at IS NULL"
    return db.execute(query, [user_id]).fetchone() is not None


def _select(store: Store, where: str, parameters: list[object], now: datetime) -> list[Member]:
    # `where` is one of the constants above; what it compares with is always a parameter.
    rows = store.read().query(
        "SELECT id, email, name, role, created_at, nullif(max(coalesce(last_seen_at, ''), coalesce("  # noqa: S608
        "(SELECT max(s.seen_at) FROM sessions s WHERE s.user_id = u.id), '')), '') AS seen_at, "
        "(SELECT count(*) FROM sessions s WHERE s.user_id = u.id AND s.expires_at > ?) AS browsers, "
        f"{second_factors.HAS_ONE} AS second_factor, disabled_at FROM users u {where}",
        [iso(now), *parameters],
    )
    return [Member(**{**row, "second_factor": bool(row["second_factor"])}) for row in rows]
