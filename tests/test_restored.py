"""An older copy of the database put back: what was sent since is found at the gateway, and nothing goes out twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailroom import restored
from mailroom.housekeeping import Housekeeper
from mailroom.readings import Rules
from mailroom.reconcile import Reconciler
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.verify import verify
from tests.live import Live, prepare
from tests.sandbox_server import Sandbox, running_sandbox

QUICK = Rules(margin=0.2, settle=0.2, first_pause=0.1, longest_pause=0.5, again_after=0.1)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


def opened(folder: Path, sandbox: Sandbox) -> Service:
    return open_service(Settings(gateway_url=sandbox.url, data=folder))


def copy_made_before_sending(folder: Path, sandbox: Sandbox, count: int) -> Path:
    """A copy of the database with `count` queued mails, all of which the newer one then sent."""
    service = opened(folder, sandbox)
    live = prepare(service, sandbox, per_second=1000)
    batch_id = live.queue_to(*[f"orang{n}@contoh.id" for n in range(count)])
    service.close()
    copy = folder.parent / "copy.db"
    shutil.copy(folder / "mailroom.db", copy)
    service = opened(folder, sandbox)
    service.start()
    live = Live(service, sandbox, live.version)
    live.wait_handed_over(batch_id)
    service.close()
    return copy


def test_what_was_sent_since_the_copy_is_found_and_not_sent_again(tmp_path: Path, sandbox: Sandbox) -> None:
    data = tmp_path / "data"
    copy = copy_made_before_sending(data, sandbox, 30)
    assert len(sandbox.ledger()) == 30
    for stale in data.glob("mailroom.db-*"):
        stale.unlink()
    shutil.copy(copy, data / "mailroom.db")
    service = opened(data, sandbox)
    try:
        assert restored.hold(service.store, service.marker, service.clock()) == 30
        assert restored.hold(service.store, service.marker, service.clock()) == 0
        assert verify(service.store.read()) == []
        reconciler = Reconciler(service.store, service.clients, service.clock, QUICK)
        live = Live(service, sandbox, None)  # type: ignore[arg-type]
        live.wait(lambda: reconciler.run_once(1) and not live.batch(1).counts.get("unknown"))
        service.sender.start()
        live.wait(lambda: live.batch(1).finished)
        assert len(sandbox.ledger()) == 30
        assert sandbox.summary()["doubled"] == 0
        assert verify(service.store.read()) == []
    finally:
        service.close()


def test_without_the_mark_everything_would_go_out_twice(tmp_path: Path, sandbox: Sandbox) -> None:
    data = tmp_path / "data"
    copy = copy_made_before_sending(data, sandbox, 10)
    for stale in [*data.glob("mailroom.db-*"), data / "mailroom.mark"]:
        stale.unlink(missing_ok=True)
    shutil.copy(copy, data / "mailroom.db")
    service = opened(data, sandbox)
    try:
        service.start()
        live = Live(service, sandbox, None)  # type: ignore[arg-type]
        live.wait_handed_over(1)
        assert sandbox.summary()["doubled"] == 10
    finally:
        service.close()


def test_a_database_that_only_went_on_is_not_taken_for_a_copy(tmp_path: Path, sandbox: Sandbox) -> None:
    service = opened(tmp_path / "data", sandbox)
    live = prepare(service, sandbox)
    Housekeeper(service.store, service.marker, service.clock).run_once()
    live.queue_to("joko@contoh.id")
    assert restored.hold(service.store, service.marker, service.clock()) == 0
    assert live.batch(1).counts == {"queued": 1}
    service.close()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"attempt_id": "x", "at": 1}', "\x00"])
def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path, sandbox: Sandbox, content: str) -> None:
    service = opened(tmp_path / "data", sandbox)
    (tmp_path / "data" / "mailroom.mark").write_text(content)
    assert service.marker.read() is None
    assert restored.hold(service.store, service.marker, service.clock()) == 0
    service.close()
