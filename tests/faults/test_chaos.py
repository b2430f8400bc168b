"""A short run of `python -m bench.chaos`, and of the broken rule that it must notice."""

from pathlib import Path

from bench.chaos import Plan, run, table

SHORT = Plan(mails=200, kills=5, faults=0.06, quick=True)


def test_killed_five_times_in_200_mails_none_is_lost_and_none_is_sent_twice(tmp_path: Path) -> None:
    outcome = run(SHORT, tmp_path)
    assert outcome.good, table(outcome)
    assert outcome.on_the_wire
    assert outcome.spoiled
    assert outcome.count.states == {"accepted": SHORT.mails}


def test_what_was_on_the_wire_sent_again_without_looking_would_double(tmp_path: Path) -> None:
    outcome = run(Plan(mails=100, kills=2, naive=True, patience=0), tmp_path)
    assert outcome.count.doubled
    assert not outcome.good
