"""Work on what strangers made happens in a process of its own, and only that one breaks."""

import pytest

from mailroom.limited import ChildFailed, Limits, answer, running

CHILD = "tests.limited_child"
SMALL = Limits(memory=300_000_000, cpu=1, wall=10)


def test_an_answer_comes_back() -> None:
    assert answer(CHILD, b"hello", SMALL) == b"answer to hello"


def test_a_long_question_is_no_dead_end() -> None:
    assert answer(CHILD, b"0123456789" * 500_000, SMALL) == b"answer to 0123456789"


@pytest.mark.parametrize(("order", "late"), [(b"memory", False), (b"cpu", True), (b"file", False)])
def test_what_takes_too_much_is_ended(order: bytes, late: bool) -> None:
    with pytest.raises(ChildFailed) as failed:
        answer(CHILD, order, SMALL)
    assert failed.value.late is late


def test_what_never_answers_is_ended() -> None:
    with pytest.raises(ChildFailed) as failed:
        answer(CHILD, b"sleep", Limits(wall=0.5))
    assert failed.value.late


def test_with_more_memory_allowed_the_same_work_comes_to_its_end() -> None:
    assert answer(CHILD, b"memory", Limits(memory=900_000_000)) == b"answer to memory"


def test_a_reader_that_stops_early_leaves_no_process_behind() -> None:
    with pytest.raises(ChildFailed), running(CHILD, b"lines", SMALL) as output:
        output.readline()


def test_two_that_fail_do_not_lock_out_a_third() -> None:
    for _ in range(3):
        with pytest.raises(ChildFailed):
            answer(CHILD, b"memory", SMALL)
    assert answer(CHILD, b"third", SMALL) == b"answer to third"
