"""Large attachments go out a few at a time, and however large they are, all of them go out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailroom import sender
from mailroom.loads import Load
from tests.live import Live, live_mailroom
from tests.sandbox_server import running_sandbox


def test_from_the_most_on_nothing_is_taken_on_until_something_has_arrived() -> None:
    load = Load(100)
    load.add(99)
    assert load.wait(0)
    load.add(500)
    assert not load.wait(0)
    load.add(-500)
    assert load.wait(0)


class Counting(Load):
    """Remembers how many messages were on their way at once."""

    now = peak = 0

    def add(self, size: int) -> None:
        Counting.now += 1 if size > 0 else -1
        Counting.peak = max(Counting.peak, Counting.now)
        super().add(size)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setattr(sender, "Load", lambda: Counting(1000))
    with running_sandbox("--limit", "0") as sandbox:
        sandbox.faults(latency_ms=100)
        with live_mailroom(tmp_path / "data", sandbox) as live:
            yield live


def test_mails_that_are_larger_than_the_limit_go_one_by_one(live: Live) -> None:
    rows = "\n".join(f"orang{n}@contoh.id,Nama,1" for n in range(8))
    batch_id = live.queue("email,nama,total\n" + rows, ("besar.pdf", b"x" * 1000))
    assert live.wait_handed_over(batch_id).handed_over == 8
    assert Counting.peak == 1
    live.agrees()
