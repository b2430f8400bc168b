"""The gateway's clock beside ours: how far it was ahead, and when that changed.

Our own clock may step. So what is kept is not one difference but each new one, with the newest attempt at that moment:
an attempt may have been made under any difference known from just before it until now.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from mailroom.store import Store
from mailroom.times import iso

# The Date header holds whole seconds and answers travel; a smaller change says nothing.
NOTABLE_SECONDS = 2.0


def observe(store: Store, token_id: int, seconds: float, now: datetime) -> bool:
    """Whether the difference was new and is now on record.

    seconds: the gateway's clock minus ours, as an answer has just told it.
    """
    last = next(
        store.read().query(
            "SELECT seconds FROM gateway_clocks WHERE token_id = ? ORDER BY id DESC LIMIT 1", [token_id]
        ),
        None,
    )
    if last is not None and abs(last["seconds"] - seconds) <= NOTABLE_SECONDS:
        return False
    with store.write() as db:
        db.execute(
            "INSERT INTO gateway_clocks (token_id, attempt_id, at, seconds) "
            "VALUES (?, (SELECT coalesce(max(id), 0) FROM attempts), ?, ?)",
            [token_id, iso(now), seconds],
        )
    return True


class Offsets:
    """Every difference on record for one token, oldest first, and the one of this moment."""

    def __init__(self, records: Iterable[tuple[int, float]], current: float) -> None:
        self._records = list(records)
        self._current = current

    @classmethod
    def of(cls, db: Database, token_id: int, current: float) -> "Offsets":
        """current: the gateway's clock minus ours, in seconds, by its last answer."""
        rows = db.query(
            "SELECT attempt_id, seconds FROM gateway_clocks WHERE token_id = ? ORDER BY id", [token_id]
        )
        return cls(((row["attempt_id"], row["seconds"]) for row in rows), current)

    def since(self, attempt_id: int) -> tuple[float, float]:
        """The least and the most that the gateway may have been ahead when this attempt was made, in seconds."""
        before = [seconds for newest, seconds in self._records if newest < attempt_id]
        after = [seconds for newest, seconds in self._records if newest >= attempt_id]
        possible = [*before[-1:], *after, self._current]
        return min(possible), max(possible)
