"""The buttons on a batch: pause, resume, another time, cancel the rest. Pressed twice, the first alone counts."""

import json
import time
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom import activity, batches, deeds, plans, sending_deeds, states
from mailroom.plans import Plan
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

# So many mails are cancelled in one transaction, about 50 ms: the sender's answers wait for the same lock.
AT_ONCE = 5000
BREATH_SECONDS = 0.002

# Without mails in one of these there is nothing that a pause or a cancellation could hold back.
_MAY_STILL_GO = (
    "EXISTS (SELECT 1 FROM batch_counts c WHERE c.batch_id = batches.id AND c.n > 0 "
    "AND c.shown IN ('queued', 'sending', 'unknown'))"
)

_WAITING = (
    "(SELECT coalesce(sum(n), 0) FROM batch_counts c WHERE c.batch_id = batches.id "
    "AND c.shown = 'queued') AS waiting"
)


def pause(store: Store, batch_id: int, user_id: int, now: datetime) -> bool:
    """Whether the batch ran, had something to hold back, and is now paused.

    Mails already on the wire still get their answer.
    """
    with store.write() as db:
        row = db.execute(
            "UPDATE batches SET state = 'paused', paused_reason = '', paused_at = ?, paused_by = ? "  # noqa: S608
            f"WHERE id = ? AND state = 'running' AND {_MAY_STILL_GO} RETURNING name, {_WAITING}",
            [iso(now), user_id, batch_id],
        ).fetchone()
        if row:
            deed = sending_deeds.BatchPaused(batch_id, row["name"], row["waiting"])
            activity.note(db, deed, now, user_id)
    return row is not None


def resume(store: Store, batch_id: int, user_id: int, now: datetime) -> bool:
    """Whether the batch was paused and now runs on."""
    with store.write() as db:
        row = db.execute(
            "UPDATE batches SET state = 'running', paused_reason = '', paused_at = NULL, paused_by = NULL "  # noqa: S608
            f"WHERE id = ? AND state = 'paused' RETURNING name, {_WAITING}",
            [batch_id],
        ).fetchone()
        if row:
            deed = sending_deeds.BatchResumed(batch_id, row["name"], row["waiting"])
            activity.note(db, deed, now, user_id)
    return row is not None


def send_now(store: Store, batch_id: int, user_id: int, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the batch waited for its time and goes now: no start and no business hours hold it any more.

    Its pace stays. Raises Problem when a second person approved its time and this is the one who asked.
    """
    with store.write() as db:
        before = _waiting(db, batch_id, "next_at", user_id, now)
        if before is None:
            return False
        after = replace(before, start_at=None, office_hours=False)
        batches.begin(db, batch_id, after, now, zone)
        _note_plan(db, batch_id, before, after, user_id, now)
    return True


def reschedule(store: Store, batch_id: int, plan: Plan, user_id: int, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the batch had not reached its start yet and now follows this plan.

    Raises Problem when a second person approved its time and this is the one who asked.
    """
    with store.write() as db:
        before = _waiting(db, batch_id, "start_at", user_id, now)
        if before is None:
            return False
        batches.begin(db, batch_id, plan, now, zone)
        _note_plan(db, batch_id, before, plan, user_id, now)
    return True


def _note_plan(db: Database, batch_id: int, before: Plan, after: Plan, user_id: int, now: datetime) -> None:
    name = db.execute("SELECT name FROM batches WHERE id = ?", [batch_id]).fetchone()["name"]
    plans_as_text = (json.dumps(plan.as_columns()) for plan in (before, after))
    activity.note(db, sending_deeds.BatchRescheduled(batch_id, name, *plans_as_text), now, user_id)


def _waiting(db: Database, batch_id: int, column: str, user_id: int, now: datetime) -> Plan | None:
    """The batch's plan when what it waits for is still to come; nothing is claimed from it before."""
    row = db.execute(
        "SELECT start_at, office_hours, per_minute, created_by, approved_by FROM batches "  # noqa: S608 – our own names
        f"WHERE id = ? AND state <> 'cancelled' AND {column} > ? AND {_MAY_STILL_GO}",
        [batch_id, iso(now)],
    ).fetchone()
    if row is None:
        return None
    if row["approved_by"] is not None and user_id == row["created_by"]:
        raise Problem(
            N_(
                "A second person approved this batch with its time, so somebody else who may send has to change it."
            )
        )
    return plans.from_columns(row["start_at"], row["office_hours"], row["per_minute"])


def cancel(store: Store, batch_id: int, user_id: int, now: datetime) -> int:
    """How many waiting mails of the batch were cancelled; what was handed over stays handed over.

    A mail on its way at this moment is cancelled later if the gateway does not take it. Broken off in the
    middle, the rest stays waiting, is never sent, and is cancelled by the next call.
    """
    with store.write() as db:
        # First of all, so that nothing is claimed from it while its mails are cancelled part by part.
        row = db.execute(
            "UPDATE batches SET state = 'cancelled', paused_reason = '', paused_at = NULL, paused_by = NULL "  # noqa: S608
            f"WHERE id = ? AND state <> 'cancelled' AND {_MAY_STILL_GO} RETURNING name, {_WAITING}",
            [batch_id],
        ).fetchone()
        if row:
            activity.note(db, deeds.BatchCancelled(batch_id, row["name"], row["waiting"]), now, user_id)
    change = states.Change(now, "", f"user:{user_id}")
    cancelled = 0
    while moved := _cancel_some(store, batch_id, change):
        cancelled += moved
        # Without a breath the lock goes to whoever just had it, and answers of other batches wait all the same.
        time.sleep(BREATH_SECONDS)
    return cancelled


def _cancel_some(store: Store, batch_id: int, change: states.Change) -> int:
    with store.write() as db:
        return states.move_batch(db, batch_id, "queued", "cancelled", change, AT_ONCE)
