"""The pages in Indonesian on the smallest phone: nothing is wider than the screen."""

import threading
from collections.abc import Iterator

import pytest
import waitress
from flask import Flask

from mailroom.service import Service
from tests.browser import chromium, shoot, tab
from tests.filled import SARI, Filled, fill
from tests.house import CAST

WIDTH, HEIGHT = 360, 780
LOOKED_AT = ("overview.index", "send.new", "send.check", "confirm.one", "approvals.index", "batches.index",
             "batches.one", "batches.ask_retry", "decisions.one", "history.index", "history.one", "mail.ask_again",
             "reports.index", "lists.index", "lists.one", "templates.index", "templates.one", "templates.edit",
             "suppressions.index", "gateway.index")  # fmt: skip


@pytest.fixture
def filled(service: Service) -> Filled:
    """A mailroom with something of everything in it."""
    return fill(service)


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where it is served."""
    server = waitress.create_server(app, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


def test_no_page_in_indonesian_is_wider_than_a_phone(app: Flask, filled: Filled, address: str) -> None:
    with chromium() as browser, tab(browser, (WIDTH, HEIGHT)) as page:
        page.goto(f"{address}/sign-in")
        page.get_by_role("button", name="Bahasa Indonesia").click()
        page.get_by_label("Alamat email").fill(CAST["sari"].email)
        page.get_by_label("Kata sandi").fill(CAST["sari"].password)
        page.get_by_role("button", name="Masuk").click()
        page.wait_for_url(f"{address}/")
        shoot(page, "indonesian-360")
        wide = []
        addresses = dict(reversed([*filled.pages(app, SARI)]))
        for endpoint in LOOKED_AT:
            page.goto(address + addresses[endpoint])
            assert page.locator("html").get_attribute("lang") == "id", endpoint
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(endpoint)
    assert wide == []
