"""One budget of requests a second, shared by everything that talks to the gateway with one token."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from oca.contract import DEFAULT_PER_SECOND

_SECOND = 1.03  # a window a little longer than a second, so that jitter on the way breaks no limit
_SHARE = 0.965  # of the limit, for the same reason
_CATCH_UP = 0.01  # seconds a late waker may make good at most, or every oversleep would cost throughput
_HIGHEST = 1000.0
_LONGEST_PAUSE = 3600.0


@dataclass(frozen=True)
class Slot:
    """The right to make one request now."""

    at: float
    _pace: "Pace" = field(repr=False, compare=False)

    def give_back(self) -> None:
        """Return a slot that was not used; giving it back twice does no harm."""
        self._pace._take_back(self.at)


class Pace:
    """Hands out slots, evenly spaced, never more than the limit in any one second. Safe from many threads.

    `per_second` given is a ceiling the gateway's headers cannot raise; left out, the documented 25 a second
    apply until the headers say otherwise.
    """

    def __init__(self, per_second: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        if per_second is not None and not 0 < per_second < math.inf:
            raise ValueError("per_second must be a positive number")
        self._ceiling = per_second or _HIGHEST
        self._rate = float(per_second or DEFAULT_PER_SECOND)
        self._clock = clock
        self._grants: deque[float] = deque()
        self._next_at = -math.inf
        self._paused_until = -math.inf
        self._closed = False
        self._turn = threading.Lock()  # one taker waits for the clock, the others for their turn
        self._change = threading.Condition()

    @property
    def per_second(self) -> float:
        """The limit in force, in requests a second."""
        return self._rate

    def used_last_second(self) -> int:
        """How many slots were handed out in the last second."""
        with self._change:
            return self._used(self._clock())

    def take(self, timeout: float | None = None) -> Slot | None:
        """Wait for a slot, at most `timeout` seconds; None when there is none by then or the pace is closed."""
        end = math.inf if timeout is None else self._clock() + timeout
        if not self._turn.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            return None
        try:
            return self._wait(end)
        finally:
            self._turn.release()

    def learn(self, limit: float | None, remaining: float | None, reset_in: float | None) -> None:
        """Take over what the rate headers say (requests a second, requests left, seconds until the reset)."""
        with self._change:
            self._learn_limit(limit, reset_in)
            # When the budget is used up and not by us, somebody else spends it, or it counts for longer than
            # a second. At full speed of our own, "none left" is the usual end of a second.
            spent_elsewhere = remaining == 0 and self._used(self._clock()) < 0.8 * self._rate
            if spent_elsewhere and reset_in is not None:
                self._hold(reset_in)
            self._change.notify_all()

    def pause(self, seconds: float) -> None:
        """Hand out nothing for this many seconds (at most an hour)."""
        with self._change:
            self._hold(seconds)

    def close(self) -> None:
        """End all waiting: every taker gets None, now and later."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _wait(self, end: float) -> Slot | None:
        with self._change:
            while not self._closed:
                now = self._clock()
                ready_at = self._ready_at()
                if ready_at <= now:
                    return self._grant(now)
                if now >= end:
                    return None
                self._change.wait(min(ready_at, end) - now)
        return None

    def _ready_at(self) -> float:
        most = max(1, math.floor(self._rate))
        window_opens = self._grants[-most] + _SECOND if len(self._grants) >= most else -math.inf
        return max(self._next_at, window_opens, self._paused_until)

    def _grant(self, now: float) -> Slot:
        spacing = self._spacing()
        self._next_at = max(self._next_at, now - min(_CATCH_UP, spacing / 2)) + spacing
        self._grants.append(now)
        while self._grants[0] < now - 2 * _SECOND:
            self._grants.popleft()
        return Slot(now, self)

    def _take_back(self, at: float) -> None:
        with self._change:
            if at in self._grants:
                self._grants.remove(at)
                self._next_at -= self._spacing()
                self._change.notify_all()

    def _learn_limit(self, limit: float | None, reset_in: float | None) -> None:
        if limit is None or not 1 <= limit <= _HIGHEST:
            return
        # A reset further away than a second or so means that the number counts for more than a second.
        per_second = reset_in is not None and reset_in <= 2
        if limit < self._rate or per_second:
            self._rate = min(limit, self._ceiling)

    def _hold(self, seconds: float) -> None:
        if seconds > 0:
            self._paused_until = max(self._paused_until, self._clock() + min(seconds, _LONGEST_PAUSE))

    def _spacing(self) -> float:
        return 1 / (self._rate * _SHARE)

    def _used(self, now: float) -> int:
        return sum(1 for at in self._grants if at > now - 1)
