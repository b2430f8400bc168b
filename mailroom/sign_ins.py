"""Showing who one is: at the door, and again before something that matters is changed."""

from datetime import datetime

from mailroom import activity, deeds, passwords, sessions, throttle
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.store import Store
from oca.words import N_


def by_password(store: Store, email: str, password: str, address: str, browser: str, now: datetime) -> str:
    """The random id of a new session, for the browser's cookie.

    address: where the request came from. browser: its User-Agent.
    Raises Problem, in the same words and after the same work whether the account exists or not.
    """
    user_id = _whose(store, email, password, address, now)
    if user_id is None:
        raise Problem(N_("This address and password do not belong together. Check both and try again."))
    return sessions.begin(store, user_id, address, browser, now)


def change_password(
    store: Store, user: User, session_id: str, present: str, new: str, address: str, now: datetime
) -> str:
    """The new id of this session; the person's others have ended.

    Raises Problem beside `present` or `password` for what cannot be.
    """
    passwords.check(new, user.email)
    try:
        known = _whose(store, user.email, present, address, now)
    except Problem as problem:
        raise Problem(problem.sentence.text, "present", **dict(problem.sentence.values)) from None
    if known != user.id:
        raise Problem(N_("This is not your present password."), field="present")
    if new == present:
        raise Problem(N_("This is your present password. Take another one."), field="password")
    password_hash = passwords.hashed(new)
    with store.write() as db:
        db.execute("UPDATE users SET password_hash = ? WHERE id = ?", [password_hash, user.id])
        activity.note(db, deeds.PasswordChanged(), now, user.id)
        return sessions.renew(db, user.id, session_id)


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
