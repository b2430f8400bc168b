"""Killed at the worst moments, the dashboard loses no mail and sends none twice."""

from pathlib import Path

import pytest

from mailroom.schema import migrations
from mailroom.store import Store
from mailroom.verify import verify
from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard, set_pace
from tests.sandbox_server import Sandbox

SENDING = {
    "before a claim": ("mailroom.claims:Claims.next", "before"),
    "in the middle of a claim": ("mailroom.claims:insert_attempt", "after"),
    "after a claim": ("mailroom.claims:Claims.next", "after"),
    "between request and answer": ("http.client:HTTPConnection.getresponse", "before"),
    "between answer and record": ("mailroom.outcomes:record", "before"),
    "in the middle of the record": ("mailroom.outcomes:complete_attempt", "after"),
    "after the record": ("mailroom.recorder:Answers._write", "after"),
}


@pytest.mark.parametrize("where", SENDING)
def test_killed_while_sending_nothing_is_lost_or_sent_twice(dashboard: Dashboard, where: str) -> None:
    function, when = SENDING[where]
    set_pace(dashboard.folder, 100)
    dashboard.start(function, when, 3)
    dashboard.wait_killed()
    assert dashboard.states()["queued"], "it died in mid-batch"
    dashboard.start()
    dashboard.wait_handed_over()
    found = dashboard.ends_well()
    assert found.states["accepted"] + found.in_doubt == MAILS


def test_killed_while_looking_up_what_is_in_doubt_it_looks_again(dashboard: Dashboard) -> None:
    dashboard.quick = True
    dashboard.sandbox.faults(next=["500_after", "reset_after", "html_502", "500_before"])
    dashboard.start("mailroom.reconcile:settle", "after", 3)
    dashboard.wait_killed()
    assert dashboard.states()["unknown"]
    dashboard.start()
    dashboard.wait_settled()
    assert dashboard.ends_well().states == {"accepted": MAILS}


def test_killed_while_following_mails_it_follows_them_to_the_end_afterwards(dashboard: Dashboard) -> None:
    dashboard.sandbox.faults(life_delivered_after=0.1, life_opened_after=0.1)
    dashboard.start("mailroom.states:deliver", "after", 5)
    dashboard.wait_killed()
    dashboard.start()
    dashboard.wait(
        lambda: not dashboard.rows("SELECT 1 FROM mails WHERE shown IN ('queued', 'sending', 'accepted')")
    )
    dashboard.ends_well()


@pytest.mark.parametrize("migration", [1, len(migrations._migrations) // 2, len(migrations._migrations)])
def test_killed_while_the_database_is_brought_up_to_date_the_next_start_goes_on(
    sandbox: Sandbox, tmp_path: Path, migration: int
) -> None:
    dashboard = Dashboard(tmp_path / "data", sandbox)
    try:
        dashboard.start("sqlite_utils.migrations:Migrations._record_applied", "before", migration)
        dashboard.wait_killed()
        assert len(dashboard.rows("SELECT 1 FROM _sqlite_migrations")) == migration - 1
        dashboard.start()
        dashboard.stop()
    finally:
        dashboard.close()
    store = Store(dashboard.folder / "mailroom.db")
    assert verify(store.read()) == []
    assert len(migrations.applied(store.read())) == len(migrations._migrations)
    store.close()
