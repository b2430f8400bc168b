"""The Settings page: what an admin chooses is kept, and what cannot be meant is said beside its field."""

from collections.abc import Callable

import pytest

from mailroom import preferences
from mailroom.preferences import Preferences
from mailroom.service import Service
from tests.house import Browser
from tests.page import faults

Client = Callable[[str], Browser]

GOOD: dict[str, object] = {
    "approval_above": "1.000",
    "office_from": "07:30",
    "office_to": "16:00",
    "office_days": ["0", "5"],
    "suppress_failed": "1",
}


def test_what_an_admin_chooses_is_kept_with_who_and_when(service: Service, client: Client) -> None:
    browser = client("adi")
    assert faults(browser.get("/settings/")) == []
    answer = browser.post_form("/settings/", GOOD)
    assert answer.status_code == 303
    assert preferences.get(service.store) == Preferences(1000, "07:30", "16:00", (0, 5), suppress_failed=True)
    page = browser.get("/settings/")
    assert "Saved." in page.text
    assert "Last changed by Adi" in page.text
    assert 'value="1000"' in page.text
    again = browser.post_form("/settings/", GOOD | {"approval_above": ""})
    assert again.status_code == 303
    assert preferences.get(service.store).approval_above is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"approval_above": "banyak"}, "Give a whole number of mails"),
        ({"approval_above": "-5"}, "Give a whole number of mails"),
        ({"approval_above": "9" * 40}, "Give a whole number of mails"),
        ({"office_from": "pagi"}, "Give a time such as 08:00"),
        ({"office_from": "17:00"}, "Business hours end after they begin"),
        ({"office_days": ["7", "x"]}, "Tick at least one day"),
        ({"office_days": []}, "Tick at least one day"),
    ],
)
def test_what_cannot_be_meant_is_said_and_what_was_typed_stays(
    service: Service, client: Client, change: dict[str, object], sentence: str
) -> None:
    answer = client("adi").post_form("/settings/", GOOD | change)
    assert answer.status_code == 422
    assert faults(answer) == []
    assert sentence in answer.text
    if "approval_above" in change:
        assert f'value="{change["approval_above"]}"' in answer.text
    assert preferences.get(service.store) == Preferences()


def test_a_link_that_leads_nowhere_is_warned_of(client: Client) -> None:
    assert "leads nowhere but on this machine" in client("adi").get("/settings/").text
