"""What a person shows besides the password: what they have, what their role has to have, and adding and removing it.

Whatever is changed here ends the person's other sessions and gives this one a new id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlite_utils import Database

from mailroom import (
    account_deeds,
    activity,
    deeds,
    passkeys,
    people,
    preferences,
    recovery_codes,
    sessions,
    totp,
)
from mailroom.challenges import Challenge, spend
from mailroom.keys import Keys
from mailroom.passkeys import Passkey
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.store import Store
from oca.words import N_

if TYPE_CHECKING:
    from webauthn.registration.verify_registration_response import VerifiedRegistration

# Of a row of users that is called `u`.
HAS_ONE = (
    "(EXISTS (SELECT 1 FROM totp_secrets t WHERE t.user_id = u.id AND confirmed = 1) "
    "OR EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = u.id))"
)


@dataclass(frozen=True)
class Factors:
    """What a person has. app_since: when they set up an app for codes, None for without.

    passkeys: oldest first. codes_left: recovery codes that are still good.
    """

    app_since: str | None
    passkeys: tuple[Passkey, ...]
    codes_left: int

    def __bool__(self) -> bool:
        return self.app_since is not None or bool(self.passkeys)


@dataclass(frozen=True)
class Added:
    """A change is made. session_id: the new id of this session. codes: new recovery codes to show once, if any."""

    session_id: str
    codes: list[str]


def of(store: Store, user_id: int) -> Factors:
    """What the person has."""
    return _of(store.read(), user_id)


def missing(store: Store, user: User) -> bool:
    """Whether the team asks the person's role for a second factor, and they have none."""
    return user.role in preferences.get(store).second_factor_roles and not of(store, user.id)


def without(store: Store) -> dict[str, int]:
    """How many people of each role have none, and would be asked for one."""
    rows = store.read().execute(
        f"SELECT role, count(*) FROM users u WHERE disabled_at IS NULL AND NOT {HAS_ONE} GROUP BY role"  # noqa: S608
    )
    return {row[0]: int(row[1]) for row in rows}


def add_app(store: Store, keys: Keys, user: User, session_id: str, code: str, now: datetime) -> Added:
    """Codes of the app that was set up are asked for from now on. Raises Problem beside `code` for a wrong one."""

    def change(db: Database) -> None:
        if not totp.confirm(db, keys, user.id, code, now):
            raise Problem(
                N_(
                    "This code does not fit. Take the one the app shows now, and check the clock of your phone."
                ),
                field="code",
            )
        activity.note(db, account_deeds.SecondFactorAdded(), now, user.id)

    return _changed(store, user, session_id, change, now)


def remove_app(store: Store, user: User, session_id: str, now: datetime) -> Added:
    """Codes of the app are no longer asked for, nor taken."""

    def change(db: Database) -> None:
        if totp.remove(db, user.id):
            activity.note(db, account_deeds.SecondFactorRemoved(), now, user.id)

    return _changed(store, user, session_id, change, now)


def add_passkey(
    store: Store,
    user: User,
    session_id: str,
    name: str,
    made: "VerifiedRegistration",
    challenge: Challenge,
    now: datetime,
) -> Added:
    """The passkey signs the person in from now on. Raises Problem when it is known, or its challenge was spent."""

    def change(db: Database) -> None:
        if not spend(db, challenge):
            raise Problem(N_("This form was sent before. Try again."))
        passkeys.add(db, user.id, name, made, now)
        activity.note(db, account_deeds.PasskeyAdded(name), now, user.id)

    return _changed(store, user, session_id, change, now)


def remove_passkey(store: Store, user: User, session_id: str, passkey_id: int, now: datetime) -> Added:
    """The passkey signs nobody in any more."""

    def change(db: Database) -> None:
        name = passkeys.remove(db, user.id, passkey_id)
        if name is not None:
            activity.note(db, account_deeds.PasskeyRemoved(name), now, user.id)

    return _changed(store, user, session_id, change, now)


def new_codes(store: Store, user: User, session_id: str, now: datetime) -> Added:
    """Ten new recovery codes in place of those before. Raises Problem for a person without a second factor."""

    def change(db: Database) -> None:
        if not _of(db, user.id):
            raise Problem(N_("Recovery codes stand in for a second factor; set one up first."))
        recovery_codes.remove(db, user.id)

    return _changed(store, user, session_id, change, now)


def remove_all(store: Store, user_id: int, by: int, now: datetime) -> bool:
    """Whether the person had anything; it is taken, all their sessions end, and the password alone is left.

    by: the admin who does it. Raises Problem for oneself, LookupError, NotAllowed when `by` is no admin any more.
    """
    if user_id == by:
        raise Problem(N_("Your own second factors are under Your account."))
    with store.write() as db:
        people.insist(db, by, "admin")
        row = db.execute("SELECT email FROM users WHERE id = ?", [user_id]).fetchone()
        if row is None:
            raise LookupError(user_id)
        if not _of(db, user_id):
            return False
        _clear(db, user_id)
        db.execute("DELETE FROM passkeys WHERE user_id = ?", [user_id])
        sessions.end_all(db, user_id)
        activity.note(db, account_deeds.SecondFactorsRemoved(**deeds.person(row["email"])), now, by)
    return True


def _of(db: Database, user_id: int) -> Factors:
    return Factors(
        totp.since(db, user_id), tuple(passkeys.of_user(db, user_id)), recovery_codes.left(db, user_id)
    )


def _changed(
    store: Store, user: User, session_id: str, change: Callable[[Database], None], now: datetime
) -> Added:
    with store.write() as db:
        change(db)
        has = _of(db, user.id)
        codes: list[str] = []
        if not has:
            # They would stand in for nothing.
            _clear(db, user.id)
        elif not has.codes_left:
            codes = recovery_codes.make(db, user.id)
            activity.note(db, account_deeds.RecoveryCodesMade(), now, user.id)
        return Added(sessions.renew(db, user.id, session_id), codes)


def _clear(db: Database, user_id: int) -> None:
    db.execute("DELETE FROM totp_secrets WHERE user_id = ?", [user_id])
    recovery_codes.remove(db, user_id)
