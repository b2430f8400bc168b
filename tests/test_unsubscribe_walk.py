"""From the link in a mail to the next batch that leaves its reader out, in a real browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, Page, expect

from app import create_app
from deploy.demo import free_port
from mailroom import batches, email_templates, suppressions
from mailroom.service import open_service
from mailroom.settings import Settings
from tests.browser import PHONE, chromium, shoot, tab
from tests.house import CAST
from tests.live import Live, prepare
from tests.sandbox_server import Sandbox, running_sandbox

MAIL = """<div style="font-family:sans-serif;padding:24px"><p>Halo {{ nama }}, ada promo untuk Anda.</p>
<p><small><a href="{{ unsubscribe_url }}">Berhenti berlangganan</a></small></p></div>"""


@contextmanager
def open_mailroom(folder: Path, sandbox: Sandbox) -> Iterator[tuple[Live, str]]:
    """A mailroom that sends and has its pages open, and the address of these."""
    port = free_port(0)
    service = open_service(Settings(gateway_url=sandbox.url, sandbox=True, data=folder, port=port))
    prepare(service, sandbox)
    version = email_templates.save(
        service.store, None, "Promo", "Promo untuk {{ nama }}", MAIL, 1, service.clock(), marketing=True
    )
    server = waitress.create_server(create_app(service), host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    service.start()
    try:
        yield Live(service, sandbox, version), service.settings.public_url
    finally:
        server.close()
        thread.join()
        service.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        sandbox.faults(life_delivered_after=0.1, life_opened_after=0.2)
        yield sandbox


def sign_in(page: Page, home: str, person: str) -> None:
    page.goto(home + "/sign-in")
    page.get_by_label("Email address").fill(CAST[person].email)
    page.get_by_label("Password").fill(CAST[person].password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Do not mail")).to_be_visible()


def link_in_the_mail(page: Page, sandbox: Sandbox, email: str) -> str:
    """Where the link leads in the mail that arrived for the address."""
    page.goto(sandbox.url)
    page.get_by_role("link", name=email).first.click()
    mail = page.frame_locator("iframe")
    return mail.get_by_role("link", name="Berhenti berlangganan").get_attribute("href") or ""


def no_sideways(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


def test_who_unsubscribes_gets_no_more_mail(browser: Browser, sandbox: Sandbox, tmp_path: Path) -> None:
    with open_mailroom(tmp_path / "data", sandbox) as (live, home):
        rows = "email,nama\nsiti@contoh.id,Siti\nbudi@contoh.id,Budi\nbounced@sandbox.test,Hilang"
        live.wait_handed_over(live.queue(rows, name="Promo November"))
        with tab(browser) as page:
            link = link_in_the_mail(page, sandbox, "siti@contoh.id")
        assert link.startswith(home + "/u/")
        # The next batch is prepared, checked, and queued only after Siti has pressed the button.
        draft_id = live.draft(rows, name="Promo Desember")
        unsubscribe(browser, link)
        assert suppressions.counts(live.service.store) == {"unsubscribed": 1}
        now = live.service.clock()
        second = live.wait_handed_over(
            batches.queue(live.service.store, draft_id, 2, now, links=live.service.links)
        )
        assert second.counts["skipped"] == 1
        assert sum(entry["email"] == "siti@contoh.id" for entry in sandbox.ledger()) == 1
        with tab(browser) as page:
            sign_in(page, home, "adi")
            what_the_team_sees(page, home, second.id)
            work_with_the_list(page, home)
            settle_preferences(page)
        on_a_phone(browser, home, second.id)


def unsubscribe(browser: Browser, link: str) -> None:
    """As Siti does on her phone, in the dark, without JavaScript: stop, take it back, and stop after all."""
    with tab(browser, PHONE, dark=True, script=False) as page:
        page.goto(link)
        expect(page.get_by_role("heading", name="Berhenti menerima email?")).to_be_visible()
        shoot(page, "50-unsubscribe-phone-dark")
        no_sideways(page)
        page.get_by_role("button", name="Stop the mails").click()
        expect(page.get_by_role("heading", name="Anda tidak menerima email lagi")).to_be_visible()
        shoot(page, "51-unsubscribed-phone-dark")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("Undone")).to_be_visible()
        shoot(page, "52-undone-phone-dark")
        page.get_by_role("button", name="Stop the mails").click()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        # Going back shows what holds now, not what was asked before.
        page.go_back()
        expect(page.get_by_role("heading", name="Anda tidak menerima email lagi")).to_be_visible()


def what_the_team_sees(page: Page, home: str, batch_id: int) -> None:
    page.goto(f"{home}/batches/{batch_id}")
    expect(page.get_by_text("1 mail was skipped: its address is on the do-not-mail list.")).to_be_visible()
    expect(page.locator("#status")).to_contain_text(
        "Put the failed addresses on the do-not-mail list", timeout=30_000
    )
    shoot(page, "53-batch-with-skipped")
    page.locator("#mails").get_by_role("link", name="siti@contoh.id").click()
    expect(page.get_by_text("the recipient asked not to get mail").first).to_be_visible()
    shoot(page, "54-skipped-mail")
    page.goto(f"{home}/batches/{batch_id}")
    page.get_by_role("link", name="Put the failed addresses on the do-not-mail list").click()
    shoot(page, "55-failed-addresses")
    page.get_by_role("button", name="Put 1 address on the list").click()
    expect(page.get_by_text("1 address is on the do-not-mail list now.")).to_be_visible()


def work_with_the_list(page: Page, home: str) -> None:
    page.get_by_role("link", name="Do not mail", exact=True).click()
    page.get_by_role("link", name="Add addresses").click()
    page.get_by_label("Addresses").fill("joko@contoh.id\nwati@\nagus@gmial.com")
    page.get_by_label("Note").fill("diminta lewat telepon")
    page.get_by_role("button", name="Put them on the list").click()
    expect(page.get_by_text("2 addresses added.")).to_be_visible()
    shoot(page, "56-add-with-a-bad-one")
    page.get_by_label("Addresses").fill("wati@contoh.id")
    page.get_by_role("button", name="Put them on the list").click()
    expect(page.locator("#list tbody tr")).to_have_count(5)
    shoot(page, "57-do-not-mail")
    # Found as it is typed; the address of the page says what is shown, and going back shows all again.
    page.get_by_role("searchbox").press_sequentially("jo")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page).to_have_url(f"{home}/do-not-mail/?q=jo")
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_text("Note: “diminta lewat telepon”")).to_be_visible()
    page.get_by_role("button", name="Take it off the list").click()
    expect(page.get_by_text("joko@contoh.id gets mail again.")).to_be_visible()
    page.get_by_role("link", name="Unsubscribed 1").click()
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_text("They asked not to get mail")).to_be_visible()
    shoot(page, "58-remove-who-unsubscribed")
    page.get_by_role("link", name="Keep it on the list").click()


def settle_preferences(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("A second person approves").fill("500")
    page.get_by_label("To", exact=True).fill("07:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Business hours end after they begin.")).to_be_visible()
    shoot(page, "59-settings-fault")
    page.get_by_label("To", exact=True).fill("16:30")
    page.get_by_label("Saturday").check()
    page.get_by_label("Put an address on the list as soon as").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Last changed by Adi")).to_be_visible()
    shoot(page, "60-settings")


def on_a_phone(browser: Browser, home: str, batch_id: int) -> None:
    with tab(browser, (360, 740), dark=True) as page:
        sign_in(page, home, "adi")
        for name, path in {
            "list": "/do-not-mail/",
            "add": "/do-not-mail/add",
            "import": "/do-not-mail/import",
            "remove": "/do-not-mail/remove?email=siti@contoh.id",
            "settings": "/settings/",
            "batch": f"/batches/{batch_id}",
        }.items():
            page.goto(home + path)
            no_sideways(page)
            shoot(page, f"61-phone-{name}")
