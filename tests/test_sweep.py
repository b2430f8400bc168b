"""What became of it: the history is read as few times as it can be, and nothing that is due is left out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

import oca
from mailroom import delivery
from mailroom.clients import Clients
from mailroom.sweep import Sweep, sweep
from mailroom.sweeper import Sweeper
from mailroom.times import iso, parse
from mailroom.verify import verify
from tests.live import Live, live_mailroom
from tests.sandbox_server import Sandbox, running_sandbox

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox, tmp_path: Path) -> Iterator[Live]:
    """A mailroom whose sender runs and whose sweeper does not: the tests sweep when they want."""
    sandbox.reset_faults()
    sandbox.faults(limit=0, life_delivered_after=0.01, life_opened_after=0.02)
    sandbox.clear()
    with live_mailroom(tmp_path / "data", sandbox, start=False, per_second=1000) as live:
        live.service.sender.start()
        yield live


class Later:
    """The clock of the mailroom, set forward."""

    def __init__(self, live: Live, **ahead: float) -> None:
        self.live, self.ahead = live, timedelta(**ahead)

    def __call__(self) -> datetime:
        return self.live.service.clock() + self.ahead


def hand_over(live: Live, *emails: str) -> int:
    batch_id = live.queue_to(*emails)
    live.wait_handed_over(batch_id)
    return batch_id


def hand_over_many(live: Live, count: int) -> int:
    return hand_over(live, *[f"orang{n}@contoh.id" for n in range(count)])


def swept(live: Live, **ahead: float) -> Sweep:
    return sweep(live.service.store, live.service.clients.get(1), 1, Later(live, **ahead))


def pending(live: Live) -> int:
    return int(str(live.rows("SELECT count(*) FROM mails WHERE delivery = 'pending'")[0][0]))


def history_requests(live: Live) -> int:
    return int(live.sandbox.summary()["requests"]["history"])


def test_fresh_mails_cost_the_pages_that_hold_them_and_little_more(live: Live) -> None:
    hand_over_many(live, 1200)
    before = history_requests(live)
    did = swept(live, seconds=5)
    assert did.seen == 1200
    assert pending(live) == 0
    assert history_requests(live) - before <= 1.3 * 12
    assert verify(live.service.store.read()) == []


def test_nothing_is_asked_when_nothing_is_due(live: Live) -> None:
    hand_over_many(live, 20)
    before = live.sandbox.summary()["requests"]
    assert swept(live) == Sweep()
    swept(live, seconds=5)
    assert swept(live, seconds=6) == Sweep()
    after = live.sandbox.summary()["requests"]
    assert after["history"] - before["history"] == 1
    assert after["status"] == before["status"]


class LongHistory:
    """A gateway's history of one mail a second, long enough that nobody would wait for it to be made."""

    clock_offset = 0.0

    def __init__(self, live: Live, length: int, now: datetime) -> None:
        ours = live.rows("SELECT accepted_at, gateway_id FROM mails")
        old = [(parse(str(at)), str(gateway_id)) for at, gateway_id in ours]
        others = [(now - timedelta(seconds=n), f"other-{n}") for n in range(length)]
        self.rows = sorted(old + others, reverse=True)
        self.pages_read: list[int] = []
        self.asked: list[str] = []

    def history(self, page: int, limit: int) -> oca.HistoryPage:
        self.pages_read.append(page)
        rows = self.rows[(page - 1) * limit : page * limit]
        items = tuple(oca.Status(name, "x@y.id", "delivered", "delivered", at, None) for at, name in rows)
        return oca.HistoryPage(page, -(-len(self.rows) // limit), len(items), limit, items, newest_first=True)

    def status(self, msg_id: str) -> oca.Status:
        self.asked.append(msg_id)
        return oca.Status(msg_id, "x@y.id", "delivered", "delivered", None, None)


@pytest.mark.parametrize("hours", [1, 6, 20])
def test_old_mails_are_found_behind_many_newer_ones_without_reading_them_all(live: Live, hours: int) -> None:
    live.sandbox.faults(life_delivered_after=3600)
    hand_over(live, *[f"lama{n}@contoh.id" for n in range(5)])
    later = Later(live, hours=hours)
    gateway = LongHistory(live, 3600 * hours, later())
    did = sweep(live.service.store, cast(oca.Client, gateway), 1, later)
    assert did.seen == 5
    assert pending(live) == 0
    assert len(gateway.pages_read) <= 25, gateway.pages_read
    assert len(gateway.pages_read) < 36 * hours


def test_a_stretch_where_none_is_due_is_hopped_over(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=3600)
    hand_over(live, *[f"lama{n}@contoh.id" for n in range(5)])
    later = Later(live, hours=10)
    with live.service.store.write() as db:
        db.execute("UPDATE mails SET accepted_at = ? WHERE id <= 2", [iso(later() - timedelta(minutes=3))])
    gateway = LongHistory(live, 36_000, later())
    assert sweep(live.service.store, cast(oca.Client, gateway), 1, later).seen == 5
    assert len(gateway.pages_read) + len(gateway.asked) < 30


def test_few_are_asked_for_one_by_one(live: Live) -> None:
    hand_over(live, "delivered@sandbox.test", "bounced@sandbox.test")
    did = swept(live, seconds=5)
    assert (did.pages, did.singles) == (0, 2)
    assert live.rows("SELECT delivery FROM mails ORDER BY id") == [("delivered",), ("failed",)]


def test_mails_of_other_programs_and_a_bare_list_do_not_confuse_it(live: Live) -> None:
    live.sandbox.faults(history_shape="list", body_dash=True)
    hand_over_many(live, 150)
    live.sandbox.strangers(230, "orang0@contoh.id")
    assert swept(live, seconds=5).seen == 150
    assert pending(live) == 0
    assert verify(live.service.store.read()) == []


def test_a_mail_that_lags_in_the_history_is_looked_for_again(live: Live) -> None:
    live.sandbox.faults(history_lag_s=3600)
    hand_over_many(live, 20)
    did = swept(live, seconds=5)
    assert did.seen == 0
    assert pending(live) == 20
    live.sandbox.faults(history_lag_s=0)
    assert swept(live, seconds=15).seen == 20
    assert pending(live) == 0


def test_mails_cut_off_from_the_history_are_asked_for_alone_and_may_be_lost(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=3600)
    hand_over_many(live, 12)
    swept(live, seconds=5)
    live.sandbox.clear()
    live.sandbox.strangers(5, "orang@lain.id")
    did = swept(live, minutes=5)
    assert did.singles == 10
    assert live.rows("SELECT count(*) FROM mails WHERE delivery = 'lost'") == [(10,)]
    swept(live, minutes=15)
    assert live.rows("SELECT count(*) FROM mails WHERE delivery = 'lost'") == [(12,)]
    assert verify(live.service.store.read()) == []


def test_a_gateway_clock_that_is_a_day_off_does_not_matter(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=3600)
    hand_over(live, *[f"lama{n}@contoh.id" for n in range(5)])
    later = Later(live, hours=6)
    gateway = LongHistory(live, 6 * 3600, later())
    gateway.rows = [(at + timedelta(days=1), name) for at, name in gateway.rows]
    gateway.clock_offset = 86_400.0
    assert sweep(live.service.store, cast(oca.Client, gateway), 1, later).seen == 5
    assert len(gateway.pages_read) <= 25


def test_looks_grow_rarer_and_end(live: Live) -> None:
    assert live
    small = [delivery.next_look("pending", NOON, 10, NOON + timedelta(seconds=n)) for n in (3, 10, 31, 121)]
    assert small == [
        "2026-11-23T05:00:10.000Z",
        "2026-11-23T05:00:30.000Z",
        "2026-11-23T05:02:00.000Z",
        "2026-11-23T05:10:00.000Z",
    ]
    assert (
        delivery.next_look("pending", NOON, 10_000, NOON + timedelta(seconds=3)) == "2026-11-23T05:10:00.000Z"
    )
    assert delivery.next_look("delivered", NOON, 10, NOON + timedelta(days=31)) is None
    assert delivery.next_look("opened", NOON, 10, NOON) is None
    assert delivery.next_look("failed", NOON, 10, NOON) is None
    assert delivery.next_look("lost", NOON, 10, NOON) is None


def test_mails_of_a_large_batch_wait_for_each_other(live: Live) -> None:
    hand_over_many(live, delivery.LARGE_BATCH + 1)
    store, clients = live.service.store, live.service.clients
    assert Sweeper(store, clients, Later(live, seconds=5)).run_once(1) == Sweep()
    assert Sweeper(store, clients, Later(live, seconds=40)).run_once(1).seen == delivery.LARGE_BATCH + 1


def test_a_gateway_that_is_down_leaves_everything_as_it_was(live: Live) -> None:
    hand_over_many(live, 20)
    nobody = Clients(live.service.store, live.service.keys, "http://127.0.0.1:9")
    with pytest.raises(oca.GatewayError):
        sweep(live.service.store, nobody.get(1), 1, Later(live, seconds=5))
    nobody.close()
    assert pending(live) == 20
