"""The Reports page in a browser: from a number to its mails and back, the files, the sheet of paper, the phone."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Page

from mailroom import states
from mailroom.service import Service
from mailroom.states import Change
from tests.browser import SCREENS, chromium, shoot, tab
from tests.house import CAST
from tests.live import prepare_records


@pytest.fixture
def address(service: Service, app: Flask) -> Iterator[str]:
    """The address of a mailroom with 40 days of mail behind it."""
    live = prepare_records(service)
    live.queue("email,nama,total\n" + "".join(f"orang{n}@contoh{n % 3}.id,Nama {n},1\n" for n in range(120)))
    ends: tuple[states.Delivery, ...] = ("delivered", "delivered", "opened", "failed")
    with service.store.write() as db:
        for n in range(120):
            at = service.clock() - timedelta(days=n % 40)
            states.transition(db, n + 3, "queued", "sending", Change(at, "", "sender"))
            states.transition(db, n + 3, "sending", "accepted", Change(at, "", "sender"), gateway_id=f"x{n}")
            end = ends[n % 4]
            states.deliver(db, n + 3, "pending", end, end, Change(at + timedelta(seconds=n), end, "d"), None)
    server = waitress.create_server(app, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


@contextmanager
def vino(address: str, size: tuple[int, int], dark: bool = False) -> Iterator[Page]:
    with chromium() as browser, tab(browser, size, dark) as page:
        page.goto(f"{address}/sign-in?next=/reports/")
        page.fill("[name=email]", CAST["vino"].email)
        page.fill("[name=password]", CAST["vino"].password)
        page.click("main button")
        page.wait_for_url("**/reports/")
        yield page


def test_from_a_number_to_its_mails_and_back_to_files_and_paper(address: str) -> None:
    with vino(address, (1440, 900)) as page:
        card = page.locator(".stat", has_text="Not delivered")
        n = int(card.locator("b").inner_text())
        shoot(page, "reports")
        card.click()
        assert page.locator("h1").inner_text() == "Not delivered"
        assert page.locator("tbody tr").count() == n
        with page.expect_download() as got:
            page.get_by_role("link", name="CSV").click()
        assert got.value.path().read_text("utf-8-sig").count("\n") == n + 1
        page.go_back()
        page.select_option("[name=by]", "domain")
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr").count() == 3
        page.locator("tbody tr", has_text="contoh1.id").locator("a").first.click()
        assert "to contoh1.id" in page.locator(".page-header").inner_text()
        page.get_by_role("link", name="Back").click()
        assert page.locator("[name=by]").input_value() == "domain"
        page.get_by_role("link", name="30 days").click()
        page.select_option("[name=by]", "day")
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr").count() == 30
        assert page.locator(".chart g").count() == 30
        paper = page.pdf(
            format="A4", margin={"top": "12mm", "right": "12mm", "bottom": "12mm", "left": "12mm"}
        )
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
        SCREENS.mkdir(exist_ok=True)
        (SCREENS / "report.pdf").write_bytes(paper)


def test_on_a_phone_in_the_dark_nothing_is_wider_than_the_screen(address: str) -> None:
    with vino(address, (360, 800), dark=True) as page:
        for query in ("", "?by=template", "?by=batch", "mails?figure=sent"):
            page.goto(f"{address}/reports/{query}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, query
        # An address has its line, and the state stands below it.
        line, pill = (
            page.locator(f"tbody tr >> nth=0 >> {what}").bounding_box() for what in (".strong", ".pill")
        )
        assert line
        assert pill
        assert line["y"] + line["height"] <= pill["y"] + 1
        page.goto(f"{address}/reports/")
        shoot(page, "reports-phone")
        page.goto(address)
        assert page.locator(".chart g").count() == 30
        shoot(page, "overview-phone-chart")
