"""Times as the database keeps them: UTC, ISO 8601, milliseconds, ending in Z, so that text order is time order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from oca.audit import timestamp

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`moment` as the database stores it, for example `2026-11-23T09:41:07.123Z`."""
    return timestamp(moment)


def parse(text: str) -> datetime:
    """The aware UTC moment that `iso()` wrote. Raises ValueError for anything else."""
    return datetime.fromisoformat(text).astimezone(UTC)


def after(moment: datetime, seconds: float) -> str:
    """The stored form of the moment `seconds` after `moment`."""
    return iso(moment + timedelta(seconds=seconds))
