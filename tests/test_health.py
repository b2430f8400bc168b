"""Whoever watches from outside is told in one word whether Mailroom can do its work."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from mailroom import health
from mailroom.health import HealthCheck
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.worker import Pulse, Worker
from tests.house import Browser

Client = Callable[[str], Browser]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    """A mailroom at work, with nothing to do."""
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=tmp_path / "data"))
    service.start()
    yield service
    service.close()


def told(service: Service) -> tuple[int, str]:
    answer = create_app(service).test_client().get("/healthz")
    return answer.status_code, answer.text.strip()


def test_all_is_well_and_anyone_is_told_so_in_one_word(running: Service) -> None:
    assert told(running) == (200, "ok")


def test_before_anything_works_nothing_is_well(client: Client) -> None:
    answer = client("").get("/healthz")
    assert (answer.status_code, answer.text) == (503, "not ok\n")


def test_a_disk_without_room_is_not_well(running: Service) -> None:
    running.store.floor_bytes = 2**62
    assert told(running) == (503, "not ok")


def test_a_database_that_somebody_else_holds_is_not_well(
    running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.store._writer.execute("PRAGMA busy_timeout = 50")
    with held(running.store.path):
        assert told(running) == (503, "not ok")
        # Asked again at once, nothing is tried again.
        monkeypatch.setattr(Store, "can_write", None)
        assert told(running) == (503, "not ok")


def test_a_writer_that_never_ends_is_not_well(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    with running.store.write():
        assert told(running) == (503, "not ok")


@pytest.mark.parametrize("name", ["sender", "reconcile", "sweeper", "housekeeping"])
def test_a_thread_that_ended_is_not_well(running: Service, name: str) -> None:
    worker = next(one for one in running.workers if one.pulse.name == name)
    worker.stop()
    assert not worker._thread.is_alive()
    assert told(running) == (503, "not ok")


def test_a_thread_that_hangs_is_not_well(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.sender.pulse, "within", -1.0)
    assert told(running) == (503, "not ok")


def test_what_is_written_to_find_out_leaves_nothing_and_does_reach_the_disk(store: Store) -> None:
    def counted() -> list[tuple[object, ...]]:
        tables = store.read().execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        return [
            tuple(store.read().execute(f'SELECT count(*) FROM "{row["name"]}"').fetchone()) for row in tables
        ]

    before, log = counted(), store.path.with_name(store.path.name + "-wal")
    store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert log.stat().st_size == 0
    assert store.can_write(1.0)
    assert log.stat().st_size > 0
    assert counted() == before


def test_however_many_ask_the_disk_is_asked_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tries, tried, go_on = [], threading.Event(), threading.Event()

    def slow(_store: Store, _patience: float) -> bool:
        tries.append(1)
        tried.set()
        return go_on.wait(10)

    monkeypatch.setattr(Store, "can_write", slow)
    check = HealthCheck(store)
    first = threading.Thread(target=check.look, args=[()])
    first.start()
    assert tried.wait(10)
    # Those who come meanwhile are answered at once; nothing good is known yet.
    assert [check.look(()).ok for _ in range(20)] == [False] * 20
    go_on.set()
    first.join()
    assert [check.look(()).ok for _ in range(20)] == [True] * 20
    assert len(tries) == 1


def test_what_was_found_long_ago_counts_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    check = HealthCheck(store)
    assert check.look(()).ok
    monkeypatch.setattr(health, "OLDEST_SECONDS", -1.0)
    assert not check.look(()).ok


class _Breaks(Worker):
    """Its first round fails, its second one ends the thread."""

    def __init__(self) -> None:
        super().__init__("breaks", 0.0)
        self.rounds = 0
        self.in_second, self.second = threading.Event(), threading.Event()

    def _round(self) -> None:
        self.rounds += 1
        if self.rounds == 1:
            raise sqlite3.OperationalError("disk I/O error")
        self.in_second.set()
        self.second.wait(10)
        raise SystemExit


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_round_that_fails_is_a_sign_of_life_and_a_thread_that_ends_is_none() -> None:
    worker = _Breaks()
    assert not worker.pulse.alive
    worker.start()
    assert worker.in_second.wait(10)
    assert worker.pulse.alive
    worker.second.set()
    worker._thread.join()
    assert not worker.pulse.alive
    assert worker.pulse.age is None


def test_a_long_round_gives_signs_of_life_while_it_looks_whether_to_stop(service: Service) -> None:
    for worker in (service.forgetter, service.backups, service.reconciler):
        assert not worker.pulse.alive
        assert not worker._over()
        assert worker.pulse.alive


def test_a_pulse_lasts_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("mailroom.worker.time.monotonic", lambda: now)
    pulse = Pulse("sender", 60)
    assert not pulse.alive
    pulse.beat()
    now = 1060.0
    assert (pulse.alive, pulse.age) == (True, 60.0)
    now = 1060.5
    assert not pulse.alive


def test_asking_needs_no_person_and_leaves_no_cookie(app: Flask) -> None:
    answer = app.test_client().get("/healthz")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "text/plain"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The database, held by a program that writes and does not end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()
