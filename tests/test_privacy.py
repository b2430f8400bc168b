"""One person's data: all of it is shown, given out as a file, and erased; what stays names nobody."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mailroom import activity, counters, drafts, lists, privacy, recipients, states, suppressions
from mailroom.recipients import Given
from mailroom.service import Service
from mailroom.states import Change
from mailroom.store import Store
from mailroom.verify import verify
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults
from tests.records import NOON, add_batch
from tests.test_retention import accept
from tests.workbook_files import xlsx

Client = Callable[[str], Browser]

JOKO = "joko@contoh.id"


@pytest.fixture
def live(service: Service) -> Live:
    """A mailroom with a mail to Joko that was handed over, one to Siti, and Joko on the do-not-mail list."""
    live = prepare_records(service)
    accept(service.store, 1, service.clock())
    suppressions.add(service.store, ["Joko@contoh.id"], "hand", "asked on the phone", 1, service.clock())
    return live


def keep_list(live: Live, name: str, content: bytes, filename: str = "daftar.csv") -> int:
    """The id of a saved list with this file."""
    store, now = live.service.store, live.service.clock()
    setup = drafts.Setup(name, live.version, 1, 1, filename)
    draft_id = drafts.create(store, 2, setup, recipients.read(Given(filename, content)), now)
    return lists.keep(store, drafts.get(store, draft_id, 2), name, 2, now)


def unzipped(answer: TestResponse) -> tuple[dict[str, Any], str]:
    """Both files of an answer that is a zip."""
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        assert sorted(pack.namelist()) == ["data.html", "data.json"]
        read = json.loads(pack.read("data.json")), pack.read("data.html").decode()
    answer.close()
    return read


def test_all_that_is_held_is_found_whatever_the_case_and_the_kind_of_file(live: Live) -> None:
    store = live.service.store
    keep_list(live, "teks", b"email,nama,total\nJOKO@contoh.id,Joko,1\n")
    keep_list(live, "utf16", "email;nama;total\njoko@contoh.id;Joko;1\n".encode("utf-16"))
    keep_list(live, "buku", xlsx([["email", "nama", "total"], [JOKO, "Joko", "1"]]), "daftar.xlsx")
    keep_list(live, "lain", b"email,nama,total\nsiti@contoh.id,joko@contoh.id,1\n")
    # Not theirs, though their letters are in it.
    keep_list(live, "mirip", b"email,nama,total\nkojoko@contoh.id,Joko,1\njoko@contoh.id.test,J,1\n")
    found = privacy.held(store, "JoKo@contoh.id")
    assert (found.mails, found.waiting) == (1, 0)
    assert found.suppression
    assert found.suppression.note == "asked on the phone"
    assert [one.name for one in found.lists] == ["buku", "lain", "teks", "utf16"]
    assert found.unread == ()
    assert sorted(one.name for one in found.drafts if one.name != "Tagihan") == [
        "buku",
        "lain",
        "mirip",
        "teks",
        "utf16",
    ]


def test_the_file_holds_all_of_it_for_people_and_for_programs(live: Live, client: Client) -> None:
    answer = client("adi").post_form("/privacy/export", {"email": JOKO})
    assert answer.headers["Content-Disposition"] == "attachment; filename=data.zip"
    data, page = unzipped(answer)
    assert data["address"] == JOKO
    assert data["do_not_mail"]["note"] == "asked on the phone"
    (mail,) = data["mails"]
    assert mail["fields"]["nama"] == "Nama 0"
    assert mail["state"] == "accepted"
    assert [one["outcome"] for one in mail["attempts"]] == ["accepted"]
    assert [one["to_state"] for one in mail["events"]] == ["queued", "sending", "accepted"]
    assert "Tagihan Nama 0" in page
    assert "asked on the phone" in page
    assert "siti" not in str(data) + page
    noted = activity.newest(live.service.store)[0]
    assert (noted.kind, noted.who, noted.details["mails"]) == ("person_exported", "Adi", 1)


def test_the_file_is_good_with_no_mail_with_many_and_with_hostile_ones(
    service: Service, client: Client
) -> None:
    prepare_records(service)
    with service.store.write() as db:
        db.execute("UPDATE batches SET name = '</script><b>\"' WHERE id = 1")
    nobody, _ = unzipped(client("adi").post_form("/privacy/export", {"email": "tidak@ada.id"}))
    assert nobody["mails"] == []
    add_batch(service.store, [JOKO] * (privacy.PAGE * 2 + 1))
    many, page = unzipped(client("adi").post_form("/privacy/export", {"email": JOKO}))
    assert len(many["mails"]) == privacy.PAGE * 2 + 2
    assert "<b>" not in page


def test_an_erasure_takes_what_it_can_and_says_what_stays(live: Live, client: Client) -> None:
    store, adi = live.service.store, client("adi")
    list_id = keep_list(live, "Pelanggan", b"email,nama,total\njoko@contoh.id,Joko,1\n")
    keep_list(live, "Lain", b"email,nama,total\njoko@contoh.id,Joko,2\n")
    add_batch(store, [JOKO])
    page = adi.get("/privacy/?email=joko@contoh.id")
    assert faults(page) == []
    assert "1 of them not sent yet or in doubt" in page.text
    ask = adi.get("/privacy/erase?email=joko@contoh.id")
    assert faults(ask) == []
    assert "Remove the saved list “Pelanggan”" in ask.text
    assert "Their place on the do-not-mail list" in ask.text
    assert "1 mail that is not sent yet or in doubt" in ask.text
    assert live.rows("SELECT count(*) FROM mails WHERE email = 'joko@contoh.id'") == [(2,)]
    form: dict[str, object] = {"email": JOKO, "list": [str(list_id), "9" * 5000, "x", "77"], "draft": ["x"]}
    answer = adi.post_form("/privacy/erase", form)
    assert answer.status_code == 303
    said = adi.get(answer.headers["Location"]).text
    assert "1 mail lost address and content. 1 saved list was removed." in said
    assert [one.name for one in lists.all_lists(store)] == ["Lain"]
    assert live.rows("SELECT email, subject, fields, state, domain FROM mails WHERE id = 1") == [
        ("", "", "{}", "accepted", "contoh.id")
    ]
    assert live.rows("SELECT count(*) FROM mails WHERE email = 'joko@contoh.id' AND state = 'queued'") == [
        (1,)
    ]
    assert suppressions.get(store, JOKO)
    assert verify(store.read()) == []
    assert counters.differences(store.read()) == []
    noted = activity.newest(store)[0]
    assert noted.details == {"whom": "j•••@contoh.id", "whom_sha256": noted.details["whom_sha256"], "mails": 1,
                             "lists": 1, "drafts": 0}  # fmt: skip
    assert JOKO not in str(activity.newest(store))
    # Pressed again, there is nothing more, and that is said and noted.
    again = adi.post_form("/privacy/erase", {"email": JOKO})
    assert "0 mails lost address and content." in adi.get(again.headers["Location"]).text


def test_removed_drafts_go_with_their_rows_and_files_whoever_made_them(live: Live) -> None:
    store = live.service.store
    found = privacy.held(store, JOKO)
    assert [one.by for one in found.drafts] == ["Sari"]
    gone = privacy.erase(store, JOKO, [], [one.id for one in found.drafts], 1, live.service.clock())
    assert (gone.mails, gone.drafts) == (1, 1)
    assert live.rows("SELECT count(*) FROM draft_rows") == [(0,)]
    assert live.rows("SELECT count(*) FROM sources") == [(0,)]


def test_only_lists_with_the_person_in_them_can_be_removed_by_the_way(live: Live) -> None:
    list_id = keep_list(live, "Lain", b"email,nama,total\nsiti@contoh.id,Siti,2\n")
    gone = privacy.erase(live.service.store, JOKO, [list_id], [], 1, live.service.clock())
    assert gone.lists == 0
    assert len(lists.all_lists(live.service.store)) == 1


def test_more_mails_than_one_transaction_takes_all_go_and_are_noted_once(store: Store) -> None:
    add_batch(store, [JOKO] * 2100 + ["siti@contoh.id"])
    with store.write() as db:
        states.move_batch(db, 1, "queued", "cancelled", Change(NOON, "", "user:1"), 5000)
    assert privacy.erase(store, "JOKO@contoh.id", [], [], 1, NOON).mails == 2100
    assert [entry.details["mails"] for entry in activity.newest(store)] == [2100]
    assert store.read().execute("SELECT count(*) FROM mails WHERE email <> ''").fetchone()[0] == 1


def test_every_page_that_shows_mails_copes_with_an_erased_one(live: Live, client: Client) -> None:
    adi, store = client("adi"), live.service.store
    privacy.erase(store, JOKO, [], [], 1, live.service.clock())
    mail = adi.get("/history/1")
    assert faults(mail) == []
    assert "taken out of the record" in mail.text
    for url in ("/history/", "/batches/1", "/batches/", "/", "/templates/", "/history/address/?email=joko@contoh.id",
                "/history/?q=joko@contoh.id", "/history/?q=@contoh.id", "/privacy/?email=joko@contoh.id"):  # fmt: skip
        page = adi.get(url)
        assert page.status_code == 200, url
        assert faults(page) == [], url
    for url in ("/history/1/body", "/history/1/attachment", "/decisions/1"):
        assert adi.get(url).status_code in (200, 303, 404), url


def test_what_cannot_be_an_address_is_said_and_nothing_is_noted(live: Live, client: Client) -> None:
    adi = client("adi")
    before = len(activity.newest(live.service.store))
    for typed in ("joko", "x" * 300 + "@contoh.id", "a@b.id\x00", "a\n@b.id"):
        page = adi.http.get("/privacy/", query_string={"email": typed})
        assert page.status_code == 422
        assert faults(page) == []
        assert "Write the whole address" in page.text
        assert adi.post_form("/privacy/erase", {"email": typed}).status_code == 303
        assert adi.post_form("/privacy/export", {"email": typed}).status_code == 303
    assert "Nothing is held on" in adi.get("/privacy/?email=tidak@ada.id").text
    assert len(activity.newest(live.service.store)) == before


def test_only_an_admin_comes_near_it(live: Live, client: Client) -> None:
    for person in ("sari", "vino"):
        browser = client(person)
        assert browser.get("/privacy/?email=joko@contoh.id").status_code == 403
        assert browser.post_form("/privacy/erase", {"email": JOKO}).status_code == 403
        assert browser.post_form("/privacy/export", {"email": JOKO}).status_code == 403
        assert "/privacy/" not in browser.get("/history/address/?email=joko@contoh.id").text
    assert "/privacy/?email=joko" in client("adi").get("/history/address/?email=joko@contoh.id").text
    assert live.rows("SELECT count(*) FROM mails WHERE forgotten_at IS NOT NULL") == [(0,)]
