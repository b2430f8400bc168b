"""A full disk, and a database that another program holds: nothing is lost, and it goes on by itself."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mailroom import email_templates
from mailroom.sender import IDLE_SECONDS
from mailroom.service import open_service
from mailroom.settings import Settings
from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard, queue
from tests.faults.disk import Disk, watched_disk
from tests.live import Live
from tests.sandbox_server import Sandbox


@pytest.fixture
def live(prepared: Path, sandbox: Sandbox, tmp_path: Path) -> Iterator[tuple[Live, Disk]]:
    """A mailroom with twelve queued mails on a watched disk, not sending yet."""
    shutil.copytree(prepared, tmp_path / "data")
    with watched_disk() as disk:
        service = open_service(Settings(gateway_url=sandbox.url, data=tmp_path / "data"))
        try:
            yield Live(service, sandbox, email_templates.version(service.store, 1)), disk
        finally:
            disk.full = False
            service.close()


def test_on_a_full_disk_answers_are_kept_until_there_is_room(live: tuple[Live, Disk]) -> None:
    mailroom, disk = live
    mailroom.sandbox.faults(latency_ms=500)
    mailroom.service.start()
    mailroom.wait(lambda: mailroom.sandbox.ledger())
    disk.full = True
    mailroom.wait(lambda: disk.refused > 8)
    written = mailroom.batch(1).counts
    assert written["sending"]
    assert written["queued"], "nothing is claimed that cannot be written down first"
    assert len(mailroom.sandbox.ledger()) == MAILS - written["queued"]
    disk.full = False
    mailroom.wait_handed_over(1)
    assert not mailroom.batch(1).counts.get("unknown")
    mailroom.agrees()


def test_below_the_floor_of_free_space_nothing_is_claimed_and_above_it_goes_on(
    live: tuple[Live, Disk],
) -> None:
    mailroom, _ = live
    folder = mailroom.service.settings.data
    mailroom.service.store.floor_bytes = shutil.disk_usage(folder).free - 500_000_000
    hog = folder / "hog"
    with hog.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 1_000_000_000)
    mailroom.service.start()
    other = queue(mailroom, 3)
    # Long enough to have sent all of them: that nothing happens can only be waited for.
    time.sleep(5 * IDLE_SECONDS)
    assert mailroom.sandbox.ledger() == []
    hog.unlink()
    mailroom.wait_handed_over(1)
    mailroom.wait_handed_over(other)
    mailroom.agrees()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The database locked for writing by another program."""
    with closing(sqlite3.connect(folder / "mailroom.db", timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_database_that_another_program_holds_for_8_seconds_is_waited_for(dashboard: Dashboard) -> None:
    dashboard.sandbox.faults(latency_ms=300)
    dashboard.start()
    dashboard.wait(lambda: dashboard.states()["sending"])
    with held(dashboard.folder):
        time.sleep(8)
    dashboard.wait_handed_over()
    found = dashboard.ends_well()
    assert found.states == {"accepted": MAILS}


def test_told_to_stop_while_another_program_holds_the_database_it_still_writes_the_answers(
    dashboard: Dashboard,
) -> None:
    dashboard.sandbox.faults(latency_ms=300)
    dashboard.start()
    dashboard.wait(lambda: dashboard.states()["sending"])
    with held(dashboard.folder):
        dashboard.process.terminate()
        time.sleep(8)
    found = dashboard.ends_well()
    assert found.states.keys() == {"accepted", "queued"}
    assert found.states["accepted"] == len(dashboard.sandbox.ledger())
