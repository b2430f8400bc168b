"""Plans: nothing before its time, nothing outside business hours, and a pace that holds on average."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import oca
from mailroom import batches, claims, outcomes, plans, preferences, progress
from mailroom.claims import Claims
from mailroom.plans import Hours, Plan
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.verify import verify
from oca.audit import AttemptResult
from tests.records import NOON, add_batch

JAKARTA = ZoneInfo("Asia/Jakarta")
TOKEN = oca.Token("geheim", {})
OFFICE = Hours(JAKARTA, time(8), time(17), frozenset({0, 1, 2, 3, 4}))


def local(day: int, hour: int, minute: int = 0, zone: ZoneInfo = JAKARTA) -> datetime:
    """A moment of November 2026, whose 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=zone)


def planned(store: Store, plan: Plan, count: int = 3, now: datetime = NOON, name: str = "Tagihan") -> int:
    """The id of a batch that was queued with this plan."""
    batch_id = add_batch(store, [f"{name.lower()}{n}@contoh.id" for n in range(count)], name)
    with store.write() as db:
        batches.begin(db, batch_id, plan, now, JAKARTA)
    return batch_id


class Run:
    """Claims as the sender does, by a clock of its own; keeps when each mail was claimed."""

    def __init__(self, store: Store) -> None:
        self.store, self.claims, self.said = store, Claims(store, 1, JAKARTA), list[tuple[int, datetime]]()

    def at(self, now: datetime) -> list[int]:
        """The batches whose mails were claimed at this moment, each mail answered at once."""
        taken = []
        while self.claims.any_due(now):
            claim = self.claims.next(TOKEN, now)
            if claim is None:
                continue
            with self.store.write() as db:
                result = AttemptResult(now, "accepted", 200, None, "", f"id-{claim.mail_id}", 12)
                outcomes.record(db, claim, claim.attempt_id, 1, result, now)
            taken.append(claim.batch_id)
            self.said.append((claim.batch_id, now))
        return taken

    def through(self, start: datetime, end: datetime, step: timedelta) -> None:
        """Claims at every step between the two moments."""
        while start <= end:
            self.at(start)
            start += step


@pytest.fixture
def run(store: Store) -> Run:
    return Run(store)


# At a time


def test_nothing_of_a_scheduled_batch_leaves_before_its_time(store: Store, run: Run) -> None:
    start = local(24, 9)
    batch_id = planned(store, Plan(start))
    run.through(NOON, start - timedelta(milliseconds=1), timedelta(minutes=10))
    assert run.at(start - timedelta(milliseconds=1)) == []
    found = batches.get(store, batch_id, start - timedelta(milliseconds=1))
    assert found
    assert (found.shown, found.starts_later, found.waits_until) == ("scheduled", True, start)
    assert run.at(start) == [batch_id] * 3
    found = batches.get(store, batch_id, start)
    assert found
    assert (found.starts_later, found.waits_until) == (False, None)
    assert verify(store.read()) == []


def test_a_schedule_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    first = Store(path)
    planned(first, Plan(local(24, 9)))
    first.close()
    again = Store(path)
    run = Run(again)
    assert run.at(local(24, 8, 59)) == []
    assert len(run.at(local(24, 9))) == 3
    again.close()


def test_a_batch_planned_for_next_week_is_not_given_up(store: Store, run: Run) -> None:
    start = NOON + timedelta(days=7)
    planned(store, Plan(start), count=1)
    claim = run.claims.next(TOKEN, start)
    assert claim
    with store.write() as db:
        result = AttemptResult(start, "later", 429, 9, "slow down", None, 12)
        outcomes.record(db, claim, claim.attempt_id, 1, result, start)
        # As a decision to send it again leaves it: with a fault of its own.
        db.execute("UPDATE mails SET faults = 1")
    assert run.at(start + timedelta(minutes=1)) == [1]


def test_a_mail_with_faults_is_still_given_up_a_day_after_its_first_try(store: Store, run: Run) -> None:
    planned(store, Plan(), count=1)
    claim = run.claims.next(TOKEN, NOON)
    assert claim
    with store.write() as db:
        outcomes.record(
            db, claim, claim.attempt_id, 1, AttemptResult(NOON, "later", 429, 9, "", None, 1), NOON
        )
        db.execute("UPDATE mails SET faults = 1")
    assert run.at(NOON + timedelta(days=1, minutes=1)) == []
    found = batches.get(store, 1, NOON)
    assert found
    assert found.counts == {"gave_up": 1}


# In business hours


def test_mails_leave_only_in_business_hours_of_the_teams_zone(store: Store, run: Run) -> None:
    planned(store, Plan(office_hours=True, per_minute=1), count=700, now=local(27, 7))
    run.through(local(27, 7), local(30, 12), timedelta(minutes=7))
    local_times = [at.astimezone(JAKARTA) for _batch, at in run.said]
    assert len(local_times) > 100
    assert {at.weekday() for at in local_times} == {4, 0}
    assert all(time(8) <= at.time() < time(17) for at in local_times)


def test_outside_business_hours_nobody_asks_again_before_they_begin(store: Store, run: Run) -> None:
    batch_id = planned(store, Plan(office_hours=True), now=local(27, 16))
    saturday = local(28, 10)
    assert run.claims.any_due(saturday)
    assert run.claims.next(TOKEN, saturday) is None
    assert not run.claims.any_due(saturday)
    found = batches.get(store, batch_id, saturday)
    assert found
    assert (found.shown, found.waits_until, found.starts_later) == ("scheduled", local(30, 8), False)
    assert run.at(local(30, 8)) == [batch_id] * 3


def test_a_batch_queued_at_night_says_at_once_when_it_goes_on(store: Store) -> None:
    batch_id = planned(store, Plan(office_hours=True), now=local(23, 20))
    found = batches.get(store, batch_id, local(23, 20))
    assert found
    assert found.waits_until == local(24, 8)


def test_longer_business_hours_hold_for_batches_that_wait_already(store: Store, run: Run) -> None:
    planned(store, Plan(office_hours=True), now=local(23, 18))
    preferences.save(store, Preferences(office_to="20:00"), 1, local(23, 18))
    assert run.at(local(23, 18)) == []
    assert claims.catch_up(store, local(23, 18), JAKARTA) == 1
    assert len(run.at(local(23, 18))) == 3


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_the_wall_clock_decides_also_on_the_day_it_changes(zone: str) -> None:
    hours = Hours(ZoneInfo(zone), time(2, 30), time(17), frozenset(range(7)))
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    for _ in range(24 * 260):
        opening = hours.opening(moment)
        assert opening >= moment
        at = opening.astimezone(hours.zone).time()
        assert time(2, 30) <= at < time(17)
        moment += timedelta(hours=1)


def test_open_time_adds_up_over_nights_and_weekends() -> None:
    friday = local(27, 16)
    assert OFFICE.after(friday, 3600) == local(27, 17)
    assert OFFICE.after(friday, 3601) == local(30, 8) + timedelta(seconds=1)
    assert OFFICE.after(local(28, 3), 0) == local(30, 8)
    assert OFFICE.between(friday, local(30, 9)) == 7200
    assert OFFICE.between(local(28, 3), local(29, 3)) == 0


# Slowly


def test_the_pace_holds_on_average_however_the_sender_looks(store: Store, run: Run) -> None:
    planned(store, Plan(per_minute=90), count=200)
    run.through(NOON, NOON + timedelta(minutes=2), timedelta(milliseconds=250))
    assert 179 <= len(run.said) <= 181
    gaps = [later - earlier for (_, earlier), (_, later) in zip(run.said, run.said[1:], strict=False)]
    assert max(gaps) <= timedelta(seconds=1)


def test_a_stop_is_not_made_up_for_in_a_burst(store: Store, run: Run) -> None:
    planned(store, Plan(per_minute=60), count=500)
    run.through(NOON, NOON + timedelta(seconds=10), timedelta(milliseconds=250))
    before = len(run.said)
    later = NOON + timedelta(hours=2)
    run.through(later, later + timedelta(seconds=10), timedelta(milliseconds=250))
    assert len(run.said) - before <= 12


def test_a_slow_batch_never_holds_up_another_of_its_token(store: Store, run: Run) -> None:
    slow = planned(store, Plan(per_minute=1), count=50)
    scheduled = planned(store, Plan(local(24, 9)), count=5, name="Besok")
    quick = planned(store, Plan(), count=40, name="Kilat")
    assert run.at(NOON).count(quick) == 40
    assert [batch for batch, _ in run.said].count(slow) == 1
    assert scheduled not in [batch for batch, _ in run.said]


# A clock that is set back


def test_a_clock_set_back_stalls_no_paced_batch_and_keeps_every_schedule(store: Store, run: Run) -> None:
    slow = planned(store, Plan(per_minute=60), count=50)
    start = local(24, 9)
    planned(store, Plan(start), name="Besok")
    run.at(NOON)
    earlier = NOON - timedelta(hours=5)
    claims.hasten(store, earlier)
    assert claims.catch_up(store, earlier, JAKARTA) == 1
    assert run.at(earlier + timedelta(seconds=1)) == [slow]
    assert run.at(start - timedelta(seconds=1)).count(2) == 0
    assert run.at(start).count(2) == 3


# What can be asked for


def test_a_plan_of_a_form_is_meant_in_the_teams_zone() -> None:
    plan = plans.chosen("2026-11-24", "09:00", True, "60", JAKARTA, NOON)
    assert plan == Plan(datetime(2026, 11, 24, 2, tzinfo=UTC), True, 60)
    assert plans.from_columns(**plan.as_columns()) == plan  # type: ignore[arg-type]
    assert plans.chosen("", " ", False, "", JAKARTA, NOON) == plans.AT_ONCE


@pytest.mark.parametrize(
    ("day", "at", "pace", "field"),
    [("2026-11-24", "", "", "at"), ("", "09:00", "", "day"), ("2026-11-23", "11:58", "", "at"),
     ("2026-11-22", "09:00", "", "at"), ("2027-02-23", "09:00", "", "day"), ("24/11/2026", "09:00", "", "day"),
     ("2026-02-30", "09:00", "", "day"), ("9999-12-31", "23:59", "", "day"), ("0001-01-01", "00:00", "", "day"),
     ("2026-11-24", "25:00", "", "at"), ("2026-11-24", "<b>", "", "at"), ("", "", "0", "per_minute"),
     ("", "", "-5", "per_minute"), ("", "", "6001", "per_minute"), ("", "", "1.5", "per_minute"),
     ("", "", "1e3", "per_minute"), ("", "", "٣", "per_minute"), ("", "", "9" * 5000, "per_minute")],
)  # fmt: skip
def test_a_plan_that_cannot_be_meant_is_refused_beside_its_field(
    day: str, at: str, pace: str, field: str
) -> None:
    with pytest.raises(Problem) as told:
        plans.chosen(day, at, False, pace, JAKARTA, NOON)
    assert told.value.field == field


def test_the_minute_that_is_running_means_now() -> None:
    plan = plans.chosen("2026-11-23", "12:00", False, "", JAKARTA, NOON + timedelta(seconds=40))
    assert plan.passed(NOON + timedelta(seconds=40))


# When it will be done


def test_the_estimate_takes_the_plan_and_business_hours_into_account(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    plan = Plan(local(27, 16), True, 60)
    found = progress.estimate(store, 1, 7201, 25, NOON, batch_id=1, plan=plan, hours=OFFICE)
    assert (found.begins_at, found.done_at) == (local(27, 16), local(30, 9))
    assert found.out_by(local(27, 15)) == 0
    assert 3599 <= found.out_by(local(28, 12)) <= 3601
    assert found.out_by(local(30, 9)) == 7201


def test_what_waits_for_its_own_time_makes_nobody_wait(store: Store) -> None:
    planned(store, Plan(local(24, 9)), count=50)
    planned(store, Plan(per_minute=60), count=50, name="Lambat")
    found = progress.estimate(store, 1, 100, 10, NOON)
    assert found.between == 10
