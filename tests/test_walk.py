"""The whole way in a real browser: from the set-up link to opened mails, as somebody who reads nothing would go."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import PHONE, chromium, running_dashboard, shoot, tab
from tests.sandbox_server import Sandbox, running_sandbox

ROWS = 200
ATTACHMENT = b"%PDF-1.4\nTagihan November\n"
HTML = """<table role="presentation" width="100%"><tr><td style="padding:24px;font-family:sans-serif">
<p>Yth. <b>{{ nama }}</b>,</p><p>Tagihan Anda bulan ini sebesar <b>{{ total }}</b>.</p></td></tr></table>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "25") as sandbox:
        sandbox.faults(life_delivered_after=1, life_opened_after=2)
        yield sandbox


def csv() -> bytes:
    """200 rows with a semicolon, as Excel in Indonesia saves them; some addresses that play a part."""
    parts = ["delivered@sandbox.test", "opened@sandbox.test", "bounced@sandbox.test"]
    addresses = parts + [f"pelanggan{n}@contoh.id" for n in range(ROWS - len(parts))]
    rows = [f"{address};Pelanggan {n};Rp {n}.000" for n, address in enumerate(addresses, 1)]
    return "\r\n".join(["Email;Nama;Total", *rows]).encode("utf-8-sig")


def test_from_the_set_up_link_to_opened_mails(browser: Browser, sandbox: Sandbox, tmp_path: Path) -> None:
    with running_dashboard(tmp_path / "data", sandbox) as link, tab(browser) as page:
        set_up(page, link)
        upload_token(page, sandbox, tmp_path)
        add_sender(page)
        write_template(page)
        send_list(page, tmp_path)
        watch(page)
        open_one(page)
        look_around_on_a_phone(browser, page)
        agree(sandbox)


def set_up(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Sari")
    page.get_by_label("Email address").fill("sari@contoh.id")
    page.get_by_label("Password").fill("kereta api malam")
    shoot(page, "01-set-up")
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_text("Sandbox:")).to_be_visible()
    shoot(page, "02-before-the-first-mail")


def upload_token(page: Page, sandbox: Sandbox, folder: Path) -> None:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/")
    page.get_by_role("link", name="Upload a token").click()
    file = folder / "oca-email-token.txt"
    file.write_text("\ufeff" + sandbox.token() + "\r\n")
    page.get_by_label("Name").fill("Utama")
    page.get_by_label("Token file").set_input_files(file)
    shoot(page, "03-token")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text("Works").first).to_be_visible()
    assert sandbox.token()[:20] not in page.content()
    shoot(page, "04-gateway")


def add_sender(page: Page) -> None:
    page.get_by_role("link", name="Add a sender").first.click()
    page.get_by_label("Name").fill("Tim Tagihan")
    page.get_by_label("Email address").fill("tagihan@contoh.id")
    page.get_by_role("button", name="Add the sender").click()
    expect(page.get_by_text("tagihan@contoh.id").first).to_be_visible()


def write_template(page: Page) -> None:
    page.get_by_role("link", name="Templates").click()
    page.get_by_role("link", name="Write the first one").click()
    page.get_by_role("link", name="In HTML").click()
    page.get_by_label("Name", exact=False).first.fill("Tagihan bulanan")
    page.get_by_label("Subject").fill("Tagihan untuk {{ nama }}")
    page.get_by_label("Mail, as HTML").fill(HTML)
    fields = page.locator("#fields")
    expect(fields.get_by_text("total")).to_be_visible()
    fields.get_by_label("nama").fill("Ibu Siti")
    expect(page.locator("#preview")).to_contain_text("Tagihan untuk Ibu Siti")
    shoot(page, "05-template")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("version 1", exact=False).first).to_be_visible()


def send_list(page: Page, folder: Path) -> None:
    list_file, attachment = folder / "pelanggan.csv", folder / "tagihan.pdf"
    list_file.write_bytes(csv())
    attachment.write_bytes(ATTACHMENT)
    page.get_by_role("link", name="Send", exact=True).click()
    page.get_by_label("Attachment").set_input_files(attachment)
    page.get_by_label("List file").set_input_files(list_file)
    shoot(page, "06-send")
    page.get_by_role("button", name="Check the list").click()
    expect(page.get_by_role("heading", name="Check before sending")).to_be_visible()
    arrival = page.frame_locator("iframe.mail")
    expect(arrival.get_by_text("Pelanggan 1", exact=True)).to_be_visible()
    shoot(page, "07-check")
    page.get_by_role("link", name=f"Continue with {ROWS} mails").click()
    shoot(page, "08-confirm")
    page.get_by_role("button", name=f"Send {ROWS} mails").click()


def watch(page: Page) -> None:
    expect(page.locator("#status")).to_contain_text("Running")
    expect(page.locator("#status a", has_text="Opened").locator("b")).not_to_have_text("0", timeout=60_000)
    shoot(page, "09-batch-running", whole=False)
    # Nobody touches the page: it gets to its end by itself.
    expect(page.locator("#status")).to_contain_text("Finished", timeout=60_000)
    expect(page.locator("#status")).to_contain_text("100 %")
    expect(page.locator("#status .counts").get_by_text("Opened")).to_be_visible()
    expect(page.locator("#status a", has_text="Not delivered").locator("b")).not_to_have_text(
        "0", timeout=60_000
    )
    shoot(page, "10-batch-finished")


def open_one(page: Page) -> None:
    page.get_by_role("link", name="opened@sandbox.test").click()
    expect(page.get_by_text("Handed to the gateway at")).to_be_visible()
    expect(page.get_by_text("Exactly as sent")).to_be_visible()
    mail = page.frame_locator("iframe.mail")
    expect(mail.get_by_text("Pelanggan 2", exact=True)).to_be_visible()
    shoot(page, "11-mail")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("status").or_(page.locator(".note")).first).to_be_visible()
    page.get_by_role("link", name="Older mails").click()
    expect(page.locator("#list .rows > li")).not_to_have_count(51)
    shoot(page, "12-history-older")
    page.get_by_role("link", name="Not delivered").first.click()
    expect(page.locator("#list .rows > li").first).to_contain_text("Not delivered")
    page.get_by_role("link", name="Overview").click()
    shoot(page, "13-overview")


def look_around_on_a_phone(browser: Browser, page: Page) -> None:
    state = page.context.storage_state()
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, storage_state=state, color_scheme="dark"
    )
    phone = context.new_page()
    origin = page.evaluate("location.origin")
    for name, path in {
        "overview": "/",
        "batch": "/batches/1",
        "history": "/history/",
        "mail": "/history/2",
    }.items():
        phone.goto(origin + path)
        wide = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide} px"
        shoot(phone, f"20-phone-{name}")
    context.close()


def agree(sandbox: Sandbox) -> None:
    ledger = sandbox.ledger()
    assert len(ledger) == ROWS
    assert len({entry["email"] for entry in ledger}) == ROWS
    assert {entry["attachment_sha256"] for entry in ledger} == {hashlib.sha256(ATTACHMENT).hexdigest()}
    body = HTML.replace("{{ nama }}", "Pelanggan 2").replace("{{ total }}", "Rp 2.000")
    [opened] = [entry for entry in ledger if entry["email"] == "opened@sandbox.test"]
    assert opened["body_sha256"] == hashlib.sha256(body.encode()).hexdigest()
    assert opened["subject"] == "Tagihan untuk Pelanggan 2"
