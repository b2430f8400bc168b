"""Backups: of one moment, checked, for one account alone, kept by number, and none of them half."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailroom import activity, backups, copies, deeds, preferences
from mailroom.backups import BackupMaker
from mailroom.copies import CopyFailed, Order
from mailroom.service import Service
from mailroom.verify import verify_file
from tests.live import A_TOKEN, prepare_records
from tests.sandbox_server import ROOT
from tests.test_commands import flask

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def data(service: Service) -> Path:
    """The folder of a mailroom that is open, with a batch in it and a folder for backups."""
    prepare_records(service)
    service.settings.backups.mkdir()
    return service.settings.data


def names(folder: Path) -> list[str]:
    """What is in a folder, but for the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != copies.LOCK)


def break_a_rule(service: Service) -> None:
    with service.store.write() as db:
        db.execute("UPDATE mails SET state = 'sending' WHERE id = 2")


def test_a_backup_is_the_database_of_one_moment_and_says_what_is_in_it(service: Service, data: Path) -> None:
    made = backups.make(service.store.path, data / "backups", 7, NOW)
    assert made.path == data / "backups" / "mailroom-20261128T030000Z.db"
    assert verify_file(made.path) == []
    assert (made.mails, made.facts.mails, made.broken) == (2, {"queued": 2}, 0)
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    head = activity.head(service.store.read())
    assert (made.facts.trail_id, made.facts.trail_hash) == (head.id, head.hash)
    assert head.id
    assert backups.latest(data / "backups") == made
    with closing(sqlite3.connect(made.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete", "one file is all of it"


def test_nobody_else_on_the_machine_can_read_it_and_no_secret_is_in_it(service: Service, data: Path) -> None:
    made = backups.make(service.store.path, data / "backups", 7, NOW)
    for path in (made.path, made.path.with_suffix(".json"), data / "backups" / copies.LOCK):
        assert path.stat().st_mode & 0o077 == 0, path.name
    key = service.settings.key_file.read_bytes().strip()
    for path in made.path, made.path.with_suffix(".json"):
        assert A_TOKEN.encode() not in path.read_bytes()
        assert key not in path.read_bytes()


def test_making_one_writes_nothing_to_the_database_and_moves_nothing_in_its_wal(data: Path) -> None:
    for folder in (data, Path(shutil.copytree(data, data.parent / "killed"))):
        files = [folder / "mailroom.db", folder / "mailroom.db-wal"]
        before = [path.read_bytes() for path in files]
        assert before[1], "the newest of it is in the WAL alone"
        backups.make(files[0], folder / "backups", 7, NOW)
        assert [path.read_bytes() for path in files] == before


def test_the_oldest_of_ours_are_removed_and_nothing_else(service: Service, tmp_path: Path) -> None:
    prepare_records(service)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    others = ["mailroom-20200101T000000Z.db", "mailroom-1.db", "notes.txt", "mailroom-20200102T000000Z.db"]
    for name in others:
        (folder / name).write_text("not ours")
    stranger = backups.make(service.store.path, folder, 7, NOW - 9 * DAY).path.with_suffix(".json")
    told = json.loads(stranger.read_text())
    told["facts"]["mailroom"] = "another one, which keeps its backups in the same place"
    stranger.write_text(json.dumps(told))
    made = [backups.make(service.store.path, folder, 3, NOW + n * DAY) for n in range(5)]
    left = [copy.path.name for copy in made[2:]]
    ours = [*left, *(name.replace(".db", ".json") for name in left)]
    assert names(folder) == sorted([*others, *ours, stranger.name, stranger.with_suffix(".db").name])


def test_two_within_a_second_have_two_names(service: Service, data: Path) -> None:
    made = {backups.make(service.store.path, data / "backups", 7, NOW).path.name for _ in range(3)}
    assert made == {
        "mailroom-20261128T030000Z.db", "mailroom-20261128T030000Z-1.db", "mailroom-20261128T030000Z-2.db",
    }  # fmt: skip


def test_when_a_rule_does_not_hold_it_is_kept_and_says_so_and_no_older_one_is_removed(
    service: Service, data: Path
) -> None:
    good = backups.make(service.store.path, data / "backups", 1, NOW)
    break_a_rule(service)
    made = backups.make(service.store.path, data / "backups", 1, NOW + DAY)
    assert made.broken
    assert copies.existing(data / "backups") == [made, good]
    done = flask("backup", "--keep", "1", data=data)
    assert done.returncode == 1
    assert "Run flask verify" in done.stderr


def test_a_damaged_database_makes_no_backup_and_the_older_ones_stay(service: Service, data: Path) -> None:
    good = backups.make(service.store.path, data / "backups", 1, NOW)
    damaged = data / "damaged.db"
    content = bytearray(good.path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = b"\xaa" * 20_000
    damaged.write_bytes(content)
    with pytest.raises(CopyFailed, match="damaged"):
        backups.make(damaged, data / "backups", 1, NOW + DAY)
    assert names(data / "backups") == [good.path.with_suffix(".json").name, good.path.name][::-1]


def test_without_room_on_the_disk_nothing_is_begun(service: Service, data: Path) -> None:
    order = Order(service.store.path, data / "backups", "mailroom", 7, floor=2**60)
    with pytest.raises(CopyFailed, match="MB are needed"):
        copies.make(order, NOW, lambda: 0.0)
    assert names(data / "backups") == []


def test_a_disk_that_gets_too_full_meanwhile_ends_it_and_leaves_nothing(service: Service, data: Path) -> None:
    with pytest.raises(CopyFailed, match="too full"):
        copies.write(service.store.path, data / "backups" / "x.part", lambda: False, 2**60)


def test_told_to_stop_it_leaves_nothing(service: Service, data: Path) -> None:
    with pytest.raises(copies.Stopped):
        backups.make(service.store.path, data / "backups", 7, NOW, lambda: True)
    assert names(data / "backups") == []


def test_two_at_once_do_not_meet_in_one_folder(service: Service, data: Path) -> None:
    with copies._alone(data / "backups"), pytest.raises(CopyFailed, match="Another backup"):
        backups.make(service.store.path, data / "backups", 7, NOW)
    assert names(data / "backups") == []


# Where it dies: with the copy half written, complete but not checked, and between its two names.
DEATHS = ("os.fdatasync", "copies.check", "pathlib.Path.rename")


@pytest.mark.parametrize("where", DEATHS)
def test_killed_meanwhile_nothing_half_has_a_name_and_the_next_one_clears_up(
    service: Service, data: Path, where: str
) -> None:
    code = f"""
import os, pathlib, signal, sys
from datetime import UTC, datetime
from mailroom import backups, copies
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
{where} = die
database = pathlib.Path(sys.argv[1])
backups.make(database, database.parent / "backups", 7, datetime.now(UTC))
"""
    command = [sys.executable, "-c", code, str(service.store.path)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert names(data / "backups"), "it left something"
    assert copies.existing(data / "backups") == []
    assert not [name for name in names(data / "backups") if name.endswith(".db")]
    made = backups.make(service.store.path, data / "backups", 7, NOW)
    assert names(data / "backups") == [made.path.name, made.path.with_suffix(".json").name]


def test_the_command_says_where_it_is_and_keeps_as_many_as_the_team_has_chosen(
    service: Service, data: Path
) -> None:
    preferences.save(service.store, replace(preferences.get(service.store), backup_keep=2), 1, NOW)
    for _ in range(2):
        backups.make(service.store.path, data / "backups", 7, NOW - DAY)
    done = flask("backup", data=data)
    assert done.returncode == 0, done.stderr
    made = backups.latest(data / "backups")
    assert made
    assert str(made.path) in done.stdout
    assert "2 mails" in done.stdout
    assert len(copies.existing(data / "backups")) == 2


def test_the_command_makes_no_folder_where_a_disk_should_have_been(data: Path, tmp_path: Path) -> None:
    done = flask("backup", "--to", str(tmp_path / "disk"), data=data)
    assert done.returncode == 2
    assert "There is no new backup." in done.stderr
    assert not (tmp_path / "disk").exists()


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def test_the_program_makes_one_a_day_at_the_hour_the_team_has_chosen(service: Service) -> None:
    jakarta = ZoneInfo("Asia/Jakarta")
    tomorrow = (service.clock() + DAY).astimezone(jakarta).replace(hour=2, minute=29, second=0, microsecond=0)
    clock = Clock(tomorrow)

    def maker() -> BackupMaker:
        # A new one each time, for each looks at the clock only once a minute.
        return BackupMaker(service.store, service.settings, clock)

    assert maker().run_once() is None, "set up since the last time"
    clock.now = tomorrow + timedelta(minutes=1)
    made = maker().run_once()
    assert made
    assert made.path.parent == service.settings.backups
    assert maker().run_once() is None
    clock.now = tomorrow + timedelta(hours=23)
    assert maker().run_once() is None
    clock.now = tomorrow + timedelta(days=3)
    assert maker().run_once(), "late, when the program was off at the time"
    (entry, *_) = activity.newest(service.store, kind=deeds.BackupMade.KIND)
    assert entry.actor == activity.PROGRAM
    preferences.save(service.store, replace(preferences.get(service.store), backup_keep=None), 1, NOW)
    clock.now = tomorrow + timedelta(days=9)
    assert maker().run_once() is None, "switched off"


def test_a_new_mailroom_and_one_that_nobody_has_set_up_need_none(service: Service) -> None:
    assert BackupMaker(service.store, service.settings, service.clock).run_once() is None
    with service.store.write() as db:
        db.execute("UPDATE users SET created_at = '2020'")
    assert BackupMaker(service.store, service.settings, service.clock).run_once()


def test_one_that_somebody_wants_is_made_at_once_and_noted_with_their_name(service: Service) -> None:
    service.backups.want(1)
    assert service.backups.standing().running
    assert service.backups.run_once()
    assert not service.backups.standing().running
    assert activity.newest(service.store, kind=deeds.BackupMade.KIND)[0].who == "Adi"


def test_one_that_fails_is_told_until_the_next_one_is_made(service: Service, data: Path) -> None:
    assert service.backups.standing().trouble is None
    blocked = data / "backups"
    blocked.rmdir()
    blocked.write_text("a file where the folder should be")
    service.backups.want(1)
    assert service.backups.run_once() is None
    assert service.backups.standing().failed
    assert service.backups.standing().trouble == service.backups.standing().failed
    blocked.unlink()
    service.backups.want(1)
    assert service.backups.run_once()
    assert service.backups.standing().trouble is None
    break_a_rule(service)
    service.backups.want(1)
    assert service.backups.run_once()
    assert "rules do not hold" in str(service.backups.standing().trouble)


def test_none_for_two_days_is_told(service: Service) -> None:
    clock = Clock(service.clock() + 3 * DAY)
    maker = BackupMaker(service.store, service.settings, clock)
    assert "more than two days" in str(maker.standing().trouble)
    assert maker.run_once()
    assert maker.standing().trouble is None


def test_while_the_program_makes_one_pages_and_mails_go_before(service: Service) -> None:
    maker = BackupMaker(service.store, service.settings, service.clock)
    maker.start()
    try:
        thread = next(one for one in threading.enumerate() if one.name == "backups")
        assert thread.native_id
        late = time.monotonic() + 30
        while (nice := os.getpriority(os.PRIO_PROCESS, thread.native_id)) == 0 and time.monotonic() < late:
            time.sleep(0.05)
        assert nice == 10
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < nice
    finally:
        maker.stop()
