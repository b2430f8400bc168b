"""What nobody waits for: once an hour, what has ended is cleared away."""

import logging
import threading

from mailroom import drafts, sessions
from mailroom.store import Store
from mailroom.times import Clock

log = logging.getLogger("mailroom.housekeeping")

EVERY_SECONDS = 3600


class Housekeeper:
    """Clears away ended sessions and old drafts, for the life of the process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begins at once, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after what is being cleared away."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def run_once(self) -> None:
        """Clears away what has ended by now."""
        now = self._clock()
        sessions.tidy(self._store, now)
        drafts.tidy(self._store, now)

    def _run(self) -> None:
        while True:
            try:
                self.run_once()
            except Exception:
                # Nothing depends on it today; it is tried again in an hour.
                log.exception("clearing away failed")
            if self._stopping.wait(EVERY_SECONDS):
                return
