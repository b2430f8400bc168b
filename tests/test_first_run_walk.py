"""The first run: from the set-up link to the first delivered mail, by somebody who has read nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser import chromium, running_dashboard, shoot, tab
from tests.sandbox_server import running_sandbox

MOST_CLICKS = 12


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_the_first_mail_is_delivered_within_a_dozen_clicks(browser: Browser, tmp_path: Path) -> None:
    clicks = 0

    def click(what: Locator) -> None:
        nonlocal clicks
        what.click()
        clicks += 1

    with (
        running_sandbox() as sandbox,
        running_dashboard(tmp_path / "data", sandbox) as link,
        tab(browser) as page,
    ):
        begun = time.monotonic()
        page.goto(link)
        page.get_by_label("Your name").fill("Adi")
        page.get_by_label("Email address").fill("adi@contoh.id")
        page.get_by_label("Password").fill("kereta api malam")
        click(page.get_by_role("button", name="Set up and sign in"))
        steps = page.locator("ol.todo > li")
        expect(steps).to_have_count(4)
        shoot(page, "90-first-steps")
        click(page.get_by_role("button", name="Take a token from the sandbox"))
        expect(steps.nth(0)).to_contain_text("The gateway knows you.")
        expect(page.get_by_label("Email address")).to_have_value("adi@contoh.id")
        click(page.get_by_role("button", name="Add the sender"))
        click(page.get_by_role("button", name="Take “Invoice”"))
        shoot(page, "91-first-steps-but-one")
        click(page.get_by_role("link", name="Send a test to me"))
        click(page.get_by_role("button", name="Send the test"))
        click(page.get_by_role("link", name="See what becomes of it"))
        expect(page.locator("#status .counts")).to_contain_text("Delivered", timeout=30_000)
        took = time.monotonic() - begun
        print(f"\nfirst mail delivered after {clicks} clicks and {took:.0f} s")
        assert clicks <= MOST_CLICKS
        assert [entry["email"] for entry in sandbox.ledger()] == ["adi@contoh.id"]
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Adi")
        expect(steps).to_have_count(0)
