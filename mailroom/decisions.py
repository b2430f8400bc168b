"""What a person decides about mails that nobody can prove to have left, and what lies before them when they do."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import activity, doubts, sending_deeds, states
from mailroom.doubts import Doubt
from mailroom.evidence import Evidence
from mailroom.problems import Problem
from mailroom.readings import Rules
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

POLICIES = ("never_twice", "never_lost")
LONGEST_REASON = 500
SHOWN = 100

COUNTED = N_("It arrived: %(reason)s")
SENT_AGAIN = N_("It did not arrive: %(reason)s")
_DECISION = {True: "arrived", False: "again"}


@dataclass(frozen=True)
class Case:
    """One mail in doubt, or that was, as the page of its decision shows it.

    attempt_id: of its last attempt; a decision is about that one alone. http_status, detail: what the gateway
    answered. looks: how often the history was read; 0 before the first time, and then `evidence` is empty.
    finding: what came of it (`open`, `found`, `absent`, `undecided`, `unproven`), or "".
    """

    mail_id: int
    batch_id: int
    batch_name: str
    batch_state: str
    token_id: int
    email: str
    subject: str
    state: str
    shown: str
    policy: str
    attempt_id: int
    started_at: str
    finished_at: str | None
    http_status: int | None
    detail: str
    looks: int
    last_at: str
    next_at: str
    finding: str
    evidence: Evidence
    decided_why: str
    decided_by: str


@dataclass(frozen=True)
class Undecided:
    """One line of a batch's list of mails to decide about. why: what keeps it from being decided by itself."""

    mail_id: int
    row: int
    email: str
    why: str


@dataclass(frozen=True)
class Summary:
    """The numbers of a batch in doubt. upto: the newest change among the undecided, "" when there is none.

    unproven: mails that were sent again without a proof, as the batch wants.
    """

    undecided: int
    unknown: int
    unproven: int
    upto: str
    lines: tuple[Undecided, ...]


def case(store: Store, mail_id: int) -> Case | None:
    """A mail that was tried at least once, with everything found out about its last attempt; None for others."""
    row = next(
        store.read().query(
            "SELECT m.id AS mail_id, m.batch_id, b.name AS batch_name, b.state AS batch_state, b.token_id, "
            "m.email, m.subject, m.state, m.shown, "
            "b.policy, a.id AS attempt_id, a.started_at, a.finished_at, a.http_status, "
            "coalesce(a.detail, '') AS detail, coalesce(l.looks, 0) AS looks, coalesce(l.last_at, '') AS last_at, "
            "coalesce(l.next_at, '') AS next_at, coalesce(l.finding, '') AS finding, l.evidence, "
            "coalesce(e.why, '') AS decided_why, coalesce(u.name, e.actor, '') AS decided_by "
            "FROM mails m JOIN batches b ON b.id = m.batch_id "
            "JOIN attempts a ON a.id = (SELECT max(id) FROM attempts WHERE mail_id = m.id) "
            "LEFT JOIN lookups l ON l.attempt_id = a.id "
            "LEFT JOIN events e ON e.id = (SELECT max(id) FROM events WHERE mail_id = m.id "
            "AND from_state IN ('unknown', 'undecided')) "
            "LEFT JOIN users u ON e.actor = 'user:' || u.id WHERE m.id = ?",
            [mail_id],
        ),
        None,
    )
    if row is None:
        return None
    evidence = Evidence.from_json(row["evidence"]) if row["evidence"] else Evidence()
    return Case(**{**row, "evidence": evidence})


def summary(store: Store, batch_id: int) -> Summary:
    """What is in doubt in a batch, with the first hundred mails to decide about."""
    db = store.read()
    numbers = next(
        db.query(
            "SELECT count(*) FILTER (WHERE shown = 'undecided') AS undecided, "
            "count(*) FILTER (WHERE shown = 'unknown') AS unknown, "
            "coalesce(max(changed_at) FILTER (WHERE shown = 'undecided'), '') AS upto "
            "FROM mails WHERE batch_id = ? AND shown IN ('undecided', 'unknown')",
            [batch_id],
        )
    )
    unproven = db.execute(
        "SELECT count(*) FROM lookups l JOIN mails m ON m.id = l.mail_id "
        "WHERE m.batch_id = ? AND l.finding = 'unproven'",
        [batch_id],
    ).fetchone()[0]
    return Summary(**numbers, unproven=unproven, lines=tuple(_lines(db, batch_id)))


def decide(
    store: Store, mail_id: int, attempt_id: int, arrived: bool, reason: str, user_id: int, now: datetime
) -> bool:
    """Whether this person decided about the mail; False when it was decided before.

    attempt_id: the attempt that the person was shown. Raises Problem beside `reason` when there is none.
    """
    reason = _reason(reason)
    with store.write() as db:
        doubt = doubts.get(db, mail_id)
        if doubt is None or doubt.state != "undecided" or doubt.attempt.id != attempt_id:
            return False
        if not _apply(db, doubt, arrived, reason, user_id, now):
            return False
        batch = _batch_of(db, mail_id)
        deed = sending_deeds.MailDecided(batch["id"], batch["name"], mail_id, _DECISION[arrived])
        activity.note(db, deed, now, user_id)
        return True


def decide_all(
    store: Store, batch_id: int, upto: str, arrived: bool, reason: str, user_id: int, now: datetime
) -> int:
    """How many undecided mails of the batch this person decided about.

    upto: the `Summary.upto` that the person saw: what became undecided since is not decided unseen.
    Raises Problem beside `reason` when there is none.
    """
    reason = _reason(reason)
    with store.write() as db:
        found = doubts.undecided(db, batch_id, upto)
        decided = sum(_apply(db, doubt, arrived, reason, user_id, now) for doubt in found)
        if decided:
            name = _batch_of(db, found[0].mail_id)["name"]
            deed = sending_deeds.MailsDecided(batch_id, name, decided, _DECISION[arrived])
            activity.note(db, deed, now, user_id)
        return decided


def set_policy(store: Store, batch_id: int, policy: str, user_id: int, now: datetime) -> bool:
    """Whether the batch now does `policy` with mails that cannot be decided. Raises ValueError for another word."""
    if policy not in POLICIES:
        raise ValueError(policy)
    with store.write() as db:
        before = db.execute("SELECT name, policy FROM batches WHERE id = ?", [batch_id]).fetchone()
        if before is None:
            return False
        db.execute("UPDATE batches SET policy = ? WHERE id = ?", [policy, batch_id])
        if before["policy"] != policy:
            deed = sending_deeds.BatchPolicyChanged(batch_id, before["name"], before["policy"], policy)
            activity.note(db, deed, now, user_id)
        return True


def _apply(db: Database, doubt: Doubt, arrived: bool, reason: str, user_id: int, now: datetime) -> bool:
    sentence = COUNTED if arrived else SENT_AGAIN
    change = states.Change(now, sentence % {"reason": reason}, f"user:{user_id}")
    if arrived:
        return states.transition(db, doubt.mail_id, "undecided", "accepted", change)
    # What stands in the history now must lie before the window of the next attempt.
    rest = timedelta(seconds=2 * Rules().margin)
    due = max(now, min(doubt.attempt.finished_at, now) + rest)
    return states.transition(db, doubt.mail_id, "undecided", "queued", change, due_at=iso(due))


def _batch_of(db: Database, mail_id: int) -> sqlite3.Row:
    query = "SELECT b.id, b.name FROM mails m JOIN batches b ON b.id = m.batch_id WHERE m.id = ?"
    row: sqlite3.Row = db.execute(query, [mail_id]).fetchone()
    return row


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise Problem(N_("Say how you know: it stays with the mail for whoever asks later."), field="reason")
    if len(text) > LONGEST_REASON:
        raise Problem(N_("A reason has at most %(most)s letters."), field="reason", most=LONGEST_REASON)
    return text


def _lines(db: Database, batch_id: int) -> Iterator[Undecided]:
    rows = db.query(
        "SELECT m.id AS mail_id, m.row, m.email, coalesce(json_extract(l.evidence, '$.obstacles[0]'), '') AS why "
        "FROM mails m LEFT JOIN lookups l ON l.attempt_id = (SELECT max(id) FROM attempts WHERE mail_id = m.id) "
        "WHERE m.batch_id = ? AND m.shown = 'undecided' ORDER BY m.id LIMIT ?",
        [batch_id, SHOWN],
    )
    return (Undecided(**row) for row in rows)
