"""The page behind the unsubscribe link: looking changes nothing, one press does, and only a whole link works."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from mailroom import batches, email_templates, history, one_mail, suppressions, unsubscribe
from mailroom.problems import Problem
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.house import Browser, add_people
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]


def path(service: Service, email: str = "siti@contoh.id") -> str:
    return service.links.url(email).removeprefix(service.settings.public_url)


def stopped(service: Service) -> dict[str, int]:
    return suppressions.counts(service.store)


def test_a_scanner_that_opens_every_link_changes_nothing(service: Service, app: Flask) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        assert app.test_client().open(path(service), method=method).status_code == 200
    assert app.test_client().get(path(service) + "/undo").status_code == 405
    assert stopped(service) == {}


def test_the_page_is_for_a_stranger_and_gives_nothing_away(service: Service, app: Flask) -> None:
    answer = app.test_client().get(path(service))
    assert faults(answer) == []
    assert "Berhenti menerima email?" in answer.text
    assert "s•••@contoh.id" in answer.text
    assert "siti@contoh.id" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_one_press_stops_the_mails_without_cookies_and_a_second_changes_nothing(
    service: Service, app: Flask
) -> None:
    for _ in range(2):
        # A new browser each time: neither press has a cookie or a token.
        answer = app.test_client().post(path(service))
        assert (answer.status_code, answer.location) == (303, path(service))
        assert stopped(service) == {"unsubscribed": 1}
    page = app.test_client().get(path(service))
    assert faults(page) == []
    assert "Anda tidak menerima email lagi" in page.text


def test_it_can_be_taken_back(service: Service, app: Flask) -> None:
    browser = app.test_client()
    browser.post(path(service))
    assert f'action="{path(service)}/undo"' in browser.get(path(service)).text
    answer = browser.post(path(service) + "/undo", follow_redirects=True)
    assert "Undone" in answer.text
    assert faults(answer) == []
    assert stopped(service) == {}


def test_what_the_team_put_on_the_list_the_link_does_not_take_off(service: Service, app: Flask) -> None:
    suppressions.add(service.store, ["siti@contoh.id"], "hand", "", 1, service.clock())
    browser = app.test_client()
    # The recipient may still ask, and then has asked.
    assert "Berhenti menerima email?" in browser.get(path(service)).text
    browser.post(path(service))
    assert "/undo" not in browser.get(path(service)).text
    browser.post(path(service) + "/undo")
    assert stopped(service) == {"unsubscribed": 1}


def test_a_link_that_was_changed_changes_nothing_and_says_so(service: Service, app: Flask) -> None:
    text = path(service).removeprefix("/u/")
    for changed in (text[:-1], text + "A", "x", "A" * 5000, text.upper(), "%00", "%F0%9F%92%8C"):
        for method, url in (
            ("GET", f"/u/{changed}"),
            ("POST", f"/u/{changed}"),
            ("POST", f"/u/{changed}/undo"),
        ):
            answer = app.test_client().open(url, method=method)
            assert answer.status_code == 404, (method, url)
            assert "This link is not complete" in answer.text
            assert faults(answer) == []
    assert stopped(service) == {}


def test_a_large_post_is_as_good_as_an_empty_one(service: Service, app: Flask) -> None:
    assert app.test_client().post(path(service), data={"x": "y" * 200_000}).status_code in (303, 413)


# In mails

WITH_LINK = '<p>Halo {{ nama }}</p><p><a href="{{ unsubscribe_url }}">Berhenti berlangganan</a></p>'


def draft_with_link(service: Service) -> str:
    """A draft of a marketing mail to two people, as the sender of the cast."""
    live = prepare_records(service)
    now = service.clock()
    version = email_templates.save(
        service.store, None, "Promo", "Promo untuk {{ nama }}", WITH_LINK, 1, now, marketing=True
    )
    return Live(service, live.sandbox, version).draft("email,nama\nsiti@contoh.id,Siti\nbudi@contoh.id,Budi")


def test_each_mail_has_the_link_of_its_recipient_and_is_made_again_exactly(service: Service) -> None:
    batch_id = batches.queue(service.store, draft_with_link(service), 2, service.clock(), links=service.links)
    lines = history.of_batch(service.store, batch_id)
    assert len(lines) == 2
    for line in lines:
        body = one_mail.body(service.store, line.id)
        assert body
        assert f'href="{service.links.url(line.email)}"' in body.html


def test_without_links_such_a_mail_is_not_queued(service: Service) -> None:
    with pytest.raises(Problem):
        batches.queue(service.store, draft_with_link(service), 2, service.clock())


def test_a_preview_shows_a_link_that_does_nothing(service: Service, client: Client) -> None:
    mail = client("sari").get(f"/send/{draft_with_link(service)}/row/2")
    assert unsubscribe.EXAMPLE in mail.text
    assert "/u/" not in mail.text


@pytest.mark.parametrize(("sandbox", "url", "warned"), [
    (False, "", True), (True, "", False), (False, "https://mailroom.contoh.id", False),
])  # fmt: skip
def test_a_link_that_recipients_cannot_open_is_warned_of_before_sending(
    tmp_path: Path, sandbox: bool, url: str, warned: bool
) -> None:
    settings = Settings(gateway_url="http://127.0.0.1:9", data=tmp_path / "other", sandbox=sandbox, url=url)
    service = open_service(settings)
    try:
        add_people(service)
        draft_id = draft_with_link(service)
        page = Browser(create_app(service), "sari").get(f"/send/{draft_id}")
        assert faults(page) == []
        assert ("could not open the unsubscribe link" in page.text) == warned
    finally:
        service.close()
