"""The gateway's clock beside ours, asked without a token."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from oca.client import safe_url
from oca.errors import Unreachable
from oca.headers import gateway_time
from oca.wire import FAULTS, Session

# It cuts the fraction off.
_MIDDLE = timedelta(seconds=0.5)


def clock_offset(
    base_url: str,
    timeout: tuple[float, float] = (3.0, 5.0),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> float | None:
    """The gateway's clock minus ours in seconds, exact to about one; None where it does not tell the time.

    One HEAD request for its front page: nothing is sent. `timeout` as for `Client`. Raises Unreachable where nobody
    answers, ValueError for an address that is none.
    """
    session = Session(1)
    begun = now()
    try:
        answer = session.head(f"{safe_url(base_url)}/", timeout=timeout, allow_redirects=False)
        theirs = gateway_time(answer.headers)
    except FAULTS:
        theirs, answer = None, None
    finally:
        session.close()
    if answer is None:
        raise Unreachable()
    if theirs is None:
        return None
    return (theirs + _MIDDLE - begun - (now() - begun) / 2).total_seconds()
