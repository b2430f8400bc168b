"""What a passkey has to sign: random, good for a few minutes, for one purpose, in one browser, and once.

Nothing is kept of a challenge until it was answered rightly: pages that strangers open would otherwise fill the
database, or push the challenges of others out of a list. The form carries it instead, signed and with its end, and
what was spent is remembered until then.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from itsdangerous import BadSignature, URLSafeSerializer
from sqlite_utils import Database

from mailroom.keys import Keys
from mailroom.store import Store
from mailroom.times import iso

VALID = timedelta(minutes=10)

Purpose = Literal["sign_in", "second_step", "register"]


@dataclass(frozen=True)
class Challenge:
    """random: what is to be signed. until: when it ends. signed: the whole of it, for the form."""

    random: bytes
    until: str
    signed: str


def new(keys: Keys, purpose: Purpose, bound_to: str, now: datetime) -> Challenge:
    """A new challenge. bound_to: a secret of the browser's that asks, and of the step it is at."""
    random, until = secrets.token_bytes(32), iso(now + VALID)
    signed = _serializer(keys).dumps([random.hex(), until, purpose, _hash(bound_to)])
    return Challenge(random, until, str(signed))


def given_back(keys: Keys, signed: str, purpose: Purpose, bound_to: str, now: datetime) -> Challenge | None:
    """The challenge of a form; None when it is not ours, not for this, or too old."""
    try:
        random, until, meant_for, bound = _serializer(keys).loads(signed)
    except BadSignature:
        return None
    if (meant_for, bound) != (purpose, _hash(bound_to)) or until <= iso(now):
        return None
    return Challenge(bytes.fromhex(random), until, signed)


def spend(db: Database, challenge: Challenge) -> bool:
    """Whether it was not spent before; inside the caller's transaction."""
    # The insert itself asks: of two who give the same answer at once, one gets no row.
    return (
        db.execute(
            "INSERT INTO spent_challenges (challenge_hash, until) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [hashlib.sha256(challenge.random).hexdigest(), challenge.until],
        ).rowcount
        == 1
    )


def tidy(store: Store, now: datetime) -> None:
    """Forgets the spent ones that have ended anyway."""
    with store.write() as db:
        db.execute("DELETE FROM spent_challenges WHERE until <= ?", [iso(now)])


def _serializer(keys: Keys) -> URLSafeSerializer:
    return URLSafeSerializer(keys.cookie_key, salt="mailroom passkey challenge")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
