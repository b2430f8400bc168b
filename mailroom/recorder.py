"""Recording answers: what the gateway said is on the disk, together with whatever else waits to be written."""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from mailroom import outcomes
from mailroom.claims import Claim
from mailroom.store import Store
from mailroom.tally import Tally
from mailroom.times import Clock
from oca.audit import AttemptFacts, AttemptResult

log = logging.getLogger("mailroom.recorder")


@dataclass(eq=False)
class _Answer:
    """One answer to be written, and how far that got."""

    claim: Claim
    token_id: int
    result: AttemptResult
    written: bool = False
    alone: bool = False


class Answers:
    """Writes answers; those that come while another is being written share the next transaction, and its fsync.

    handed: counts them, by token, outcome and HTTP status.
    """

    def __init__(self, store: Store, clock: Clock, handed: Tally | None = None) -> None:
        self._store, self._clock, self._handed = store, clock, handed or Tally()
        self._waiting: deque[_Answer] = deque()
        self._turn = threading.Lock()

    def write(self, claim: Claim, token_id: int, result: AttemptResult) -> None:
        """Ends the claim's attempt and moves its mail on; both are on the disk when this returns.

        Raises sqlite3.Error, and LookupError where the attempt is not open; then nothing of it was written.
        """
        answer = _Answer(claim, token_id, result)
        self._waiting.append(answer)
        with self._turn:
            try:
                if not answer.written:
                    self._write_with_others(answer)
            finally:
                if not answer.written:
                    self._waiting.remove(answer)
        status = str(result.http_status or "")
        self._handed.note(str(token_id), result.outcome, status, seconds=(result.duration_ms or 0) / 1000)

    def _write_with_others(self, answer: _Answer) -> None:
        if not answer.alone:
            try:
                self._write(self._waiting)
                return
            except Exception:
                # One of them may be at fault, so now each is written by itself and hears for itself what is wrong.
                for other in tuple(self._waiting):
                    other.alone = True
        self._write([answer])

    def _write(self, answers: Iterable[_Answer]) -> None:
        with self._store.write() as db:
            together = tuple(answers)  # only now, for others came while this one waited for the database
            for answer in together:
                claim = answer.claim
                outcomes.record(db, claim, claim.attempt_id, answer.token_id, answer.result, self._clock())
        for answer in together:
            answer.written = True
            self._waiting.remove(answer)


class Recorder:
    """The audit of one claimed mail: its attempt is on the disk already, its end is written with its new state."""

    def __init__(self, answers: Answers, claim: Claim, token_id: int, stopping: threading.Event) -> None:
        self._answers, self._claim, self._token_id = answers, claim, token_id
        self._stopping = stopping

    def begin(self, facts: AttemptFacts) -> int:  # noqa: ARG002 – the same facts were written by the claim
        """The attempt that the claim wrote."""
        return self._claim.attempt_id

    def complete(self, attempt_id: int, result: AttemptResult) -> None:  # noqa: ARG002 – the claim's own
        """Writes the answer and the mail's new state at once; keeps trying, for an answer comes only once."""
        while True:
            try:
                self._answers.write(self._claim, self._token_id, result)
                return
            except sqlite3.OperationalError as error:
                log.error(
                    "mail %d: its answer cannot be written yet (%s); trying again", self._claim.mail_id, error
                )
                if self._stopping.wait(1.0):
                    # The next start finds it `sending` and looks it up.
                    return
