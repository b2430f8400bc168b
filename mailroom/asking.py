"""A command's side of sending: it asks whoever has the mailroom open, and does it itself when nobody has."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import IO

from mailroom import restored, spool
from mailroom.service import Service, open_service
from mailroom.settings import Settings, refuse_others
from mailroom.store import StoreInUse, in_use
from mailroom.times import Clock, utc_now
from mailroom.wishes import Answer, Wish

LOOK_SECONDS = 0.1
# How often it is tried whether anybody has the mailroom open.
TRY_SECONDS = 1.0
# Queueing 100,000 mails takes a few seconds, in which a request can no longer be withdrawn.
SURE_SECONDS = 60.0


class NoAnswer(RuntimeError):
    """Mailroom does not answer. withdrawn: whether nothing will come of it any more."""

    def __init__(self, withdrawn: bool) -> None:
        super().__init__("no answer")
        self.withdrawn = withdrawn


class Question:
    """A wish that is put to the mailroom.

    files: its list and attachment, by the names in `mailroom.wishes`. patience: seconds that Mailroom may take to
    answer, or be away afterwards. Raises Problem when there is no mailroom, or when it belongs to another account.
    `last` is the last answer; `own` says whether nobody else had the mailroom open, so that this process has.
    """

    def __init__(
        self,
        settings: Settings,
        wish: Wish,
        files: Mapping[str, IO[bytes]],
        patience: float,
        clock: Clock = utc_now,
    ) -> None:
        refuse_others(settings)
        self._settings, self._patience, self._clock = settings, patience, clock
        self._service: Service | None = None
        self._started = False
        self._try_at = 0.0
        self.last: Answer | None = None
        self._ticket = spool.Ticket(spool.folder_of(settings.database), asdict(wish), files)
        self._there_at = time.monotonic()

    @property
    def own(self) -> bool:
        """Whether this process has the mailroom open itself."""
        return self._service is not None

    def answers(self) -> Iterator[Answer]:
        """What is answered, each time it changes, to the final answer. Raises NoAnswer, StoreError or KeyFileError."""
        while self.last is None or not self.last.final:
            self._help()
            found = self._ticket.answer()
            answer = Answer.of(found) if found else None
            if answer and answer != self.last:
                self.last, self._there_at = answer, time.monotonic()
                yield answer
            else:
                self._refuse_to_wait_longer()
                time.sleep(LOOK_SECONDS)

    def end(self) -> bool:
        """Asks no more; whether nothing will come of the wish. What is being queued is queued, and `last` says it."""
        if self._ticket.withdraw():
            return True
        if self._service and not self._started:
            self._service.desk.run_once()
        found = self._ticket.answer()
        self.last = Answer.of(found) if found else self.last
        return False

    def close(self) -> None:
        """Lets another process have the mailroom; what is on the wire still gets its answer."""
        self._ticket.close()
        if self._service:
            self._service.close()

    def _help(self) -> None:
        """Opens the mailroom when nobody has it, answers, and sends when that is waited for."""
        if self._service is None and time.monotonic() >= self._try_at:
            self._look()
            self._try_at = time.monotonic() + TRY_SECONDS
        if self._service and not self._started:
            if self.last:
                self._service.start()
                self._started = True
            else:
                self._service.desk.run_once()

    def _look(self) -> None:
        if self.last and not self.last.passing:
            # Mailroom may have been stopped for a reason: it is waited for, not replaced.
            if in_use(self._settings.database):
                self._there_at = time.monotonic()
            return
        try:
            self._service = open_service(self._settings, self._clock)
        except StoreInUse:
            if self.last:
                self._there_at = time.monotonic()
            return
        self._service.desk.passing = True
        # Before anything is queued: what is queued after a copy was put back was surely not sent before.
        restored.hold(self._service.store, self._service.marker, self._clock())

    def _refuse_to_wait_longer(self) -> None:
        waited = time.monotonic() - self._there_at - self._patience
        if self._service or waited < 0:
            return
        if self.last:
            raise NoAnswer(withdrawn=False)
        if self._ticket.withdraw():
            raise NoAnswer(withdrawn=True)
        if waited > SURE_SECONDS:
            raise NoAnswer(withdrawn=False)
