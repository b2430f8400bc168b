"""Backups: made once a day by the program while it sends, or by `flask backup`, and kept by number.

The key file is in none of them, so that whoever gets hold of one cannot use the gateway's token. A backup holds
everything else, customers' addresses among it.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom import activity, copies, deeds, preferences
from mailroom.copies import Copy, CopyFailed, Order, Stopped
from mailroom.problems import Sentence, say
from mailroom.settings import Settings
from mailroom.store import FLOOR_BYTES, Store
from mailroom.times import Clock, iso, parse
from mailroom.verify import rules
from mailroom.worker import Worker
from oca.words import N_

KEEP = 7
LOOK_SECONDS = 1.0
# How often it is asked whether the time has come, and how soon one that failed is tried again.
DUE_SECONDS, AGAIN_SECONDS = 60.0, 3600.0
# Two in a row may be missed before anybody is told.
LATE = timedelta(hours=49)


def make(
    database: Path, folder: Path, keep: int, now: datetime, stopping: Callable[[], bool] = lambda: False
) -> Copy:
    """A new backup in a folder that is there, checked by every rule; the oldest of ours beyond `keep` are gone then.

    It only reads the database, so any process may do it beside the program. When rules do not hold, the copy is kept
    and says so (`broken`), and none is removed. Raises CopyFailed.
    """
    order = Order(database, folder, "mailroom", keep, FLOOR_BYTES, rules, stopping)
    return copies.make(order, now, time.monotonic)


def own_folder(settings: Settings) -> Path:
    """The folder of the program's own backups, made when there is none. Raises CopyFailed when it cannot be."""
    folder = settings.backups
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CopyFailed(
            N_("Nothing can be written to %(folder)s: %(why)s."), folder=folder, why=copies.why(error)
        ) from None
    return folder


def latest(folder: Path) -> Copy | None:
    """The newest backup in a folder; None without any."""
    found = copies.existing(folder)
    return found[0] if found else None


def usual_keep(database: Path) -> int:
    """How many backups the program keeps of its own, or would keep if it made any."""
    with suppress(sqlite3.Error), closing(copies.reading(database)) as connection:
        return preferences.read(Database(connection)).backup_keep or KEEP
    return KEEP


def last_time(at: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The last moment at which a backup was to be made. at: `HH:MM` in the zone."""
    hour, minute = map(int, at.split(":"))
    today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """How it stands with the backups the program makes.

    latest: the newest; None without any. running: whether one is being made just now. failed: why the last try since
    the program started made none; None when it did. trouble: what somebody has to look after; None when all is well.
    """

    latest: Copy | None
    running: bool
    failed: Sentence | None
    trouble: Sentence | None


class BackupMaker(Worker):
    """Makes a backup when its time has come, or when somebody wants one, for the life of the process."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        super().__init__("backups", LOOK_SECONDS)
        self._store, self._settings, self._clock = store, settings, clock
        self._wanted = threading.Event()
        self._wanted_by = 0
        self._running = False
        self._failed: Sentence | None = None
        self._look_at = 0.0

    def want(self, user_id: int) -> None:
        """Has one made now, by a person's wish."""
        self._wanted_by = user_id
        self._wanted.set()

    def standing(self) -> Standing:
        """How it stands just now."""
        last = latest(self._settings.backups)
        running = self._running or self._wanted.is_set()
        return Standing(last, running, self._failed, self._trouble(last))

    def run_once(self) -> Copy | None:
        """The backup that was made just now; None when none was due, or it failed."""
        wanted = self._wanted.is_set()
        if not wanted:
            if time.monotonic() < self._look_at:
                return None
            self._look_at = time.monotonic() + DUE_SECONDS
            if not self._due():
                return None
        self._running = True
        try:
            return self._make(self._wanted_by if wanted else 0)
        finally:
            self._running = False
            self._wanted.clear()

    def _run(self) -> None:
        # A large database is copied and checked for minutes; pages and mails go before, also on one processor.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        super()._run()

    def _round(self) -> None:
        self.run_once()

    def _make(self, user_id: int) -> Copy | None:
        now = self._clock()
        keep = preferences.get(self._store).backup_keep or KEEP
        try:
            made = make(self._settings.database, own_folder(self._settings), keep, now, self._over)
        except Stopped:
            return None
        except CopyFailed as error:
            self._failed = error.sentence
            self._look_at = time.monotonic() + AGAIN_SECONDS
            self._log.warning("no backup was made: %s", error)
            return None
        self._failed = None
        activity.record(self._store, deeds.BackupMade(made.path.name, made.size), self._clock(), user_id)
        self._log.info("backup %s made in %.1f s, %d bytes", made.path.name, made.seconds, made.size)
        return made

    def _due(self) -> bool:
        wanted, now = preferences.get(self._store), self._clock()
        if wanted.backup_keep is None:
            return False
        last_at = last_time(wanted.backup_at, now, self._settings.zone)
        before = [
            made.made_at for made in copies.existing(self._settings.backups) if made.made_at <= iso(now)
        ]
        # A mailroom that nobody had set up by then has nothing to keep.
        return self._set_up_before(last_at) and (not before or parse(before[0]) < last_at)

    def _set_up_before(self, moment: datetime) -> bool:
        row = self._store.read().execute("SELECT min(created_at) FROM users").fetchone()
        return row[0] is not None and row[0] < iso(moment)

    def _trouble(self, last: Copy | None) -> Sentence | None:
        if self._failed:
            return self._failed
        if preferences.get(self._store).backup_keep is None:
            return None
        if last and last.broken:
            return say(
                N_(
                    "The last backup was kept, but in it and in the database rules do not hold (%(n)s). Run flask "
                    "verify to see which."
                ),
                n=last.broken,
            )
        late = self._clock() - LATE
        if self._set_up_before(late) and (last is None or last.made_at < iso(late)):
            return say(N_("No backup was made for more than two days."))
        return None
