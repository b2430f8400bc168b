"""One budget: never more than the limit in any one second, and not much less either."""

import heapq
import random
import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oca import Pace, Slot
from sandbox.limit import FixedWindow, SlidingWindow


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken_in(pace: Pace, clock: Clock, seconds: float, step: float = 0.001) -> list[Slot]:
    """What an impatient taker gets who asks after every step, and whose requests leave at once."""
    end, slots = clock.now + seconds, []
    while clock.now < end:
        slot = pace.take(timeout=0)
        if slot:
            slot.left()
            slots.append(slot)
        clock.now += step
    return slots


class Way:
    """Requests between their slot and the wire: each leaves when its own delay is over."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waiting: list[tuple[float, int, Slot]] = []
        self.left: list[float] = []

    def put(self, slot: Slot, delay: float) -> None:
        heapq.heappush(self.waiting, (self.clock.now + delay, id(slot), slot))

    def go_on(self, seconds: float) -> None:
        """Lets so much time pass, and whatever is ready meanwhile leave."""
        end = self.clock.now + seconds
        while self.waiting and self.waiting[0][0] <= end:
            at, _, slot = heapq.heappop(self.waiting)
            self.clock.now = max(at, self.clock.now)
            slot.left()
            self.left.append(self.clock.now)
        self.clock.now = end


def busiest_second(times: list[float]) -> int:
    return max((sum(start <= at < start + 1 for at in times) for start in times), default=0)


STEPS = st.tuples(st.floats(0, 0.2), st.floats(0, 3), st.sampled_from(["left", "left", "left", "given back"]))


@settings(deadline=None)
@given(st.floats(0.5, 30), st.lists(STEPS, min_size=20, max_size=150))
def test_no_second_sees_more_requests_leave_than_the_limit_however_long_each_takes_to(
    limit: float, steps: list[tuple[float, float, str]]
) -> None:
    clock = Clock()
    pace, way = Pace(limit, clock), Way(clock)
    for sleep, delay, fate in steps:
        slot = pace.take(timeout=0)
        if slot and fate == "left":
            way.put(slot, delay)
        elif slot:
            slot.give_back()
        assert pace.used_last_second() <= max(1, limit)
        way.go_on(sleep)
    way.go_on(10)
    assert busiest_second(way.left) <= max(1, int(limit))


@pytest.mark.parametrize("window", [FixedWindow, SlidingWindow])
def test_ten_minutes_on_a_busy_machine_cost_no_refusal_and_stay_above_24_a_second(
    window: type[FixedWindow] | type[SlidingWindow],
) -> None:
    clock, chance, gateway = Clock(), random.Random(7), window()
    pace, way = Pace(25, clock), Way(clock)
    for _ in range(600_000):
        slot = pace.take(timeout=0)
        if slot:
            # A commit that waits for the disk, a thread that waits for its turn.
            way.put(slot, chance.choice([0.002, 0.004, 0.004, 0.008, 0.02]))
        way.go_on(0.001)
    arrivals = sorted(at + chance.uniform(0, 0.012) for at in way.left)
    assert all(gateway.take(at, 25).allowed for at in arrivals)
    assert len(arrivals) >= 24 * 600


@pytest.mark.parametrize("limit", [2, 25, 100])
def test_a_busy_taker_gets_almost_the_limit_evenly_spaced(limit: int) -> None:
    clock = Clock()
    slots = taken_in(Pace(limit, clock), clock, 10)
    assert 9.6 * limit <= len(slots) <= 10 * limit
    gaps = [after.at - before.at for before, after in pairwise(slots)]
    assert max(gaps) < 2 / limit
    assert min(gaps) > 0.4 / limit


def test_late_wakers_do_not_cost_throughput() -> None:
    clock = Clock()
    slots = taken_in(Pace(25, clock), clock, 10, step=0.007)
    assert len(slots) >= 240
    assert busiest_second([slot.at for slot in slots]) <= 25


def test_a_stall_is_made_good_without_a_burst() -> None:
    clock = Clock()
    pace = Pace(25, clock)
    taken_in(pace, clock, 2)
    clock.now += 0.08
    slots = taken_in(pace, clock, 2)
    assert len(slots) >= 49
    assert min(after.at - before.at for before, after in pairwise(slots)) > 0.75 / 25


def test_a_slot_on_its_way_counts_as_a_request_of_this_moment() -> None:
    clock = Clock()
    pace = Pace(2, clock)
    early = pace.take(timeout=0)
    clock.now += 60
    late = pace.take(timeout=0)
    assert early
    assert late
    clock.now += 60
    assert pace.take(timeout=0) is None
    assert pace.used_last_second() == 2
    early.left()
    clock.now += 0.9
    assert pace.take(timeout=0) is None
    clock.now += 0.2
    assert pace.take(timeout=0)


def test_a_slot_that_left_cannot_be_given_back() -> None:
    pace = Pace(25, Clock())
    slot = pace.take(timeout=0)
    assert slot
    slot.left()
    slot.give_back()
    slot.left()
    assert pace.used_last_second() == 1


def test_a_taker_wakes_when_a_slot_on_its_way_is_settled() -> None:
    pace = Pace(1)
    slot = pace.take()
    assert slot
    got: list[Slot | None] = []
    taker = threading.Thread(target=lambda: got.append(pace.take()))
    taker.start()
    slot.left()
    taker.join(30)
    assert got != []


def test_a_slot_given_back_is_there_for_the_next_and_only_once() -> None:
    clock = Clock()
    pace = Pace(25, clock)
    slot = pace.take(timeout=0)
    assert slot
    slot.give_back()
    slot.give_back()
    assert pace.used_last_second() == 0
    assert pace.take(timeout=0)
    assert pace.used_last_second() == 1


def test_a_pause_holds_everybody_for_as_long_as_told() -> None:
    clock = Clock()
    pace = Pace(25, clock)
    pace.pause(3)
    pace.pause(1)
    slots = taken_in(pace, clock, 4)
    assert slots[0].at == pytest.approx(1003, abs=0.01)
    for nonsense in (float("nan"), -5.0, 0.0):
        pace.pause(nonsense)
    assert taken_in(pace, clock, 1)


def test_headers_lower_the_limit_and_raise_it_up_to_the_ceiling_that_was_set() -> None:
    pace = Pace(25)
    pace.learn(10, 9, 1)
    assert pace.per_second == 10
    pace.learn(100, 99, 1)
    assert pace.per_second == 25


def test_without_a_ceiling_the_gateways_word_counts() -> None:
    pace = Pace()
    assert pace.per_second == 25
    pace.learn(50, 49, 1)
    assert pace.per_second == 50


def test_a_limit_for_longer_than_a_second_is_not_taken_for_a_higher_one() -> None:
    pace = Pace()
    pace.learn(900, 899, 42)
    assert pace.per_second == 25


@pytest.mark.parametrize("nonsense", [0.0, -3.0, 0.5, 1e9, float("nan"), float("inf"), None])
def test_a_nonsense_limit_changes_nothing(nonsense: float | None) -> None:
    pace = Pace()
    pace.learn(nonsense, None, None)
    assert pace.per_second == 25


def test_a_budget_that_somebody_else_spent_is_waited_for() -> None:
    clock = Clock()
    pace = Pace(25, clock)
    pace.learn(25, 0, 2.0)
    assert taken_in(pace, clock, 3)[0].at == pytest.approx(1002, abs=0.01)


def test_none_left_at_the_end_of_our_own_busy_second_is_no_reason_to_stop() -> None:
    clock = Clock()
    pace = Pace(25, clock)
    taken_in(pace, clock, 1)
    pace.learn(25, 0, 1.0)
    assert len(taken_in(pace, clock, 1)) >= 24


def test_a_taker_without_patience_gets_none() -> None:
    pace = Pace(0.5, Clock())
    assert pace.take(timeout=0)
    assert pace.take(timeout=0) is None


def test_closing_ends_all_waiting() -> None:
    pace = Pace()
    pace.pause(3000)
    got: list[Slot | None] = []
    takers = [threading.Thread(target=lambda: got.append(pace.take())) for _ in range(5)]
    for taker in takers:
        taker.start()
    pace.close()
    for taker in takers:
        taker.join(10)
    assert got == [None] * 5
    assert pace.take() is None


def test_many_threads_share_one_budget() -> None:
    pace = Pace(200)
    slots: list[Slot] = []

    def work() -> None:
        for _ in range(20):
            slot = pace.take()
            if slot:
                slot.left()
                slots.append(slot)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slots) == 200
    assert busiest_second([slot.at for slot in slots]) <= 200
    assert len({slot.at for slot in slots}) == 200


@pytest.mark.parametrize("nonsense", [0, -1, float("nan"), float("inf")])
def test_a_pace_of_nothing_is_refused(nonsense: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Pace(nonsense)
