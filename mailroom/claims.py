"""Claiming: one waiting mail becomes the sender's, its attempt on the disk before anything leaves."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from zoneinfo import ZoneInfo

from sqlite_utils import Database

import oca
from mailroom import plans, preferences, states, suppressions
from mailroom.messages import COLUMNS, Messages
from mailroom.plans import Hours, Plan
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import after, iso, parse
from oca.audit import AttemptFacts, insert_attempt
from oca.words import N_

# A mail that failed through its own fault and was tried for this long is given up: what it says may no longer be true.
OLDEST_SECONDS = 24 * 3600
MOST_FAULTS = 50
FAULTS = N_("%(faults)s faults in %(hours)s h")
# So many are skipped in one transaction, about 20 ms: the answers of other mails wait for the same lock.
MOST_SKIPPED = 200
# No mail is ever put off for so long; one that is due later still was put off by a clock that has been set back.
LONGEST_WAIT_SECONDS = 3600

_PLAN = "b.start_at, b.office_hours, b.per_minute, b.next_at"
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
    """Takes waiting mails of one token, in turn from each batch, so that a short batch never waits for a long one.

    zone: the team's, in which its business hours are meant.
    """

    def __init__(self, store: Store, token_id: int, zone: ZoneInfo = plans.USUAL_ZONE) -> None:
        self._store = store
        self._token_id = token_id
        self._zone = zone
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
                row = self._open_candidate(db, now)
                if row is None:
                    return None
                self._last_batch = int(row["batch_id"])
                if not self._put_aside(db, row, now):
                    return self._claim(db, row, token, now)
        return None

    def _open_candidate(self, db: Database, now: datetime) -> Row | None:
        while row := _candidate(db, self._token_id, self._last_batch, iso(now)):
            if not row["office_hours"]:
                return row
            opening = Hours.of(preferences.read(db), self._zone).opening(now)
            if opening <= now:
                return row
            # Out of the way until then, so that the next batch has its turn and nobody asks for this one again.
            _put_off(db, row["batch_id"], opening)
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
        if row["per_minute"]:
            due = parse(row["next_at"]) if row["next_at"] else now
            _put_off(db, row["batch_id"], _plan(row).paced(due, now))
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
        # Only faults of its own count, and only from its first try on: a batch that was paused for a weekend, or
        # planned for next week, goes out all the same.
        if not row["faults"]:
            return False
        query = "SELECT coalesce(min(started_at), ?) FROM attempts WHERE mail_id = ?"
        since = parse(db.execute(query, [row["created_at"], row["id"]]).fetchone()[0])
        waited = (now - since).total_seconds()
        if waited < OLDEST_SECONDS and row["faults"] < MOST_FAULTS:
            return False
        why = FAULTS % {"faults": row["faults"], "hours": round(waited / 3600)}
        return states.transition(db, row["id"], "queued", "gave_up", states.Change(now, why, "sender"))


def hasten(store: Store, now: datetime) -> int:
    """How many mails are due now because they would have waited until our clock, set back, had caught up.

    When their batch goes out is not touched; `catch_up()` looks after that.
    """
    late = after(now, LONGEST_WAIT_SECONDS)
    query = "SELECT 1 FROM mails WHERE state = 'queued' AND due_at > ? LIMIT 1"
    if not store.read().execute(query, [late]).fetchone():
        return 0
    with store.write() as db:
        return states.hasten(db, late, now)


def catch_up(store: Store, now: datetime, zone: ZoneInfo = plans.USUAL_ZONE) -> int:
    """How many batches go on earlier, because they were put off for longer than their plan wants at `now`.

    That is so when our clock was set back, or the team's business hours have changed. A batch keeps its start.
    """
    query = f"SELECT b.id, {_PLAN} FROM batches b WHERE b.state = 'running' AND b.next_at > ?"  # noqa: S608
    waiting = store.read().execute(query, [iso(now)]).fetchall()
    if not waiting:
        return 0
    hours = Hours.of(preferences.get(store), zone)
    latest = {row["id"]: _plan(row).begins(now + _plan(row).gap, hours) for row in waiting}
    late = [row for row in waiting if row["next_at"] > iso(latest[row["id"]])]
    if not late:
        return 0
    with store.write() as db:
        return sum(
            # Only as it was read: somebody may have chosen another time meanwhile.
            db.execute(
                "UPDATE batches SET next_at = ? WHERE id = ? AND next_at = ? AND start_at = ?",
                [iso(latest[row["id"]]), row["id"], row["next_at"], row["start_at"]],
            ).rowcount
            for row in late
        )


def _plan(row: Row) -> Plan:
    return plans.from_columns(row["start_at"], row["office_hours"], row["per_minute"])


def _put_off(db: Database, batch_id: int, until: datetime) -> None:
    db.execute("UPDATE batches SET next_at = ? WHERE id = ?", [iso(until), batch_id])


def _candidate(db: Database, token_id: int, last_batch: int, now: str) -> Row | None:
    """The next mail due, of the batches after `last_batch` first; at most one look into the index for each batch."""
    for batch_id in _batches_waiting(db, token_id, last_batch, now):
        row: Row | None = db.execute(
            f"SELECT {COLUMNS}, {_PLAN} FROM mails m JOIN batches b ON b.id = m.batch_id "  # noqa: S608 – our own names
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
        "WHERE b.state = 'running' AND b.token_id = ? AND t.stopped_at IS NULL AND b.next_at <= ? "
        "AND (t.expires_at IS NULL OR t.expires_at > ?) ORDER BY b.id <= ?, b.id",
        [token_id, now, now, last_batch],
    )
    return [int(row["id"]) for row in rows]
