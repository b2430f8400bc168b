"""Whether Mailroom can do its work: told to whoever watches it from outside, often, at little cost."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from mailroom.store import Store
from mailroom.worker import Pulse

# A write is tried at most so often, whoever asks and however often; and no older answer counts.
REMEMBER_SECONDS = 10.0
OLDEST_SECONDS = 30.0
# Queueing a large batch keeps others from writing for some seconds, and that is no fault.
PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Health:
    """What was found. writes: whether they reach the disk. room: whether it has enough left.

    silent: the parts that should work by themselves and give no sign of life.
    """

    writes: bool
    room: bool
    silent: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.writes and self.room and not self.silent


class HealthCheck:
    """Looks at the one file and what works with it; what costs anything is remembered for some seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = Lock()
        self._could_write, self._tried_at = False, float("-inf")

    def look(self, pulses: Iterable[Pulse]) -> Health:
        """How it is now. pulses: of everything that should be at work."""
        silent = tuple(pulse.name for pulse in pulses if not pulse.alive)
        return Health(self._writes(), self._store.has_room(), silent)

    def _writes(self) -> bool:
        # One tries and the others go by what was found last, so that a disk that hangs does not take every thread.
        if self._age() > REMEMBER_SECONDS and self._turn.acquire(blocking=False):
            try:
                self._could_write = self._store.can_write(PATIENCE_SECONDS)
                self._tried_at = time.monotonic()
            finally:
                self._turn.release()
        return self._could_write and self._age() <= OLDEST_SECONDS

    def _age(self) -> float:
        return time.monotonic() - self._tried_at
