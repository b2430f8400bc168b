"""The gateway's own history in a real browser: its page comes at once, strangers are taken into the record, Back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, Page, expect

from app import create_app
from tests.browser import PHONE, chromium, shoot, tab
from tests.doubt import doubtful_mailroom, old_sandbox, send_in_doubt
from tests.house import CAST
from tests.live import Live
from tests.sandbox_server import Sandbox


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with old_sandbox(tmp_path) as sandbox:
        yield sandbox


@contextmanager
def pages(live: Live) -> Iterator[str]:
    """The address of a mailroom's pages."""
    server = waitress.create_server(create_app(live.service), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join()


def sign_in(page: Page, home: str, person: str) -> None:
    page.goto(home + "/sign-in?next=/gateway/")
    page.get_by_label("Email address").fill(CAST[person].email)
    page.get_by_label("Password").fill(CAST[person].password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Gateway")).to_be_visible()


def fits(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


def test_strangers_are_found_and_taken_into_the_record(
    browser: Browser, sandbox: Sandbox, tmp_path: Path
) -> None:
    with doubtful_mailroom(tmp_path / "data", sandbox) as live, pages(live) as home, tab(browser) as page:
        live.wait_handed_over(live.queue_to("delivered@sandbox.test", "siti@contoh.id"))
        send_in_doubt(live, "500_after", "ragu@contoh.id")
        live.wait(lambda: len(live.sandbox.ledger()) == 63)
        sign_in(page, home, "sari")
        live.sandbox.faults(faults_on=["history"], latency_ms=1500)
        page.get_by_role("link", name="Browse its history").click()
        expect(page.get_by_text("The gateway is asked for page 1")).to_be_visible()
        shoot(page, "gateway-history-waiting")
        expect(page.get_by_text("47 mails of this page are not from here.")).to_be_visible()
        live.sandbox.reset_faults()
        shoot(page, "gateway-history")
        take(page)
        look_back(page)
        look_around(browser, home)


def take(page: Page) -> None:
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    page.get_by_role("link", name="Take these 13 mails into the record").click()
    expect(page.get_by_role("heading", name="Take 13 mails into the record?")).to_be_visible()
    shoot(page, "gateway-history-take")
    page.get_by_role("button", name="Take 13 mails").click()
    expect(page.get_by_text("13 mails are in the record now.")).to_be_visible()
    shoot(page, "gateway-history-batch")
    page.get_by_role("link", name="dulu@contoh.id").first.click()
    expect(page.get_by_text("It was not sent from here")).to_be_visible()
    shoot(page, "gateway-history-mail")


def look_back(page: Page) -> None:
    """Back leads to the same page of the history, where they are ours by now."""
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(page.get_by_text("not from here")).to_have_count(0)


def look_around(browser: Browser, home: str) -> None:
    """On a phone in the dark, and without JavaScript."""
    with tab(browser, PHONE, dark=True) as phone:
        sign_in(phone, home, "vino")
        phone.get_by_role("link", name="Browse its history").click()
        expect(phone.get_by_text("Page 1 of 2")).to_be_visible()
        fits(phone)
        shoot(phone, "gateway-history-phone")
        expect(phone.get_by_role("link", name="into the record")).to_have_count(0)
    with tab(browser, script=False) as plain:
        sign_in(plain, home, "vino")
        plain.get_by_role("link", name="Browse its history").click()
        plain.get_by_role("link", name="Ask again and wait for the whole page").click()
        expect(plain.get_by_text("Page 1 of 2")).to_be_visible()
