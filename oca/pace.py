"""One budget of requests a second, shared by everything that talks to the gateway with one token."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from oca.contract import DEFAULT_PER_SECOND

_SECOND = 1.025  # a window a little longer than a second, so that jitter on the way breaks no limit
_SHARE = 0.97  # of the limit, for the same reason
_CATCH_UP = 0.1  # seconds of lateness that are made good, or every stall would cost throughput
_CLOSEST = 0.8  # of the usual distance, while lateness is made good
_HIGHEST = 1000.0
_LONGEST_PAUSE = 3600.0


class Slot:
    """The right to make one request. Whoever takes one says when the request left, or gives it back.

    Until then it counts as a request of this very moment, for it may leave at any.
    """

    def __init__(self, pace: "Pace", at: float) -> None:
        self.at = at
        self._pace = pace

    def left(self) -> None:
        """The request is being written now; only the first time counts."""
        self._pace._leave(self)

    def give_back(self) -> None:
        """Return a slot that was not used; once it has left or was given back, this does nothing."""
        self._pace._take_back(self)


class Pace:
    """Hands out slots, evenly spaced; never more than the limit leave in any one second. Safe from many threads.

    `per_second` given is a ceiling the gateway's headers cannot raise; left out, the documented 25 a second
    apply until the headers say otherwise.
    """

    def __init__(self, per_second: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        if per_second is not None and not 0 < per_second < math.inf:
            raise ValueError("per_second must be a positive number")
        self._ceiling = per_second or _HIGHEST
        self._rate = float(per_second or DEFAULT_PER_SECOND)
        self._clock = clock
        self._out: set[Slot] = set()  # handed out, and the request has not left yet
        self._left: deque[float] = deque()  # when the latest requests left
        self._due = -math.inf  # when the next slot would be, were nobody ever late
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
        """How many requests left in the last second, with those about to leave."""
        with self._change:
            return self._used()

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
            spent_elsewhere = remaining == 0 and self._used() < 0.8 * self._rate
            if spent_elsewhere and reset_in is not None:
                self._hold(reset_in)

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
                until = min(ready_at, end)
                self._change.wait(None if until == math.inf else until - now)
        return None

    def _ready_at(self) -> float:
        # How many of those that left may lie in the last second, beside this one and those not on the wire yet.
        room = self._most() - len(self._out) - 1
        if room < 0:
            return math.inf
        opens_at = self._left[-room - 1] + _SECOND if len(self._left) > room else -math.inf
        return max(self._next_at, self._paused_until, opens_at)

    def _grant(self, now: float) -> Slot:
        spacing = self._spacing()
        late = now - self._due <= _CATCH_UP  # or else nobody was waiting, and there is nothing to make good
        self._due = (self._due if late else now) + spacing
        self._next_at = max(self._due, now + _CLOSEST * spacing)
        slot = Slot(self, now)
        self._out.add(slot)
        return slot

    def _leave(self, slot: Slot) -> None:
        with self._change:
            if slot not in self._out:
                return
            now = self._clock()
            self._out.remove(slot)
            self._left.append(now)
            while self._left[0] < now - 2 * _SECOND:
                self._left.popleft()
            if len(self._out) + 1 >= self._most():  # until now a taker could not know how long to wait
                self._change.notify_all()

    def _take_back(self, slot: Slot) -> None:
        with self._change:
            if slot in self._out:
                self._out.remove(slot)
                self._due -= self._spacing()
                self._next_at = self._due
                self._change.notify_all()

    def _learn_limit(self, limit: float | None, reset_in: float | None) -> None:
        if limit is None or not 1 <= limit <= _HIGHEST:
            return
        # A reset further away than a second or so means that the number counts for more than a second.
        per_second = reset_in is not None and reset_in <= 2
        new = min(limit, self._ceiling)
        if (limit < self._rate or per_second) and new != self._rate:
            self._rate = new
            self._change.notify_all()

    def _hold(self, seconds: float) -> None:
        if seconds > 0:
            self._paused_until = max(self._paused_until, self._clock() + min(seconds, _LONGEST_PAUSE))

    def _most(self) -> int:
        return max(1, math.floor(self._rate))

    def _spacing(self) -> float:
        return 1 / (self._rate * _SHARE)

    def _used(self) -> int:
        now = self._clock()
        return len(self._out) + sum(at > now - 1 for at in self._left)
