"""One budget: never more than the limit in any one second, and not much less either."""

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oca import Pace, Slot


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken_in(pace: Pace, clock: Clock, seconds: float, step: float = 0.001) -> list[Slot]:
    """What an impatient taker gets who asks after every step."""
    end, slots = clock.now + seconds, []
    while clock.now < end:
        slot = pace.take(timeout=0)
        if slot:
            slots.append(slot)
        clock.now += step
    return slots


def busiest_second(slots: list[Slot]) -> int:
    times = [slot.at for slot in slots]
    return max((sum(start <= at < start + 1 for at in times) for start in times), default=0)


@settings(deadline=None)
@given(
    st.floats(0.5, 60),
    st.lists(st.floats(0.0001, 0.3), min_size=20, max_size=200),
    st.lists(st.booleans(), min_size=200, max_size=200),
)
def test_no_second_holds_more_than_the_limit_however_late_takers_wake(
    limit: float, sleeps: list[float], unused: list[bool]
) -> None:
    clock = Clock()
    pace = Pace(limit, clock)
    used: list[Slot] = []
    for sleep, give_back in zip(sleeps, unused, strict=False):
        while slot := pace.take(timeout=0):
            if give_back:
                slot.give_back()
                break
            used.append(slot)
        assert pace.used_last_second() <= max(1, limit)
        clock.now += sleep
    assert busiest_second(used) <= max(1, int(limit))


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
    assert busiest_second(slots) <= 25


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
        slots.extend(slot for slot in (pace.take() for _ in range(20)) if slot)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slots) == 200
    assert busiest_second(slots) <= 200
    assert len({slot.at for slot in slots}) == 200


@pytest.mark.parametrize("nonsense", [0, -1, float("nan"), float("inf")])
def test_a_pace_of_nothing_is_refused(nonsense: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Pace(nonsense)
