"""The gateway's clients: one for each token, its budget of requests shared by sends and look-ups."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import TypeVar

import oca
from mailroom import tokens
from mailroom.keys import Keys
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import Clock, utc_now
from mailroom.tokens import TokenLine
from oca.words import N_

Answer = TypeVar("Answer")

# A person waits for this answer: seconds to connect, seconds for each read.
CHECK_TIMEOUT = (3.0, 8.0)
# Seconds that a check waits for its turn in a budget that a batch is using up.
CHECK_WAIT = 5.0
# So many people browse the gateway's history at one moment; while it hangs, the other pages still have threads.
MOST_BROWSERS = 3


@dataclass(frozen=True)
class Browsed:
    """A page of the gateway's history as a person asked for it.

    clock_offset: the gateway's clock minus ours, in seconds; None where its answer does not tell.
    """

    page: oca.HistoryPage
    clock_offset: float | None


class Clients:
    """Makes each token's client once and keeps it. Safe from many threads.

    base_url: where the gateway is.
    """

    def __init__(self, store: Store, keys: Keys, base_url: str, clock: Clock = utc_now) -> None:
        self._store, self._keys, self._base_url, self._clock = store, keys, base_url, clock
        self._lock = Lock()
        self._kept: dict[int, oca.Client] = {}
        self._retired: list[oca.Client] = []
        # By limit as well: a new token may get the id of one that was removed.
        self._paces: dict[tuple[int, float], oca.Pace] = {}
        self._browsers = BoundedSemaphore(MOST_BROWSERS)

    def get(self, token_id: int) -> oca.Client:
        """The client of a token, made anew when the token was replaced. Raises LookupError for an unknown id.

        It has no audit: whoever sends gives one with each mail.
        """
        line = tokens.get(self._store, token_id)
        with self._lock:
            kept = self._kept.get(token_id)
            if kept and kept.token.fingerprint == line.fingerprint:
                return kept
            client = self._client(line)
            if kept:
                # Other threads may still wait for answers through it, so it is closed only at the end.
                self._retired.append(kept)
            self._kept[token_id] = client
            return client

    def pace(self, token_id: int) -> oca.Pace:
        """The token's budget, the same for its whole life, replaced or not. Raises LookupError."""
        line = tokens.get(self._store, token_id)
        with self._lock:
            return self._pace(line)

    def check(self, token_id: int, now: datetime) -> str:
        """What the gateway says about the token now: "ok", or sentences, one a line; kept with the token.

        A token that it accepts may be used again when it was stopped; one that it turns down is stopped.
        """
        line = tokens.get(self._store, token_id, now)
        token = tokens.secret(self._store, self._keys, token_id)
        try:
            self._briefly(line, token, oca.Client.check)
        except oca.GatewayError as error:
            return self._failed(line, token, error, now)
        tokens.record_check(self._store, token_id, "ok", now)
        tokens.clear_stop(self._store, token_id)
        return "ok"

    def history(self, token_id: int, number: int, limit: int, now: datetime) -> Browsed:
        """One page of the gateway's history for a person who waits for it; nothing is recorded.

        number: of the page, from 1. limit: rows asked for. Raises LookupError, Problem where it is not asked,
        oca.GatewayError where it does not answer.
        """
        line = tokens.get(self._store, token_id, now)
        if line.state in ("stopped", "expired"):
            raise Problem(
                N_("The gateway is not asked with a token that is stopped. Replace the token first.")
            )
        token = tokens.secret(self._store, self._keys, token_id)
        if not self._browsers.acquire(blocking=False):
            raise Problem(N_("Others are waiting for the gateway’s history already. Try again in a moment."))
        try:
            return self._briefly(line, token, lambda client: _browse(client, number, limit))
        finally:
            self._browsers.release()

    def close(self) -> None:
        """Ends all waiting for a turn and closes every connection."""
        with self._lock:
            for pace in self._paces.values():
                pace.close()
            for client in [*self._retired, *self._kept.values()]:
                client.close()

    def _client(self, line: TokenLine) -> oca.Client:
        token = tokens.secret(self._store, self._keys, line.id)
        return oca.Client(token, base_url=self._base_url, pace=self._pace(line), now=self._clock)

    def _pace(self, line: TokenLine) -> oca.Pace:
        key = (line.id, line.per_second)
        if key not in self._paces:
            self._paces[key] = oca.Pace(line.per_second)
        return self._paces[key]

    def _briefly(self, line: TokenLine, token: oca.Token, question: Callable[[oca.Client], Answer]) -> Answer:
        """The answer to a question that a person waits for."""
        pace = self.pace(line.id)
        # The client would wait for its turn without end while the gateway has asked for a long pause.
        slot = pace.take(timeout=CHECK_WAIT)
        if slot is None:
            raise oca.RateLimited()
        slot.give_back()
        client = oca.Client(token, base_url=self._base_url, pace=pace, timeout=CHECK_TIMEOUT, now=self._clock)
        try:
            return question(client)
        finally:
            client.close()

    def _failed(self, line: TokenLine, token: oca.Token, error: oca.GatewayError, now: datetime) -> str:
        stops = error.verdict in ("token", "account")
        # The advice of the other faults speaks of a mail, and here there was none.
        result = f"{error.sentence}\n{error.advice}" if stops else error.sentence
        tokens.record_check(self._store, line.id, result, now)
        if stops:
            with self._store.write() as db:
                tokens.stop(db, line.id, error.detail or error.sentence, now, token.fingerprint)
        return result


def _browse(client: oca.Client, number: int, limit: int) -> Browsed:
    page = client.history(page=number, limit=limit)
    return Browsed(page, client.clock_offset)
