"""Counts of what came in and went out, so that a test can look at a client from the outside."""

import threading
from collections import Counter, deque


class Traffic:
    """Requests by call, answers by HTTP status, and the most requests seen in any one second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._requests: Counter[str] = Counter({"send": 0, "status": 0, "history": 0})
            self._answers: Counter[str] = Counter()
            self._last_second: deque[float] = deque()
            self._peak = 0

    def arrived(self, call: str, now: float) -> None:
        """Counts a request that arrived at `now` (monotonic seconds)."""
        with self._lock:
            self._requests[call] += 1
            self._last_second.append(now)
            while now - self._last_second[0] >= 1.0:
                self._last_second.popleft()
            self._peak = max(self._peak, len(self._last_second))

    def answered(self, status: str) -> None:
        """Counts an answer by its HTTP status, or "none" where no answer was given."""
        with self._lock:
            self._answers[status] += 1

    def summary(self) -> dict[str, object]:
        with self._lock:
            return {
                "requests": dict(self._requests),
                "answers": dict(self._answers),
                "peak_in_one_second": self._peak,
            }
