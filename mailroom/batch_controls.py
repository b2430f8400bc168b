"""The buttons on a batch: pause, resume, cancel the rest. Pressed twice, only the first changes anything."""

import time
from datetime import datetime

from mailroom import states
from mailroom.store import Store
from mailroom.times import iso

# So many mails are cancelled in one transaction, about 50 ms: the sender's answers wait for the same lock.
AT_ONCE = 5000
BREATH_SECONDS = 0.002

# Without mails in one of these there is nothing that a pause or a cancellation could hold back.
_MAY_STILL_GO = (
    "EXISTS (SELECT 1 FROM batch_counts c WHERE c.batch_id = batches.id AND c.n > 0 "
    "AND c.shown IN ('queued', 'sending', 'unknown'))"
)


def pause(store: Store, batch_id: int, user_id: int, now: datetime) -> bool:
    """Whether the batch ran, had something to hold back, and is now paused.

    Mails already on the wire still get their answer.
    """
    with store.write() as db:
        changed = db.execute(
            "UPDATE batches SET state = 'paused', paused_reason = '', paused_at = ?, paused_by = ? "  # noqa: S608
            "WHERE id = ? AND state = 'running' AND " + _MAY_STILL_GO,
            [iso(now), user_id, batch_id],
        ).rowcount
    return changed == 1


def resume(store: Store, batch_id: int) -> bool:
    """Whether the batch was paused and now runs on."""
    with store.write() as db:
        changed = db.execute(
            "UPDATE batches SET state = 'running', paused_reason = '', paused_at = NULL, paused_by = NULL "
            "WHERE id = ? AND state = 'paused'",
            [batch_id],
        ).rowcount
    return changed == 1


def cancel(store: Store, batch_id: int, user_id: int, now: datetime) -> int:
    """How many waiting mails of the batch were cancelled; what was handed over stays handed over.

    A mail on its way at this moment is cancelled later if the gateway does not take it. Broken off in the
    middle, the rest stays waiting, is never sent, and is cancelled by the next call.
    """
    with store.write() as db:
        # First of all, so that nothing is claimed from it while its mails are cancelled part by part.
        db.execute(
            "UPDATE batches SET state = 'cancelled', paused_reason = '', paused_at = NULL, paused_by = NULL "  # noqa: S608
            "WHERE id = ? AND state <> 'cancelled' AND " + _MAY_STILL_GO,
            [batch_id],
        )
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
