"""The template editor in a real browser: typing, colours, notes, real rows, dark and phone; the console stays empty."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from mailroom import email_templates
from mailroom.email_templates import Version
from mailroom.service import Service
from tests.browser import PHONE, chromium, tab
from tests.house import CAST
from tests.records import NOON, add_batch

HTML = "<p style='color: #010203'>Yth. {{ nama }}, tagihan Anda {{ total }}.</p>"
# Each field, comment and tag in its colour, and every line as it was typed.
LAYER = (
    "document.querySelector('.code-layer').textContent === document.querySelector('#f-html').value + '\\n'"
)


@pytest.fixture
def saved(service: Service) -> Version:
    return email_templates.save(service.store, None, "Tagihan bulanan", "Tagihan {{ nama }}", HTML, 2, NOON)


@pytest.fixture(scope="module")
def desk() -> Iterator[Chromium]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the application answers on a socket."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join()


def sign_in(page: Page, address: str) -> None:
    page.goto(address + "/sign-in")
    page.locator("[name=email]").fill(CAST["sari"].email)
    page.locator("[name=password]").fill(CAST["sari"].password)
    page.locator("main button.main").click()
    page.wait_for_url(address + "/")


def focused(page: Page) -> object:
    return page.evaluate("document.activeElement.id")


def test_preview_and_fields_follow_the_typing_and_nothing_typed_is_lost(desk: Chromium, address: str) -> None:
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(address + "/templates/new/html")
        steps = page.evaluate("history.length")
        mail, subject = page.frame_locator("iframe.mail"), page.locator("#arriving-subject")
        page.locator("#f-sample-nama").press_sequentially("Siti Aminah", delay=20)
        expect(subject).to_have_text("Subject Tagihan untuk Siti Aminah")
        expect(mail.locator("b").first).to_have_text("Siti Aminah")
        assert focused(page) == "f-sample-nama"

        page.locator("#f-html").press("Control+End")
        page.keyboard.type("{{ tanggal")
        expect(page.locator("#preview .note")).to_contain_text("never closed")
        expect(page.locator("#fields label")).to_have_text(["nama", "total"])
        page.keyboard.type(" }}")
        expect(page.locator("#fields label")).to_have_text(["nama", "total", "tanggal"])
        assert focused(page) == "f-html"
        expect(page.locator("#f-sample-nama")).to_have_value("Siti Aminah")

        # The mail is the same, so its frame is, too, and keeps its place.
        page.evaluate("document.querySelector('iframe.mail').mark = 1")
        page.locator("#f-subject").fill("Tagihan November")
        expect(subject).to_have_text("Subject Tagihan November")
        assert page.evaluate("document.querySelector('iframe.mail').mark") == 1
        assert page.evaluate("history.length") == steps

        page.locator("#f-name").fill("Tagihan bulanan")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved as version 1.")).to_be_visible()


def test_a_mail_keeps_its_styles_in_the_frame(desk: Chromium, address: str, saved: Version) -> None:
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(f"{address}/templates/{saved.template_id}")
        expect(page.frame_locator("iframe.mail").locator("p")).to_have_css("color", "rgb(1, 2, 3)")


def test_a_hostile_mail_runs_nothing_fetches_nothing_and_goes_nowhere(
    desk: Chromium, address: str, service: Service
) -> None:
    html = (
        "<script>top.document.title = 'x'; parent.location = '/'</script><img src=y onerror=\"top.name = 'x'\">"
        f"<img src='{address}/static/favicon.svg?seen'><link rel=stylesheet href='{address}/static/mailroom.css?seen'>"
        "<meta http-equiv=refresh content='0;url=/templates/'><form action=/sign-out method=post><button>b</button>"
        "</form><a href='https://contoh.id/'>tautan</a><a target=_top href='/sign-out'>atas</a>"
        '<iframe srcdoc="&lt;script&gt;top.name = parent.name = 1&lt;/script&gt;&lt;p&gt;dalam&lt;/p&gt;"></iframe>'
        "<p>akhir</p>"
    )
    template = email_templates.save(service.store, None, "Jahat", "x", html, 2, NOON)
    # No `tab` here: Chromium itself writes into the console what it did not let the mail do.
    page = desk.new_context().new_page()
    sign_in(page, address)
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))
    page.goto(f"{address}/templates/{template.template_id}")
    mail = page.frame_locator("iframe.mail")
    mail.get_by_text("tautan").click()
    mail.get_by_text("atas").click()
    mail.get_by_role("button").click()
    expect(mail.get_by_text("akhir")).to_be_visible()
    assert [url for url in answered if "seen" in url or url.endswith("/y")] == []
    assert page.title() == "Jahat · Mailroom"
    assert page.evaluate("window.name") == ""
    assert [re.sub(r"\w{32}", "*", one.url.removeprefix(address)) for one in page.frames] == [
        f"/templates/{template.template_id}",
        "/templates/preview/*",
        "about:srcdoc",
    ]
    # A frame inside the mail is as poor as the mail itself.
    expect(mail.frame_locator("iframe").get_by_text("dalam")).to_be_visible()
    assert page.frames[2].evaluate("self.origin") == "null"
    assert len(page.context.pages) == 1
    page.context.close()


def test_the_preview_button_is_there_without_javascript_only(desk: Chromium, address: str) -> None:
    with tab(desk, script=False) as page:
        sign_in(page, address)
        page.goto(address + "/templates/new/html")
        page.locator("#f-html").fill("<p>{{ baru }}</p>")
        page.locator("button[formaction]").click()
        expect(page.locator("#fields label")).to_have_text(["nama", "baru"])
        expect(page.frame_locator("iframe.mail").locator("p")).to_have_text("‹baru›")
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(address + "/templates/new/html")
        expect(page.locator("button[formaction]")).to_have_count(0)


def test_the_coloured_layer_follows_typing_undo_and_tab_and_the_keyboard_is_never_trapped(
    desk: Chromium, address: str
) -> None:
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(address + "/templates/new/html")
        box = page.locator("#f-html")
        before = box.input_value()
        assert page.evaluate(LAYER)
        expect(page.locator(".code-place").first).to_have_text("{{ nama }}")
        box.press("Control+Home")
        page.keyboard.type("<!--")
        # An open comment colours all that follows, and closing it gives the colours back.
        expect(page.locator(".code-place")).to_have_count(0)
        page.keyboard.type(" 漢字 🎉 -->\n")
        expect(page.locator(".code-place").first).to_have_text("{{ nama }}")
        expect(page.locator(".code-comment").first).to_have_text("<!--")
        page.keyboard.press("Tab")
        page.keyboard.type("x")
        assert box.input_value().startswith("<!-- 漢字 🎉 -->\n  x<!doctype")
        assert page.evaluate(LAYER)
        for _ in range(30):
            page.keyboard.press("Control+z")
        assert box.input_value() == before
        assert page.evaluate(LAYER)
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent").strip() == "Save"
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        assert focused(page) == "f-subject"


def test_layer_and_text_box_scroll_together_with_long_and_many_lines(desk: Chromium, address: str) -> None:
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(address + "/templates/new/html")
        box = page.locator("#f-html")
        lines = ["<td>" + "panjang " * 80, *["\t{{ nama }}"] * 2999]
        typed = "(e, text) => { e.value = text; e.dispatchEvent(new Event('input', { bubbles: true })) }"
        box.evaluate(typed, "\n".join(lines[::-1]))
        assert page.evaluate(LAYER)
        box.press("Control+End")
        both = "document.querySelectorAll('#f-html, .code-layer')"
        places = f"[...{both}].map(one => [one.scrollTop, one.scrollLeft])"
        page.wait_for_function(
            f"() => {{ const [a, b] = {places}; return a[0] > 9000 && a[1] > 900 && String(a) === String(b) }}"
        )
        expect(page.locator(".code-numbers")).to_contain_text("3000")


def test_a_note_leads_to_its_line_and_goes_when_it_is_mended(
    desk: Chromium, address: str, saved: Version
) -> None:
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(f"{address}/templates/{saved.template_id}/edit")
        expect(page.locator("#notes")).to_contain_text("Nothing to mend.")
        box = page.locator("#f-html")
        box.press("Control+End")
        page.keyboard.type("\n<b>{nama}</b>")
        note = page.locator("#notes").get_by_role("link", name="Line 2")
        expect(note).to_be_visible()
        box.press("Control+Home")
        note.click()
        assert focused(page) == "f-html"
        assert box.evaluate("e => e.value.slice(e.selectionStart, e.selectionEnd)") == "<b>{nama}</b>"
        page.keyboard.type("<b>{{ nama }}</b>")
        expect(page.locator("#notes")).to_contain_text("Nothing to mend.")


def test_a_real_row_phone_and_dark_survive_the_next_keystroke(
    desk: Chromium, address: str, service: Service
) -> None:
    style = "p{color:rgb(1,1,1)}@media (prefers-color-scheme: dark){p{color:rgb(9,9,9)!important}}"
    dark = f"<style>{style}</style><p>{{{{ nama }}}}</p>"
    template = email_templates.save(service.store, None, "Gelap", "Untuk {{ nama }}", dark, 2, NOON)
    add_batch(service.store, ["siti@contoh.id", "joko@contoh.id"])
    # Not `tab`: what Playwright says about dark and light would hold for the frame, too.
    with closing(desk.new_context(color_scheme="null", viewport={"width": 1440, "height": 900})) as context:
        look_at_a_row(context.new_page(), f"{address}/templates/{template.template_id}/edit")


def look_at_a_row(page: Page, editor: str) -> None:
    sign_in(page, editor.partition("/templates")[0])
    page.goto(editor)
    page.get_by_label("Filled with").select_option(label="The last batch: Tagihan")
    expect(page.locator("#preview")).to_contain_text("Row 2 · siti@contoh.id")
    page.get_by_role("button", name="Next row").click()
    expect(page.locator("#preview")).to_contain_text("Row 3 · joko@contoh.id")
    mail = page.frame_locator("iframe.mail").locator("p")
    expect(mail).to_have_css("color", "rgb(1, 1, 1)")
    page.get_by_label("Phone").check()
    page.get_by_label("Dark").check()
    expect(mail).to_have_css("color", "rgb(9, 9, 9)")
    expect(page.locator("iframe.mail")).to_have_css("width", "360px")
    page.locator("#f-subject").press("End")
    page.keyboard.type(" baru")
    expect(page.locator("#arriving-subject")).to_have_text("Subject Untuk Joko baru")
    expect(page.locator("#preview")).to_contain_text("Row 3 · joko@contoh.id")
    expect(mail).to_have_css("color", "rgb(9, 9, 9)")
    expect(page.locator("iframe.mail")).to_have_css("width", "360px")


def test_from_the_gallery_to_a_second_version_compared_brought_back_exported_and_imported(
    desk: Chromium, address: str, tmp_path: Path
) -> None:
    with tab(desk) as page:
        sign_in(page, address)
        page.goto(address + "/templates/new")
        expect(page.frame_locator(".gallery iframe >> nth=0").get_by_text("Bayar sekarang")).to_be_attached()
        page.get_by_role("link", name="Tagihan").click()
        expect(page.frame_locator("iframe.mail").get_by_text("Bayar sekarang")).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved as version 1.")).to_be_visible()
        page.locator("#f-subject").fill("Tagihan baru {{ nomor }}")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="What changed").click()
        expect(page.locator(".added")).to_have_text(re.compile(r"\+\s*Subject: Tagihan baru"))
        page.get_by_role("link", name="Back").click()
        page.get_by_role("link", name="Version 1").click()
        page.get_by_role("button", name="Bring this version back").click()
        expect(page.get_by_text("Saved as version 3.")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Export").click()
        download.value.save_as(tmp_path / "tagihan.txt")
        page.goto(address + "/templates/new")
        page.get_by_label("Template file").set_input_files(tmp_path / "tagihan.txt")
        page.get_by_role("button", name="Look at it").click()
        expect(page.locator("#f-name")).to_have_value("Tagihan 2")
        expect(page.frame_locator("iframe.mail").locator("body")).to_contain_text("Tagihan ‹nomor›")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved as version 1.")).to_be_visible()


def test_the_template_pages_fit_a_phone(desk: Chromium, address: str, saved: Version) -> None:
    with tab(desk, size=(360, PHONE[1]), dark=True) as page:
        sign_in(page, address)
        for path in ("new", "new/event-id", f"{saved.template_id}/edit", f"{saved.template_id}/compare"):
            page.goto(f"{address}/templates/{path}")
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, path
