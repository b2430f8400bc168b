"""The first steps on the Overview: what is missing, by whom it is done, and that it goes away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import create_app
from mailroom import first_steps
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.house import Browser, furnished
from tests.live import prepare_records
from tests.sandbox_server import Sandbox, running_sandbox

Client = Callable[[str], Browser]
TAKE = "/gateway/tokens/sandbox"
SENDER: dict[str, object] = {"name": "Tim", "email": "tim@contoh.id", "from": "overview"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def tried(tmp_path: Path, sandbox: Sandbox) -> Iterator[Service]:
    """A mailroom of the first day, beside a sandbox."""
    settings = Settings(gateway_url=sandbox.url, sandbox=True, data=furnished(tmp_path / "tried"))
    service = open_service(settings)
    yield service
    service.close()


def test_step_by_step_everything_is_there_and_the_list_goes_away(tried: Service) -> None:
    browser = Browser(create_app(tried), "adi")
    assert first_steps.missing(tried.store) == ["token", "sender", "template", "test"]
    assert browser.post_form(TAKE, {"from": "overview"}).location == "/"
    assert first_steps.missing(tried.store) == ["sender", "template", "test"]
    assert browser.post_form("/gateway/senders/add", SENDER).location == "/"
    assert browser.post_form("/templates/starters/invoice-id").location == "/"
    assert first_steps.missing(tried.store) == ["test"]
    page = browser.get("/test/template/1").text
    # Whoever tries it need not think of values.
    assert 'value="Ibu Siti Aminah"' in page
    values = {
        "sample-nama": "Siti",
        "sample-nomor": "1",
        "sample-periode": "Mei",
        "sample-total": "1",
        "form_key": "k",
    }
    browser.post_form("/test/template/1/send", {**values, "sample-jatuh_tempo": "2026-11-30"})
    assert first_steps.missing(tried.store) == []
    assert "To your first mail" not in browser.get("/").text


def test_a_sandbox_token_is_kept_like_any_other_and_asked_about(tried: Service) -> None:
    browser = Browser(create_app(tried), "adi")
    for _ in range(2):
        browser.post_form(TAKE)
    page = browser.get("/gateway/").text
    assert ("Sandbox 2" in page, page.count("Works") >= 2) == (True, True)


def test_a_sandbox_that_does_not_answer_is_said_in_a_sentence(tried: Service, sandbox: Sandbox) -> None:
    browser = Browser(create_app(tried), "adi")
    token = browser.csrf()
    sandbox.process.kill()
    sandbox.process.wait()
    answer = browser.http.post(TAKE, data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/gateway/")
    assert "The gateway" in browser.get("/gateway/").text
    assert first_steps.missing(tried.store)[0] == "token"


def test_the_real_gateway_is_never_asked_for_a_token(service: Service, client: Client) -> None:
    assert not service.settings.sandbox
    assert client("adi").post_form(TAKE).status_code == 404
    assert TAKE not in client("adi").get("/").text


@pytest.mark.parametrize("person", ["sari", "vino"])
def test_who_may_not_take_a_step_is_told_who_may(client: Client, person: str) -> None:
    page = client(person).get("/").text
    assert "An admin does this." in page
    assert "/gateway/tokens/add" not in page


def test_once_mail_was_sent_nobody_is_led_by_the_hand(service: Service, client: Client) -> None:
    prepare_records(service)
    assert first_steps.missing(service.store) == []
    browser = client("adi")
    assert "To your first mail" not in browser.get("/").text
    # From another page one comes back to that page.
    assert (
        browser.post_form("/gateway/senders/add", SENDER | {"email": "dua@contoh.id"}).location == "/gateway/"
    )
    assert browser.post_form("/templates/starters/code-id").location == "/templates/2/edit"
