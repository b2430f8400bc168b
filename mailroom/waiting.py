"""What waits to be handed over, and for how long already; told by counts, however many mails there are."""

from dataclasses import dataclass
from datetime import datetime

from mailroom.store import Store
from mailroom.times import iso, parse


@dataclass(frozen=True)
class Queue:
    """What waits. mails: all of it, paused and planned for later too. due: what could go out now.

    oldest_seconds: how long the one that is due for the longest has been; 0 when none is due.
    """

    mails: int
    due: int
    oldest_seconds: float


def queue(store: Store, now: datetime) -> Queue:
    """What waits at `now`."""
    db = store.read()
    mails = db.execute("SELECT coalesce(sum(n), 0) FROM totals WHERE shown = 'queued'").fetchone()[0]
    row = db.execute(
        # A batch that its plan had put off is due since then. CROSS: the few batches that wait are found first.
        "SELECT coalesce(sum(c.n), 0), min(max(b.next_at, (SELECT min(m.due_at) FROM mails m "
        "WHERE m.batch_id = b.id AND m.state = 'queued'))) FROM batch_counts c CROSS JOIN batches b "
        "ON b.id = c.batch_id WHERE c.shown = 'queued' AND c.n > 0 AND b.state = 'running' AND b.next_at <= ?",
        [iso(now)],
    ).fetchone()
    oldest = max(0.0, (now - parse(row[1])).total_seconds()) if row[1] else 0.0
    return Queue(int(mails), int(row[0]), oldest)
