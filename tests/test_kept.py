"""A session that ends while somebody writes: what they sent is there again after signing in, for them alone."""

from collections.abc import Callable

import pytest

from mailroom.service import Service
from tests.house import CAST, Browser
from tests.page import faults

Client = Callable[[str], Browser]
TEMPLATE = {"name": "Tagihan", "subject": "Halo {{ nama }}", "html": "<p>Yth. {{ nama }}</p>", "base": ""}


@pytest.fixture
def ended(service: Service, client: Client) -> Browser:
    """Sari's browser, whose session ended while a form was open."""
    browser = client("sari")
    token = browser.csrf("/templates/new")
    with service.store.write() as db:
        db.execute("DELETE FROM sessions")
    browser.http.post("/templates/", data={**TEMPLATE, "csrf_token": token})
    return browser


def sign_in(browser: Browser, person: str) -> str:
    who = CAST[person]
    page = browser.http.get("/sign-in?next=/again")
    assert "what you wrote is still here" in page.text
    token = browser.csrf("/sign-in?next=/again")
    form = {"email": who.email, "password": who.password, "csrf_token": token}
    answer = browser.http.post("/sign-in?next=/again", data=form)
    assert answer.status_code == 303
    return str(answer.location)


def test_what_was_typed_is_there_again_and_can_be_sent_with_one_press(
    service: Service, ended: Browser
) -> None:
    assert sign_in(ended, "sari") == "/again"
    page = ended.http.get("/again")
    assert faults(page) == []
    assert "&lt;p&gt;Yth. {{ nama }}&lt;/p&gt;" in page.text
    assert service.store.read().execute("SELECT count(*) FROM templates").fetchone()[0] == 0
    sent = ended.http.post("/templates/", data={**TEMPLATE, "csrf_token": ended.csrf("/again")})
    assert sent.status_code == 303
    assert service.store.read().execute("SELECT count(*) FROM templates").fetchone()[0] == 1


def test_it_is_shown_to_nobody_else(client: Client, ended: Browser) -> None:
    sign_in(ended, "adi")
    assert ended.http.get("/again").location == "/"
    assert client("sari").get("/again").location == "/"


def test_a_form_without_our_token_is_not_kept(service: Service, client: Client) -> None:
    browser = client("sari")
    with service.store.write() as db:
        db.execute("DELETE FROM sessions")
    answer = browser.http.post("/templates/", data={**TEMPLATE, "csrf_token": "made up"})
    assert answer.status_code == 303
    assert "/again" not in str(answer.location)


def test_a_stranger_is_turned_away_unread(client: Client) -> None:
    answer = client("").http.post("/templates/", data=TEMPLATE)
    assert answer.status_code == 303
    assert "/again" not in str(answer.location)


def test_what_is_being_typed_stays_when_a_preview_is_asked_for(service: Service, client: Client) -> None:
    browser = client("sari")
    with service.store.write() as db:
        db.execute("DELETE FROM sessions")
    answer = browser.http.post("/templates/preview", data=TEMPLATE, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert "HX-Redirect" not in answer.headers
