"""What nobody waits for: how far the database has come is noted, and once an hour what has ended is cleared away."""

import time

from mailroom import challenges, drafts, invites, resets, sessions, sign_ins, throttle, totp
from mailroom.restored import Marker
from mailroom.store import Store
from mailroom.times import Clock
from mailroom.worker import Worker

TIDY_SECONDS = 3600
# A copy that is older than this is recognised when it is put back.
MARK_SECONDS = 1


class Housekeeper(Worker):
    """Keeps the mark up to date, and clears away ended sessions and old drafts, for the life of the process."""

    def __init__(self, store: Store, marker: Marker, clock: Clock) -> None:
        super().__init__("housekeeping", MARK_SECONDS)
        self._store, self._marker, self._clock = store, marker, clock
        self._tidy_at = 0.0

    def tidy(self) -> None:
        """Clears away what has ended by now."""
        now = self._clock()
        for part in (sessions, throttle, sign_ins, totp, challenges, invites, resets, drafts):
            part.tidy(self._store, now)

    def run_once(self) -> None:
        """Notes the mark, and clears away when that is due."""
        self._marker.note(self._clock())
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            self.tidy()

    def _round(self) -> None:
        self.run_once()
