"""When an older copy of the database was put back: what may have been sent since the copy is looked up, not sent.

A copy does not know what went out after it was made. So a mark beside the database, outside of it, remembers how far
the newest one had come; a database that is behind its mark is an older copy, and every mail that waits in it may
have been sent meanwhile. Each becomes `unknown`, with an attempt that spans the time nobody remembers, and the
gateway's history decides as it does for any other.

`flask restore` leaves word in the mark too. A copy also does not know who was signed out or which link was used since,
so then everybody signs in again, and open links end.
"""

import json
import logging
import sqlite3
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

import oca
from mailroom import (
    activity,
    copies,
    deeds,
    invites,
    report_schedule,
    resets,
    sessions,
    states,
    tokens,
    unsubscribe,
)
from mailroom.messages import COLUMNS, Messages
from mailroom.problems import Problem
from mailroom.states import Change
from mailroom.store import Store
from mailroom.times import iso, parse
from oca.audit import AttemptFacts, AttemptResult, complete_attempt, insert_attempt
from oca.words import N_

log = logging.getLogger("mailroom.restored")

ACTOR = "start"
WHY = N_("an older copy of the database was put back; it may have been sent since the copy was made")


@dataclass(frozen=True)
class PutBack:
    """Which backup `flask restore` has put back.

    made_at: when it was made, as the database keeps times. aside: where the database is that was there, beside the
    present one; "" when there was none.
    """

    file: str
    made_at: str
    aside: str = ""


@dataclass(frozen=True)
class Mark:
    """How far the newest database had come: its last attempt, when that was noted by our clock, the last deed.

    put_back: that the database is a backup since, and was not started yet; None otherwise.
    """

    attempt_id: int
    at: str
    trail: activity.Head = field(default_factory=activity.Head)
    put_back: PutBack | None = None


class Marker:
    """Keeps the mark of a database in a file beside it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: tuple[int, activity.Head] | None = None

    def note(self, now: datetime) -> None:
        """Notes how far the database has come. Late is harmless: the mark is then behind, never ahead."""
        attempt_id, trail = last_attempt(self._store.read()), activity.head(self._store.read())
        if (attempt_id, trail) == self._last:
            return
        write_mark(self._store.path, Mark(attempt_id, iso(now), trail))
        self._last = (attempt_id, trail)

    def read(self) -> Mark | None:
        """The mark that was noted last; None where there is none, or none that can be read."""
        return mark_of(self._store.path)


def mark_of(path: Path) -> Mark | None:
    """The mark beside the database at `path`; None where there is none, or none that can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.with_suffix(".mark").read_text())
        mark = Mark(int(found["attempt_id"]), iso(parse(found["at"])))
        if put_back := found.get("put_back"):
            told = PutBack(str(put_back["file"]), str(put_back["made_at"]), str(put_back.get("aside", "")))
            mark = replace(mark, put_back=told)
        # One from before there was a trail knows nothing of it.
        known = found.get("trail", {"id": 0, "hash": ""})
        return replace(mark, trail=activity.Head(int(known["id"]), str(known["hash"])))
    return None


def write_mark(path: Path, mark: Mark) -> None:
    """Puts the mark beside the database at `path`."""
    fresh = path.with_suffix(".mark.new")
    fresh.write_text(json.dumps(asdict(mark)))
    fresh.replace(path.with_suffix(".mark"))


def hold(store: Store, marker: Marker, now: datetime) -> int:
    """How many waiting mails are in doubt because the database is an older copy of itself; 0 when it is not.

    Called at the start, before anything is sent.
    """
    mark = marker.read()
    if mark:
        _note(store, mark, now)
    if mark is None or mark.attempt_id <= last_attempt(store.read()):
        return 0
    with store.write() as db:
        since = _last_moment(db, now)
        held = sum(_doubt(db, Messages(store), line, since, now) for line in tokens.all_tokens(store, now))
        report_schedule.skip_past(db, now)
    marker.note(now)
    if held:
        log.warning(
            "an older copy of the database was put back: %d mails are looked up before they are sent", held
        )
    return held


def _note(store: Store, mark: Mark, now: datetime) -> None:
    """Puts into the trail that it does not go on from where it was, for the mark is about to forget it."""
    found = activity.head(store.read()).id
    if mark.put_back:
        deed = deeds.BackupRestored(mark.put_back.file, mark.put_back.made_at, mark.trail.id, found)
        with store.write() as db:
            sessions.end_everybodys(db)
            invites.end_all(db, now)
            resets.end_all(db, now)
            activity.note(db, deed, now)
            if kept := _unsubscribed_since(db, store.path.parent, mark.put_back):
                activity.note(db, deeds.UnsubscribedKept(kept), now)
        # Held back or not, it is said once; what is to be held still is ahead of the database.
        write_mark(store.path, replace(mark, trail=activity.head(store.read()), put_back=None))
    elif not activity.holds(store.read(), mark.trail):
        activity.record(store, deeds.TrailCut(mark.trail.id, found), now, 0)


def _unsubscribed_since(db: Database, folder: Path, put_back: PutBack) -> int:
    """How many came back onto the do-not-mail list who had asked for it after the copy was made."""
    try:
        return unsubscribe.carry_over(db, folder / put_back.aside) if put_back.aside else 0
    except (OSError, sqlite3.Error) as error:
        log.warning(
            "who unsubscribed since the backup could not be read from %s: %s",
            put_back.aside,
            copies.why(error),
        )
        return 0


def _doubt(db: Database, messages: Messages, line: tokens.TokenLine, since: datetime, now: datetime) -> int:
    rows = db.execute(
        # Only our own column names, no values.
        f"SELECT {COLUMNS} FROM mails m JOIN batches b ON b.id = m.batch_id "  # noqa: S608
        "WHERE m.state = 'queued' AND b.token_id = ?",
        [line.id],
    ).fetchall()
    return sum(_doubt_one(db, messages, row, line.fingerprint, since, now) for row in rows)


def _doubt_one(
    db: Database, messages: Messages, row: sqlite3.Row, fingerprint: str, since: datetime, now: datetime
) -> bool:
    try:
        message = messages.of(db, row)
    except (Problem, oca.InvalidMessage):
        # It cannot have been sent as it is; the sender says so when its turn comes.
        return False
    change = Change(now, WHY, ACTOR)
    if not states.transition(db, row["id"], "queued", "sending", change):
        return False
    attempt_id = insert_attempt(db, AttemptFacts.by(message, fingerprint, since), mail_id=row["id"])
    complete_attempt(db, attempt_id, AttemptResult(now, "unknown", detail=WHY))
    return states.transition(db, row["id"], "sending", "unknown", change)


def last_attempt(db: Database) -> int:
    """The number of the last attempt; 0 before there is any."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()[0])


def _last_moment(db: Database, now: datetime) -> datetime:
    """The last thing the database remembers: from then on nobody knows what was sent."""
    row = db.execute("SELECT at FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return parse(row["at"]) if row else now
