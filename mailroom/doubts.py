"""Mails in doubt as the database holds them: who they are, and what was found about each."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from sqlite_utils import Database

from mailroom import states
from mailroom.evidence import Evidence
from mailroom.readings import Attempt
from mailroom.times import iso, parse

# `open`: still looked up. `unproven`: sent again without a proof, because its batch would rather send twice than never.
Result = Literal["open", "found", "absent", "undecided", "unproven"]

# So many ids in one question to the database.
CHUNK = 1000

_DOUBTS = (
    "SELECT m.id AS mail_id, m.state, m.faults, b.id AS batch_id, b.token_id, b.policy, "
    "a.id AS attempt_id, a.to_email, a.started_at, a.finished_at, "
    "a.duration_ms, a.body_sha256, a.token_fingerprint, coalesce(l.looks, 0) AS looks, "
    "coalesce(l.first_at, '') AS first_at, coalesce(l.next_at, '') AS next_at "
    "FROM mails m JOIN batches b ON b.id = m.batch_id "
    "JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE mail_id = m.id) AND a.finished_at IS NOT NULL "
    "LEFT JOIN lookups l ON l.attempt_id = a.id "
)


@dataclass(frozen=True)
class Doubt:
    """A mail that may or may not have left, with its last attempt.

    looks: how often the history was read for that attempt. first_at: when it first was, by the gateway's clock, or
    "". next_at: when it is read again, by ours, or "" before the first time.
    """

    mail_id: int
    batch_id: int
    token_id: int
    state: states.State
    faults: int
    policy: str
    attempt: Attempt
    looks: int
    first_at: str
    next_at: str


def unknown(db: Database, token_id: int) -> list[Doubt]:
    """The mails of this token whose answer was lost and that are looked up by themselves."""
    return list(_select(db, "WHERE m.shown = 'unknown' AND b.token_id = ? ORDER BY m.id", [token_id]))


def get(db: Database, mail_id: int) -> Doubt | None:
    """One mail while it is unknown or undecided, or None."""
    return next(_select(db, "WHERE m.id = ? AND m.state IN ('unknown', 'undecided')", [mail_id]), None)


def undecided(db: Database, batch_id: int, upto: str) -> list[Doubt]:
    """The mails of a batch that wait for a person since `upto` (as stored) or longer."""
    where = "WHERE m.batch_id = ? AND m.shown = 'undecided' AND m.changed_at <= ? ORDER BY m.id"
    return list(_select(db, where, [batch_id, upto]))


def still(db: Database, doubt: Doubt) -> Doubt | None:
    """The mail as it is now, if it is in the same doubt: the same state after the same attempt."""
    now = get(db, doubt.mail_id)
    # Looked up by hand meanwhile, it may have been sent again and be in doubt anew: what was read is not about that.
    same = now is not None and now.state == doubt.state and now.attempt.id == doubt.attempt.id
    return now if same else None


def owners(db: Database, msg_ids: Iterable[str]) -> dict[str, int]:
    """Which of the gateway's ids are known to us, each with its mail."""
    rows = db.query(
        "SELECT gateway_id, id FROM mails WHERE gateway_id IN (SELECT value FROM json_each(?))",
        [json.dumps(list(msg_ids))],
    )
    return {row["gateway_id"]: row["id"] for row in rows}


def accepted(db: Database, msg_ids: Iterable[str]) -> Iterator[tuple[str, Attempt]]:
    """The attempts that the gateway answered with one of these ids."""
    waiting = iter(msg_ids)
    while chunk := list(islice(waiting, CHUNK)):
        rows = db.query(
            "SELECT a.id AS attempt_id, a.msg_id, a.to_email, a.started_at, a.finished_at, a.duration_ms, "
            "a.body_sha256, a.token_fingerprint FROM mails m JOIN attempts a ON a.mail_id = m.id "
            "AND a.msg_id = m.gateway_id WHERE m.gateway_id IN (SELECT value FROM json_each(?)) "
            # A forgotten mail has no address any more that could be compared.
            "AND m.forgotten_at IS NULL",
            [json.dumps(chunk)],
        )
        yield from ((row["msg_id"], _attempt(row)) for row in rows)


def keep(
    db: Database, doubt: Doubt, result: Result, evidence: Evidence, first_at: str, now: datetime, next_at: str
) -> None:
    """Writes down what one reading of the history said about the mail's last attempt."""
    db.execute(
        "INSERT INTO lookups (attempt_id, mail_id, looks, first_at, last_at, next_at, finding, evidence) "
        "VALUES (?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (attempt_id) DO UPDATE SET looks = looks + 1, "
        "last_at = excluded.last_at, next_at = excluded.next_at, finding = excluded.finding, "
        "evidence = excluded.evidence",
        [doubt.attempt.id, doubt.mail_id, first_at, iso(now), next_at, result, evidence.to_json()],
    )


def _select(db: Database, where: str, parameters: list[object]) -> Iterator[Doubt]:
    for row in db.query(_DOUBTS + where, parameters):
        yield Doubt(
            mail_id=row["mail_id"],
            batch_id=row["batch_id"],
            token_id=row["token_id"],
            state=row["state"],
            faults=row["faults"],
            policy=row["policy"],
            attempt=_attempt(row),
            looks=row["looks"],
            first_at=row["first_at"],
            next_at=row["next_at"],
        )


def _attempt(row: dict[str, Any]) -> Attempt:
    return Attempt(
        id=row["attempt_id"],
        email=row["to_email"],
        started_at=parse(row["started_at"]),
        finished_at=parse(row["finished_at"]),
        duration=(row["duration_ms"] or 0) / 1000,
        body_sha256=row["body_sha256"],
        fingerprint=row["token_fingerprint"],
    )
