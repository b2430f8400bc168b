"""The template pages: list, editor with live preview, versions, removing; and the frame a mail is shown in."""

import html
import io
import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from mailroom import email_templates, gallery, recipients, sources
from mailroom.email_templates import Version
from mailroom.service import Service
from tests import page
from tests.house import Browser
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


# ---- Gallery, import and export ----


def upload(browser: Browser, content: bytes, name: str = "tagihan.txt") -> TestResponse:
    return browser.post_form("/templates/import", {"file": (io.BytesIO(content), name)})


def test_every_page_of_the_templates_is_well_made(saved: Version, sari: Browser) -> None:
    post_save(sari, "/templates/1", name=saved.template_name, html="<p>dua</p>")
    for path in ("", "new", "new?language=en", "new/html", "new/mjml", "new/event-id", "1", "1/edit", "1/versions/1",
                 "1/compare", "1/compare?old=2&new=2", "1/remove"):  # fmt: skip
        assert page.faults(sari.get(f"/templates/{path}")) == [], path
    typed: dict[str, object] = {
        "subject": "x",
        "html": "{{ a",
        "fields": "b",
        "kind": "mjml",
        "scheme": "dark",
    }
    assert page.faults(sari.post_form("/templates/preview", typed, part=True), whole=False) == []
    assert page.faults(upload(sari, b"")) == []


def test_one_click_leads_from_the_gallery_to_a_mail_that_can_be_saved(sari: Browser) -> None:
    shown = sari.get("/templates/new").text
    assert 'href="/templates/new/event-id"' in shown
    assert "Temu Pelanggan 2026" in sari.get("/templates/starters/event-id").text
    started = sari.get("/templates/new/event-id")
    assert "“Nama Perusahaan” still stands here" in started.text
    assert 'name="name" type="text" value="Undangan acara"' in started.text
    form = dict(
        re.findall(
            r'<input id="f-(?:name|subject)" name="(name|subject)" type="text" value="([^"]*)"', started.text
        )
    )
    starter = gallery.starter("event-id")
    assert starter
    answer = post_save(sari, **form, html=starter.mjml, kind="mjml", marketing="1")
    assert answer.status_code == 303
    again = sari.get("/templates/new/event-id").text
    assert 'value="Undangan acara 2"' in again


def test_the_gallery_has_both_languages_and_nothing_else(sari: Browser) -> None:
    assert "Event invitation" in sari.get("/templates/new?language=en").text
    assert "Undangan acara" in sari.get("/templates/new?language=xx").text
    assert sari.get("/templates/new/nothing").status_code == 404
    assert sari.get("/templates/starters/../app").status_code == 404


@pytest.mark.usefixtures("saved")
def test_what_was_exported_is_imported_to_the_letter_and_nothing_is_saved_by_that(
    service: Service, client: Callable[[str], Browser]
) -> None:
    file = client("vino").get("/templates/1/export")
    assert file.headers["Content-Disposition"] == 'attachment; filename="Tagihan bulanan v1.mailroom.txt"'
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    sari = client("sari")
    shown = upload(sari, file.data)
    assert shown.status_code == 200
    assert "Nothing is saved yet" in shown.text
    assert 'value="Tagihan bulanan 2"' in shown.text
    assert html.escape(HTML, quote=False).replace("'", "&#39;") in shown.text
    assert len(email_templates.all_templates(service.store)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file."),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not a file that was exported"),
        (b"x" * 2_000_001, "larger than 2 MB"),
        (b"---\nname: x\n", "have no end"),
    ],
)
def test_a_file_that_is_no_template_is_refused_beside_its_input(
    sari: Browser, content: bytes, said: str
) -> None:
    answer = upload(sari, content)
    assert answer.status_code == 422
    error = re.search(r'id="f-file-error">(.*?)</p>', answer.text, re.DOTALL)
    assert error
    assert said in error.group(1)
    # The test client leaves what it sent open, on the disk when it is large.
    answer.request.environ["wsgi.input"].close()


def test_nobody_brings_a_template_in_without_being_a_sender(client: Callable[[str], Browser]) -> None:
    assert upload(client("vino"), b"<p>x</p>").status_code == 403
    assert client("vino").get("/templates/new/invoice-id").status_code == 403


# ---- Comparing ----


def test_any_two_versions_can_be_compared_subject_and_kind_too(
    saved: Version, client: Callable[[str], Browser]
) -> None:
    sari = client("sari")
    mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>Halo</mj-text></mj-column></mj-section></mj-body></mjml>"
    post_save(sari, "/templates/1", name=saved.template_name, subject="Baru", html=mjml, kind="mjml")
    shown = client("vino").get("/templates/1/compare?old=1&new=2").text
    assert "<b>Subject:</b> <ins>Baru</ins>" in shown
    assert "<b>Subject:</b> <del>Tagihan {{ nama }}</del>" in shown
    assert "<b>Written in:</b> <ins>mjml</ins>" in shown
    assert "<del>&lt;p style=" in shown
    assert "Nothing differs" in sari.get("/templates/1/compare?old=2&new=2").text
    assert sari.get("/templates/1/compare?old=1&new=9").status_code == 404


def test_bringing_a_version_back_brings_its_kind_back_and_keeps_marketing(
    service: Service, client: Callable[[str], Browser]
) -> None:
    sari, out = client("sari"), "<a href='{{ unsubscribe_url }}'>x</a>"
    post_save(sari, html=f"<p>satu</p>{out}", marketing="1")
    mjml = f"<mjml><mj-body><mj-section><mj-column><mj-text>{out}</mj-text></mj-column></mj-section></mj-body></mjml>"
    post_save(sari, "/templates/1", html=mjml, kind="mjml", marketing="1")
    shown = sari.get("/templates/1/versions/1").text
    form = re.search(
        r'<form class="inline" method="post" action="/templates/1">(.*?)</form>', shown, re.DOTALL
    )
    assert form
    hidden = {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form.group(1))
    }
    hidden.pop("csrf_token")
    assert sari.post_form("/templates/1", dict(hidden)).status_code == 303
    newest = email_templates.latest(service.store, 1)
    assert newest
    assert (newest.number, newest.kind, newest.marketing) == (3, "html", True)


# ---- Notes and real rows ----


def test_notes_come_with_the_preview_each_with_a_link_to_its_line(sari: Browser) -> None:
    typed: dict[str, object] = {"subject": "x", "html": "<p>satu</p>\n<a href='javascript:x'>a</a> {nama}"}
    shown = sari.post_form("/templates/preview", typed, part=True).text
    lines = re.findall(r'<li class="(\w+)">.*?<a href="#f-html" data-line="(\d+)">', shown)
    assert lines == [("error", "2"), ("warn", "2")]
    assert "Nothing to mend." not in shown


def test_a_fault_keeps_the_mail_of_a_moment_ago_in_its_frame(sari: Browser) -> None:
    first = sari.post_form("/templates/preview", {"subject": "x", "html": "<p>lama</p>"}, part=True)
    key = re.search(r'name="key" value="(\w+)"', first.text)
    assert key
    typed: dict[str, object] = {
        "subject": "x",
        "html": "<mjml><mj-bad></mj-bad>",
        "kind": "mjml",
        "key": key.group(1),
    }
    answer = sari.post_form("/templates/preview", typed, part=True)
    assert "as it was before" in answer.text
    assert "lama" in frame(sari, answer).text
    typed["key"] = "0" * 32
    assert "<iframe" not in sari.post_form("/templates/preview", typed, part=True).text


@pytest.mark.usefixtures("saved")
def test_a_real_row_fills_the_preview_and_a_missing_value_is_said_with_its_row(
    service: Service, sari: Browser
) -> None:
    batch = add_batch(service.store, ["siti@contoh.id", "joko@contoh.id"])
    typed: dict[str, object] = {
        "template_id": 1, "subject": "Untuk {{ nama }}", "html": HTML, "source": f"batch-{batch}", "sample-nama": "X",
    }  # fmt: skip
    shown = sari.post_form("/templates/preview", typed, part=True)
    assert "Row 2 · siti@contoh.id" in shown.text
    assert "<b>Untuk Joko</b>" in shown.text
    assert re.search(r"Row 2: There is no value for “total”", shown.text)
    assert "‹total›" in frame(sari, shown).text
    assert (
        "Row 3 · joko@contoh.id" in sari.post_form("/templates/preview", {**typed, "go": "3"}, part=True).text
    )
    assert (
        "Row 3 · joko@contoh.id"
        in sari.post_form("/templates/preview", {**typed, "row": "3"}, part=True).text
    )


@pytest.mark.usefixtures("saved")
def test_a_row_of_another_template_or_of_nowhere_is_not_shown(service: Service, sari: Browser) -> None:
    batch = add_batch(service.store, ["siti@contoh.id"])
    for source in (f"batch-{batch}", "draft-x", "list-1", "batch-", "nonsense", "x" * 5000):
        typed: dict[str, object] = {"template_id": 99, "subject": "x", "html": HTML, "source": source}
        assert "siti@contoh.id" not in sari.post_form("/templates/preview", typed, part=True).text


@pytest.mark.usefixtures("saved")
def test_only_who_may_see_lists_sees_their_rows_in_a_template(
    service: Service, client: Callable[[str], Browser]
) -> None:
    batch = add_batch(service.store, ["siti@contoh.id"])
    with service.store.write() as db:
        given = recipients.Given("pelanggan.csv", b"email,nama\nbudi@contoh.id,Budi\n")
        source_id = sources.keep(db, given, service.clock())
        db.execute(
            "INSERT INTO lists (name, source_id, reading, rows, created_at, created_by) "
            "VALUES ('Pelanggan', ?, '{}', 1, '2026-11-23', 2)",
            [source_id],
        )
    for person, sees in (("sari", True), ("edo", False), ("vino", False)):
        browser, typed = client(person), {"template_id": 1, "subject": "x", "html": HTML}
        shown = browser.post_form("/templates/preview", {**typed, "source": "list-1"}, part=True)
        assert ("budi@contoh.id" in shown.text) is sees, person
        assert (
            "The saved list Pelanggan" in browser.post_form("/templates/preview", dict(typed)).text
        ) is sees
        # The last batch is in the history, which everybody may read.
        shown = browser.post_form("/templates/preview", {**typed, "source": f"batch-{batch}"}, part=True)
        assert "siti@contoh.id" in shown.text, person


def test_an_editor_writes_removes_and_brings_back_templates(client: Callable[[str], Browser]) -> None:
    edo = client("edo")
    made = edo.post_form("/templates/", {"name": "Promo", "subject": "Halo {{ nama }}", "html": HTML})
    assert (made.status_code, made.location) == (303, "/templates/1/edit")
    answer = edo.get("/templates/1/edit")
    assert (answer.status_code, page.faults(answer)) == (200, [])
    assert "Send a test to me" in answer.text
    assert edo.post_form("/templates/1/remove").status_code == 303
    assert edo.post_form("/templates/1/restore").status_code == 303
    assert "Promo" in edo.get("/templates/").text
    assert 'href="/send/"' not in edo.get("/").text


def test_a_sample_a_filter_cannot_read_is_said_and_the_mail_is_shown_all_the_same(sari: Browser) -> None:
    typed: dict[str, object] = {
        "subject": "x",
        "html": "{{ total|rupiah }} {{ tgl|tanggal }}",
        "sample-total": "12x",
    }
    shown = sari.post_form("/templates/preview", typed, part=True)
    assert "12x" in shown.text
    assert "Rp 1.250.000 23 November 2026" in frame(sari, shown).text.replace("\xa0", " ")
    assert len(re.findall('<li class="error">', shown.text)) == 1


def test_width_and_light_survive_without_javascript(sari: Browser) -> None:
    typed: dict[str, object] = {"subject": "x", "html": "x", "width": "phone", "scheme": "dark"}
    shown = sari.post_form("/templates/preview", typed).text
    assert re.search(r'name="width" type="radio" value="phone" checked', shown)
    assert re.search(r'name="scheme" type="radio" value="dark" checked', shown)
