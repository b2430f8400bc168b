"""When to read the history: soon for what somebody watches, rarely and in bulk for large batches."""

import time
from datetime import datetime, timedelta

import oca
from mailroom import tokens
from mailroom.clients import Clients
from mailroom.delivery import LARGE_BATCH
from mailroom.store import Store
from mailroom.sweep import Sweep, sweep
from mailroom.times import Clock, iso
from mailroom.worker import Worker

EVERY_SECONDS = 0.5
# The mails of large batches wait for each other this long, so that one reading answers many.
PATIENCE = timedelta(seconds=30)
# Sweeps may take this share of the budget, so that 23 of 25 requests a second are left for mails: after one of p
# requests the next waits for p ÷ (share × limit).
BUDGET_SHARE = 0.04
SHORTEST_PAUSE_SECONDS = 2.0
PAUSE_AFTER_FAULT_SECONDS = 15.0


class Sweeper(Worker):
    """Follows the mails of every token in turn, for the life of the process."""

    def __init__(self, store: Store, clients: Clients, clock: Clock) -> None:
        super().__init__("sweeper", EVERY_SECONDS)
        self._store, self._clients, self._clock = store, clients, clock
        self._next: dict[int, float] = {}

    def run_once(self, token_id: int) -> Sweep:
        """What the sweep did, that is made when it is worth making now."""
        if not self._is_worth_it(token_id, self._clock()):
            return Sweep()
        return sweep(self._store, self._clients.get(token_id), token_id, self._clock)

    def _is_worth_it(self, token_id: int, now: datetime) -> bool:
        row = next(
            self._store.read().query(
                "SELECT 1 FROM mails m JOIN batches b ON b.id = m.batch_id WHERE b.token_id = ? AND "
                "m.gateway_id IS NOT NULL AND (m.look_at <= ? OR (m.look_at <= ? AND b.size <= ?)) LIMIT 1",
                [token_id, iso(now - PATIENCE), iso(now), LARGE_BATCH],
            ),
            None,
        )
        return row is not None

    def _round(self) -> None:
        for line in tokens.usable(self._store, self._clock()):
            if self._stopping.is_set() or time.monotonic() < self._next.get(line.id, 0.0):
                continue
            try:
                did = self.run_once(line.id)
                share = (did.pages + did.singles) / (BUDGET_SHARE * line.per_second)
                pause = max(SHORTEST_PAUSE_SECONDS, share)
            except oca.GatewayError as error:
                self._log.info("token %d: the history could not be read: %s", line.id, error.sentence)
                pause = PAUSE_AFTER_FAULT_SECONDS
            self._next[line.id] = time.monotonic() + pause
