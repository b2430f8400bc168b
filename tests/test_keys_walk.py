"""History in a real browser: search, open, back, and the same by the keyboard; the list stays where it was."""

import threading
from collections.abc import Iterator

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from deploy.demo import free_port
from mailroom.service import Service
from tests.browser import PHONE, chromium, shoot, tab
from tests.house import CAST
from tests.live import Live, prepare_records

LONG = "a" * 60 + "@" + "subdomain-yang-panjang." * 5 + "contoh.id"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def filled(service: Service) -> Live:
    """A record of 123 mails: pages enough to go down, one of them hostile."""
    live = prepare_records(service)
    live.queue_to(*[f"orang{n}@contoh.id" for n in range(120)])
    live.queue(f"email,nama,total\n{LONG},<b>Tebal</b> {'kata ' * 20},1", ("<i>tagihan.pdf", b"%PDF-1.4"))
    return live


@pytest.fixture
def home(app: Flask, filled: Live) -> Iterator[str]:
    """The address of its pages."""
    assert filled
    port = free_port(0)
    server = waitress.create_server(app, host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.close()
    thread.join()


def enter(page: Page, home: str, person: str = "sari") -> None:
    page.goto(home + "/sign-in")
    page.get_by_label("Email").fill(CAST[person].email)
    page.get_by_label("Password").fill(CAST[person].password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    page.wait_for_load_state()


def opened(page: Page, email: str) -> None:
    """The mail stands beside the list, and its row is marked."""
    expect(page.locator("#mail article h2")).to_have_text(email)
    expect(page.locator("#list .rows [aria-current]")).to_contain_text(email)


def closed(page: Page, home: str, path: str = "/history/") -> None:
    expect(page.locator("#mail article")).to_have_count(0)
    expect(page).to_have_url(home + path)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_list_is_walked_by_keys_and_back_finds_it_as_it_was(browser: Browser, home: str) -> None:
    with tab(browser) as page:
        enter(page, home)
        rows = page.locator("#list .rows > li > a")
        press(page, *["j"] * 4, "k")
        expect(rows.nth(2)).to_be_focused()
        press(page, "Enter")
        opened(page, "orang118@contoh.id")
        shoot(page, "60-one-mail", whole=False)
        # Down to older mails, and further: the row that took the link's place is the next one.
        press(page, *["j"] * 48, "Enter")
        expect(rows).to_have_count(101)
        press(page, "j")
        expect(rows.nth(50)).to_be_focused()
        press(page, "Enter")
        opened(page, "orang70@contoh.id")
        page.go_back()
        opened(page, "orang118@contoh.id")
        page.go_back()
        closed(page, home)
        expect(rows).to_have_count(101)
        expect(rows.nth(2)).to_be_focused()
        page.go_forward()
        opened(page, "orang118@contoh.id")
        press(page, "Escape")
        expect(page.locator("#mail article")).to_have_count(0)
        expect(rows.nth(2)).to_be_focused()


def test_keys_search_and_are_only_letters_while_one_types(browser: Browser, home: str) -> None:
    with tab(browser) as page:
        enter(page, home)
        press(page, "/")
        search = page.get_by_role("searchbox")
        expect(search).to_be_focused()
        page.keyboard.type("orang7@contoh.id?jk/")
        expect(search).to_have_value("orang7@contoh.id?jk/")
        expect(page.locator("#keys")).to_be_hidden()
        press(page, *["Backspace"] * 4)
        expect(page.locator("#list .rows > li")).to_have_count(1)
        expect(search).to_be_focused()
        search.blur()
        press(page, "j", "Enter")
        opened(page, "orang7@contoh.id")
        assert "q=orang7" in page.url
        page.reload()
        opened(page, "orang7@contoh.id")
        press(page, "Escape")
        closed(page, home, "/history/?q=orang7@contoh.id")
        page.get_by_role("link", name="Everything to orang7@contoh.id").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("orang7@contoh.id")
        page.wait_for_load_state()
        press(page, "?")
        expect(page.locator("#keys")).to_be_visible()
        shoot(page, "61-keys", whole=False)
        press(page, "Escape")
        expect(page.locator("#keys")).to_be_hidden()
        page.goto(home + "/batches/")
        press(page, "j", "j", "Enter")
        expect(page).to_have_url(home + "/batches/2")


def test_on_a_phone_the_mail_is_the_page_and_back_finds_its_row(browser: Browser, home: str) -> None:
    with tab(browser, PHONE, dark=True) as page:
        enter(page, home, "vino")
        row = page.locator("#list .rows > li > a").nth(30)
        row.scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        assert before > 500
        row.click()
        expect(page.locator("#mail article")).to_be_visible()
        expect(page.locator("#list")).to_be_hidden()
        assert page.evaluate("scrollY") == 0
        page.get_by_role("link", name="All mails").click()
        expect(row).to_be_in_viewport()
        assert page.evaluate("scrollY") == before
        page.locator("#list .rows > li > a").first.click()
        expect(page.locator("#mail article h2")).to_have_text(LONG)
        page.get_by_role("link", name="Phone", exact=True).click()
        expect(page.locator("iframe.phone")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        shoot(page, "62-one-mail-on-a-phone")


def test_a_mail_opened_by_its_address_moves_nothing_on_a_phone_and_closes_to_the_list(
    browser: Browser, home: str
) -> None:
    with tab(browser, PHONE) as page:
        enter(page, home, "vino")
        path = page.locator("#list .rows > li > a").first.get_attribute("href")
        # The list is hidden before the mail has come, so that nothing moves when it does.
        page.goto(f"{home}{path}")
        page.evaluate("document.querySelector('#mail article').remove()")
        expect(page.locator("#list")).to_be_hidden()
        page.goto(f"{home}{path}")
        page.get_by_role("link", name="All mails").click()
        expect(page.locator("#list .rows > li > a").first).to_be_visible()


def test_without_javascript_every_row_and_every_way_back_is_a_link(browser: Browser, home: str) -> None:
    with tab(browser, script=False) as page:
        enter(page, home)
        page.locator("#list .rows > li > a").nth(1).click()
        expect(page.locator("#mail article h2")).to_have_text("orang119@contoh.id")
        page.get_by_role("link", name="Phone", exact=True).click()
        expect(page.locator("iframe.phone")).to_be_visible()
        page.get_by_role("link", name="Close").click()
        closed(page, home)
