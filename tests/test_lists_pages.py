"""The check page lets one correct how a list was read, and keep it; the Lists pages send to it and look after it."""

import io
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from mailroom import lists
from mailroom.service import Service
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]
LIST = "surel;pelanggan;jumlah\nsiti@contoh.id;Siti;1\njoko@contoh.id;Joko;2\njoko@contoh.id;Joko S.;3\n"


@pytest.fixture
def live(service: Service) -> Live:
    """A template that needs nama and total, a sender, a token and a batch of two."""
    return prepare_records(service)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def upload(sari: Browser, text: str | bytes = LIST, **more: object) -> TestResponse:
    data = text if isinstance(text, bytes) else text.encode()
    form = {"template": 1, "sender": 1, "file": (io.BytesIO(data), "pelanggan.csv")}
    return sari.post_form("/send/", form | more, form_at="/send/")


def checked(sari: Browser, text: str | bytes = LIST, **more: object) -> str:
    answer = upload(sari, text, **more)
    assert answer.status_code == 303, answer.text
    return urlsplit(answer.location).path


def mapped(sari: Browser, path: str, **more: object) -> str:
    form: dict[str, object] = {"part": "columns", "email": "0", "field-nama": "1", "field-total": "2"}
    answer = sari.post_form(path + "/reading", form | {"duplicates": "first"} | more)
    assert answer.status_code == 303, answer.text
    return urlsplit(answer.location).path


def keep(sari: Browser, path: str, name: str = "Pelanggan") -> TestResponse:
    return sari.post_form(path + "/keep", {"name": name})


# ---- How it was read ----


@pytest.mark.usefixtures("live")
def test_columns_that_were_not_found_are_asked_for_before_anything_else(client: Client) -> None:
    sari = client("sari")
    answer = sari.get(checked(sari))
    page = words(answer.text)
    assert "3 rows: 0 good, 3 with faults" in page
    assert "choose the column that fills nama choose the column that fills total" in page
    assert re.search(r'<details[^>]* id="reading" open>', answer.text)
    assert "pelanggan (Siti · Joko · Joko S.)" in page
    assert "Continue with" not in page
    assert "Missing" not in page
    assert faults(answer) == []


@pytest.mark.usefixtures("live")
def test_a_column_with_nearly_the_name_is_offered_and_used_only_when_somebody_says_so(client: Client) -> None:
    sari = client("sari")
    path = checked(sari, "surel;Nama Lengkap;Total (Rp);Total lama\nsiti@contoh.id;Siti;1;0\n")
    page = sari.get(path).text
    assert "1 row: 0 good" in words(page)
    chosen = re.findall(r'<select id="f-field-(\w+)".*?</select>', page, re.DOTALL)
    assert chosen == ["nama", "total"]
    selects = dict(
        zip(chosen, re.findall(r'<select id="f-field-\w+".*?</select>', page, re.DOTALL), strict=True)
    )
    assert '<option value="1" selected>Nama Lengkap (Siti)' in selects["nama"]
    # Two columns could be the total, so neither is offered.
    assert '<option value="" selected>' in selects["total"]
    assert words(page).count("Is it this one?") == 1
    left = mapped(sari, path, **{"field-nama": "", "field-total": "2"})
    assert "Is it this one?" not in sari.get(left).text


@pytest.mark.usefixtures("live")
def test_columns_are_chosen_and_the_rows_are_checked_anew(client: Client) -> None:
    sari = client("sari")
    first = checked(sari)
    second = mapped(sari, first)
    answer = sari.get(second)
    page = words(answer.text)
    assert second != first
    assert "3 rows: 2 good, 1 with faults" in page
    assert "1 row has the address of an earlier row; only the first gets a mail" in page
    assert not re.search(r'id="reading" open', answer.text)
    assert "Tagihan Siti" in page
    assert faults(answer) == []
    last = words(sari.get(mapped(sari, second, duplicates="last")).text)
    assert "1 row has the address of a later row; only the last gets a mail" in last
    assert "3 rows: 3 good, 0 with faults" in words(sari.get(mapped(sari, second, duplicates="all")).text)


@pytest.mark.usefixtures("live")
def test_encoding_delimiter_and_row_of_names_can_be_corrected(client: Client) -> None:
    sari = client("sari")
    path = checked(sari, "Daftar;;\nemail;nama;total\nsiti@contoh.id;Siti;1\n".encode("cp1252"))
    form: dict[str, object] = {
        "part": "layout",
        "encoding": "Windows-1252",
        "delimiter": ";",
        "header_row": "0",
    }
    page = words(sari.get(sari.post_form(path + "/reading", form).location).text)
    assert "Windows-1252, semicolons · 3 rows" in page
    assert "no row with names" in page
    assert "A (Daftar · email · siti@contoh.id)" in page


@pytest.mark.usefixtures("live")
def test_a_list_without_addresses_asks_for_their_column(client: Client) -> None:
    sari = client("sari")
    page = words(sari.get(checked(sari, "nama,total\nSiti,1\n")).text)
    assert "choose the column that holds the addresses" in page
    assert "fix 1 address" not in page


STRANGE: tuple[dict[str, object], ...] = (
    {},
    {"part": "x"},
    {"part": "columns", "email": "99"},
    {"part": "columns", "email": "-1"},
    {"part": "columns", "email": "٣"},
    {"part": "columns", "email": "0", "duplicates": "some"},
    {"part": "columns", "email": "0", "field-nama": "9" * 30},
    {"part": "layout", "encoding": "UTF-7"},
    {"part": "layout", "delimiter": "|"},
    {"part": "layout", "header_row": "99999"},
    {"part": "layout", "header_row": "satu"},
)


@pytest.mark.usefixtures("live")
def test_what_cannot_be_read_like_that_is_said_and_nothing_changes(client: Client) -> None:
    sari = client("sari")
    path = checked(sari)
    for form in STRANGE:
        answer = sari.post_form(path + "/reading", form)
        assert answer.status_code == 422, form
        assert 'class="error"' in answer.text, form
        assert re.search(r'id="reading" open', answer.text), form
        assert faults(answer) == [], form
    assert sari.get(path).status_code == 200


@pytest.mark.usefixtures("live")
def test_names_from_the_list_are_only_text(client: Client) -> None:
    sari = client("sari")
    page = sari.get(checked(sari, "email,<script>x</script>,{{7*7}}\nsiti@contoh.id,<b>,=1+1\n")).text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "{{7*7}}" in page


# ---- Discarding, and the form that comes again ----


@pytest.mark.usefixtures("live")
def test_a_draft_can_be_discarded_and_pressing_twice_does_no_harm(client: Client) -> None:
    sari = client("sari")
    path = checked(sari)
    assert sari.post_form(path + "/discard").status_code == 303
    assert sari.get(path).status_code == 404
    assert sari.post_form(path + "/discard").location == "/send/"


@pytest.mark.usefixtures("live")
def test_nobody_else_reads_keeps_or_discards_a_draft(client: Client) -> None:
    path = checked(client("sari"))
    adi = client("adi")
    assert adi.post_form(path + "/reading", {"part": "columns"}).status_code == 404
    assert keep(adi, path).status_code == 404
    adi.post_form(path + "/discard")
    assert client("sari").get(path).status_code == 200


@pytest.mark.usefixtures("live")
def test_after_a_fault_elsewhere_the_list_need_not_be_chosen_again(client: Client) -> None:
    sari = client("sari")
    page = upload(sari, name="x" * 121)
    assert page.status_code == 422
    assert "“pelanggan.csv” is still here" in page.text
    kept = dict(re.findall(r'name="(kept|kept_name)" value="([^"]+)"', page.text))
    again = sari.post_form("/send/", {"template": 1, "sender": 1, **kept})
    assert "pelanggan.csv" in sari.get(again.location).text
    lost = sari.post_form("/send/", {"template": 1, "sender": 1, "kept": "0" * 64, "kept_name": "a.csv"})
    assert lost.status_code == 422
    assert "is not kept any more. Choose it again." in lost.text


# ---- The same content, and saved lists ----


@pytest.mark.usefixtures("live")
def test_a_list_that_went_out_lately_is_pointed_out_on_both_pages(client: Client) -> None:
    sari = client("sari")
    first = mapped(sari, checked(sari))
    assert "The same list went out" not in sari.get(first).text
    batch = sari.post_form(first + "/queue").location
    second = mapped(sari, checked(sari, LIST.replace(";", "\t")))
    for page in (second, second + "/confirm"):
        html = sari.get(page).text
        assert "The same list went out with this template on" in html
        assert f'href="{batch}"' in html


@pytest.mark.usefixtures("live")
def test_a_list_is_kept_from_the_check_and_sent_to_again_as_it_was_read(client: Client) -> None:
    sari = client("sari")
    path = mapped(sari, checked(sari))
    assert "No list is kept yet" in sari.get("/lists/").text
    assert keep(sari, path).status_code == 303
    assert "This list is kept as" in sari.get(path).text
    index = sari.get("/lists/")
    assert "Pelanggan" in words(index.text)
    assert faults(index) == []
    form = sari.get("/send/?list=1")
    assert re.search(r'<option value="1" selected>Pelanggan · 3 rows', form.text)
    again = sari.post_form("/send/", {"template": 1, "sender": 1, "list": "1"})
    assert "3 rows: 2 good, 1 with faults" in words(sari.get(again.location).text)
    gone = sari.post_form("/send/", {"template": 1, "sender": 1, "list": "9"})
    assert (gone.status_code, "not there any more" in gone.text) == (422, True)
    both = sari.post_form("/send/", {"template": 1, "sender": 1, "list": "1", "pasted": "a@contoh.id"})
    assert "more than one way" in both.text


def test_a_saved_list_can_be_read_in_a_better_way_from_now_on(
    client: Client, service: Service, live: Live
) -> None:
    sari = client("sari")
    first = checked(sari)
    keep(sari, first)
    assert "another way" not in sari.get(first).text
    better = mapped(sari, first)
    assert "It is read in another way there." in sari.get(better).text
    assert sari.post_form(better + "/list").status_code == 303
    assert "another way" not in sari.get(better).text
    assert lists.get(service.store, 1).reading.fields == {"nama": 1, "total": 2}
    again = sari.post_form("/send/", {"template": live.version.template_id, "sender": 1, "list": "1"})
    assert "2 good, 1 with faults" in words(sari.get(again.location).text)


@pytest.mark.usefixtures("live")
def test_a_name_that_is_taken_is_said_beside_it_and_stays_typed(client: Client) -> None:
    sari = client("sari")
    path = mapped(sari, checked(sari))
    keep(sari, path, "Pelanggan")
    other = mapped(sari, checked(sari, LIST + "wati@contoh.id;Wati;4\n"))
    answer = keep(sari, other, "pelanggan")
    assert answer.status_code == 422
    assert "There is already a list called “pelanggan”" in answer.text
    assert 'value="pelanggan"' in answer.text
    assert faults(answer) == []


def test_a_saved_list_is_renamed_replaced_downloaded_and_removed(
    client: Client, service: Service, live: Live
) -> None:
    sari = client("sari")
    keep(sari, mapped(sari, checked(sari)))
    assert faults(sari.get("/lists/1")) == []
    assert sari.post_form("/lists/1/name", {"name": ""}).status_code == 422
    sari.post_form("/lists/1/name", {"name": "Pelanggan Bandung"})
    assert sari.post_form("/lists/1/file").status_code == 422
    bad = sari.post_form("/lists/1/file", {"file": (io.BytesIO(b"\x89PNG\r\n\x1a\n"), "a.xlsx")})
    assert (bad.status_code, faults(bad)) == (422, [])
    newer = LIST + "wati@contoh.id;Wati;4\n"
    sari.post_form("/lists/1/file", {"file": (io.BytesIO(newer.encode()), "baru.csv")})
    assert "The list has 4 rows now; it had 3." in sari.get("/lists/1").text
    down = sari.get("/lists/1/file")
    assert (down.data, down.mimetype) == (newer.encode(), "application/octet-stream")
    assert "baru.csv" in down.headers["Content-Disposition"]
    asked = sari.get("/lists/1/remove")
    assert "Pelanggan Bandung" in asked.text
    assert "4 rows" in asked.text
    assert faults(asked) == []
    assert sari.post_form("/lists/1/remove").location == "/lists/"
    assert sari.post_form("/lists/1/remove").location == "/lists/"
    assert sari.get("/lists/1").status_code == 404
    assert lists.all_lists(service.store) == []
    assert live.version


@pytest.mark.usefixtures("live")
def test_a_viewer_sees_no_lists(client: Client) -> None:
    vino = client("vino")
    assert vino.get("/lists/").status_code == 403
    assert 'href="/lists/"' not in vino.get("/").text
