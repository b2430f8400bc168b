"""The watch on a batch's first mails: when most of them are refused, it pauses by itself before all are."""

from datetime import datetime

from sqlite_utils import Database

from mailroom.times import iso

# A fault that all mails share (a sender the account may not use, a template too large) shows in the first answers.
# Twenty are enough to tell it from single bad rows, and few enough that the rest is still there to be saved.
FIRST = 20
# The share of them that is no accident: even a careless list has far fewer addresses that the gateway refuses.
MOSTLY = 0.6


def refused(db: Database, batch_id: int, now: datetime) -> bool:
    """Whether the batch paused by itself now that one more of its mails was refused; it does so once.

    To be called in the transaction that writes the refusal. As soon as so many of the first answers are
    refusals that the share is sure to be reached, nothing more is tried.
    """
    row = next(
        db.query(
            "SELECT coalesce(sum(n), 0) AS answered, "
            "coalesce(sum(n) FILTER (WHERE shown = 'rejected'), 0) AS refused FROM batch_counts "
            "WHERE batch_id = ? AND shown IN ('rejected', 'accepted', 'delivered', 'opened', 'failed', 'lost')",
            [batch_id],
        )
    )
    if row["answered"] > FIRST or row["refused"] < MOSTLY * FIRST:
        return False
    paused = db.execute(
        "UPDATE batches SET state = 'paused', paused_at = ?, paused_by = NULL, paused_reason = ?, "
        "early_refused = ?, early_answered = ? WHERE id = ? AND state = 'running' AND early_refused IS NULL "
        "AND EXISTS (SELECT 1 FROM batch_counts WHERE batch_id = batches.id AND shown = 'queued' AND n > 0)",
        [iso(now), _words(db, batch_id), row["refused"], row["answered"], batch_id],
    ).rowcount
    return paused == 1


def _words(db: Database, batch_id: int) -> str:
    """The gateway's own words in most of the batch's refusals."""
    row = next(
        db.query(
            "SELECT e.why FROM mails m JOIN events e ON e.mail_id = m.id AND e.to_state = 'rejected' "
            "WHERE m.batch_id = ? AND m.shown = 'rejected' GROUP BY e.why ORDER BY count(*) DESC LIMIT 1",
            [batch_id],
        ),
        None,
    )
    return str(row["why"]) if row else ""
