"""What works by itself, one round after another, in a thread of its own for the life of the process."""

import logging
import threading
from abc import ABC, abstractmethod

STOP_SECONDS = 5


class Worker(ABC):
    """Does `_round()` again and again from `start()` to `stop()`; a round that fails is logged and tried again.

    name: of the thread and, with `mailroom.` before it, of the log. every_seconds: the pause before each round.
    """

    def __init__(self, name: str, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._log = logging.getLogger(f"mailroom.{name}")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after what is being done just now, or at its next look at `_stopping`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    @abstractmethod
    def _round(self) -> None:
        """What is done each time."""

    def _run(self) -> None:
        while not self._stopping.wait(self._every_seconds):
            try:
                self._round()
            except Exception:
                # What a round would have done is late then, and never wrong: each begins with what the database says.
                self._log.exception("a round of %s failed; trying again", self._thread.name)
