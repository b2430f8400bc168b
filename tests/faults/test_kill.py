"""Killed at the worst moments, the dashboard loses no mail and sends none twice."""

import pytest

from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard

SENDING = {
    "before a claim": ("mailroom.claims:Claims.next", "before"),
    "in the middle of a claim": ("mailroom.claims:insert_attempt", "after"),
    "after a claim": ("mailroom.claims:Claims.next", "after"),
    "before the request": ("oca.client:Client.send", "before"),
    "between request and answer": ("http.client:HTTPConnection.getresponse", "before"),
    "between answer and record": ("mailroom.outcomes:record", "before"),
    "in the middle of the record": ("mailroom.outcomes:complete_attempt", "after"),
    "after the record": ("mailroom.outcomes:record", "after"),
    "before a commit": ("mailroom.store:Store._commit", "before"),
    "after a commit": ("mailroom.store:Store._commit", "after"),
}


@pytest.mark.parametrize("where", SENDING)
def test_killed_while_sending_nothing_is_lost_or_sent_twice(dashboard: Dashboard, where: str) -> None:
    function, when = SENDING[where]
    dashboard.start(function, when, 6)
    dashboard.wait_killed()
    assert dashboard.states()["queued"], "it died in mid-batch"
    dashboard.start()
    dashboard.wait_handed_over()
    found = dashboard.ends_well()
    assert found.states["accepted"] + found.in_doubt == MAILS
