"""One person's data in Chromium, without scripts too: looked up, taken away, erased; and read again in the trail."""

import threading
import zipfile
from collections.abc import Iterator

import pytest
import waitress
from flask import Flask
from playwright.sync_api import expect

from mailroom.service import Service
from tests.browser import DESK, PHONE, chromium, tab
from tests.house import CAST
from tests.live import prepare_records
from tests.test_plans_walk import fits
from tests.test_retention import accept


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


@pytest.mark.parametrize(("size", "script"), [(DESK, True), (PHONE, False)])
def test_a_person_is_looked_up_taken_away_and_erased(
    service: Service, address: str, size: tuple[int, int], script: bool
) -> None:
    prepare_records(service)
    accept(service.store, 1, service.clock())
    with chromium() as browser, tab(browser, size, dark=not script, script=script) as page:
        page.goto(address + "/sign-in")
        page.get_by_label("Email address").fill(CAST["adi"].email)
        page.get_by_label("Password").fill(CAST["adi"].password)
        page.get_by_role("button", name="Sign in").click()
        page.goto(address + "/settings/")
        page.get_by_role("link", name="One person’s data").click()
        page.get_by_label("Their address").fill("joko@contoh.id")
        page.get_by_role("button", name="Look").click()
        fits(page)
        with page.expect_download() as taken:
            page.get_by_role("button", name="Download everything").click()
        with zipfile.ZipFile(taken.value.path()) as pack:
            assert b"joko@contoh.id" in pack.read("data.html")
        page.get_by_role("link", name="Erase…").click()
        fits(page)
        page.get_by_label("Remove the draft “Tagihan” of Sari").check()
        page.get_by_role("button", name="Erase them").click()
        expect(page.get_by_text("1 mail lost address and content. 1 draft was removed.")).to_be_visible()
        expect(page.get_by_text("Nothing is held on joko@contoh.id.")).to_be_visible()
        # Whoever goes back finds that there is nothing any more to press a button for.
        page.go_back()
        expect(page.get_by_text("Nothing is held on joko@contoh.id.")).to_be_visible()
        page.goto(address + "/activity/?kind=person_erased")
        expect(
            page.get_by_text("Erased j•••@contoh.id (mails: 1, saved lists: 0, drafts: 1).")
        ).to_be_visible()
        fits(page)
        page.goto(address + "/history/1")
        expect(page.get_by_text("Its address and its content were taken out of the record")).to_be_visible()
