"""Reading the few headers of an answer that say something about time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SHORTEST_WAIT = 0.05
LONGEST_WAIT = 60.0

# As printed in the vendor's text, where one name has lost a letter, and as meant.
_SPELLINGS = ("x-ratelimit-", "x-ratelmit-")
_NUMBER = re.compile(r"\d{1,16}(\.\d{1,6})?")
_EPOCH_SECONDS = 1e8
_EPOCH_MILLISECONDS = 1e11


@dataclass(frozen=True)
class Limits:
    """What the rate headers say: requests a second, how many are left, seconds until that starts afresh."""

    limit: float | None
    remaining: float | None
    reset_in: float | None


def rate_limits(headers: Mapping[str, str], now: datetime) -> Limits:
    """The rate headers of an answer whose header names are read without regard to case.

    Reset may be seconds to go, epoch seconds or epoch milliseconds: told apart by size, clamped to 0.05–60 s.
    An epoch is measured against the gateway's own clock where the answer has a Date.
    """
    reset = _rate(headers, "reset")
    return Limits(_rate(headers, "limit"), _rate(headers, "remaining"), _to_go(reset, headers, now))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait as told by Retry-After (seconds or a date) or else the rate reset, within 0.05–60 s."""
    told = headers.get("Retry-After", "")
    seconds = _number(told)
    if seconds is not None:
        return _clamped(seconds)
    moment = _date(told)
    if moment is not None:
        return _clamped((moment - (gateway_time(headers) or now)).total_seconds())
    return rate_limits(headers, now).reset_in


def gateway_time(headers: Mapping[str, str]) -> datetime | None:
    """The gateway's clock when it answered, exact to a second; None where it does not say."""
    return _date(headers.get("Date", ""))


def _rate(headers: Mapping[str, str], what: str) -> float | None:
    found = (_number(headers.get(spelling + what, "")) for spelling in _SPELLINGS)
    return next((number for number in found if number is not None), None)


def _to_go(reset: float | None, headers: Mapping[str, str], now: datetime) -> float | None:
    if reset is None:
        return None
    if reset < _EPOCH_SECONDS:
        return _clamped(reset)
    epoch = reset / 1000 if reset >= _EPOCH_MILLISECONDS else reset
    return _clamped(epoch - (gateway_time(headers) or now).timestamp())


def _clamped(seconds: float) -> float:
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) and text.isascii() else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
