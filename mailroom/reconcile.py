"""“Did it leave?”: mails whose answer was lost are looked up in the gateway's history before anything is sent again.

A mail leaves `unknown` only with a proof (found, or proven absent), or by giving up after 15 minutes. These count from
the first time that the history was read to its end after the attempt, by the gateway's clock: an outage of an hour
leaves 5,000 mails unknown, not undecided, and a step of our own clock ends nothing early.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

import oca
from mailroom import clocks, doubts, tokens
from mailroom.clients import Clients
from mailroom.doubts import Doubt, Result
from mailroom.evidence import Known, Trust, Verdict, judge
from mailroom.problems import Problem
from mailroom.readings import Reading, Rules, Window
from mailroom.settle import settle
from mailroom.store import Store
from mailroom.times import Clock, parse
from mailroom.worker import Worker
from oca.words import N_

EVERY_SECONDS = 0.5
# Mails decided in one transaction: the sender waits that long for the writing connection.
CHUNK = 200
# Readings may take this share of the budget: after one of p pages the next waits for p ÷ (share × limit).
BUDGET_SHARE = 0.2
SHORTEST_PAUSE_SECONDS = 1.0
PAUSE_AFTER_FAULT_SECONDS = 15.0


@dataclass(frozen=True)
class Outcome:
    """What one look did: pages read, and how many mails it found, proved absent, gave up, or left in doubt.

    unproven: sent again without a proof, as their batch wants.
    """

    pages: int = 0
    found: int = 0
    absent: int = 0
    undecided: int = 0
    unproven: int = 0
    open: int = 0

    def plus(self, result: Result) -> "Outcome":
        """With one more mail of that result."""
        return replace(self, **{result: getattr(self, result) + 1})


@dataclass(frozen=True)
class Look:
    """One reading of a token's history with everything needed to judge by it."""

    reading: Reading
    offsets: clocks.Offsets | None
    trust: Trust
    rules: Rules

    def judge(self, db: Database, doubt: Doubt) -> Verdict:
        """What the reading says about the mail, held against the ids known in the caller's transaction."""
        attempt = doubt.attempt
        rows = [*self.reading.to(attempt.email), *self.reading.to("")]
        ids = doubts.owners(db, [row.msg_id for row in rows]) if rows else {}
        window = self._window(doubt) if self.offsets else None
        return judge(attempt, window, self.reading, ids, self.trust, self.rules)

    def settle(self, db: Database, doubt: Doubt, now: datetime) -> Result:
        """Judges and moves the mail on, in the caller's transaction."""
        return settle(db, doubt, self.judge(db, doubt), self.reading.gateway_now or now, self.rules, now)

    def _window(self, doubt: Doubt) -> Window:
        assert self.offsets is not None  # noqa: S101 – for the type checker
        return Window.of(doubt.attempt, self.offsets.since(doubt.attempt.id), self.rules)


def read_history(
    client: oca.Client,
    since: Callable[[], datetime | None],
    rules: Rules,
    stopping: Callable[[], bool] = lambda: False,
) -> Reading:
    """The history from its newest page back to before `since()`, or as far as it goes.

    since: asked after the first page, whose answer tells the gateway's time; None reads no further.
    Raises oca.GatewayError when the gateway does not answer; what was read until then proves nothing.
    """
    reading = Reading()
    reading.add(client.history(page=1, limit=rules.page))
    start = since()
    while start and not (reading.covers(start) or reading.ended or reading.stuck or stopping()):
        if reading.pages >= rules.most_pages:
            break
        reading.add(client.history(page=reading.pages + 1, limit=rules.page))
    return reading


class Reconciler(Worker):
    """Looks up what is unknown, for every token in turn, for the life of the process."""

    def __init__(self, store: Store, clients: Clients, clock: Clock, rules: Rules | None = None) -> None:
        super().__init__("reconcile", EVERY_SECONDS)
        self._store, self._clients, self._clock = store, clients, clock
        self._rules = rules or Rules()
        self._next: dict[int, float] = {}
        # The oldest row and the number of rows of the first reading that reached the end of a history.
        self._ends: dict[int, tuple[str, int]] = {}

    def run_once(self, token_id: int) -> Outcome:
        """Looks up the token's unknown mails that are due, all of them in one reading of the history.

        Raises oca.GatewayError when the gateway does not answer; then nothing has changed.
        """
        now = self._clock()
        due = [doubt for doubt in doubts.unknown(self._store.read(), token_id) if self._is_due(doubt, now)]
        return self._look_up(token_id, due) if due else Outcome()

    def look_again(self, mail_id: int) -> Outcome:
        """Looks one unknown or undecided mail up now. An undecided one only gets fresh evidence.

        Raises Problem when the mail is not in doubt or its token is stopped, oca.GatewayError as above.
        """
        doubt = doubts.get(self._store.read(), mail_id)
        if doubt is None:
            raise Problem(N_("This mail is not in doubt any more."))
        if tokens.get(self._store, doubt.token_id, self._clock()).state in ("stopped", "expired"):
            raise Problem(
                N_("The gateway is not asked with a token that is stopped. Replace the token first.")
            )
        return self._look_up(doubt.token_id, [doubt])

    def _look_up(self, token_id: int, wanted: Sequence[Doubt]) -> Outcome:
        client = self._clients.get(token_id)
        reading = read_history(client, lambda: self._since(client, token_id, wanted), self._rules, self._over)
        outcome = Outcome(pages=reading.pages)
        if self._stopping.is_set():
            return outcome
        look = self._look(client, token_id, reading)
        for start in range(0, len(wanted), CHUNK):
            with self._store.write() as db:
                for doubt in filter(None, (doubts.still(db, one) for one in wanted[start : start + CHUNK])):
                    outcome = outcome.plus(look.settle(db, doubt, self._clock()))
        self._log.info("token %d: %s", token_id, outcome)
        return outcome

    def _look(self, client: oca.Client, token_id: int, reading: Reading) -> Look:
        reading.whole = self._is_whole(token_id, reading)
        offsets = self._offsets(client, token_id)
        if offsets is not None and client.clock_offset is not None:
            reading.gateway_now = self._clock() + timedelta(seconds=client.clock_offset)
        known = (
            Known(msg_id, attempt, Window.of(attempt, offsets.since(attempt.id), self._rules))
            for msg_id, attempt in doubts.accepted(self._store.read(), reading.rows)
            if offsets is not None
        )
        return Look(reading, offsets, Trust.of(reading, known, client.token.fingerprint), self._rules)

    def _since(self, client: oca.Client, token_id: int, wanted: Sequence[Doubt]) -> datetime | None:
        offsets = self._offsets(client, token_id)
        if offsets is None:
            return None
        windows = (Window.of(d.attempt, offsets.since(d.attempt.id), self._rules) for d in wanted)
        return min(window.start for window in windows)

    def _offsets(self, client: oca.Client, token_id: int) -> clocks.Offsets | None:
        if client.clock_offset is None:
            return None
        self._observe(client, token_id)
        return clocks.Offsets.of(self._store.read(), token_id, client.clock_offset)

    def _observe(self, client: oca.Client, token_id: int) -> None:
        if client.clock_offset is not None:
            clocks.observe(self._store, token_id, client.clock_offset, self._clock())

    def _is_whole(self, token_id: int, reading: Reading) -> bool:
        """Whether the end of the history is the beginning of the account, and not the place where it is cut off.

        A gateway that keeps only so many rows shows the same number for ever and another oldest row each time. One
        that shows more rows than before, the oldest still the same, had dropped none before.
        """
        if not reading.ended or not reading.ordered:
            return False
        oldest_id, total = self._ends.get(token_id, ("", 0))
        if oldest_id != reading.oldest_id or not oldest_id:
            self._ends[token_id] = (reading.oldest_id, reading.total)
            return False
        return reading.total > total

    def _is_due(self, doubt: Doubt, now: datetime) -> bool:
        rules = self._rules
        due = parse(doubt.next_at) if doubt.next_at else doubt.attempt.finished_at
        if not doubt.next_at:
            due += timedelta(seconds=rules.first_pause)
        # Further away than any pause: our clock was set back, and waiting for the old time could take hours.
        return due <= now or due - now > timedelta(seconds=rules.longest_pause)

    def _round(self) -> None:
        for line in tokens.usable(self._store, self._clock()):
            if self._stopping.is_set():
                return
            self._observe(self._clients.get(line.id), line.id)
            if time.monotonic() < self._next.get(line.id, 0.0):
                continue
            pause = SHORTEST_PAUSE_SECONDS
            try:
                pages = self.run_once(line.id).pages
                pause = max(pause, pages / (BUDGET_SHARE * line.per_second))
            except oca.GatewayError as error:
                self._log.info("token %d: the history could not be read: %s", line.id, error.sentence)
                pause = PAUSE_AFTER_FAULT_SECONDS
            self._next[line.id] = time.monotonic() + pause
