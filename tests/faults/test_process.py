"""Stopped, frozen, started twice, or living with a clock that steps: the dashboard carries on where it was."""

import signal
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from mailroom.times import utc_now
from tests.faults.conftest import MAILS
from tests.faults.count import count
from tests.faults.dashboard import Dashboard, mailroom, set_pace
from tests.sandbox_server import Sandbox


def test_told_to_stop_in_mid_batch_it_waits_for_the_answers_and_goes_on_after_the_next_start(
    dashboard: Dashboard,
) -> None:
    dashboard.sandbox.faults(latency_ms=5000)
    # Slowly, so that some still wait when it hears that it is to stop.
    set_pace(dashboard.folder, 4)
    dashboard.start()
    dashboard.wait(lambda: dashboard.states()["sending"] > 3)
    dashboard.process.terminate()
    # It still waits, and nobody who comes now has to wait with it.
    dashboard.wait(lambda: healthy(dashboard) is None)
    assert dashboard.ended() == 0, dashboard.log.read_text()
    states = dashboard.states()
    assert states.keys() == {"accepted", "queued"}
    assert states["accepted"] == len(dashboard.sandbox.ledger())
    dashboard.sandbox.faults(latency_ms=0)
    dashboard.start()
    assert healthy(dashboard) is True
    dashboard.wait_handed_over()
    assert dashboard.ends_well().states == {"accepted": MAILS}


def healthy(dashboard: Dashboard) -> bool | None:
    """What it says of itself to whoever watches; None when nobody listens any more."""
    try:
        return requests.get(f"{dashboard.address}/healthz", timeout=30).ok
    except requests.ConnectionError:
        return None


def test_frozen_for_a_while_it_reads_the_answers_that_came_and_doubts_those_that_never_will(
    dashboard: Dashboard,
) -> None:
    # The gateway answers some, and ends the connection of two others, while nobody listens.
    dashboard.sandbox.faults(next=["hang_before", "hang_after"], hang_s=0.5, latency_ms=300)
    dashboard.start()
    dashboard.wait(lambda: dashboard.states()["sending"] > 4)
    dashboard.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    dashboard.process.send_signal(signal.SIGCONT)
    dashboard.wait_handed_over()
    found = dashboard.ends_well()
    assert found.states["accepted"] + found.in_doubt == MAILS
    assert found.in_doubt <= 2


def test_a_second_copy_says_who_holds_the_folder_and_sends_nothing(
    dashboard: Dashboard, sandbox: Sandbox
) -> None:
    sandbox.faults(latency_ms=400)
    dashboard.start()
    dashboard.wait(lambda: dashboard.states()["sending"])
    second = Dashboard(dashboard.folder, sandbox)
    second.log = dashboard.folder.with_suffix(".second.log")
    second.start()
    assert second.ended() == 1
    assert second.address == ""
    assert f"process {dashboard.process.pid}" in second.log.read_text()
    dashboard.wait_handed_over()
    assert dashboard.ends_well().states == {"accepted": MAILS}


@dataclass
class Clock:
    """A clock that can be set."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
def test_a_clock_that_steps_by_a_day_in_mid_batch_stops_nothing(
    prepared: Path, sandbox: Sandbox, tmp_path: Path, step: timedelta
) -> None:
    sandbox.faults(latency_ms=100, next=["ok", "429", "500_after"])
    clock = Clock()
    with mailroom(prepared, tmp_path / "data", sandbox, clock) as live:
        live.service.start()
        live.wait(lambda: live.batch(1).done > 3)
        clock.ahead = step
        live.wait_handed_over(1)
        live.wait(lambda: not live.batch(1).counts.get("unknown"))
    assert settled(tmp_path, sandbox) == {"accepted": MAILS}


def test_mails_queued_before_the_clock_was_set_back_are_sent_now_and_not_tomorrow(
    prepared: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    with mailroom(prepared, tmp_path / "data", sandbox, Clock(timedelta(days=-1))) as live:
        live.service.start()
        live.wait_handed_over(1)
    assert settled(tmp_path, sandbox) == {"accepted": MAILS}


def settled(folder: Path, sandbox: Sandbox) -> dict[str, int]:
    found = count(folder / "data", sandbox.ledger())
    assert (found.lost, found.doubled, found.broken) == (0, 0, [])
    return found.states
