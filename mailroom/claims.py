"""Claiming: one waiting mail becomes the sender's, its attempt on the disk before anything leaves."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlite_utils import Database

import oca
from mailroom import states, suppressions
from mailroom.messages import COLUMNS, Messages
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import after, iso
from oca.audit import AttemptFacts, insert_attempt

# A mail that failed through its own fault and waited this long is given up: what it says may no longer be true.
OLDEST_SECONDS = 24 * 3600
MOST_FAULTS = 50
# So many are skipped in one transaction, about 20 ms: the answers of other mails wait for the same lock.
MOST_SKIPPED = 200
# No mail is ever put off for so long; one that is due later still was put off by a clock that has been set back.
LONGEST_WAIT_SECONDS = 3600

# A row of the query in `_candidate`.
Row = sqlite3.Row


@dataclass(frozen=True)
class Claim:
    """A mail that is this sender's to hand over: the message, and the attempt row that is already on the disk."""

    mail_id: int
    batch_id: int
    attempt_id: int
    faults: int
    fingerprint: str
    message: oca.Message


class Claims:
    """Takes waiting mails of one token, in turn from each batch, so that a short batch never waits for a long one."""

    def __init__(self, store: Store, token_id: int) -> None:
        self._store = store
        self._token_id = token_id
        self._last_batch = 0
        self._messages = Messages(store)
        self._lock = Lock()

    def any_due(self, now: datetime) -> bool:
        """Whether a mail waits that may be sent now; asks without taking the writing connection."""
        return _candidate(self._store.read(), self._token_id, self._last_batch, iso(now)) is not None

    def next(self, token: oca.Token, now: datetime) -> Claim | None:
        """The next mail, now in state `sending` with its attempt on the disk.

        None when nothing is due, when only mails that are skipped were found so far, or when the disk has no room
        left for more than the answers still to come.
        """
        if not self._store.has_room():
            return None
        with self._lock, self._store.write() as db:
            for _ in range(MOST_SKIPPED):
                row = _candidate(db, self._token_id, self._last_batch, iso(now))
                if row is None:
                    return None
                self._last_batch = int(row["batch_id"])
                if not self._put_aside(db, row, now):
                    return self._claim(db, row, token, now)
        return None

    def _claim(self, db: Database, row: Row, token: oca.Token, now: datetime) -> Claim | None:
        mail_id = row["id"]
        try:
            message = self._messages.of(db, row)
        except (Problem, oca.InvalidMessage) as error:
            # Checked before it was queued, so this is rare; it must not stop the mails behind it.
            states.transition(db, mail_id, "queued", "gave_up", states.Change(now, str(error), "sender"))
            return None
        if not states.transition(db, mail_id, "queued", "sending", states.Change(now, "", "sender")):
            return None
        attempt_id = insert_attempt(db, AttemptFacts.of(message, token, now), mail_id=mail_id)
        return Claim(
            mail_id,
            row["batch_id"],
            attempt_id,
            row["faults"],
            token.fingerprint,
            message,
        )

    def _put_aside(self, db: Database, row: Row, now: datetime) -> bool:
        """Whether nothing of the mail is to leave; asked at the last moment before something would."""
        why = suppressions.why(db, row["email"])
        if why:
            return states.transition(db, row["id"], "queued", "skipped", states.Change(now, why, "sender"))
        return self._give_up(db, row, now)

    def _give_up(self, db: Database, row: Row, now: datetime) -> bool:
        # Only faults of its own count: a batch that was paused for a weekend goes on where it stopped.
        waited = (now - datetime.fromisoformat(row["created_at"])).total_seconds()
        if not row["faults"] or (waited < OLDEST_SECONDS and row["faults"] < MOST_FAULTS):
            return False
        why = f"{row['faults']} faults in {round(waited / 3600)} h"
        return states.transition(db, row["id"], "queued", "gave_up", states.Change(now, why, "sender"))


def hasten(store: Store, now: datetime) -> int:
    """How many mails are due now because they would have waited until our clock, set back, had caught up."""
    late = after(now, LONGEST_WAIT_SECONDS)
    query = "SELECT 1 FROM mails WHERE state = 'queued' AND due_at > ? LIMIT 1"
    if not store.read().execute(query, [late]).fetchone():
        return 0
    with store.write() as db:
        return states.hasten(db, late, now)


def _candidate(db: Database, token_id: int, last_batch: int, now: str) -> Row | None:
    """The next mail due, of the batches after `last_batch` first; at most one look into the index for each batch."""
    for batch_id in _batches_waiting(db, token_id, last_batch, now):
        row: Row | None = db.execute(
            f"SELECT {COLUMNS} FROM mails m JOIN batches b ON b.id = m.batch_id "  # noqa: S608 – our own names
            "WHERE m.batch_id = ? AND m.state = 'queued' AND m.due_at <= ? "
            # Two mails to one address in doubt at once could not be told apart in the gateway's history.
            "AND NOT EXISTS (SELECT 1 FROM mails d WHERE d.email = m.email "
            "AND d.state IN ('sending', 'unknown', 'undecided')) ORDER BY m.due_at, m.id LIMIT 1",
            [batch_id, now],
        ).fetchone()
        if row:
            return row
    return None


def _batches_waiting(db: Database, token_id: int, last_batch: int, now: str) -> list[int]:
    # Not by `query()`, which makes three statements of every one: this is asked for each mail.
    rows = db.execute(
        # Hops through the index of waiting mails from batch to batch, so that finished batches cost nothing.
        "WITH RECURSIVE waiting(id) AS (SELECT min(batch_id) FROM mails WHERE state = 'queued' UNION ALL "
        "SELECT (SELECT min(batch_id) FROM mails WHERE state = 'queued' AND batch_id > waiting.id) "
        "FROM waiting WHERE waiting.id IS NOT NULL) "
        "SELECT b.id FROM waiting JOIN batches b ON b.id = waiting.id JOIN tokens t ON t.id = b.token_id "
        "WHERE b.state = 'running' AND b.token_id = ? AND t.stopped_at IS NULL "
        "AND (t.expires_at IS NULL OR t.expires_at > ?) ORDER BY b.id <= ?, b.id",
        [token_id, now, last_batch],
    )
    return [int(row["id"]) for row in rows]
