"""A spreadsheet that nothing fits at first, in a real browser: columns chosen, bad rows mended, kept, sent, warned."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from mailroom.service import Service
from tests.browser import PHONE, chromium, shoot, tab
from tests.house import CAST
from tests.live import prepare_records
from tests.workbook_files import xlsx

BOOK = xlsx(
    [
        ["Daftar pelanggan November"],
        ["Pelanggan", "Surel", "Jumlah"],
        ["Siti Aminah", "siti@contoh.id", 1250000],
        ["Joko Susilo", "joko.contoh.id", 980000],
        ["Sri Wahyuni", "sri@gmial.com", 475000],
        ["Agus", "agus@contoh.id", 310000],
        ["Agus lagi", "AGUS@contoh.id", 1],
    ]
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(app: Flask, service: Service) -> Iterator[str]:
    """Where a mailroom with a template, a sender and a token answers on a socket."""
    prepare_records(service)
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


def test_a_sender_gets_a_strange_workbook_right(browser: Browser, address: str, tmp_path: Path) -> None:
    with tab(browser) as page:
        sign_in(page, address)
        choose_columns(page, address, tmp_path)
        keep_and_send(page)
        mended = mend_the_bad_rows(page, address, tmp_path)
        expect(page.locator("h1 + p")).to_contain_text("2 rows: 2 good, 0 with faults")
        send_to_the_kept_list(page, address)
        look_on_a_phone(browser, page, [mended, page.url, address + "/lists/"])


def test_without_script_it_works_just_the_same(browser: Browser, address: str, tmp_path: Path) -> None:
    with tab(browser, script=False) as page:
        sign_in(page, address)
        choose_columns(page, address, tmp_path)
        page.get_by_role("button", name="Discard").click()
        expect(page.get_by_text("The list is discarded.")).to_be_visible()


def sign_in(page: Page, address: str) -> None:
    page.goto(address + "/sign-in")
    page.locator("[name=email]").fill(CAST["sari"].email)
    page.locator("[name=password]").fill(CAST["sari"].password)
    page.locator("main button.main").click()
    page.wait_for_url(address + "/")


def upload(page: Page, address: str, file: Path) -> None:
    page.goto(address + "/send/")
    page.get_by_label("List file").set_input_files(file)
    page.get_by_role("button", name="Check the list").click()
    expect(page.get_by_role("heading", name="Check before sending")).to_be_visible()


def choose_columns(page: Page, address: str, folder: Path) -> None:
    book = folder / "pelanggan.xlsx"
    book.write_bytes(BOOK)
    upload(page, address, book)
    expect(page.locator("h1 + p")).to_contain_text("5 rows: 0 good, 5 with faults")
    expect(page.get_by_text("choose the column that fills nama")).to_be_visible()
    shoot(page, "40-columns-missing")
    page.get_by_label("nama").select_option("0")
    page.get_by_label("total").select_option("2")
    page.get_by_role("button", name="Check with these columns").click()
    expect(page.locator("h1 + p")).to_contain_text("5 rows: 2 good, 3 with faults")
    expect(page.get_by_text("Did you mean sri@gmail.com?")).to_be_visible()
    expect(page.frame_locator("iframe.mail").get_by_text("Siti Aminah")).to_be_visible()
    shoot(page, "41-columns-chosen")


def keep_and_send(page: Page) -> None:
    page.get_by_text("Keep this list").click()
    page.get_by_label("Name of the list").fill("Pelanggan")
    page.get_by_role("button", name="Keep the list").click()
    expect(page.get_by_text("This list is kept as Pelanggan")).to_be_visible()
    check = page.url
    page.get_by_role("link", name="Continue with the 2 good rows").click()
    page.get_by_role("button", name="Send 2 mails").click()
    expect(page.locator("#status")).to_be_visible()
    page.goto(check)


def mend_the_bad_rows(page: Page, address: str, folder: Path) -> str:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the 2 bad ones").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    assert text.splitlines()[0] == "Pelanggan;Surel;Jumlah;error"
    mended = folder / "mended.csv"
    mended.write_text(
        text.replace("joko.", "joko@").replace("gmial", "gmail").replace("Pelanggan;", "nama;", 1)
    )
    upload(page, address, mended)
    page.get_by_label("total").select_option("2")
    page.get_by_role("button", name="Check with these columns").click()
    expect(page.get_by_text("Continue with")).to_be_visible()
    return page.url


def send_to_the_kept_list(page: Page, address: str) -> None:
    page.goto(address + "/lists/")
    page.get_by_role("link", name="Send to it").click()
    page.get_by_role("button", name="Check the list").click()
    expect(page.locator("h1 + p")).to_contain_text("5 rows: 2 good, 3 with faults")
    expect(page.get_by_text("The same list went out with this template")).to_be_visible()
    shoot(page, "42-same-content")


def look_on_a_phone(browser: Browser, page: Page, addresses: list[str]) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": PHONE[1]}, storage_state=page.context.storage_state()
    )
    phone = context.new_page()
    for number, address in enumerate(addresses):
        phone.goto(address)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert phone.evaluate(wide) <= 0, address
        inside = "[...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)"
        assert phone.evaluate(inside), f"a table of {address} scrolls sideways"
        shoot(phone, f"43-phone-{number}")
    context.close()
