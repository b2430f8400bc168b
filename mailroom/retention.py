"""Old mails are forgotten by themselves, when the team has chosen after how many days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailroom import activity, attachments, deeds, forgetting, preferences
from mailroom.store import Store
from mailroom.times import Clock, iso
from mailroom.worker import Worker

EVERY_SECONDS = 300.0

# Every mail of such a batch is as old as the batch, or younger.
_OLD = "FROM batches b WHERE b.created_at < ? AND b.forgotten < b.size"
# From when a mail was handed over, or else from when it came to its end.
_WHEN = "coalesce(m.accepted_at, m.changed_at)"


@dataclass(frozen=True)
class Forgettable:
    """What would be forgotten. mails: at most so many, for in a batch that went out slowly some may be younger.

    waiting: mails as old that stay, because they still wait or are in doubt. oldest, newest: when their batches were
    queued, None without any. before: what is older than this moment goes.
    """

    before: datetime
    batches: int
    mails: int
    waiting: int
    oldest: str | None
    newest: str | None


def older_than(days: int, now: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the day in the team's zone that was so many days ago; what is older than that goes.

    Whole days, so that mails go once a day and not a few every minute.
    """
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def would_forget(store: Store, days: int, now: datetime, zone: ZoneInfo) -> Forgettable:
    """What would go, told by the counts of batches: no mail is read, however many there are."""
    before = older_than(days, now, zone)
    row = store.read().execute(
        "SELECT count(*) AS batches, coalesce(sum(c.done - b.forgotten), 0) AS mails, coalesce(sum(c.rest), 0) "  # noqa: S608
        "AS waiting, min(b.created_at) AS oldest, max(b.created_at) AS newest FROM batches b JOIN ("
        "SELECT batch_id, sum(n) FILTER (WHERE shown NOT IN ('queued', 'sending', 'unknown', 'undecided')) AS done, "
        "sum(n) FILTER (WHERE shown IN ('queued', 'sending', 'unknown', 'undecided')) AS rest "
        f"FROM batch_counts WHERE batch_id IN (SELECT b.id {_OLD}) GROUP BY batch_id) c ON c.batch_id = b.id",
        [iso(before)],
    )
    return Forgettable(before, **dict(row.fetchone()))


def forget_old(
    store: Store, days: int, now: datetime, zone: ZoneInfo, stopping: Callable[[], bool] = lambda: False
) -> int:
    """How many mails older than so many days were forgotten; noted in the trail, also when it was broken off.

    Small transactions with a breath between, for mails are being sent meanwhile. stopping: asked after each.
    """
    before = older_than(days, now, zone)
    gone = 0
    try:
        for row in (
            store.read().execute(f"SELECT b.id {_OLD} ORDER BY b.created_at", [iso(before)]).fetchall()
        ):
            gone += _forget_of(store, int(row["id"]), before, now, stopping)
            if stopping():
                break
    finally:
        if gone:
            activity.record(store, deeds.Forgotten(gone, days, iso(before)), now, 0)
    if gone:
        attachments.forget_unused(store)
    return gone


def _forget_of(
    store: Store, batch_id: int, before: datetime, now: datetime, stopping: Callable[[], bool]
) -> int:
    gone, last = 0, -1
    while not stopping():
        rows = store.read().execute(
            f"SELECT m.id, m.row FROM mails m WHERE m.batch_id = ? AND m.row > ? AND {forgetting.MAY_BE} "  # noqa: S608
            f"AND {_WHEN} < ? ORDER BY m.row LIMIT ?",
            [batch_id, last, iso(before), forgetting.AT_ONCE],
        )
        found = rows.fetchall()
        if not found:
            break
        with forgetting.transaction(store) as db:
            gone += forgetting.forget(db, [int(row["id"]) for row in found], now)
        last = int(found[-1]["row"])
    return gone


class Forgetter(Worker):
    """Forgets once a day what has become old enough, for the life of the process.

    zone: the team's, in which days begin.
    """

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo) -> None:
        super().__init__("retention", EVERY_SECONDS)
        self._store, self._clock, self._zone = store, clock, zone
        self._done: datetime | None = None
        self._words_done = 0

    def run_once(self) -> int:
        """How many mails were forgotten: none again on the same day for the same choice."""
        days, now = preferences.get(self._store).forget_after_days, self._clock()
        if days is None or older_than(days, now, self._zone) == self._done:
            return 0
        gone = forget_old(self._store, days, now, self._zone, self._over)
        self._done = older_than(days, now, self._zone)
        return gone

    def forget_words(self) -> None:
        """Takes the words of forgotten subjects out of the search, when some were forgotten since the last time."""
        kinds = (deeds.Forgotten.KIND, deeds.PersonErased.KIND)
        last = max(
            (entry.id for kind in kinds for entry in activity.newest(self._store, kind=kind, limit=1)),
            default=0,
        )
        if last > self._words_done:
            forgetting.forget_words(self._store, self._over)
            self._words_done = last

    def _round(self) -> None:
        self.run_once()
        self.forget_words()
