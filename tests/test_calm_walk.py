"""Alive without being nervous: a page that renews itself leaves focus and place alone; all goes by keyboard."""

import re
import threading
from collections.abc import Iterator

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from mailroom import batch_controls
from mailroom.service import Service
from tests.browser import chromium, tab
from tests.house import CAST
from tests.live import Live, prepare_records

ADI = 1
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def filled(service: Service) -> Live:
    """A running batch of a hundred, the third."""
    live = prepare_records(service)
    live.queue_to("tono@contoh.id")
    live.queue_to(*[f"orang{n}@contoh.id" for n in range(100)])
    return live


@pytest.fixture
def home(app: Flask, filled: Live) -> Iterator[str]:
    """The address of its pages."""
    assert filled
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


def enter(page: Page, home: str, path: str) -> None:
    page.goto(home + "/sign-in?next=" + path)
    page.get_by_label("Email").fill(CAST["sari"].email)
    page.get_by_label("Password").fill(CAST["sari"].password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state()


def polls(page: Page, part: str, count: int) -> None:
    """Waits until the page has renewed itself so often."""
    for _ in range(count):
        with page.expect_response(lambda answer: f"part={part}" in answer.url) as found:
            pass
        assert found.value.status == 200
    expect(page.locator(".htmx-request, .htmx-swapping")).to_have_count(0)


def test_a_page_that_renews_itself_keeps_the_focus_and_the_place(
    browser: Browser, home: str, filled: Live
) -> None:
    with tab(browser, (1440, 500)) as page:
        enter(page, home, "/batches/3")
        rest = page.get_by_role("link", name="Cancel the rest")
        page.evaluate("scrollTo(0, 120)")
        rest.evaluate("(one) => one.focus({ preventScroll: true })")
        batch_controls.pause(filled.service.store, 3, ADI, filled.service.clock())
        polls(page, "status", 2)
        expect(page.get_by_role("button", name="Resume").first).to_be_visible()
        expect(rest).to_be_focused()
        batch_controls.resume(filled.service.store, 3, ADI, filled.service.clock())
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        expect(rest).to_be_focused()
        assert page.evaluate("scrollY") == 120
        row = page.get_by_role("link", name="orang40@contoh.id")
        row.focus()
        before = page.evaluate("scrollY")
        polls(page, "mails", 2)
        expect(row).to_be_focused()
        assert page.evaluate("scrollY") == before
        # How far it is, is told to those who listen, but not with every mail.
        expect(page.get_by_role("status").first).to_have_text("0 % Running")


def test_every_page_begins_with_a_way_past_the_menu_and_shows_where_one_is(
    browser: Browser, home: str
) -> None:
    with tab(browser) as page:
        enter(page, home, "/batches/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the page")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
        page.goto(home + "/send/")
        walked = 0
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement !== document.body"):
            assert page.evaluate(OUTLINE) != "none", page.evaluate("document.activeElement.outerHTML")
            page.keyboard.press("Tab")
            walked += 1
        assert walked > 15


def test_the_list_of_keys_keeps_the_focus_inside_and_gives_it_back(browser: Browser, home: str) -> None:
    with tab(browser) as page:
        enter(page, home, "/batches/")
        link = page.get_by_role("link", name="Templates")
        link.focus()
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keys")
        expect(keys).to_be_visible()
        for _ in range(3):
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.activeElement.closest('#keys, body') !== document.querySelector('main')"
            )
            assert not page.evaluate("document.activeElement.closest('main, nav') !== null")
        page.keyboard.press("Escape")
        expect(keys).to_be_hidden()
        expect(link).to_be_focused()
        button = page.get_by_role("button", name="Keys")
        button.click()
        expect(keys).to_be_visible()
        keys.get_by_role("button", name="Close").click()
        expect(keys).to_be_hidden()
        expect(button).to_be_focused()


def test_a_form_that_is_refused_puts_one_at_its_first_fault(browser: Browser, home: str) -> None:
    with tab(browser) as page:
        enter(page, home, "/do-not-mail/add")
        page.get_by_label("Addresses").fill("joko.contoh.id")
        page.get_by_label("Note").fill("Pindah kerja")
        page.get_by_role("button", name="Put them on the list").click()
        field = page.get_by_label("Addresses")
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile("1 is not a valid address and was not added"))
        expect(page.get_by_label("Note")).to_have_value("Pindah kerja")


def test_pages_fade_into_each_other_unless_somebody_asked_for_less_motion(
    browser: Browser, home: str
) -> None:
    noted = "addEventListener('pagereveal', (event) => { window.faded = Boolean(event.viewTransition); })"
    with tab(browser) as page:
        page.add_init_script(noted)
        enter(page, home, "/batches/")
        for motion, fades in (("no-preference", True), ("reduce", False)):
            page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
            page.get_by_role("link", name="Lists").click()
            page.wait_for_url("**/lists/")
            assert page.evaluate("window.faded") is fades, motion
            page.get_by_role("link", name="Batches").click()
            page.wait_for_url("**/batches/")
