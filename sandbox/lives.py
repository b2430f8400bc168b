"""What becomes of a mail: a pure function of what was accepted, when, and the time now."""

import hashlib
from datetime import datetime, timedelta

from sandbox.addresses import known_address

FAILED_SHARE = 0.03
OPENED_SHARE = 0.35
SLOW_SECONDS = 60.0


def status_word(
    email: str, msg_id: str, age: timedelta, *, delivered_after: float, opened_after: float
) -> str:
    """The gateway's word for a mail of this age: sent, delivered, opened, failed or something strange.

    `delivered_after` is in seconds after acceptance, `opened_after` in seconds after delivery.
    """
    life = known_address(email).life
    if life == "usual":
        life = usual_life(msg_id)
    if life == "strange":
        return "deferred"
    delivered = SLOW_SECONDS if life == "slow" else delivered_after
    seconds = age.total_seconds()
    if life == "pending" or seconds < delivered:
        return "sent"
    if life == "failed":
        return "failed"
    return "opened" if life == "opened" and seconds >= delivered + opened_after else "delivered"


def usual_life(msg_id: str) -> str:
    """The fate of a mail to an ordinary address, always the same for the same id."""
    share = int.from_bytes(hashlib.sha256(msg_id.encode()).digest()[:4]) / 2**32
    if share < FAILED_SHARE:
        return "failed"
    return "opened" if share < FAILED_SHARE + OPENED_SHARE else "delivered"


def stamp(moment: datetime) -> str:
    """UTC as the gateway prints it, for example `2024-07-31T18:01:32.680Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
