"""The rate limit: so many requests a second for each token, and the headers that tell of it."""

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

WINDOW_SECONDS = 1.0

# The first row is spelled as the vendor's page prints it, mistake included.
SPELLINGS = {
    "printed": ("X-RateLimit-limit", "X-RateLmit-Remaining", "X-RateLimit-Reset"),
    "correct": ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    "lower": ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
}


@dataclass(frozen=True)
class Rate:
    """What the limiter says of one request; `reset_in` is in seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset_in: float


class Window(Protocol):
    def take(self, now: float, limit: int) -> Rate: ...


class FixedWindow:
    """Counts from the first request on and forgets everything a second later."""

    def __init__(self) -> None:
        self._start = -math.inf
        self._count = 0

    def take(self, now: float, limit: int) -> Rate:
        if now - self._start >= WINDOW_SECONDS:
            self._start, self._count = now, 0
        self._count += 1
        reset_in = self._start + WINDOW_SECONDS - now
        return Rate(self._count <= limit, limit, max(0, limit - self._count), reset_in)


class SlidingWindow:
    """Never lets more than the limit through in any one second."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def take(self, now: float, limit: int) -> Rate:
        while self._taken and now - self._taken[0] >= WINDOW_SECONDS:
            self._taken.popleft()
        allowed = len(self._taken) < limit
        if allowed:
            self._taken.append(now)
        reset_in = self._taken[0] + WINDOW_SECONDS - now
        return Rate(allowed, limit, max(0, limit - len(self._taken)), reset_in)


WINDOWS: dict[str, Callable[[], Window]] = {"fixed": FixedWindow, "sliding": SlidingWindow}


class Limiter:
    """One budget for each token, safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], Window] = {}

    def take(self, token: str, now: float, limit: int, window: str) -> Rate | None:
        """Counts one request of this token at `now` (monotonic seconds); None while the limit is lifted."""
        if limit == 0:
            return None
        with self._lock:
            if (token, window) not in self._windows:
                self._windows[token, window] = WINDOWS[window]()
            return self._windows[token, window].take(now, limit)


def rate_headers(rate: Rate, spelling: str, reset_as: str, epoch: float) -> dict[str, str]:
    """The headers for an answer, in one of the spellings and meanings seen; `epoch` is the time now."""
    headers = {}
    seconds = max(1, math.ceil(rate.reset_in))
    resets = {
        "seconds": str(seconds),
        "epoch": str(math.ceil(epoch + rate.reset_in)),
        "epoch_ms": str(math.ceil((epoch + rate.reset_in) * 1000)),
    }
    if spelling in SPELLINGS:
        limit, remaining, reset = SPELLINGS[spelling]
        headers = {limit: str(rate.limit), remaining: str(rate.remaining)}
        if reset_as in resets:
            headers[reset] = resets[reset_as]
    if reset_as == "retry_after" and not rate.allowed:
        headers["Retry-After"] = str(seconds)
    return headers
