"""Every page, with and without anything on it, is well made; fragments carry what caches need to know."""

from collections.abc import Callable

import pytest
from flask import Flask

from mailroom.service import Service
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import Found, faults

Client = Callable[[str], Browser]

EMPTY = [
    "/",
    "/send/",
    "/batches/",
    "/history/",
    "/templates/",
    "/templates/new",
    "/gateway/",
    "/gateway/tokens/new",
]
PAGES = [
    "/", "/send/", "/send/?template=1", "/batches/", "/batches/?before=1", "/batches/1", "/batches/1?state=queued",
    "/batches/1?state=opened", "/batches/1/cancel", "/history/", "/history/?state=queued", "/history/?before=1",
    "/history/1", "/history/1?state=queued", "/templates/", "/templates/new", "/templates/1", "/gateway/",
]  # fmt: skip


@pytest.fixture
def filled(service: Service) -> Live:
    """A mailroom with a token, a sender, a template and a queued batch."""
    return prepare_records(service)


def gets(app: Flask) -> set[str]:
    return {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}


@pytest.mark.parametrize("person", ["adi", "vino"])
def test_every_page_of_an_empty_mailroom_is_well_made(app: Flask, client: Client, person: str) -> None:
    browser = client(person)
    for url in EMPTY:
        answer = browser.get(url)
        if answer.status_code == 403 and person == "vino":
            continue
        if answer.status_code == 404 and url not in gets(app):
            continue
        assert answer.status_code == 200, url
        assert faults(answer) == [], url


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("person", ["adi", "sari", "vino"])
def test_every_page_of_a_filled_mailroom_is_well_made(client: Client, person: str) -> None:
    browser = client(person)
    for url in PAGES:
        answer = browser.get(url)
        if answer.status_code == 403 and person == "vino":
            continue
        assert answer.status_code == 200, url
        assert faults(answer) == [], url


@pytest.mark.usefixtures("filled")
def test_error_pages_are_well_made_and_say_what_to_do(client: Client) -> None:
    browser = client("adi")
    for url in ("/nothing/here", "/batches/999", "/history/999", "/setup/x"):
        answer = browser.get(url)
        assert answer.status_code in (404, 410, 200), url
        assert faults(answer) == [], url


@pytest.mark.usefixtures("filled")
def test_a_fragment_is_never_kept_for_the_page(client: Client) -> None:
    browser = client("adi")
    for url in (
        "/",
        "/batches/1?part=status",
        "/batches/1?part=mails",
        "/history/",
        "/history/1",
        "/batches/",
    ):
        whole, part = browser.get(url), browser.get(url, part=True)
        for answer in (whole, part):
            assert "HX-Request-Type" in answer.headers.get("Vary", ""), url
            assert answer.headers["Cache-Control"] == "no-store", url
        assert "<html" in whole.text, url
        assert "<html" not in part.text, url
        assert faults(part, whole=False) == [], url


def test_the_reader_of_pages_notices_what_is_wrong() -> None:
    found = Found()
    found.feed('<p id="a" style="x" onclick="y"></div><p id="a"><iframe></iframe>')
    assert found.ids["a"] == 2
    assert {
        "p has style",
        "p has onclick",
        "a frame without a sandbox",
        "</div> closes nothing that is open",
    } <= set(found.faults)


@pytest.mark.usefixtures("filled")
def test_a_disk_that_is_almost_full_is_said_on_every_page(service: Service, client: Client) -> None:
    browser = client("vino")
    assert "The disk is almost full" not in browser.get("/batches/1").text
    service.store.floor_bytes = 2**62
    for url in ("/", "/batches/1", "/history/"):
        assert "The disk is almost full" in browser.get(url).text, url
    assert "The disk is almost full" not in client("").get("/sign-in").text
