"""The Send pages: every fault at once beside its field, the check, and one button that sends once."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from mailroom import email_templates, identities
from mailroom.service import Service
from tests.house import Browser
from tests.live import prepare_records

Client = Callable[[str], Browser]
LIST = (
    "email;Nama;total\n"
    "siti@contoh.id;Siti <b>;=1+1\n"
    "joko.contoh.id;Joko;-5\n"
    "dewi@contoh.id;;3\n"
    "wati@contoh.id;Wati;7\n"
)


@dataclass(frozen=True)
class House:
    """The ids of what there is to choose from."""

    template: int
    plain: int
    sender: int


@pytest.fixture
def house(service: Service) -> House:
    """Two templates, a sender and a token."""
    store, now = service.store, service.clock()
    bill = email_templates.save(
        store, None, "Tagihan", "Untuk {{ nama }}", "<p>Yth. {{ nama }}: {{ total }}</p>", 1, now
    )
    plain = email_templates.save(store, None, "Kabar", "Kabar", "<p>Halo</p>", 1, now)
    sender = identities.add(store, "tim@contoh.id", "Tim Tagihan", 1, now)
    add_token(service, "Utama")
    return House(bill.template_id, plain.template_id, sender.id)


def add_token(service: Service, name: str) -> None:
    with service.store.write() as db:
        db.execute(
            "INSERT INTO tokens (name, secret, fingerprint, claims, per_second, created_at, created_by) "
            "VALUES (?, x'00', ?, '{}', 25, '', 1)",
            [name, name],
        )


def upload(sari: Browser, house: House, text: str | bytes = LIST, **more: object) -> TestResponse:
    data = text if isinstance(text, bytes) else text.encode()
    form = {"template": house.template, "sender": house.sender, "file": (io.BytesIO(data), "pelanggan.csv")}
    return sari.post_form("/send/", form | more, form_at="/send/")


def checked(sari: Browser, house: House, text: str | bytes = LIST, **more: object) -> str:
    answer = upload(sari, house, text, **more)
    assert answer.status_code == 303, answer.text
    return urlsplit(answer.location).path


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.usefixtures("service")
def test_what_is_missing_is_said_before_anything_can_be_sent(client: Client) -> None:
    page = client("sari").get("/send/")
    assert page.status_code == 200
    for sentence in ("There is no template yet", "There is no sender yet", "There is no token yet"):
        assert sentence in page.text
    assert '<form class="stack"' not in page.text


def test_the_form_names_the_columns_its_template_needs(client: Client, house: House) -> None:
    page = client("sari").get(f"/send/?template={house.template}").text
    assert "needs a column for each of: email · nama · total" in words(page)
    assert 'name="value-nama"' in page
    assert 'name="token"' not in page


def test_another_template_brings_its_own_fields(client: Client, house: House) -> None:
    sari = client("sari")
    assert "value-total" in sari.get(f"/send/fields?template={house.template}", part=True).text
    assert "value-total" not in sari.get(f"/send/fields?template={house.plain}", part=True).text
    assert sari.get("/send/fields?template=99", part=True).status_code == 404


def test_a_token_is_asked_for_only_when_there_are_two(client: Client, house: House, service: Service) -> None:
    add_token(service, "Kedua")
    sari = client("sari")
    assert 'name="token"' in sari.get("/send/").text
    assert "Choose a token." in upload(sari, house).text
    assert upload(sari, house, token=2).status_code == 303


def test_all_faults_of_the_form_show_at_once_and_what_was_typed_stays(client: Client, house: House) -> None:
    sari = client("sari")
    page = upload(sari, house, "nama\n", sender=99, name="x" * 121)
    assert page.status_code == 422
    for sentence in (
        "Choose who the mail is from.",
        "Name the batch in 1 to 120 letters.",
        "The list has the names of the columns and no row below them.",
    ):
        assert sentence in words(page.text)
    assert "x" * 121 in page.text


def test_a_list_that_was_fine_is_still_there_and_an_attachment_has_to_be_chosen_again(
    client: Client, house: House
) -> None:
    page = upload(client("sari"), house, sender=99, attachment=(io.BytesIO(b"%PDF"), "brosur.pdf"))
    assert "“pelanggan.csv” is still here" in page.text
    assert "Choose “brosur.pdf” again" in page.text


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"file": (io.BytesIO(b""), "")}, "Say who gets the mail"),
        ({"pasted": "a@contoh.id"}, "more than one way"),
        ({"attachment": (io.BytesIO(b""), "kosong.pdf")}, "The attachment is empty"),
        ({"file": (io.BytesIO(b"PK\x03\x04"), "daftar.xlsx")}, "This workbook is damaged"),
        ({"file": (io.BytesIO(b"email\n"), "a.csv")}, "no row below"),
        ({"template": "99"}, "Choose a template."),
        ({"template": "٣"}, "Choose a template."),
    ],
)
def test_each_fault_of_the_form_has_its_sentence(
    client: Client, house: House, more: dict[str, object], sentence: str
) -> None:
    page = upload(client("sari"), house, LIST, **more)
    assert page.status_code == 422
    assert sentence in page.text


def test_one_address_has_its_faults_beside_its_fields(client: Client, house: House) -> None:
    sari = client("sari")
    form = {"template": house.template, "sender": house.sender, "email": "joko", "value-nama": "Joko"}
    page = sari.post_form("/send/", form, form_at="/send/")
    assert page.status_code == 422
    assert "No @ in the address" in page.text
    assert re.search(r'id="f-value-total-error">.*?Missing', page.text, re.DOTALL)
    assert 'value="Joko"' in page.text
    good = sari.post_form("/send/", form | {"email": "joko@contoh.id", "value-total": "1"}, form_at="/send/")
    assert "Nothing to do" in sari.get(good.location).text


def test_a_pasted_list_is_checked_like_a_file(client: Client, house: House) -> None:
    sari = client("sari")
    form = {"template": house.plain, "sender": house.sender, "pasted": "a@contoh.id\nb@contoh.id; joko"}
    page = sari.get(sari.post_form("/send/", form, form_at="/send/").location).text
    assert "pasted list · 3 rows: 2 good, 1 with faults" in words(page)


def test_the_check_shows_what_to_do_and_only_the_bad_rows(client: Client, house: House) -> None:
    sari = client("sari")
    page = sari.get(checked(sari, house)).text
    assert "pelanggan.csv · UTF-8, semicolons · 4 rows: 2 good, 2 with faults" in words(page)
    assert "fix 1 address" in words(page)
    assert "fill nama in 1 row" in words(page)
    assert "No @ in the address" in page
    assert "dewi@contoh.id" in page
    assert "wati@contoh.id" not in page
    assert "Continue with the 2 good rows" in page
    assert "Download the 2 bad ones" in page


def test_the_mail_is_shown_as_it_will_arrive_row_by_row(client: Client, house: House) -> None:
    sari = client("sari")
    path = checked(sari, house)
    first = sari.get(path, part=True)
    assert "Untuk Siti &lt;b&gt;" in first.text
    assert "<h1" not in first.text
    assert first.vary.as_set() >= {"hx-request-type"}
    assert f"{path}?row=5&amp;width=desk" in first.text
    second = sari.get(path + "?row=5&width=phone", part=True).text
    assert "Untuk Wati" in second
    assert "mail phone" in second
    frame = sari.get(path + "/row/2")
    assert frame.text.endswith("<p>Yth. Siti &lt;b&gt;: =1+1</p>")
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert sari.get(path + "/row/3").status_code == 404


def test_the_others_come_down_as_a_list_that_can_be_mended_and_uploaded(client: Client, house: House) -> None:
    sari = client("sari")
    answer = sari.get(checked(sari, house) + "/others.csv")
    assert "pelanggan-others.csv" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert lines == [
        ["email", "Nama", "total", "error"],
        ["joko.contoh.id", "Joko", "'-5", "email: No @ in the address"],
        ["dewi@contoh.id", "", "3", "Nama: Missing"],
    ]
    mended = answer.data.replace(b"joko.contoh.id", b"joko@contoh.id").replace(
        b"dewi@contoh.id;;", b"dewi@contoh.id;Dewi;"
    )
    again = checked(sari, house, mended)
    assert "Nothing to do" in sari.get(again).text
    assert sari.get(again + "/row/2").text.endswith(": -5</p>")


def test_a_row_that_only_repeats_an_address_does_not_come_back_as_a_second_mail(
    client: Client, house: House
) -> None:
    sari = client("sari")
    rows = "a@contoh.id;Adi;1\nA@contoh.id;Adi;1\nb@contoh.id;;1\nb@contoh.id;;1\n"
    path = checked(sari, house, "email;nama;total\n" + rows)
    page = sari.get(path).text
    assert "4 rows: 1 good, 3 with faults" in page
    assert "Download the 2 bad ones" in page
    assert "sent apart they would be second mails" in page
    lines = sari.get(path + "/others.csv").text.splitlines()
    assert [line.partition(";")[0] for line in lines[1:]] == ["b@contoh.id", "b@contoh.id"]
    only = checked(sari, house, "email;nama;total\na@contoh.id;Adi;1\nA@contoh.id;Adi;1\n")
    assert "Download the" not in sari.get(only).text


def test_more_bad_rows_follow_on_demand(client: Client, house: House) -> None:
    sari = client("sari")
    path = checked(sari, house, "email;nama;total\n" + "".join(f"r{n};Nama;1\n" for n in range(2, 252)))
    assert sari.get(path).text.count("No @ in the address") == 100
    part = sari.get(path + "/rows?after=201", part=True).text
    assert part.count("No @ in the address") == 50
    assert "<h1" not in part
    assert "<h1" in sari.get(path + "/rows?after=201").text


def test_a_list_without_a_good_row_cannot_be_sent(client: Client, house: House) -> None:
    sari = client("sari")
    path = checked(sari, house, "email;nama;total\njoko;Joko;1\n")
    page = sari.get(path).text
    assert "No row can be sent as it is" in page
    assert "Continue with" not in page
    assert sari.get(path + "/confirm").location == path
    assert sari.post_form(path + "/queue").location == path


def test_the_confirmation_says_how_many_from_whom_and_how_long(client: Client, house: House) -> None:
    sari = client("sari")
    path = checked(sari, house, name="Tagihan November", attachment=(io.BytesIO(b"%PDF"), "brosur.pdf"))
    page = words(sari.get(path + "/confirm").text)
    for part in (
        "Send 2 mails?",
        "Tim Tagihan · tim@contoh.id",
        "siti@contoh.id",
        "brosur.pdf",
        "2 rows with faults are left out",
    ):
        assert part in page


def test_sending_twice_lands_on_the_same_batch(client: Client, house: House, service: Service) -> None:
    sari = client("sari")
    path = checked(sari, house)
    first, second = (sari.post_form(path + "/queue") for _ in "12")
    assert first.status_code == 303
    assert first.location == second.location == sari.get(path + "/confirm").location
    assert service.store.read().table("mails").count == 2
    page = sari.get(path).text
    assert "queued already" in page
    assert "Continue with" not in page


def test_a_batch_without_a_name_is_called_after_its_template_and_the_day(
    client: Client, house: House
) -> None:
    sari = client("sari")
    assert re.search(r"Tagihan, \d+ \w+ \d{4}", sari.get(checked(sari, house) + "/confirm").text)


def test_uploading_again_keeps_what_was_chosen(client: Client, house: House) -> None:
    sari = client("sari")
    draft_id = checked(sari, house, template=house.template, name="Bulanan").rpartition("/")[2]
    page = sari.get(f"/send/?again={draft_id}").text
    assert f'<option value="{house.template}" selected>' in page
    assert 'value="Bulanan"' in page


def test_the_draft_of_somebody_else_is_not_there(client: Client, house: House) -> None:
    path = checked(client("sari"), house)
    adi = client("adi")
    for page in ("", "/rows", "/row/2", "/others.csv", "/confirm"):
        assert adi.get(path + page).status_code == 404
    assert adi.get("/send/?again=" + path.rpartition("/")[2]).status_code == 404
    assert adi.post_form(path + "/queue").status_code == 404


def test_a_viewer_cannot_send(client: Client, house: House) -> None:
    path = checked(client("sari"), house)
    vino = client("vino")
    assert vino.get("/send/").status_code == 403
    assert vino.get(path).status_code == 403


def test_the_confirm_page_lets_one_choose_rather_twice_than_never(client: Client, service: Service) -> None:
    live = prepare_records(service)
    browser = client("sari")
    wanted: tuple[tuple[dict[str, object], str], ...]
    wanted = (({}, "never_twice"), ({"policy": "never_lost"}, "never_lost"), ({"policy": "x"}, "never_twice"))
    for form, policy in wanted:
        pasted = "email,nama,total\na@contoh.id,A,1"
        made = browser.post_form("/send/", {"template": "1", "sender": "1", "pasted": pasted})
        draft = str(made.location)
        assert "Rather twice than never" in browser.get(f"{draft}/confirm").text
        assert browser.post_form(f"{draft}/queue", dict(form)).status_code == 303
        assert live.rows("SELECT policy FROM batches ORDER BY id DESC LIMIT 1") == [(policy,)]
