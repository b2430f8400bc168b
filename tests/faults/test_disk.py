"""A full disk, and a database that another program holds: nothing is lost, and it goes on by itself."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mailroom.sender import IDLE_SECONDS
from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard, mailroom, queue
from tests.faults.disk import Disk, watched_disk
from tests.live import Live
from tests.sandbox_server import Sandbox


@pytest.fixture
def live(prepared: Path, sandbox: Sandbox, tmp_path: Path) -> Iterator[tuple[Live, Disk]]:
    """A mailroom with twelve queued mails on a watched disk, not sending yet."""
    with watched_disk() as disk, mailroom(prepared, tmp_path / "data", sandbox) as live:
        try:
            yield live, disk
        finally:
            disk.full = False


def test_on_a_full_disk_answers_are_kept_until_there_is_room(live: tuple[Live, Disk]) -> None:
    opened, disk = live
    opened.sandbox.faults(latency_ms=500)
    opened.service.start()
    opened.wait(lambda: opened.sandbox.ledger())
    disk.full = True
    opened.wait(lambda: disk.refused > 8)
    written = opened.batch(1).counts
    assert written["sending"]
    assert written["queued"], "nothing is claimed that cannot be written down first"
    assert len(opened.sandbox.ledger()) == MAILS - written["queued"]
    disk.full = False
    opened.wait_handed_over(1)
    assert not opened.batch(1).counts.get("unknown")
    opened.agrees()


def test_below_the_floor_of_free_space_nothing_is_claimed_and_above_it_goes_on(
    live: tuple[Live, Disk],
) -> None:
    opened, _ = live
    folder = opened.service.settings.data
    opened.service.store.floor_bytes = shutil.disk_usage(folder).free - 500_000_000
    hog = folder / "hog"
    with hog.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 1_000_000_000)
    opened.service.start()
    other = queue(opened, 3)
    # Long enough to have sent all of them: that nothing happens can only be waited for.
    time.sleep(5 * IDLE_SECONDS)
    assert opened.sandbox.ledger() == []
    hog.unlink()
    opened.wait_handed_over(1)
    opened.wait_handed_over(other)
    opened.agrees()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The database locked for writing by another program."""
    with closing(sqlite3.connect(folder / "mailroom.db", timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_held_by_another_program_for_8_seconds_and_told_to_stop_meanwhile_it_still_writes_the_answers(
    dashboard: Dashboard,
) -> None:
    dashboard.sandbox.faults(latency_ms=300)
    dashboard.start()
    dashboard.wait(lambda: dashboard.states()["sending"])
    with held(dashboard.folder):
        time.sleep(6)
        dashboard.process.terminate()
        time.sleep(2)
    assert dashboard.ended() == 0
    states = dashboard.states()
    assert states.keys() == {"accepted", "queued"}
    assert states["accepted"] == len(dashboard.sandbox.ledger())
    dashboard.start()
    dashboard.wait_handed_over()
    assert dashboard.ends_well().states == {"accepted": MAILS}
