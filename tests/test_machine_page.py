"""The page Machine: one sentence says whether all is right, and below it what would be looked at if not."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import create_app
from mailroom import logs
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.store import Store
from tests.house import Browser, furnished
from tests.live import prepare_records
from tests.page import faults
from views.words import size

Client = Callable[[str], Browser]

PAGE = "/settings/machine/"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    """A mailroom at work with a token and two mails that wait, for its gateway does not answer."""
    settings = Settings(
        gateway_url="http://127.0.0.1:9", data=furnished(tmp_path / "data"), url="http://mailroom.contoh.id"
    )
    service = open_service(settings)
    prepare_records(service)
    service.start()
    late = time.monotonic() + 30
    while len(service.pulses()) <= len(service.workers):  # until the token's own sender works, too
        assert time.monotonic() < late
        time.sleep(0.01)
    yield service
    service.close()


@pytest.fixture
def adi(running: Service) -> Browser:
    """The admin in front of it."""
    return Browser(create_app(running), "adi")


def test_one_sentence_says_that_all_is_right(adi: Browser) -> None:
    answer = adi.get(PAGE)
    assert faults(answer) == []
    assert "Everything is all right." in answer.text
    for word in (
        "Sending with “Utama”",
        "Looking up mails in doubt",
        "Unreleased",
        "SQLite 3.",
        "of 25 that the gateway",
    ):
        assert word in answer.text, word
    assert re.search(r"<b>\s*2\s*</b>", answer.text)


def test_it_renews_itself_calmly_and_needs_no_script(adi: Browser) -> None:
    whole, part = adi.get(PAGE), adi.get(PAGE, part=True)
    assert f'hx-get="{PAGE}" hx-trigger="every 10s" hx-swap="outerMorph"' in part.text
    assert "<html" not in part.text
    assert faults(part, whole=False) == []
    assert "<noscript>" in whole.text
    assert "Everything is all right." in part.text


def test_every_part_is_called_by_what_it_does(running: Service, adi: Browser) -> None:
    page = adi.get(PAGE).text
    for worker in running.workers:
        assert f"<td>{worker.pulse.name}</td>" not in page, worker.pulse.name


def test_what_is_wrong_is_said_with_the_next_step(
    running: Service, adi: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.store.floor_bytes = 2**62
    monkeypatch.setattr(Store, "can_write", lambda *_: False)
    monkeypatch.setenv("MAILROOM_TYPO", "1")
    running.sweeper.stop()
    answer = adi.get(PAGE)
    assert faults(answer) == []
    assert "4 things need somebody" in answer.text
    for sentence in (
        "Nothing can be written to the database just now",
        "“Following what was sent” does not work any more. Restart the program",
        "MAILROOM_TYPO is no setting",
        "MB nothing is sent: make room; it goes on by itself",
        "less than 4,611,686,018,427 MB",
        "has ended",
    ):
        assert sentence in answer.text, sentence
    assert "Everything is all right" not in answer.text


def test_the_last_errors_are_shown_without_addresses(adi: Browser) -> None:
    root = logging.getLogger()
    root.addHandler(logs.newest)
    try:
        logging.getLogger("mailroom.sender").error("mail to %s: <b>no</b>", "joko@contoh.id")
    finally:
        root.removeHandler(logs.newest)
    page = adi.get(PAGE).text
    assert "mail to j•••@contoh.id: &lt;b&gt;no&lt;/b&gt;" in page
    assert "joko@" not in page


@pytest.mark.parametrize("person", ["vino", "sari"])
def test_it_is_for_admins_alone(client: Client, person: str) -> None:
    assert client(person).get(PAGE).status_code == 403


def test_the_settings_lead_to_it(client: Client) -> None:
    assert f'href="{PAGE}"' in client("adi").get("/settings/").text


@pytest.mark.parametrize(
    ("count", "written"),
    [(999, "999 bytes"), (84_000, "84 kB"), (2_100_000, "2.1 MB"), (13_300_000_000, "13.3 GB")],
)
def test_sizes_are_written_in_units_people_read(running: Service, count: int, written: str) -> None:
    with create_app(running).test_request_context():
        assert size(count) == written
