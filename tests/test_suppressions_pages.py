"""The do-not-mail pages: look, add, import, remove, download, and the way there from a batch that failed."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mailroom import states, suppressions, unsubscribe
from mailroom.claims import Claims
from mailroom.service import Service
from mailroom.states import Change
from oca import Token
from tests.house import Browser
from tests.live import A_TOKEN, Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]

CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture
def filled(service: Service) -> Live:
    """A mailroom with a batch of two queued mails."""
    return prepare_records(service)


def counts(service: Service) -> dict[str, int]:
    return suppressions.counts(service.store)


def put(service: Service, *emails: str, reason: suppressions.Reason = "hand", note: str = "") -> None:
    suppressions.add(service.store, emails, reason, note, 1, service.clock())


def become_failed(service: Service, *mail_ids: int) -> None:
    change = Change(service.clock(), "Bounce", "delivery")
    with service.store.write() as db:
        for mail_id in mail_ids:
            states.transition(db, mail_id, "queued", "sending", change)
            states.transition(db, mail_id, "sending", "accepted", change, gateway_id=f"id-{mail_id}")
            states.deliver(db, mail_id, "pending", "failed", "Bounce", change, None)


# Looking


def test_an_empty_list_says_how_addresses_come_here(client: Client) -> None:
    for person, may_add in (("vino", False), ("sari", True), ("adi", True)):
        answer = client(person).get("/do-not-mail/")
        assert faults(answer) == []
        assert "No address is on the list." in answer.text
        assert ("/do-not-mail/add" in answer.text) == may_add


def test_everybody_sees_who_is_on_it_since_when_and_why(filled: Live, client: Client) -> None:
    service = filled.service
    become_failed(service, 1)
    suppressions.add_failed_of(service.store, 1, 2, service.clock())
    put(service, "budi@contoh.id", note="pindah <b>kerja</b>")
    unsubscribe.stop(service.store, "siti@contoh.id", service.clock())
    answer = client("vino").get("/do-not-mail/")
    assert faults(answer) == []
    for words in ("joko@contoh.id", "/history/1", "Sari", "the recipient", "pindah &lt;b&gt;kerja&lt;/b&gt;"):
        assert words in answer.text, words
    assert "3 addresses get no mail" in answer.text
    assert "/do-not-mail/remove" not in answer.text
    assert "/do-not-mail/remove?email=joko@contoh.id" in client("adi").get("/do-not-mail/").text


def test_search_and_filter_find_and_say_when_there_is_nothing(service: Service, client: Client) -> None:
    put(service, "joko@contoh.id", "jono@contoh.id")
    put(service, "joyo@contoh.id", reason="import")
    browser = client("vino")

    def found(url: str) -> list[str]:
        answer = browser.get(url)
        assert faults(answer) == [], url
        return [name for name in ("joko", "jono", "joyo") if f"<b>{name}@" in answer.text]

    assert found("/do-not-mail/?q=JO") == ["joko", "jono", "joyo"]
    assert found("/do-not-mail/?q=jok") == ["joko"]
    assert found("/do-not-mail/?reason=import") == ["joyo"]
    assert found("/do-not-mail/?reason=import&q=jok") == []
    assert found("/do-not-mail/?reason=rubbish") == ["joko", "jono", "joyo"]
    assert found("/do-not-mail/?q=%25&before=rubbish") == []
    assert "No address on the list begins with “%”" in browser.get("/do-not-mail/?q=%25").text
    part = browser.get("/do-not-mail/?q=jok", part=True)
    assert "<html" not in part.text
    assert faults(part, whole=False) == []


def test_older_addresses_come_page_by_page(service: Service, client: Client) -> None:
    for n in range(3):
        emails = [f"orang{n}-{m}@contoh.id" for m in range(40)]
        suppressions.add(service.store, emails, "hand", "", 1, service.clock() + timedelta(minutes=n))
    browser, url, seen = client("vino"), "/do-not-mail/", 0
    for _ in range(5):
        text = browser.get(url).text
        seen += text.count('<td class="lead break">')
        if "Older addresses" not in text:
            break
        url = text.split('<tr class="more"><td colspan="5"><a href="')[1].split('"')[0].replace("&amp;", "&")
    assert seen == 120


# Adding


def test_pasted_addresses_are_added_and_said_in_numbers(service: Service, client: Client) -> None:
    put(service, "siti@contoh.id")
    browser = client("sari")
    assert faults(browser.get("/do-not-mail/add")) == []
    pasted = "joko@contoh.id\nSiti@contoh.id, Budi <budi@contoh.id>; joko@contoh.id"
    answer = browser.post_form("/do-not-mail/add", {"addresses": pasted, "note": "per telepon"})
    assert (answer.status_code, answer.location) == (303, "/do-not-mail/")
    page = browser.get("/do-not-mail/").text
    assert "2 addresses added. 2 were on the list already or stood there twice." in page
    assert counts(service) == {"hand": 3}
    found = suppressions.get(service.store, "budi@contoh.id")
    assert found
    assert (found.note, found.added_by) == ("per telepon", "Sari")


def test_what_is_no_address_stays_in_the_form_and_the_good_ones_are_kept(
    service: Service, client: Client
) -> None:
    answer = client("sari").post_form("/do-not-mail/add", {"addresses": "joko@contoh.id\nbudi\n<script>@x"})
    assert answer.status_code == 422
    assert faults(answer) == []
    assert "1 address added." in answer.text
    assert "2 are not valid addresses and were not added." in answer.text
    assert "<b>budi</b>: No @ in the address" in answer.text
    assert "joko@contoh.id" not in answer.text
    assert counts(service) == {"hand": 1}


def test_nothing_pasted_and_a_note_that_is_too_long_are_said_beside_the_field(
    service: Service, client: Client
) -> None:
    browser = client("sari")
    empty = browser.post_form("/do-not-mail/add", {"addresses": "  "})
    assert empty.status_code == 422
    assert "Paste at least one address." in empty.text
    long = browser.post_form("/do-not-mail/add", {"addresses": "joko@contoh.id", "note": "x" * 300})
    assert long.status_code == 422
    assert "f-note-error" in long.text
    assert "joko@contoh.id" in long.text
    assert counts(service) == {}


def test_a_file_is_imported_its_numbers_add_up_and_bad_rows_are_named(
    service: Service, client: Client
) -> None:
    browser = client("adi")
    assert faults(browser.get("/do-not-mail/import")) == []
    put(service, "siti@contoh.id")
    rows = "Nama;Surel\nJoko;joko@gmial.com\nSiti;siti@contoh.id\nBudi;budi\nIbu;ibu@contoh.id\n"
    file = (io.BytesIO(rows.encode("utf-8-sig")), "berhenti.csv")
    answer = browser.post_form("/do-not-mail/import", {"file": file, "note": "lama"})
    assert answer.status_code == 422
    assert faults(answer) == []
    # A mistyped address is what must not be mailed, just as it stands.
    assert "2 addresses added. 1 was on the list already" in answer.text
    assert "1 is not a valid address" in answer.text
    assert '<td class="num">4</td>' in answer.text
    assert counts(service) == {"hand": 1, "import": 2}
    good = (io.BytesIO(b"email\nwati@contoh.id\n"), "berhenti.csv")
    assert browser.post_form("/do-not-mail/import", {"file": good}).status_code == 303


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (None, "Choose the file with the addresses."),
        ((b"\x89PNG\r\n\x1a\n\x00", "daftar.xlsx"), "PNG"),
        ((b"nama,kota\nJoko,Solo\n", "daftar.csv"), "No column of this list holds addresses"),
        ((b"", "kosong.csv"), "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_beside_it(
    service: Service, client: Client, file: tuple[bytes, str] | None, sentence: str
) -> None:
    form: dict[str, object] = {"file": (io.BytesIO(file[0]), file[1])} if file else {}
    answer = client("adi").post_form("/do-not-mail/import", form)
    assert answer.status_code == 422
    assert faults(answer) == []
    assert sentence in answer.text
    assert counts(service) == {}


def test_lists_of_every_kind_are_added_or_refused_with_a_sentence(service: Service, client: Client) -> None:
    browser = client("adi")
    for name, good in {
        "good.xlsx": True,
        "windows-1252.csv": True,
        "title-above.csv": True,
        "picture.xlsx": False,
        "password.xlsx": False,
        "blank.csv": False,
    }.items():
        file = (io.BytesIO((CORPUS / name).read_bytes()), name)
        before = sum(counts(service).values())
        answer = browser.post_form("/do-not-mail/import", {"file": file})
        assert ("f-file-error" not in answer.text) == good, name
        if not good:
            assert (answer.status_code, sum(counts(service).values())) == (422, before), name
            continue
        assert "added." in (answer if answer.status_code == 422 else browser.get("/do-not-mail/")).text, name
    assert counts(service)["import"] > 3


# Removing


def test_an_admin_removes_after_a_question_and_twice_is_fine(service: Service, client: Client) -> None:
    put(service, "joko@contoh.id")
    browser = client("adi")
    asked = browser.get("/do-not-mail/remove?email=JOKO@contoh.id")
    assert faults(asked) == []
    assert "They asked not to get mail" not in asked.text
    assert counts(service) == {"hand": 1}
    for said in ("gets mail again", "is not on the list any more"):
        assert browser.post_form("/do-not-mail/remove", {"email": "joko@contoh.id"}).status_code == 303
        assert said in browser.get("/do-not-mail/").text
    assert counts(service) == {}
    assert browser.get("/do-not-mail/remove?email=joko@contoh.id").status_code == 404


def test_removing_who_unsubscribed_is_asked_more_plainly(service: Service, client: Client) -> None:
    unsubscribe.stop(service.store, "joko@contoh.id", service.clock())
    asked = client("adi").get("/do-not-mail/remove?email=joko@contoh.id")
    assert faults(asked) == []
    assert "They asked not to get mail" in asked.text


# Downloading


def test_the_list_as_a_file_can_be_opened_by_a_spreadsheet_and_come_back(
    service: Service, client: Client
) -> None:
    put(service, "=cmd@contoh.id", "joko@contoh.id", note="=HYPERLINK(1)")
    answer = client("sari").get("/do-not-mail/do-not-mail.csv")
    assert answer.text.startswith("\ufeffemail,reason,note,added_at,added_by\r\n")
    assert "'=cmd@contoh.id,hand,'=HYPERLINK(1)," in answer.text
    assert suppressions.remove(service.store, "joko@contoh.id")
    file = (io.BytesIO(answer.data), "do-not-mail.csv")
    assert client("adi").post_form("/do-not-mail/import", {"file": file}).status_code == 303
    assert counts(service) == {"hand": 1, "import": 1}


# From a batch


def test_failed_addresses_of_a_batch_are_offered_with_numbers_and_put_there_once(
    filled: Live, client: Client
) -> None:
    browser = client("sari")
    assert "/do-not-mail/batch/1" not in browser.get("/batches/1").text
    become_failed(filled.service, 1, 2)
    assert "Put the failed addresses on the do-not-mail list" in browser.get("/batches/1").text
    assert "/do-not-mail/batch/1" not in client("vino").get("/batches/1").text
    asked = browser.get("/do-not-mail/batch/1")
    assert faults(asked) == []
    assert "Put the 2 failed addresses" in asked.text
    for said in ("2 addresses are on the do-not-mail list now", "on the do-not-mail list already"):
        answer = browser.post_form("/do-not-mail/batch/1")
        assert (answer.status_code, answer.location) == (303, "/batches/1")
        assert said in browser.get("/batches/1").text
    assert counts(filled.service) == {"failed": 2}
    assert browser.get("/do-not-mail/batch/1").status_code == 303
    assert browser.get("/do-not-mail/batch/99").status_code == 404


def test_a_skipped_mail_says_why_everywhere(filled: Live, client: Client) -> None:
    service = filled.service
    unsubscribe.stop(service.store, "joko@contoh.id", service.clock())
    put(service, "siti@contoh.id")
    assert Claims(service.store, 1).next(Token(A_TOKEN), service.clock()) is None
    browser = client("vino")
    batch = browser.get("/batches/1").text
    assert "2 mails were skipped: their addresses are on the do-not-mail list." in batch
    assert "Finished" in batch
    assert "Skipped: the recipient asked not to get mail" in batch
    mail = browser.get("/history/1")
    assert faults(mail) == []
    assert "As it would have been sent" in mail.text
    assert ": the recipient asked not to get mail." in mail.text
    assert (
        "Skipped: the address was put on the do-not-mail list by hand"
        in browser.get("/batches/1?state=skipped").text
    )
    assert "joko@contoh.id" in browser.get("/history/?state=skipped").text
