"""Codes from an app on the person's phone: time-based one-time passwords, RFC 6238."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlite_utils import Database

from mailroom.keys import Keys
from mailroom.people import User
from mailroom.store import Store
from mailroom.times import iso

ISSUER = "Mailroom"
# Clocks of phones may be half a minute off. https://www.rfc-editor.org/rfc/rfc6238#section-5.2
STEPS_OFF = 1
SETUP_VALID = timedelta(hours=1)


@dataclass(frozen=True)
class Setup:
    """What an app has to be told. secret: in base 32, to be typed in. uri: the same and more, for a QR code."""

    secret: str
    uri: str


def begin(store: Store, keys: Keys, user_id: int, now: datetime) -> None:
    """Makes a new secret, which counts only once a first code of it was given."""
    with store.write() as db:
        db.execute(
            "INSERT OR REPLACE INTO totp_secrets (user_id, confirmed, secret, created_at) VALUES (?, 0, ?, ?)",
            [user_id, keys.encrypt(pyotp.random_base32()), iso(now)],
        )


def setup(store: Store, keys: Keys, user: User, now: datetime) -> Setup | None:
    """The secret that waits for its first code; None when none does, or not any more."""
    row = _row(store.read(), user.id, confirmed=False, since=now - SETUP_VALID)
    if row is None:
        return None
    secret = keys.decrypt(row[0])
    return Setup(secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER))


def confirm(db: Database, keys: Keys, user_id: int, code: str, now: datetime) -> bool:
    """Whether the code is the first one of the secret that waits; it takes the place of any other from now on."""
    step = _step(keys, _row(db, user_id, confirmed=False, since=now - SETUP_VALID), code, now)
    if step is None:
        return False
    remove(db, user_id)
    # The code that showed that the app works is used up with it.
    db.execute(
        "UPDATE totp_secrets SET confirmed = 1, created_at = ?, last_step = ? WHERE user_id = ? AND confirmed = 0",
        [iso(now), step, user_id],
    )
    return True


def accept(db: Database, keys: Keys, user_id: int, code: str, now: datetime) -> bool:
    """Whether the code is right and neither it nor a later one was given before; it is used up with this."""
    step = _step(keys, _row(db, user_id, confirmed=True), code, now)
    if step is None:
        return False
    # One statement compares and sets: of two who give the same code at once, one gets no row.
    return (
        db.execute(
            "UPDATE totp_secrets SET last_step = :step WHERE user_id = :user AND confirmed = 1 AND last_step < :step",
            {"step": step, "user": user_id},
        ).rowcount
        == 1
    )


def remove(db: Database, user_id: int) -> bool:
    """Whether there was an app, which gives codes no longer."""
    return bool(
        db.execute("DELETE FROM totp_secrets WHERE user_id = ? AND confirmed = 1", [user_id]).rowcount
    )


def since(db: Database, user_id: int) -> str | None:
    """When the person set up their app; None for without one."""
    row = db.execute(
        "SELECT created_at FROM totp_secrets WHERE user_id = ? AND confirmed = 1", [user_id]
    ).fetchone()
    return str(row[0]) if row else None


def tidy(store: Store, now: datetime) -> None:
    """Removes secrets that were never confirmed."""
    with store.write() as db:
        db.execute(
            "DELETE FROM totp_secrets WHERE confirmed = 0 AND created_at <= ?", [iso(now - SETUP_VALID)]
        )


def _row(db: Database, user_id: int, confirmed: bool, since: datetime | None = None) -> tuple[bytes] | None:
    row = db.execute(
        "SELECT secret FROM totp_secrets WHERE user_id = ? AND confirmed = ? AND created_at > ?",
        [user_id, int(confirmed), iso(since) if since else ""],
    ).fetchone()
    return (row[0],) if row else None


def _step(keys: Keys, row: tuple[bytes] | None, code: str, now: datetime) -> int | None:
    """The half minute that the code belongs to, or None when it is wrong."""
    if row is None:
        return None
    plain = "".join(code.split())
    try:
        return pyotp.TOTP(keys.decrypt(row[0])).verify_and_get_timecode(
            plain, for_time=now, valid_window=STEPS_OFF
        )
    except OTPVerificationError:
        return None
