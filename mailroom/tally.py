"""Counting what happens, and how long it took, for as long as the program runs: for whoever draws curves of it."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

# Seconds. From a page that is there at once to a gateway that hardly answers; few, for each is a line for each label.
BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


@dataclass
class Count:
    """How often something happened. seconds: what it took altogether. within: how often up to each of `BOUNDS`."""

    n: int = 0
    seconds: float = 0.0
    within: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))


class Tally:
    """Counts by labels, of which there must be few different ones. Safe from many threads."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, ...], Count] = {}
        self._lock = Lock()

    def note(self, *labels: str, seconds: float) -> None:
        """It happened once more, and took so long."""
        with self._lock:
            count = self._counts.setdefault(labels, Count())
            count.n += 1
            count.seconds += seconds
            for place in range(bisect_left(BOUNDS, seconds), len(BOUNDS)):
                count.within[place] += 1

    def counts(self) -> Mapping[tuple[str, ...], Count]:
        """What was counted so far, by labels."""
        with self._lock:
            return {
                labels: Count(count.n, count.seconds, [*count.within])
                for labels, count in self._counts.items()
            }
