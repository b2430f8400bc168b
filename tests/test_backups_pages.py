"""The page of the backups: what is kept, when one is made, one now; and who is told when something is wrong."""

from collections.abc import Callable
from dataclasses import replace

from mailroom import activity, preferences
from mailroom.service import Service
from tests.house import Browser
from tests.page import faults

Client = Callable[[str], Browser]
PAGE = "/settings/backups/"


def test_only_admins_come_there_or_are_told(client: Client, service: Service) -> None:
    broken(service)
    assert "The backups need somebody." in client("adi").get("/").text
    assert PAGE in client("adi").get("/settings/").text
    for person in ("sari", "vino"):
        assert client(person).get(PAGE).status_code == 403
        assert client(person).post_form(PAGE + "now", form_at="/").status_code == 403
        assert "The backups need somebody." not in client(person).get("/").text


def test_one_is_made_by_a_button_and_stands_in_the_list(client: Client, service: Service) -> None:
    adi = client("adi")
    assert "There is none yet." in adi.get(PAGE).text
    for _ in range(2):
        assert adi.post_form(PAGE + "now", form_at=PAGE).status_code == 303
    page = adi.get(PAGE)
    assert faults(page) == []
    assert "One is being made…" in page.text
    assert 'hx-trigger="every 2s"' in page.text
    made = service.backups.run_once()
    assert made
    assert service.backups.run_once() is None, "pressed twice, it is one"
    noted = activity.newest(service.store, kind="backup_made")
    assert [(entry.actor, entry.who) for entry in noted] == [("user:1", "Adi")]
    part = adi.get(PAGE, part=True).text
    assert made.path.name in part
    assert "every rule holds" in part
    assert "hx-trigger" not in part
    assert "<h1" not in part


def test_hour_and_number_are_chosen_and_can_be_switched_off(client: Client, service: Service) -> None:
    adi = client("adi")
    form: dict[str, object] = {"daily": "1", "backup_at": "01:15", "backup_keep": "14"}
    assert adi.post_form(PAGE, form, form_at=PAGE).status_code == 303
    wanted = preferences.get(service.store)
    assert (wanted.backup_at, wanted.backup_keep) == ("01:15", 14)
    assert "at 01:15" in adi.get("/settings/").text
    for kept, told in (("0", "from 1 to 100"), ("101", "from 1 to 100"), ("x", "from 1 to 100")):
        page = adi.post_form(PAGE, form | {"backup_keep": kept}, form_at=PAGE)
        assert page.status_code == 422
        assert told in page.text
        assert f'value="{kept}"' in page.text
        assert faults(page) == []
    page = adi.post_form(PAGE, form | {"backup_at": "25:00"}, form_at=PAGE)
    assert page.status_code == 422
    assert adi.post_form(PAGE, {"backup_at": "01:15", "backup_keep": "14"}, form_at=PAGE).status_code == 303
    assert preferences.get(service.store).backup_keep is None
    assert "None is made by itself." in adi.get("/settings/").text


def test_what_was_chosen_here_stays_when_other_settings_are_saved(client: Client, service: Service) -> None:
    wanted = replace(preferences.get(service.store), backup_keep=3, backup_at="04:00")
    preferences.save(service.store, wanted, 1, service.clock())
    form: dict[str, object] = {"office_from": "08:00", "office_to": "16:00", "office_days": ["0"]}
    assert client("adi").post_form("/settings/", form, form_at="/settings/").status_code == 303
    assert preferences.get(service.store).backup_keep == 3


def test_a_failure_is_told_on_the_page_and_on_the_overview_until_one_is_made(
    client: Client, service: Service
) -> None:
    adi = client("adi")
    assert "The backups need somebody." not in adi.get("/").text
    broken(service)
    assert f"Nothing can be written to {service.settings.backups}: File exists." in adi.get(PAGE).text
    service.settings.backups.unlink()
    service.backups.want(1)
    assert service.backups.run_once()
    assert "The backups need somebody." not in adi.get("/").text


def broken(service: Service) -> None:
    """One that fails, because a file stands where the folder should be."""
    service.settings.backups.write_text("in the way")
    service.backups.want(1)
    assert service.backups.run_once() is None
