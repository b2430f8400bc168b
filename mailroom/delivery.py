"""What became of the mails the gateway took: read from its history, page by page, newest first."""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

import oca
from mailroom import states, tokens
from mailroom.clients import Clients
from mailroom.states import Change, Delivery
from mailroom.store import Store
from mailroom.times import Clock, iso, parse

log = logging.getLogger("mailroom.delivery")

PAGE = 100
# Far enough for 200 × 100 mails in one sweep; older ones are reached by the next deep sweep.
MOST_PAGES = 200
# The gateway's clock and ours may differ, and it writes a mail into its history when it likes.
MARGIN = timedelta(minutes=2)
# A sweep may take this share of the budget at most: after one of p pages the next waits for p ÷ (share × limit).
BUDGET_SHARE = 0.1
SHORTEST_PAUSE_SECONDS = 2.0

# How far back a sweep reaches, and how often. A mail that is not final after 30 days stays as it is.
REACHES = (
    (timedelta(minutes=15), timedelta(seconds=0)),
    (timedelta(hours=2), timedelta(minutes=5)),
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=30), timedelta(hours=12)),
)


@dataclass(frozen=True)
class Sweep:
    """What one sweep did: pages read, mails seen that are ours, mails whose delivery changed."""

    pages: int
    seen: int
    changed: int


def sweep(store: Store, client: oca.Client, since: datetime, clock: Clock) -> Sweep:
    """Brings the mails accepted after `since` up to date from the gateway's history.

    Reads from the newest page on, until a page is older than the oldest mail that is still followed.
    Raises oca.GatewayError when the gateway does not answer; what was read until then is kept.
    """
    oldest = _oldest_followed(store.read(), since)
    pages = seen = changed = 0
    while oldest is not None and pages < MOST_PAGES:
        page = client.history(page=pages + 1, limit=PAGE)
        pages += 1
        with store.write() as db:
            results = [_apply(db, item, clock()) for item in page.items]
        seen += sum(result is not None for result in results)
        changed += sum(bool(result) for result in results)
        if not page.items or page.page >= page.pages or _reaches_past(page, oldest):
            break
    return Sweep(pages, seen, changed)


def look_again(store: Store, clients: Clients, mail_id: int, clock: Clock) -> bool:
    """Whether one mail's delivery changed when the gateway was asked about it just now.

    Raises oca.GatewayError when the gateway does not answer.
    """
    row = next(
        store.read().query(
            "SELECT m.gateway_id, m.delivery, b.token_id FROM mails m JOIN batches b ON b.id = m.batch_id "
            "WHERE m.id = ? AND m.gateway_id IS NOT NULL",
            [mail_id],
        ),
        None,
    )
    if row is None:
        return False
    client = clients.get(row["token_id"])
    try:
        status = client.status(row["gateway_id"])
    except oca.DataNotFound:
        with store.write() as db:
            return _lost(db, mail_id, row["delivery"], clock())
    with store.write() as db:
        return _move(db, mail_id, row["delivery"], status, clock())


def _oldest_followed(db: Database, since: datetime) -> datetime | None:
    row = next(
        db.query(
            "SELECT min(accepted_at) AS oldest FROM mails "
            "WHERE delivery IN ('pending', 'delivered') AND accepted_at >= ?",
            [iso(since)],
        )
    )
    return parse(row["oldest"]) if row["oldest"] else None


def _reaches_past(page: oca.HistoryPage, oldest: datetime) -> bool:
    # Only a page known to run from new to old says anything about the pages behind it.
    times = [item.created_at for item in page.items if item.created_at]
    return bool(times) and page.newest_first and min(times) < oldest - MARGIN


def _apply(db: Database, item: oca.Status, now: datetime) -> bool | None:
    """Whether the mail's delivery changed; None when it is not ours."""
    row = next(db.query("SELECT id, delivery FROM mails WHERE gateway_id = ?", [item.msg_id]), None)
    return None if row is None else _move(db, row["id"], row["delivery"], item, now)


def _move(db: Database, mail_id: int, old: Delivery, status: oca.Status, now: datetime) -> bool:
    new: Delivery = status.status
    if (old, new) in states.DELIVERY_CHANGES:
        change = Change(now, status.raw, "delivery")
        return states.deliver(db, mail_id, old, new, status.raw, change)
    states.looked(db, mail_id, status.raw if new == old else None, now)
    return False


def _lost(db: Database, mail_id: int, old: Delivery, now: datetime) -> bool:
    if (old, "lost") not in states.DELIVERY_CHANGES:
        states.looked(db, mail_id, None, now)
        return False
    return states.deliver(db, mail_id, old, "lost", "", Change(now, "", "delivery"))


class Sweeper:
    """Sweeps the history of every token in turn, for the life of the process."""

    def __init__(self, store: Store, clients: Clients, clock: Clock) -> None:
        self._store, self._clients, self._clock = store, clients, clock
        self._next: dict[int, float] = {}
        self._reached: dict[tuple[int, int], datetime] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begins to sweep in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stops after the page that is being read."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def run_once(self, token_id: int) -> Sweep:
        """Sweeps one token's history as far back as is due now."""
        now = self._clock()
        due = [i for i, (_, every) in enumerate(REACHES) if self._is_due(token_id, i, every, now)]
        result = sweep(self._store, self._clients.get(token_id), now - REACHES[max(due)][0], self._clock)
        for reach in range(max(due) + 1):
            self._reached[token_id, reach] = now
        return result

    def _is_due(self, token_id: int, reach: int, every: timedelta, now: datetime) -> bool:
        last = self._reached.get((token_id, reach))
        return last is None or now - last >= every

    def _run(self) -> None:
        while not self._stopping.wait(0.5):
            try:
                self._round()
            except Exception:
                # The record of what became of mails is late then, never wrong.
                log.exception("the sweep of delivery states failed; trying again")

    def _round(self) -> None:
        for line in tokens.all_tokens(self._store, self._clock()):
            if line.stopped_at or self._stopping.is_set() or time.monotonic() < self._next.get(line.id, 0.0):
                continue
            pause = SHORTEST_PAUSE_SECONDS
            try:
                pages = self.run_once(line.id).pages
                pause = max(pause, pages / (BUDGET_SHARE * line.per_second))
            except oca.GatewayError as error:
                log.info("token %d: the history could not be read: %s", line.id, error.advice)
                pause = 15.0
            self._next[line.id] = time.monotonic() + pause
