"""The sender: claim → hand over → record, for the life of the process."""

import logging
import math
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from zoneinfo import ZoneInfo

import oca
from mailroom import outcomes, plans, tokens
from mailroom.claims import Claim, Claims, catch_up, hasten
from mailroom.clients import Clients
from mailroom.loads import Load
from mailroom.recorder import Answers, Recorder
from mailroom.store import Store
from mailroom.tally import Tally
from mailroom.times import Clock
from mailroom.worker import Pulse, Worker
from oca.pace import Slot

log = logging.getLogger("mailroom.sender")

# Requests on the wire at once, for each token: at 25 a second enough for a gateway that takes 2.5 s to answer.
IN_FLIGHT = 64
IDLE_SECONDS = 0.25
LONGEST_HOLD_SECONDS = 60
CLOCK_CHECK_SECONDS = 5
# It looks round all the time, but waits while a large batch is queued.
HANGS_AFTER_SECONDS = 60.0


class TokenSender:
    """Sends what waits for one token, at its pace."""

    def __init__(
        self,
        store: Store,
        clients: Clients,
        token_id: int,
        clock: Clock,
        pool: ThreadPoolExecutor,
        answers: Answers,
        load: Load,
        zone: ZoneInfo,
    ) -> None:
        self._store, self._clients, self._token_id, self._clock = store, clients, token_id, clock
        self._pool, self._answers, self._load = pool, answers, load
        self._claims = Claims(store, token_id, zone)
        self._gateway: tuple[oca.Client, oca.Pace] | None = None
        self._asked_at = 0.0
        self._free = threading.Semaphore(IN_FLIGHT)
        self._stopping = threading.Event()
        self._hold_seconds = 0.0
        self._held_until = 0.0
        self.pulse = Pulse(f"sender-{token_id}", HANGS_AFTER_SECONDS)
        self._thread = threading.Thread(target=self._run, name=self.pulse.name, daemon=True)

    def start(self) -> None:
        """Begins to send in a thread of its own."""
        self.pulse.beat()
        self._thread.start()

    def stop(self) -> None:
        """Claims nothing more; what is on the wire still gets its answer."""
        self._stopping.set()

    def join(self) -> None:
        """Waits until the thread that claims has ended; however long the database keeps it waiting."""
        # Left behind, it could claim one more mail when nobody is there any more to hand it over.
        self._thread.join()

    def _run(self) -> None:
        busy = False
        try:
            while not self._stopping.is_set():
                busy = self._try_once(busy)
                self.pulse.beat()
                if not busy:
                    self._stopping.wait(IDLE_SECONDS)
        finally:
            self.pulse.end()

    def _try_once(self, busy: bool) -> bool:
        try:
            return self.run_once(busy)
        except Exception:
            # A full disk or a busy database must not end the sender; what it was doing is on the disk or undone.
            log.exception("token %d: could not send, trying again", self._token_id)
            return False

    def run_once(self, busy: bool = False) -> bool:
        """Whether a mail was claimed and given to the pool; waits for a free place and a slot of the budget.

        busy: whether it is likely that one waits, so that it need not be asked before a slot is taken.
        """
        if time.monotonic() < self._held_until or not (busy or self._claims.any_due(self._clock())):
            return False
        if not self._load.wait(1.0) or not self._free.acquire(timeout=1.0):
            return False
        handed = False
        try:
            handed = self._claim_and_submit()
        finally:
            if not handed:
                self._free.release()
        return handed

    def _claim_and_submit(self) -> bool:
        client, pace = self._client_and_pace()
        slot = pace.take(timeout=1.0)
        if slot is None:
            return False
        claim = None
        try:
            claim = None if self._stopping.is_set() else self._claims.next(client.token, self._clock())
        finally:
            if claim is None:
                slot.give_back()
        if claim is None:
            return False
        self._load.add(_size(claim))
        self._pool.submit(self._send, client, claim, slot)
        return True

    def _client_and_pace(self) -> tuple[oca.Client, oca.Pace]:
        # Asked for now and then, not for every mail: a refusal of the token before does not stop the new one.
        now = time.monotonic()
        if self._gateway is None or now - self._asked_at >= IDLE_SECONDS:
            self._gateway = self._clients.get(self._token_id), self._clients.pace(self._token_id)
            self._asked_at = now
        return self._gateway

    def _send(self, client: oca.Client, claim: Claim, slot: Slot) -> None:
        recorder = Recorder(self._answers, claim, self._token_id, self._stopping)
        try:
            client.send(claim.message, audit=recorder, slot=slot)
            self._hold_seconds = 0.0
        except oca.GatewayError as error:
            # The recorder has written it; here only the pace of trying again is set.
            if error.verdict == "unreachable":
                self._hold_on()
        except Exception:
            # Nothing is known about this mail now: it stays `sending`, and the next start looks it up.
            log.exception("mail %d: its attempt ended without an answer", claim.mail_id)
        finally:
            self._load.add(-_size(claim))
            self._free.release()

    def _hold_on(self) -> None:
        self._hold_seconds = min(max(1.0, self._hold_seconds * 2), LONGEST_HOLD_SECONDS)
        self._held_until = time.monotonic() + self._hold_seconds


class Sender(Worker):
    """One sender for every token there is, for the life of the process. zone: of the team's business hours.

    `handed` counts what was handed over, by token, outcome and HTTP status.
    """

    def __init__(
        self, store: Store, clients: Clients, clock: Clock, zone: ZoneInfo = plans.USUAL_ZONE
    ) -> None:
        super().__init__("sender", IDLE_SECONDS, HANGS_AFTER_SECONDS)
        self._store, self._clients, self._clock, self._zone = store, clients, clock, zone
        self._senders: dict[int, TokenSender] = {}
        self._pool = ThreadPoolExecutor(max_workers=IN_FLIGHT * 4, thread_name_prefix="handover")
        self.handed = Tally()
        self._answers = Answers(store, clock, self.handed)
        self._load = Load()
        self._checked_at = -math.inf

    def start(self) -> None:
        """Marks what an earlier stop left on the wire, and begins to send."""
        with self._store.write() as db:
            left = outcomes.recover(db, self._clock())
        if left:
            log.warning(
                "%d mails were on the wire when Mailroom stopped; they are looked up before anything else",
                left,
            )
        super().start()

    def stop(self) -> None:
        """Stops claiming, waits for the answers still due; afterwards nothing is `sending`."""
        super().stop()
        for sender in self._senders.values():
            sender.stop()
        for sender in self._senders.values():
            sender.join()
        self._pool.shutdown(wait=True, cancel_futures=False)

    def pulses(self) -> list[Pulse]:
        """The signs of life of all that sends: its own, and of the sender of each token."""
        return [self.pulse, *(sender.pulse for sender in tuple(self._senders.values()))]

    def _round(self) -> None:
        # A full disk or a busy database; what each token's sender meets it tells.
        with suppress(sqlite3.OperationalError):
            self._start_new()
            if time.monotonic() - self._checked_at > CLOCK_CHECK_SECONDS:
                self._checked_at = time.monotonic()
                hasten(self._store, self._clock())
                catch_up(self._store, self._clock(), self._zone)

    def _start_new(self) -> None:
        for line in tokens.all_tokens(self._store, self._clock()):
            if line.id not in self._senders:
                sender = TokenSender(
                    self._store,
                    self._clients,
                    line.id,
                    self._clock,
                    self._pool,
                    self._answers,
                    self._load,
                    self._zone,
                )
                self._senders[line.id] = sender
                sender.start()


def _size(claim: Claim) -> int:
    attachment = claim.message.attachment
    return claim.message.body_bytes + (len(attachment.content) if attachment else 0)
