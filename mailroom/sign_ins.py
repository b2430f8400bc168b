"""Showing who one is: at the door, in one step or two, and again before something that matters is changed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import (
    account_deeds,
    activity,
    challenges,
    deeds,
    passkeys,
    passwords,
    recovery_codes,
    second_factors,
    sessions,
    throttle,
    totp,
)
from mailroom.challenges import Challenge
from mailroom.keys import Keys
from mailroom.passkeys import Shown, Site
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

PENDING_VALID = timedelta(minutes=10)


@dataclass(frozen=True)
class Visitor:
    """Where a person comes in from. address: of the network. browser: its User-Agent."""

    address: str
    browser: str


@dataclass(frozen=True)
class Entered:
    """Somebody is in. session_id: the random id of their new session, for the browser's cookie."""

    session_id: str
    user_id: int


@dataclass(frozen=True)
class Pending:
    """The password was right, and a second factor is asked for. id: random, for the browser's cookie."""

    id: str


class PendingEnded(Exception):
    """The step after the password was done already, took too long, or never began."""


def by_password(
    store: Store, email: str, password: str, visitor: Visitor, now: datetime
) -> Entered | Pending:
    """A new session; for somebody with a second factor, the step towards it.

    Raises Problem, in the same words and after the same work whether the account exists or not.
    """
    user_id = _whose(store, email, password, visitor.address, now)
    if user_id is None:
        raise Problem(N_("This address and password do not belong together. Check both and try again."))
    if second_factors.of(store, user_id):
        return _pending(store, user_id, now)
    return Entered(sessions.begin(store, user_id, visitor.address, visitor.browser, now, "password"), user_id)


def by_passkey(
    store: Store, site: Site, challenge: Challenge | None, response: str, visitor: Visitor, now: datetime
) -> Entered:
    """A new session for whoever has the passkey, on a device that knew its owner again: two factors in one.

    challenge: None when what the form brought is not good (any more).
    Raises Problem, in the same words whatever does not fit.
    """
    attempt = throttle.start(store, "", visitor.address, now)
    shown = challenge and passkeys.shown(store, site, challenge, response, verified=True)
    with store.write() as db:
        if not shown or not challenge or not _used(db, challenge, shown, now):
            raise Problem(N_("Nobody could be signed in with this passkey. Try again, or use your password."))
        throttle.forgive(db, attempt)
        session_id = sessions.start(db, shown.user_id, visitor.address, visitor.browser, now, "passkey")
        return Entered(session_id, shown.user_id)


def waiting(store: Store, pending_id: str, now: datetime) -> int:
    """Whose second factor is waited for, by number. Raises PendingEnded."""
    return _waiting(store.read(), pending_id, now)


def by_code(store: Store, keys: Keys, pending_id: str, code: str, visitor: Visitor, now: datetime) -> Entered:
    """A new session, after the password, for a code of the app or a recovery code.

    Raises PendingEnded, and Problem for a wrong code, one that was given before, and after too many.
    """
    user_id = waiting(store, pending_id, now)
    attempt = throttle.start(store, throttle.second_step_of(user_id), visitor.address, now)
    with store.write() as db:
        method = _method(db, keys, user_id, code, now)
        if method:
            throttle.forgive(db, attempt)
            return _enter(db, pending_id, method, visitor, now)
        if attempt.number == throttle.FREE_FOR_ACCOUNT:
            # Whoever gets here knows the password. Once for each time the throttle sets in.
            _note_wrong_codes(db, user_id, attempt.number, now)
    raise Problem(
        N_("This code does not fit, or was used already. Wait for the next one of your app."), field="code"
    )


def by_second_passkey(
    store: Store,
    site: Site,
    pending_id: str,
    challenge: Challenge | None,
    response: str,
    visitor: Visitor,
    now: datetime,
) -> Entered:
    """A new session, after the password, for one of the person's passkeys.

    Not slowed down for the account: nobody guesses a signature, and whoever tries codes must not keep its owner out.
    Raises PendingEnded, and Problem for whatever does not fit.
    """
    user_id = waiting(store, pending_id, now)
    attempt = throttle.start(store, "", visitor.address, now)
    shown = challenge and passkeys.shown(store, site, challenge, response, verified=False)
    with store.write() as db:
        fits = shown and challenge and shown.user_id == user_id
        if not shown or not challenge or not fits or not _used(db, challenge, shown, now):
            raise Problem(N_("This passkey does not fit. Try again, or use a code."), field="passkey")
        throttle.forgive(db, attempt)
        return _enter(db, pending_id, "password+passkey", visitor, now)


def confirm(
    store: Store, user: User, session_id: str, password: str, visitor: Visitor, now: datetime
) -> None:
    """Lets what matters be changed in this session for some minutes. Raises Problem beside `password`."""
    _own(store, user, password, visitor, now, "password")
    sessions.confirm(store, session_id, now)


def change_password(
    store: Store, user: User, session_id: str, present: str, new: str, visitor: Visitor, now: datetime
) -> str:
    """The new id of this session; the person's others have ended.

    Raises Problem beside `present` or `password` for what cannot be.
    """
    passwords.check(new, user.email)
    _own(store, user, present, visitor, now, "present")
    if new == present:
        raise Problem(N_("This is your present password. Take another one."), field="password")
    password_hash = passwords.hashed(new)
    with store.write() as db:
        db.execute("UPDATE users SET password_hash = ? WHERE id = ?", [password_hash, user.id])
        activity.note(db, account_deeds.PasswordChanged(), now, user.id)
        return sessions.renew(db, user.id, session_id)


def tidy(store: Store, now: datetime) -> None:
    """Removes the steps that nobody went on with."""
    with store.write() as db:
        db.execute("DELETE FROM pending_sign_ins WHERE expires_at <= ?", [iso(now)])


def _whose(store: Store, email: str, password: str, address: str, now: datetime) -> int | None:
    """The person that address and password belong to, or None. Raises Problem after too many wrong tries."""
    attempt = throttle.start(store, throttle.password_of(email), address, now)
    row = (
        store.read()
        .execute(
            "SELECT id, password_hash FROM users WHERE email = ? AND disabled_at IS NULL", [email.strip()]
        )
        .fetchone()
    )
    if not passwords.fits(row and row["password_hash"], password):
        return None
    with store.write() as db:
        throttle.forgive(db, attempt)
    return int(row["id"])


def _own(store: Store, user: User, password: str, visitor: Visitor, now: datetime, field: str) -> None:
    """Nothing when it is the person's own password. Raises Problem beside `field`."""
    try:
        known = _whose(store, user.email, password, visitor.address, now)
    except Problem as problem:
        raise Problem(problem.sentence.text, field, **dict(problem.sentence.values)) from None
    if known != user.id:
        raise Problem(N_("This is not your present password."), field=field)


def _pending(store: Store, user_id: int, now: datetime) -> Pending:
    pending_id = secrets.token_urlsafe(32)
    with store.write() as db:
        db.execute(
            "INSERT INTO pending_sign_ins (id_hash, user_id, expires_at) VALUES (?, ?, ?)",
            [_hash(pending_id), user_id, iso(now + PENDING_VALID)],
        )
    return Pending(pending_id)


def _waiting(db: Database, pending_id: str, now: datetime) -> int:
    row = db.execute(
        "SELECT user_id FROM pending_sign_ins JOIN users ON users.id = user_id "
        "WHERE id_hash = ? AND expires_at > ? AND disabled_at IS NULL",
        [_hash(pending_id), iso(now)],
    ).fetchone()
    if row is None:
        raise PendingEnded
    return int(row[0])


def _method(db: Database, keys: Keys, user_id: int, code: str, now: datetime) -> str:
    """How the code lets the person in, and with that it is used up; "" when it does not."""
    if totp.accept(db, keys, user_id, code, now):
        return "password+code"
    if not recovery_codes.use(db, user_id, code):
        return ""
    activity.note(db, account_deeds.RecoveryCodeUsed(recovery_codes.left(db, user_id)), now, user_id)
    return "password+recovery_code"


def _note_wrong_codes(db: Database, user_id: int, tries: int, now: datetime) -> None:
    email = db.execute("SELECT email FROM users WHERE id = ?", [user_id]).fetchone()[0]
    activity.note(db, account_deeds.SecondStepFailed(**deeds.person(email), tries=tries), now)


def _enter(db: Database, pending_id: str, method: str, visitor: Visitor, now: datetime) -> Entered:
    user_id = _waiting(db, pending_id, now)
    # Used up with this, in the same transaction: no second session comes of one password.
    db.execute("DELETE FROM pending_sign_ins WHERE id_hash = ?", [_hash(pending_id)])
    return Entered(sessions.start(db, user_id, visitor.address, visitor.browser, now, method), user_id)


def _used(db: Database, challenge: Challenge, shown: Shown, now: datetime) -> bool:
    return challenges.spend(db, challenge) and passkeys.use(db, shown, now)


def _hash(pending_id: str) -> str:
    return hashlib.sha256(pending_id.encode(errors="replace")).hexdigest()
