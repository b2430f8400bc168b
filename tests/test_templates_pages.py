"""The template pages: list, editor with live preview, versions, removing; and the frame a mail is shown in."""

import re
import threading
from collections.abc import Callable, Iterator

import pytest
import waitress
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from werkzeug.test import TestResponse

from mailroom import email_templates
from mailroom.email_templates import Version
from mailroom.service import Service
from tests.browser import chromium, tab
from tests.house import CAST, Browser
from tests.records import NOON, add_batch
from views.mail_frame import Previews, mail_page

HTML = "<p style='color: #010203'>Yth. {{ nama }}, tagihan Anda {{ total }}.</p>"


@pytest.fixture
def sari(client: Callable[[str], Browser]) -> Browser:
    return client("sari")


@pytest.fixture
def saved(service: Service) -> Version:
    return email_templates.save(service.store, None, "Tagihan bulanan", "Tagihan {{ nama }}", HTML, 2, NOON)


def post_save(browser: Browser, url: str = "/templates/", **typed: object) -> TestResponse:
    form = {"name": "Undangan", "subject": "Undangan rapat", "html": "<p>Halo</p>", **typed}
    return browser.post_form(url, form)


def frame(browser: Browser, answer: TestResponse) -> TestResponse:
    """The mail in the frame of a page."""
    found = re.search(r'<iframe[^>]* sandbox src="([^"]+)"', answer.text)
    assert found, answer.text
    return browser.get(found.group(1))


# ---- List ----


def test_an_empty_list_leads_a_sender_to_the_first_template_and_a_viewer_nowhere(
    client: Callable[[str], Browser],
) -> None:
    assert "/templates/new" in client("sari").get("/templates/").text
    assert "/templates/new" not in client("vino").get("/templates/").text


def test_the_list_shows_name_fields_version_and_last_use(
    service: Service, saved: Version, sari: Browser
) -> None:
    before = sari.get("/templates/").text
    assert "Tagihan bulanan" in before
    assert "nama, total" in before
    assert "not yet" in before
    add_batch(service.store, ["siti@contoh.id"])
    assert "not yet" not in sari.get("/templates/").text
    assert f"/templates/{saved.template_id}/edit" in before


# ---- Saving ----


def test_a_new_template_starts_with_a_mail_and_is_kept_as_version_1(sari: Browser) -> None:
    page = sari.get("/templates/new/html").text
    assert "Yth. &lt;b&gt;{{ nama }}&lt;/b&gt;" in page
    answer = post_save(sari)
    assert (answer.status_code, answer.location) == (303, "/templates/1/edit")
    assert "Saved as version 1." in sari.get("/templates/1/edit").text


def test_saving_again_says_which_version_it_became(saved: Version, sari: Browser) -> None:
    post_save(sari, f"/templates/{saved.template_id}", base=1)
    assert "Saved as version 2." in sari.get("/templates/1/edit").text
    post_save(sari, f"/templates/{saved.template_id}", base=2, name="Nama lain")
    page = sari.get("/templates/1/edit").text
    assert "version 2 stays the newest" in page
    assert "Nama lain" in page


def test_two_people_saving_at_once_lose_nothing_and_are_told(saved: Version, sari: Browser) -> None:
    post_save(sari, f"/templates/{saved.template_id}", base=1, html="dari Adi")
    post_save(sari, f"/templates/{saved.template_id}", base=1, html="dari Sari")
    page = sari.get("/templates/1/edit").text
    assert "Somebody else saved version 2" in page
    assert "dari Adi" in sari.get("/templates/1/versions/2").text


def test_a_refused_template_comes_back_with_all_that_was_typed_and_the_sentence_beside_its_field(
    service: Service, sari: Browser
) -> None:
    answer = post_save(sari, html="satu\n{{ nama lengkap }}", **{"sample-nama": "Siti", "fields": "nama"})
    assert answer.status_code == 422
    error = re.search(r'id="f-html-error">(.*?)</p>', answer.text, re.DOTALL)
    assert error
    assert re.search(r'data-line="2">Line 2</a>: “{{ nama lengkap }}” is not a field', error.group(1))
    assert 'value="Undangan"' in answer.text
    assert "satu\n{{ nama lengkap }}</textarea>" in answer.text
    assert 'name="sample-nama" type="text" value="Siti"' in answer.text
    assert email_templates.all_templates(service.store) == []


def test_a_name_that_is_taken_is_said_beside_the_name(saved: Version, sari: Browser) -> None:
    answer = post_save(sari, name=saved.template_name.upper())
    assert answer.status_code == 422
    assert re.search(r'id="f-name-error">.*Another template has this name', answer.text, re.DOTALL)


def test_what_is_not_there_is_not_found(saved: Version, sari: Browser) -> None:
    for path in ("99", "99/edit", "99/remove", "1/versions/2", "preview/abc"):
        assert sari.get(f"/templates/{path}").status_code == 404, path
    assert post_save(sari, "/templates/99").status_code == 404
    assert sari.post_form("/templates/99/restore").status_code == 404
    assert sari.get(f"/templates/{saved.template_id}/edit").status_code == 200


# ---- Preview ----


def test_the_preview_fills_samples_in_and_names_what_has_none(sari: Browser) -> None:
    typed: dict[str, object] = {
        "subject": "Untuk {{ nama }}",
        "html": HTML,
        "sample-nama": "<Siti>",
        "fields": "nama total",
    }
    answer = sari.post_form("/templates/preview", typed, part=True)
    assert "Untuk &lt;Siti&gt;" in answer.text
    assert "Yth. &lt;Siti&gt;, tagihan Anda ‹total›." in frame(sari, answer).text


def test_inputs_for_samples_come_along_only_when_the_fields_changed(sari: Browser) -> None:
    typed: dict[str, object] = {"subject": "x", "html": HTML, "fields": "nama total"}
    assert 'id="fields"' not in sari.post_form("/templates/preview", typed, part=True).text
    answer = sari.post_form("/templates/preview", {**typed, "fields": "nama"}, part=True).text
    assert '<hx-partial hx-target="#fields"' in answer
    assert 'name="sample-total"' in answer


def test_a_broken_template_shows_its_sentence_and_leaves_the_fields_alone(sari: Browser) -> None:
    typed: dict[str, object] = {"subject": "x", "html": "satu\n{{ nama", "fields": "nama total"}
    answer = sari.post_form("/templates/preview", typed, part=True)
    assert answer.status_code == 200
    assert "Line 2</a>: A field is opened" in answer.text
    assert "<iframe" not in answer.text
    assert 'id="fields"' not in answer.text


def test_the_sample_of_a_field_that_went_away_is_kept_for_its_return(sari: Browser) -> None:
    typed: dict[str, object] = {"subject": "x", "html": "{{ nam }}", "fields": "nama", "sample-nama": "Siti"}
    answer = sari.post_form("/templates/preview", typed, part=True).text
    assert '<input type="hidden" name="sample-nama" value="Siti">' in answer


def test_without_javascript_the_preview_is_the_whole_page_with_everything_kept(
    saved: Version, sari: Browser
) -> None:
    typed: dict[str, object] = {
        "template_id": saved.template_id,
        "name": "Nama baru",
        "subject": "x",
        "html": "{{ nama }}",
        "sample-nama": "Siti",
    }
    answer = sari.post_form("/templates/preview", typed)
    assert "<title>Nama baru" in answer.text
    assert f'action="/templates/{saved.template_id}"' in answer.text
    assert frame(sari, answer).text.endswith("Siti")


def test_a_preview_is_shown_to_its_author_alone(client: Callable[[str], Browser]) -> None:
    sari, adi = client("sari"), client("adi")
    answer = sari.post_form("/templates/preview", {"subject": "x", "html": "rahasia"}, part=True)
    assert frame(sari, answer).status_code == 200
    assert frame(adi, answer).status_code == 404


def test_the_memory_for_previews_is_bounded_and_the_same_mail_keeps_its_key() -> None:
    previews = Previews(room=2)
    first = previews.keep(1, "a")
    assert previews.keep(1, "a") == first
    previews.keep(1, "b")
    assert previews.find(1, first) == "a"
    previews.keep(1, "c")
    assert previews.find(1, first) is None


# ---- The frame ----


def test_a_mail_is_shown_under_a_policy_of_its_own(saved: Version, sari: Browser) -> None:
    answer = frame(sari, sari.get(f"/templates/{saved.template_id}"))
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy.split("; ")
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>x</p>", '<base target="_blank"><p>x</p>'),
        ("\n<!-- a -->\n<!DOCTYPE html><p>", '\n<!-- a -->\n<!DOCTYPE html><base target="_blank"><p>'),
    ],
)
def test_a_link_never_takes_the_place_of_the_mail_and_the_doctype_stays_first(html: str, shown: str) -> None:
    assert mail_page(html).get_data(as_text=True) == shown


# ---- Versions, removing ----


def test_an_old_version_can_be_read_and_brought_back_as_the_newest(saved: Version, sari: Browser) -> None:
    post_save(sari, "/templates/1", name=saved.template_name, html="<p>dua</p>")
    page = sari.get("/templates/1/versions/1").text
    hidden = dict(re.findall(r'<input type="hidden" name="(subject|html)" value="([^"]*)"', page))
    assert "Bring this version back" in page
    assert set(hidden) == {"subject", "html"}
    post_save(sari, "/templates/1", name=saved.template_name, subject=saved.subject, html=saved.html)
    newest = sari.get("/templates/1").text
    assert "Version 3 of 3" in newest
    assert "Bring this version back" not in newest


def test_a_viewer_reads_templates_and_changes_none(saved: Version, client: Callable[[str], Browser]) -> None:
    vino = client("vino")
    listed, page = vino.get("/templates/").text, vino.get(f"/templates/{saved.template_id}")
    assert f'href="/templates/{saved.template_id}"' in listed
    assert "Yth. ‹nama›" in frame(vino, page).text
    assert "/edit" not in listed + page.text
    assert post_save(vino).status_code == 403
    assert vino.get("/templates/1/edit").status_code == 403
    assert vino.post_form("/templates/1/remove").status_code == 403


def test_removing_asks_first_with_numbers_and_can_be_undone(
    service: Service, saved: Version, sari: Browser
) -> None:
    add_batch(service.store, ["siti@contoh.id", "joko@contoh.id"])
    asked = sari.get("/templates/1/remove").text
    assert "1 batch was sent with it, 2 mails in all." in asked
    assert email_templates.latest(service.store, saved.template_id) == saved
    assert sari.post_form("/templates/1/remove").status_code == 303
    assert email_templates.latest(service.store, saved.template_id) is None
    assert "Removed (1)" in sari.get("/templates/").text
    assert sari.get("/templates/1/edit").status_code == 404
    assert "Bring the template back" in sari.get("/templates/1").text
    assert sari.post_form("/templates/1/restore").status_code == 303
    assert email_templates.latest(service.store, saved.template_id) == saved


# ---- In a browser ----


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
        "</form><a href='https://contoh.id/'>tautan</a><p>akhir</p>"
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
    mail.get_by_role("button").click()
    expect(mail.get_by_text("akhir")).to_be_visible()
    assert [url for url in answered if "seen" in url or url.endswith("/y")] == []
    assert page.title() == "Jahat · Mailroom"
    assert page.evaluate("window.name") == ""
    assert [re.sub(r"\w{32}", "*", one.url.removeprefix(address)) for one in page.frames] == [
        f"/templates/{template.template_id}",
        "/templates/preview/*",
    ]
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
