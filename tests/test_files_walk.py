"""A test to oneself, then a zip with a file for each row, in a real browser: each mail arrives with its own file."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import PHONE, chromium, shoot, tab
from tests.sandbox_server import Sandbox, running_sandbox
from tests.test_unsubscribe_walk import open_mailroom, sign_in

LIST = (
    "email;nama;total;lampiran\n"
    "siti@contoh.id;Ibu Siti;Rp 1.250.000;tagihan-001.pdf\n"
    "joko@contoh.id;Bapak Joko;Rp 700.000;tagihan-002.pdf\n"
    "wati@contoh.id;Ibu Wati;Rp 50.000;tagihan-003.pdf\n"
    "budi@contoh.id;Bapak Budi;Rp 9.000;tagihan-004.pdf\n"
)
FILES = {f"tagihan-{n:03}.pdf": b"%PDF-1.4 tagihan nomor " + str(n).encode() * 40_000 for n in (1, 2, 3, 9)}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        sandbox.faults(life_delivered_after=0.1, life_opened_after=0.2)
        yield sandbox


def chosen(page: Page, home: str) -> None:
    """The send form, filled with the list and the zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in FILES.items():
            archive.writestr("tagihan/" + name, content)
    page.goto(home + "/send/?template=1")
    page.get_by_text("One file for each row").click()
    page.get_by_label("Zip with the files").set_input_files(
        {"name": "tagihan.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    )
    page.get_by_label("List file").set_input_files(
        {"name": "pelanggan.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    )


def test_each_row_gets_its_own_file_after_a_test_to_oneself(sandbox: Sandbox, tmp_path: Path) -> None:
    with open_mailroom(tmp_path / "data", sandbox) as (live, home), chromium() as browser:
        with tab(browser) as page:
            sign_in(page, home, "sari")
            chosen(page, home)
            shoot(page, "60-files-form")
            page.get_by_role("button", name="Check the list").click()
            check(page)
            a_test_to_me(page, sandbox)
            send(page)
            arrived(sandbox)
            prove(page)
            from_the_editor(page, home)
            assert live.rows("SELECT count(*) FROM batches WHERE kind = 'test'") == [(2,)]
            on_a_phone(browser, page, home)
        live.agrees()


def check(page: Page) -> None:
    expect(page.get_by_text("No file called “tagihan-004.pdf” in the zip")).to_be_visible()
    page.get_by_text("1 of 4 files in the zip is named by no row").click()
    expect(page.get_by_text("tagihan/tagihan-009.pdf")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#arrival").get_by_role("link", name="tagihan-001.pdf").click()
    assert download.value.path().read_bytes() == FILES["tagihan-001.pdf"]
    page.get_by_label("Next row").click()
    expect(page.locator("#arrival").get_by_role("link", name="tagihan-002.pdf")).to_be_visible()
    shoot(page, "61-files-check")


def a_test_to_me(page: Page, sandbox: Sandbox) -> None:
    page.get_by_role("button", name="Send a test to me").click()
    expect(page.get_by_text("Test on its way to sari@contoh.id.")).to_be_visible()
    expect(page.locator("#arrival")).to_contain_text("joko@contoh.id")
    shoot(page, "62-test-sent")
    page.get_by_role("link", name="See what becomes of it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Test")
    expect(page.locator("#status")).to_contain_text("Finished")
    shoot(page, "63-test-batch")
    (entry,) = sandbox.ledger()
    assert (entry["email"], entry["subject"]) == ("sari@contoh.id", "[Test] Tagihan Bapak Joko")
    assert entry["attachment_sha256"] == hashlib.sha256(FILES["tagihan-002.pdf"]).hexdigest()
    page.go_back()


def send(page: Page) -> None:
    page.get_by_role("link", name="Continue with the 3 good rows").click()
    expect(page.get_by_text("3 mails have files of their own")).to_be_visible()
    shoot(page, "64-files-confirm")
    page.get_by_role("button", name="Send 3 mails").click()
    expect(page.locator("#status")).to_contain_text("Finished")


def arrived(sandbox: Sandbox) -> None:
    got = {entry["email"]: entry["attachment_sha256"] for entry in sandbox.ledger()}
    del got["sari@contoh.id"]
    for n, name in enumerate(("siti", "joko", "wati"), 1):
        assert got.pop(f"{name}@contoh.id") == hashlib.sha256(FILES[f"tagihan-{n:03}.pdf"]).hexdigest()
    assert got == {}


def prove(page: Page) -> None:
    page.get_by_role("link", name="wati@contoh.id").click()
    expect(page.get_by_text("Exactly as sent")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="tagihan-003.pdf").click()
    assert download.value.path().read_bytes() == FILES["tagihan-003.pdf"]
    shoot(page, "65-files-mail")
    page.get_by_role("link", name="Overview").click()
    # Three of a list and one test: only the list counts.
    expect(page.locator(".stat", has_text="Handed over").locator("b")).to_have_text("3")
    shoot(page, "66-overview-with-a-test")


def from_the_editor(page: Page, home: str) -> None:
    page.goto(home + "/templates/1/edit")
    page.locator("#fields").get_by_label("nama").fill("Ibu Dewi")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Send a test to me").click()
    test = opened.value
    expect(test.get_by_label("nama")).to_have_value("Ibu Dewi")
    test.get_by_role("button", name="Send the test").click()
    expect(test.locator("#f-sample-total-error")).to_be_visible()
    shoot(test, "67-test-of-a-template")
    test.get_by_label("total").fill("Rp 5")
    test.get_by_role("button", name="Send the test").click()
    expect(test.get_by_text("Test on its way to sari@contoh.id.")).to_be_visible()
    test.close()
    expect(page.locator("#fields").get_by_label("nama")).to_have_value("Ibu Dewi")


def on_a_phone(browser: Browser, desk: Page, home: str) -> None:
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]},
        storage_state=desk.context.storage_state(),
        color_scheme="dark",
    )
    page = context.new_page()
    chosen(page, home)
    shoot(page, "68-phone-files-form")
    page.get_by_role("button", name="Check the list").click()
    page.get_by_text("files in the zip is named by no row").click()
    for name in ("check", "confirm", "test", "mail"):
        if name == "confirm":
            page.get_by_role("link", name="Continue with the 3 good rows").click()
        elif name != "check":
            page.goto(home + {"test": "/test/template/1", "mail": "/history/1"}[name])
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} scrolls sideways by {wide} px"
        shoot(page, f"69-phone-files-{name}")
    context.close()
