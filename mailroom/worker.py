"""What works by itself, one round after another, in a thread of its own for the life of the process."""

import logging
import threading
import time
from abc import ABC, abstractmethod

STOP_SECONDS = 5
# A round may read a long history of a slow gateway; one that takes longer than this hangs.
LONGEST_ROUND_SECONDS = 900.0


class Pulse:
    """The sign of life of a part that works by itself.

    name: of the part. within: seconds in which it gives the next one; when it does not, it hangs.
    """

    def __init__(self, name: str, within: float) -> None:
        self.name, self.within = name, within
        self._last: float | None = None

    def beat(self) -> None:
        """It is at work now."""
        self._last = time.monotonic()

    def end(self) -> None:
        """It has ended, for whatever reason."""
        self._last = None

    @property
    def age(self) -> float | None:
        """Seconds since it last gave a sign; None before it began and after it has ended."""
        last = self._last
        return None if last is None else time.monotonic() - last

    @property
    def alive(self) -> bool:
        """Whether it gave a sign lately enough."""
        age = self.age
        return age is not None and age <= self.within


class Worker(ABC):
    """Does `_round()` again and again from `start()` to `stop()`; a round that fails is logged and tried again.

    name: of the thread and, with `mailroom.` before it, of the log. every_seconds: the pause before each round.
    longest_round: seconds after which a round counts as hanging. `pulse` beats with each round.
    """

    def __init__(self, name: str, every_seconds: float, longest_round: float = LONGEST_ROUND_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._log = logging.getLogger(f"mailroom.{name}")
        self._stopping = threading.Event()
        self.pulse = Pulse(name, every_seconds + longest_round)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self.pulse.beat()
        self._thread.start()

    def stop(self) -> None:
        """Ends after what is being done just now, or at its next look at `_stopping`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _over(self) -> bool:
        """Whether to stop. Asked often in a long round, which gives a sign of life that way."""
        self.pulse.beat()
        return self._stopping.is_set()

    @abstractmethod
    def _round(self) -> None:
        """What is done each time."""

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._every_seconds):
                self._try_round()
                self.pulse.beat()
        finally:
            self.pulse.end()

    def _try_round(self) -> None:
        try:
            self._round()
        except Exception:
            # What a round would have done is late then, and never wrong: each begins with what the database says.
            self._log.exception("a round of %s failed; trying again", self._thread.name)
