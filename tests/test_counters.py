"""What reports count is kept by the database itself and never disagrees with the mails."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom import counters, states
from mailroom.states import Change
from mailroom.store import Store
from mailroom.times import iso
from mailroom.verify import verify
from tests.records import NOON, add_batch

ACTOR = "sender"


def accept(store: Store, mail_id: int, at: datetime = NOON) -> None:
    with store.write() as db:
        states.transition(db, mail_id, "queued", "sending", Change(at, "", ACTOR))
        states.transition(db, mail_id, "sending", "accepted", Change(at, "", ACTOR), gateway_id=f"x{mail_id}")


def deliver(store: Store, mail_id: int, old: states.Delivery, new: states.Delivery, seconds: float) -> None:
    with store.write() as db:
        states.deliver(
            db, mail_id, old, new, new, Change(NOON + timedelta(seconds=seconds), new, "delivery"), None
        )


def counted(store: Store, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.read().execute(sql)]


def test_each_mail_counts_once_for_its_day_and_once_for_its_month(store: Store) -> None:
    add_batch(store, ["joko@Contoh.id", "siti@gmail.com", "adi@gmail.com"])
    accept(store, 1)
    accept(store, 2)
    deliver(store, 2, "pending", "delivered", 17)
    deliver(store, 2, "delivered", "opened", 95)
    assert counted(store, "SELECT period, shown, n FROM report_counts WHERE n > 0") == [
        ("2026-11", "accepted", 1),
        ("2026-11", "opened", 1),
        ("2026-11-23", "accepted", 1),
        ("2026-11-23", "opened", 1),
    ]
    by_domain = "SELECT domain, accepted, opened FROM report_domains WHERE period = '2026-11'"
    assert counted(store, by_domain) == [("contoh.id", 1, 0), ("gmail.com", 0, 1)]
    # Opened later, it was delivered when it was delivered.
    assert counted(
        store, "SELECT seconds, n FROM report_times WHERE n > 0 AND period = '2026-11' AND kind = 'all'"
    ) == [(17, 1)]


@pytest.mark.parametrize(
    ("took", "kept"), [(0.4, 0), (59, 59), (61, 60), (200, 180), (3599, 3540), (9000, 7200)]
)
def test_times_are_exact_then_in_minutes_then_in_hours(store: Store, took: float, kept: int) -> None:
    add_batch(store, ["joko@contoh.id"])
    accept(store, 1)
    deliver(store, 1, "pending", "delivered", took)
    assert counted(store, "SELECT DISTINCT seconds FROM report_times WHERE n > 0") == [(kept,)]


def test_a_day_begins_at_midnight_of_the_teams_zone(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    accept(store, 1, NOON.replace(hour=17, minute=30))  # half past midnight in Jakarta
    assert counted(store, "SELECT period FROM report_counts WHERE n > 0") == [("2026-11",), ("2026-11-24",)]
    assert counters.use_zone(store, ZoneInfo("UTC"), NOON)
    assert counted(store, "SELECT period FROM report_counts WHERE n > 0") == [("2026-11",), ("2026-11-23",)]
    assert not counters.use_zone(store, ZoneInfo("UTC"), NOON)


def test_summer_time_does_not_move_the_days(store: Store) -> None:
    assert counters.use_zone(store, ZoneInfo("Europe/Amsterdam"), NOON)
    assert not counters.use_zone(store, ZoneInfo("Europe/Amsterdam"), NOON.replace(month=7))


def test_test_mails_are_not_counted(store: Store) -> None:
    batch_id = add_batch(store, ["joko@contoh.id"])
    with store.write() as db:
        db.execute("UPDATE batches SET kind = 'test' WHERE id = ?", [batch_id])
    accept(store, 1)
    assert counted(store, "SELECT * FROM report_counts") == []


def test_mails_moved_all_at_once_are_counted(store: Store) -> None:
    batch_id = add_batch(store, [f"a{n}@contoh.id" for n in range(5)])
    with store.write() as db:
        states.move_batch(db, batch_id, "queued", "cancelled", Change(NOON, "", "user:1"), 3)
    found = counted(store, "SELECT shown, n FROM report_counts WHERE n > 0 AND period = '2026-11'")
    assert found == [("cancelled", 3)]


def test_counting_anew_mends_what_was_changed_by_hand(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    accept(store, 1)
    with store.write() as db:
        db.execute("UPDATE report_counts SET n = 7 WHERE period = '2026-11'")
        db.execute("DELETE FROM report_domains")
        db.execute("UPDATE report_ones SET accepted = 3, took_45 = 9 WHERE kind = 'all'")
    assert {broken.rule for broken in verify(store.read())} == {"the counts of reports agree with the mails"}
    assert counters.rebuild(store) == 14
    assert counters.differences(store.read()) == []


WAYS = sorted(states.CHANGES) + sorted(states.DELIVERY_CHANGES)
MOVES = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(WAYS), st.integers(0, 10**6)),
    max_size=60,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_whatever_happens_the_counts_are_those_of_the_mails(
    store: Store, moves: list[tuple[int, tuple[str, str], int]]
) -> None:
    batch_id = add_batch(
        store, ["a@b.id", "c@gmail.com", "d@gmail.com", "e@b.id", "f@yahoo.com", "g@gmail.com"]
    )
    first = counted(store, f"SELECT min(id) FROM mails WHERE batch_id = {batch_id}")[0][0]
    assert isinstance(first, int)
    for mail, (old, new), seconds in moves:
        change = Change(NOON + timedelta(seconds=seconds), "said", ACTOR)
        with store.write() as db:
            if (old, new) in states.CHANGES:
                states.transition(db, first + mail - 1, old, new, change)  # type: ignore[arg-type]
            else:
                states.deliver(db, first + mail - 1, old, new, new, change, iso(NOON))  # type: ignore[arg-type]
    assert counters.differences(store.read()) == []
