"""The report by mail in Chromium: chosen, tried out, and read in the sandbox's inbox."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import waitress
from playwright.sync_api import Page, expect

from app import create_app
from tests.browser import DESK, PHONE, chromium, shoot, tab
from tests.house import CAST
from tests.live import Live, live_mailroom
from tests.sandbox_server import running_sandbox
from tests.test_report_mail import happen

NARROW = (360, 800)


@contextmanager
def open_mailroom(folder: Path) -> Iterator[tuple[Live, str]]:
    with running_sandbox("--limit", "0") as sandbox, live_mailroom(folder, sandbox, start=False) as live:
        server = waitress.create_server(create_app(live.service), host="127.0.0.1", port=0, threads=4)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield live, f"http://127.0.0.1:{server.effective_port}"
        finally:
            server.close()
            thread.join()


def sign_in(page: Page, home: str) -> None:
    page.goto(home + "/sign-in")
    page.get_by_label("Email address").fill(CAST["adi"].email)
    page.get_by_label("Password").fill(CAST["adi"].password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_an_admin_chooses_tries_and_the_report_reads_well_where_it_arrives(tmp_path: Path) -> None:
    with open_mailroom(tmp_path / "data") as (live, home), chromium() as browser:
        happen(live, live.service.clock() - timedelta(days=7), delivered=5, failed=2)
        live.service.start()
        with tab(browser, DESK) as page:
            sign_in(page, home)
            page.get_by_role("link", name="Settings").click()
            page.get_by_role("link", name="Who gets it, and when").click()
            page.get_by_label("Every week").check()
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_text("Tick at least one person")).to_be_visible()
            expect(page.get_by_label("Every week")).to_be_checked()
            page.get_by_label("Vino").check()
            page.get_by_label("From").select_option(label="Tim Tagihan · tagihan@contoh.id")
            page.get_by_label("Token").select_option("Utama")
            page.get_by_label("Language of the mail").select_option("English")
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_text("Saved.")).to_be_visible()
            expect(
                page.frame_locator("iframe").get_by_text("were handed over to the gateway")
            ).to_be_visible()
            page.get_by_role("button", name="Send me one now").click()
            expect(page.get_by_text("on its way to adi@contoh.id")).to_be_visible()
            shoot(page, "report-mail")
        live.wait(lambda: live.sandbox.ledger())
        with tab(browser, NARROW) as page:
            page.goto(live.sandbox.url)
            page.get_by_role("link").filter(has_text="[Test] Delivery report").click()
            mail = page.frame_locator("iframe")
            expect(mail.get_by_role("heading", level=1)).to_be_visible()
            expect(mail.get_by_text("7 mails were handed over to the gateway")).to_be_visible()
            expect(mail.get_by_role("link", name="Open the report")).to_be_visible()
            assert mail.locator("html").evaluate("e => e.scrollWidth <= e.clientWidth")
            shoot(page, "report-mail-inbox")
        with tab(browser, PHONE, dark=True) as page:
            sign_in(page, home)
            page.goto(home + "/reports/mail/")
            assert fits(page)
            shoot(page, "report-mail-phone")
            page.goto(home + "/batches/")
            row = page.locator("tr").filter(has_text="Delivery report").first
            name, state = row.locator("td").first.bounding_box(), row.locator("td").last.bounding_box()
            assert name
            assert state
            assert name["x"] + name["width"] <= state["x"]
