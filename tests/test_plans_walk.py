"""Plans and approvals in Chromium: scheduled, changed, sent now, and approved by a second person in another browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, Page, expect

from app import create_app
from mailroom import preferences
from mailroom.preferences import Preferences
from tests.browser import PHONE, chromium, shoot, tab
from tests.house import CAST
from tests.live import Live, live_mailroom
from tests.sandbox_server import running_sandbox

EVERY_DAY = Preferences(office_from="00:00", office_to="23:59", office_days=tuple(range(7)))
ROWS = "\n".join(["email,nama,total", *(f"orang{n}@contoh.id,Orang {n},Rp {n}" for n in range(4))])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running_sandbox("--limit", "0") as sandbox, live_mailroom(tmp_path / "data", sandbox) as live:
        yield live


@pytest.fixture
def address(live: Live) -> Iterator[str]:
    server = waitress.create_server(create_app(live.service), host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


@contextmanager
def person(
    browser: Browser, address: str, name: str, size: tuple[int, int] = (1440, 900), **how: bool
) -> Iterator[Page]:
    """A browser of their own, signed in."""
    with tab(browser, size, **how) as page:
        page.goto(address + "/sign-in")
        page.get_by_label("Email address").fill(CAST[name].email)
        page.get_by_label("Password").fill(CAST[name].password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name="Batches").first).to_be_visible()
        yield page


def a_tuesday(live: Live) -> date:
    """A day on which business is done, after today."""
    today = live.service.clock().astimezone(live.service.settings.zone).date()
    return today + timedelta(days=8 - today.weekday())


def fits(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


def test_a_batch_is_scheduled_changed_and_sent_now(browser: Browser, live: Live, address: str) -> None:
    draft_id = live.draft(ROWS)
    with person(browser, address, "sari") as page:
        page.goto(f"{address}/send/{draft_id}/confirm")
        expect(page.get_by_role("button", name="Send 4 mails")).to_be_visible()
        expect(page.frame_locator("iframe.mail").first.get_by_text("Orang 0")).to_be_visible()
        expect(page.frame_locator("iframe.mail").last.get_by_text("Orang 3")).to_be_visible()
        shoot(page, "30-confirm")
        page.get_by_label("Time", exact=True).fill("09:00")
        expect(page.locator("#reckoned")).to_contain_text("Choose the day as well")
        page.get_by_label("Day", exact=True).fill(a_tuesday(live).isoformat())
        page.get_by_label("Only in business hours").check()
        page.get_by_label("At most so many mails a minute").fill("120")
        expect(page.get_by_role("button", name="Schedule 4 mails")).to_be_visible()
        expect(page.locator("#reckoned")).to_contain_text("at most 120 a minute")
        shoot(page, "31-confirm-planned")
        page.get_by_role("button", name="Schedule 4 mails").click()
        expect(page.locator("#status")).to_contain_text("Scheduled for")
        expect(page.locator("#status")).to_contain_text("120 a minute")
        shoot(page, "32-scheduled")
        page.get_by_role("link", name="Change the time").click()
        page.get_by_label("Time", exact=True).fill("10:30")
        expect(page.locator("#reckoned")).to_contain_text("10:30")
        shoot(page, "33-change-the-time")
        page.get_by_role("button", name="Change the time").click()
        expect(page.locator("#status")).to_contain_text("10:30")
        page.get_by_role("link", name="Batches", exact=True).click()
        expect(page.get_by_text("Scheduled for").first).to_be_visible()
        shoot(page, "34-batches")
        page.get_by_role("link", name="Tagihan", exact=True).click()
        page.get_by_role("link", name="Send now").click()
        shoot(page, "35-send-now")
        page.get_by_role("button", name="Send 4 mails now").click()
        expect(page.locator("#status")).to_contain_text("Finished", timeout=30_000)
    live.agrees()
    assert len(live.sandbox.ledger()) == 4


def test_a_second_person_approves_or_returns(browser: Browser, live: Live, address: str) -> None:
    preferences.save(live.service.store, Preferences(approval_above=2), 1, live.service.clock())
    draft_id = live.draft(ROWS)
    with person(browser, address, "sari") as sari, person(browser, address, "adi", PHONE, dark=True) as adi:
        sari.goto(f"{address}/send/{draft_id}/confirm")
        expect(sari.get_by_role("button", name="Send 4 mails")).to_have_count(0)
        shoot(sari, "40-ask")
        sari.get_by_role("button", name="Ask for approval").click()
        expect(sari.get_by_text("Waits for a second person")).to_be_visible()
        shoot(sari, "41-asked")
        adi.goto(address)
        expect(adi.get_by_text("Sari asks you to approve 4 mails")).to_be_visible()
        fits(adi)
        shoot(adi, "42-overview-phone")
        adi.get_by_role("link", name="Look at it").click()
        adi.get_by_role("link", name="Next row").click()
        expect(adi.frame_locator("#arrival iframe").get_by_text("Orang 1")).to_be_visible()
        fits(adi)
        shoot(adi, "43-approve-phone")
        adi.get_by_label("Or return it").fill("Salah bulan")
        adi.get_by_role("button", name="Return").click()
        expect(adi.get_by_text("Sari sees your note")).to_be_visible()
        sari.goto(address)
        expect(sari.get_by_text("Salah bulan")).to_be_visible()
        shoot(sari, "44-returned")
        sari.get_by_role("link", name="Look at it").click()
        sari.get_by_role("button", name="Ask for approval").click()
        adi.goto(f"{address}/approvals/")
        shoot(adi, "45-approvals-phone")
        adi.get_by_role("link", name="Tagihan").click()
        adi.get_by_role("button", name="Approve and send 4 mails").click()
        expect(adi.locator("#status")).to_contain_text("Approved by Adi")
        fits(adi)
        expect(adi.locator("#status")).to_contain_text("Finished", timeout=30_000)
        shoot(adi, "46-approved-phone")
        adi.go_back()
    assert len(live.sandbox.ledger()) == 4


def test_without_javascript_the_plan_is_reckoned_by_a_button(
    browser: Browser, live: Live, address: str
) -> None:
    draft_id = live.draft(ROWS)
    with person(browser, address, "sari", PHONE, script=False) as page:
        page.goto(f"{address}/send/{draft_id}/confirm")
        fits(page)
        shoot(page, "50-confirm-phone")
        page.get_by_label("At most so many mails a minute").fill("1")
        page.get_by_role("button", name="Reckon again").click()
        expect(page.get_by_label("At most so many mails a minute")).to_have_value("1")
        expect(page.locator("#reckoned")).to_contain_text("in 3 min 0 s")
        page.get_by_label("Time", exact=True).fill("09:00")
        page.get_by_role("button", name="Reckon again").click()
        expect(page.locator("p.error").first).to_contain_text("Choose the day as well")
        fits(page)
        shoot(page, "51-confirm-phone-fault")
