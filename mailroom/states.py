"""The life of one email: the states it can be in, and the only place where one changes.

A change is one `UPDATE … WHERE state = from`: its row count says who got there first, so two threads (or a
person and the sender) can never both move the same mail. The event that says why is written in the same
transaction, by the caller's `Store.write()`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from sqlite_utils import Database

from mailroom.times import after, iso
from oca.words import N_

State = Literal[
    "queued", "sending", "accepted", "rejected", "unknown", "undecided", "cancelled", "gave_up", "skipped"
]
Delivery = Literal["pending", "delivered", "opened", "failed", "lost"]

# from → to: every change there is, and when it happens.
CHANGES: Mapping[tuple[State, State], str] = {
    ("queued", "sending"): "claimed: batch running, token good, due, no other mail to the address in doubt",
    ("sending", "accepted"): "the gateway said success and gave an id",
    ("sending", "rejected"): "the gateway will never take this mail",
    ("sending", "queued"): "provably not accepted",
    ("sending", "unknown"): "the request may have left and no readable answer came",
    ("unknown", "accepted"): "found in the gateway's history",
    ("unknown", "queued"): "proven absent from the gateway's history",
    ("unknown", "undecided"): "not decidable in time",
    ("undecided", "accepted"): "a person decided that it arrived",
    ("undecided", "queued"): "a person decided to send it again",
    ("queued", "cancelled"): "a person cancelled it",
    ("queued", "skipped"): "its address is on the do-not-mail list",
    ("queued", "gave_up"): "older than a day, or too many faults of its own",
}

# How a mail begins. What was found at the gateway was never queued here.
BEGINNINGS: frozenset[State] = frozenset({"queued", "accepted"})

# What the gateway tells us only ever moves forward; a mail it forgot can be remembered again.
DELIVERY_CHANGES: frozenset[tuple[Delivery, Delivery]] = frozenset(
    {
        ("pending", "delivered"),
        ("pending", "opened"),
        ("pending", "failed"),
        ("pending", "lost"),
        ("delivered", "opened"),
        ("delivered", "failed"),
        ("delivered", "lost"),
        ("failed", "delivered"),
        ("failed", "opened"),
        ("lost", "delivered"),
        ("lost", "opened"),
        ("lost", "failed"),
    }
)

# The gateway is first asked what became of a mail this long after it took it.
FIRST_LOOK_SECONDS = 3.0

# Mails put into a batch by one statement.
_PORTION = 1_000

BATCH_CANCELLED = N_("its batch was cancelled while it was on its way")

UNFINISHED: tuple[State, ...] = ("queued", "sending", "unknown", "undecided")


class NoSuchChange(ValueError):
    """The table has no way from the one state to the other: a mistake in the program."""


@dataclass(frozen=True)
class Change:
    """Why and by whom a state changes.

    at: the moment, in UTC. why: one sentence or the gateway's own words. actor: `user:<id>` or a part of
    the program (`sender`, `start`, `reconcile`, `delivery`).
    """

    at: datetime
    why: str
    actor: str


@dataclass(frozen=True)
class Stranger:
    """A mail that the gateway has and this record does not.

    word: the gateway's own for its status. accepted_at: when the gateway took it, by our clock.
    """

    gateway_id: str
    email: str
    word: str
    accepted_at: datetime


def transition(
    db: Database, mail_id: int, old: State, new: State, change: Change, **columns: str | int | None
) -> bool:
    """Whether this caller moved the mail from `old` to `new`; False when it was no longer in `old`.

    columns: what else changes in the same statement (`gateway_id`, `due_at`, `faults`).
    Raises NoSuchChange for a way the table does not have.
    """
    if (old, new) not in CHANGES:
        raise NoSuchChange(f"{old} → {new}")
    values: dict[str, str | int | None] = {"state": new, "changed_at": iso(change.at), **columns}
    if new == "accepted":
        first_look = after(change.at, FIRST_LOOK_SECONDS)
        values |= {"delivery": "pending", "accepted_at": iso(change.at), "look_at": first_look}
    # The column names are the callers' keyword arguments, never anything from outside.
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    moved = db.execute(
        f"UPDATE mails SET {assignments} WHERE id = :id AND state = :old",  # noqa: S608
        {**values, "id": mail_id, "old": old},
    ).rowcount
    if moved:
        _record(db, mail_id, old, new, change)
        if new == "queued":
            _cancel_with_its_batch(db, mail_id, change)
    return moved == 1


def deliver(
    db: Database, mail_id: int, old: Delivery, new: Delivery, word: str, change: Change, look_at: str | None
) -> bool:
    """Whether this caller moved an accepted mail's delivery from `old` to `new`.

    word: the gateway's own word for the new state, kept as it came. look_at: when to ask next, or None for never.
    """
    if (old, new) not in DELIVERY_CHANGES:
        raise NoSuchChange(f"{old} → {new}")
    moved = db.execute(
        "UPDATE mails SET delivery = :new, gateway_word = :word, changed_at = :at, looked_at = :at, "
        "look_at = :look_at, delivered_at = CASE WHEN :new IN ('delivered', 'opened') "
        "THEN coalesce(delivered_at, :at) ELSE delivered_at END "
        "WHERE id = :id AND delivery = :old",
        {"new": new, "word": word, "at": iso(change.at), "look_at": look_at, "id": mail_id, "old": old},
    ).rowcount
    if moved:
        _record(db, mail_id, old, new, change)
    return moved == 1


def looked(db: Database, mail_id: int, word: str | None, now: datetime, look_at: str | None) -> None:
    """Notes that the gateway was asked about a mail and nothing changed.

    word: its own word, when it gave one. look_at: when to ask next, or None for never.
    """
    db.execute(
        "UPDATE mails SET looked_at = ?, gateway_word = coalesce(?, gateway_word), look_at = ? WHERE id = ?",
        [iso(now), word, look_at, mail_id],
    )


def hasten(db: Database, late: str, now: datetime) -> int:
    """How many queued mails that were due only after `late` are due now instead; no state changes."""
    return db.execute(
        "UPDATE mails SET due_at = ? WHERE state = 'queued' AND due_at > ?", [iso(now), late]
    ).rowcount


def packed(mails: Iterable[tuple[int, str, str, str, int | None]]) -> Iterator[str]:
    """The mails in the form that `queue()` takes: many in one text, a third of the memory that they take apart.

    mails: row number, address, subject, the fields as a JSON object, and the attachment of its own or None.
    """
    rows = iter(mails)
    while portion := list(islice(rows, _PORTION)):
        yield json.dumps(portion, ensure_ascii=False)


def queue(db: Database, batch_id: int, portions: Iterable[str], change: Change) -> int:
    """How many mails were put into the batch as queued, each with its first event. portions: what `packed()` made."""
    moment = iso(change.at)
    added = 0
    # Many rows by one statement: for each statement that fires triggers, SQLite copies every page it changes.
    for portion in portions:
        added += db.execute(
            "INSERT INTO mails (batch_id, row, email, subject, fields, attachment_id, state, due_at, created_at, "
            "changed_at, domain) SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, "
            "'queued', ?2, ?2, ?2, lower(substr(value ->> 1, instr(value ->> 1, '@') + 1)) FROM json_each(?3)",
            [batch_id, moment, portion],
        ).rowcount
    db.execute(
        "INSERT INTO events (mail_id, from_state, to_state, at, why, actor) "
        "SELECT id, '', 'queued', ?, ?, ? FROM mails WHERE batch_id = ?",
        [moment, change.why, change.actor, batch_id],
    )
    return added


def take_in(
    db: Database, batch_id: int, row: int, stranger: Stranger, change: Change, look_at: str | None
) -> int | None:
    """The id of a mail that another program sent, now in the batch as accepted, its delivery not yet known.

    None when its gateway id is in the record already. row: its number in the batch. look_at: when to ask what became
    of it, or None for never.
    """
    moment = iso(change.at)
    # RETURNING: beside the full-text index, SQLite's last row id may be that of another table.
    added = db.execute(
        "INSERT INTO mails (batch_id, row, email, domain, subject, fields, state, delivery, gateway_id, gateway_word, "
        "due_at, created_at, changed_at, accepted_at, looked_at, look_at) "
        "VALUES (:batch, :row, :email, lower(substr(:email, instr(:email, '@') + 1)), '', '{}', 'accepted', 'pending', "
        ":gateway_id, :word, :at, :at, :at, :accepted_at, :at, :look_at) ON CONFLICT (gateway_id) DO NOTHING "
        "RETURNING id",
        {"batch": batch_id, "row": row, "email": stranger.email, "gateway_id": stranger.gateway_id,
         "word": stranger.word, "at": moment, "accepted_at": iso(stranger.accepted_at), "look_at": look_at},
    ).fetchone()  # fmt: skip
    if added is None:
        return None
    mail_id = int(added[0])
    _record(db, mail_id, "", "accepted", change)
    return mail_id


def move_all(db: Database, mail_ids: Iterable[int], old: State, new: State, change: Change) -> int:
    """How many of the mails were moved from `old` to `new`; the others had already left `old`."""
    return sum(transition(db, mail_id, old, new, change) for mail_id in mail_ids)


def move_batch(db: Database, batch_id: int, old: State, new: State, change: Change, limit: int) -> int:
    """How many mails of the batch were moved from `old` to `new`: the first `limit` that were there, or all.

    Two statements however many they are. Raises NoSuchChange for a way the table does not have.
    """
    if (old, new) not in CHANGES:
        raise NoSuchChange(f"{old} → {new}")
    moment = iso(change.at)
    # Told by what is shown, which an index knows; without a delivery it is the state.
    some = "SELECT id FROM mails WHERE batch_id = ? AND shown = ? ORDER BY id LIMIT ?"
    # The events first: afterwards nobody could tell which mails were moved just now. Nothing comes in between.
    db.execute(
        "INSERT INTO events (mail_id, from_state, to_state, at, why, actor) "  # noqa: S608 – a constant
        f"SELECT id, ?, ?, ?, ?, ? FROM ({some})",
        [old, new, moment, change.why, change.actor, batch_id, old, limit],
    )
    return db.execute(
        f"UPDATE mails SET state = ?, changed_at = ? WHERE id IN ({some})",  # noqa: S608
        [new, moment, batch_id, old, limit],
    ).rowcount


def forget(db: Database, mail_ids: Iterable[int], instead: str, now: datetime) -> list[tuple[int, int]]:
    """The mails, each with its batch, whose address and content are gone from now on; those not done stay as they are.

    instead: what their events say then where a person or the gateway had said something. No state changes.
    """
    done = db.execute(
        # Only our own words are put together here. The domain stays, for the counts.
        "UPDATE mails AS m SET email = '', subject = '', fields = '{}', attachment_id = NULL, forgotten_at = ? "  # noqa: S608
        f"WHERE id IN (SELECT value FROM json_each(?)) AND forgotten_at IS NULL AND shown NOT IN {UNFINISHED} "
        "RETURNING id, batch_id",
        [iso(now), json.dumps(list(mail_ids))],
    ).fetchall()
    db.execute(
        # Why a mail was skipped, what the history showed and how a delivery went is said in words of our own.
        "UPDATE events SET why = ? WHERE mail_id IN (SELECT value FROM json_each(?)) AND why <> '' "
        "AND to_state <> 'skipped' AND (actor = 'sender' OR actor LIKE 'user:%')",
        [instead, json.dumps([row["id"] for row in done])],
    )
    return [(int(row["id"]), int(row["batch_id"])) for row in done]


def _cancel_with_its_batch(db: Database, mail_id: int, change: Change) -> None:
    # On its way while its batch was cancelled, it comes back to a batch that nothing is claimed from any more.
    cancelled = db.execute(
        "SELECT 1 FROM mails m JOIN batches b ON b.id = m.batch_id WHERE m.id = ? AND b.state = 'cancelled'",
        [mail_id],
    ).fetchone()
    if cancelled:
        transition(db, mail_id, "queued", "cancelled", Change(change.at, BATCH_CANCELLED, change.actor))


def _record(db: Database, mail_id: int, old: str, new: str, change: Change) -> None:
    db.execute(
        "INSERT INTO events (mail_id, from_state, to_state, at, why, actor) VALUES (?, ?, ?, ?, ?, ?)",
        [mail_id, old, new, iso(change.at), change.why, change.actor],
    )
