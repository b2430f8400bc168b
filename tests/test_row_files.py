"""One file for each row: found in the zip by its name, kept once, and sent to the one whose row names it."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app import create_app
from mailroom import (
    approvals,
    attachments,
    batches,
    drafts,
    history,
    one_mail,
    plans,
    preferences,
    recipients,
    retries,
    row_files,
)
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.recipients import Given, Reading
from mailroom.service import Service
from mailroom.zips import Zip
from tests.house import Browser
from tests.live import Live, live_mailroom, prepare_records
from tests.page import faults
from tests.sandbox_server import running_sandbox

Client = Callable[[str], Browser]
SARI = 2
LIST = (
    "email,nama,total,lampiran\n"
    "siti@contoh.id,Siti,Rp 1,satu.pdf\n"
    "joko@contoh.id,Joko,Rp 2,DUA.PDF\n"
    "wati@contoh.id,Wati,Rp 3,tiga.pdf\n"
    "budi@contoh.id,Budi,Rp 4,\n"
)
FILES = {"satu.pdf": b"%PDF satu", "folder/dua.pdf": b"%PDF dua", "sisa.pdf": b"%PDF sisa"}


def zipped(files: dict[str, bytes] | None = None) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (FILES if files is None else files).items():
            archive.writestr(name, content)
    file.seek(0)
    return file


@pytest.fixture
def live(service: Service) -> Live:
    """A mailroom that could send, with one batch of two in it; nothing is sent."""
    return prepare_records(service)


@pytest.fixture
def client(live: Live) -> Client:
    app = create_app(live.service)
    app.testing = True
    return lambda person: Browser(app, person)


def made(
    live: Live, text: str = LIST, files: dict[str, bytes] | None = None, **reading: object
) -> drafts.Draft:
    store, now = live.service.store, live.service.clock()
    setup = drafts.Setup("Tagihan", live.version, 1, 1, "daftar.csv", files=Zip(zipped(files)))
    sheet = recipients.read(Given("daftar.csv", text.encode()), Reading(**reading))  # type: ignore[arg-type]
    return drafts.get(store, drafts.create(store, SARI, setup, sheet, now), SARI)


def names(live: Live, draft: drafts.Draft) -> dict[int, str]:
    """The rows with the names of their files."""
    return {
        int(str(number)): str(name)
        for number, name in live.rows(
            "SELECT r.row, a.filename FROM draft_rows r JOIN attachments a ON a.id = r.attachment_id "
            f"WHERE r.draft_id = '{draft.id}'"
        )
    }


def kept(live: Live) -> list[str]:
    return [str(name) for (name,) in live.rows("SELECT filename FROM attachments ORDER BY filename")]


def test_each_row_gets_the_file_that_it_names_whatever_the_case_and_the_folder(live: Live) -> None:
    assert names(live, made(live)) == {2: "satu.pdf", 3: "dua.pdf"}


def test_a_missing_file_and_a_row_without_one_are_faults_in_their_cell(live: Live) -> None:
    draft = made(live)
    bad = {row.number: row.errors for row in drafts.bad_rows(live.service.store, draft.id)}
    assert {number: str(errors["lampiran"]) for number, errors in bad.items()} == {
        4: "No file called “tiga.pdf” in the zip",
        5: "No file is named for this row",
    }
    assert ("lampiran", "lampiran") in draft.layout.shown


def test_a_row_may_go_without_a_file_when_the_sender_says_so(live: Live) -> None:
    draft = made(live, may_lack_file=True)
    assert [row.number for row in drafts.bad_rows(live.service.store, draft.id)] == [4]


def test_the_column_is_found_by_what_stands_in_it_and_can_be_chosen(live: Live) -> None:
    text = "email,nama,total,dok,file\nsiti@contoh.id,Siti,1,satu.pdf,dua.pdf\n"
    assert made(live, text.replace("dua.pdf", "-")).reading.attachment == 3
    assert names(live, made(live, text, attachment=4)) == {2: "dua.pdf"}


def test_two_files_of_one_name_are_told_apart_by_their_folder(live: Live) -> None:
    text = "email,nama,total,file\na@contoh.id,A,1,x.pdf\nb@contoh.id,B,2,b/x.pdf\nc@contoh.id,C,3,b\\X.pdf\n"
    draft = made(live, text, {"a/x.pdf": b"A", "b/x.pdf": b"B"})
    (bad,) = drafts.bad_rows(live.service.store, draft.id)
    assert "Several files in the zip are called “x.pdf”" in str(bad.errors["file"])
    assert set(names(live, draft)) == {3, 4}


def test_what_no_row_names_is_counted_and_named(live: Live) -> None:
    draft = made(live)
    found = row_files.of(live.service.store, draft.id)
    assert found == row_files.Files(3, 1, ("sisa.pdf",), 2, len(b"%PDF satu%PDF dua"))


def test_only_the_first_names_are_given(live: Live) -> None:
    draft = made(live, files={f"{n:03}.pdf": b"%d" % n for n in range(50)} | {"satu.pdf": b"x"})
    found = row_files.of(live.service.store, draft.id)
    assert found
    assert (found.unused, len(found.unused_names)) == (50, row_files.SHOWN)


def test_a_list_without_a_zip_has_no_files(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    setup = drafts.Setup("Tagihan", live.version, 1, 1, "daftar.csv")
    draft_id = drafts.create(store, SARI, setup, recipients.read(Given("daftar.csv", LIST.encode())), now)
    assert row_files.of(store, draft_id) is None
    assert drafts.get(store, draft_id, SARI).bad == 0


def test_a_file_that_cannot_be_kept_leaves_nothing_behind(live: Live) -> None:
    with pytest.raises(Problem, match=r"kosong\.pdf"):
        made(live, files={"satu.pdf": b"x", "kosong.pdf": b""})
    attachments.forget_unused(live.service.store)
    assert live.rows("SELECT id FROM drafts") == live.rows("SELECT id FROM drafts WHERE total IS NOT NULL")
    assert kept(live) == []


def test_a_full_disk_is_said_before_anything_is_kept(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.service.store, "floor_bytes", 2**62)
    with pytest.raises(Problem, match="no room"):
        made(live)


def test_the_same_file_is_kept_once(live: Live) -> None:
    made(live)
    made(live)
    assert kept(live) == ["dua.pdf", "satu.pdf", "sisa.pdf"]


def test_tidying_while_a_list_is_made_takes_nothing_from_it(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "PORTION_FILES", 1)
    store = live.service.store
    original = store.write
    count = 0

    def write_and_tidy():  # type: ignore[no-untyped-def]
        nonlocal count
        count += 1
        if count in (3, 4, 5):
            assert attachments.forget_unused(store) == 0
        return original()

    monkeypatch.setattr(store, "write", write_and_tidy)
    draft = made(live)
    assert count > 5
    assert names(live, draft) == {2: "satu.pdf", 3: "dua.pdf"}


def test_what_was_sent_stays_and_what_was_not_goes_with_the_draft(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    draft = made(live)
    batch_id = batches.queue(store, draft.id, SARI, now)
    assert drafts.discard(store, draft.id, SARI)
    attachments.forget_unused(store)
    assert kept(live) == ["dua.pdf", "satu.pdf"]
    lines = history.of_batch(store, batch_id)
    mail = one_mail.get(store, lines[0].id)
    assert mail
    assert (mail.attachment_name, mail.attachment_size) == ("satu.pdf", 9)


def test_read_another_way_the_list_keeps_its_files(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    old = made(live)
    reading = Reading(attachment=1)
    new = drafts.get(store, drafts.read_again(store, old, reading, SARI, now), SARI)
    found = row_files.of(store, new.id)
    assert found
    assert (found.count, found.unused, new.good) == (3, 3, 0)
    drafts.discard(store, old.id, SARI)
    again = drafts.get(store, drafts.read_again(store, new, Reading(attachment=3), SARI, now), SARI)
    assert names(live, again) == {2: "satu.pdf", 3: "dua.pdf"}


def test_sent_again_a_mail_takes_its_own_file_along(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    batch_id = batches.queue(store, made(live).id, SARI, now)
    with store.write() as db:
        db.execute("UPDATE mails SET state = 'rejected' WHERE batch_id = ?", [batch_id])
    again = retries.retry(store, batch_id, ["rejected"], "Lagi", "kunci", SARI, now)
    own = live.rows(f"SELECT row, attachment_id FROM mails WHERE batch_id = {again} ORDER BY row")
    assert own == live.rows(f"SELECT row, attachment_id FROM mails WHERE batch_id = {batch_id} ORDER BY row")
    assert all(attachment for _row, attachment in own)


# The pages


def upload(sari: Browser, **more: object) -> TestResponse:
    form = {
        "template": 1,
        "sender": 1,
        "file": (io.BytesIO(LIST.encode()), "daftar.csv"),
        "files": (zipped(), "lampiran.zip"),
    }
    return sari.post_form("/send/", form | more, form_at="/send/")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_check_page_shows_what_is_missing_unused_and_attached(client: Client) -> None:
    sari = client("sari")
    answer = upload(sari)
    assert answer.status_code == 303, words(answer.text)
    page = sari.get(answer.location)
    assert faults(page) == []
    said = words(page.text)
    for sentence in (
        "No file called “tiga.pdf” in the zip",
        "1 of 3 files in the zip is named by no row and goes to nobody. sisa.pdf",
        "2 with files of their own",
        "satu.pdf , 9 bytes",
    ):
        assert sentence in said
    confirm = sari.get(f"{answer.location}/confirm")
    assert faults(confirm) == []
    assert "2 mails have files of their own, 17 bytes together" in words(confirm.text)
    assert "goes to nobody. sisa.pdf" in words(confirm.text)
    assert "satu.pdf , 9 bytes" in words(confirm.text)


def test_a_rows_file_can_be_downloaded_by_whoever_made_the_list(client: Client) -> None:
    sari = client("sari")
    page = upload(sari).location
    answer = sari.get(f"{page}/row/3/attachment")
    assert answer.data == b"%PDF dua"
    assert answer.headers["Content-Disposition"] == "attachment; filename=dua.pdf"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert sari.get(f"{page}/row/5/attachment").status_code == 404
    assert client("adi").get(f"{page}/row/3/attachment").status_code == 404


def test_the_column_can_be_corrected_on_the_check_page(client: Client) -> None:
    sari = client("sari")
    page = upload(sari).location
    form: dict[str, object] = {
        "part": "columns",
        "files": "1",
        "email": "0",
        "attachment": "3",
        "may_lack_file": "1",
        "duplicates": "first",
    }
    answer = sari.post_form(f"{page}/reading", form, form_at=page)
    assert "3 good, 1 with faults" in words(sari.get(answer.location.partition("#")[0]).text)


def test_uploaded_again_the_list_can_use_the_same_files(client: Client) -> None:
    sari = client("sari")
    page = upload(sari).location
    earlier = page.rpartition("/")[2]
    form = sari.get(f"/send/?again={earlier}")
    assert faults(form) == []
    assert f'name="files_of" type="checkbox" value="{earlier}" checked' in form.text
    mended = LIST.replace("tiga.pdf", "sisa.pdf").encode()
    answer = upload(sari, files=(io.BytesIO(b""), ""), files_of=earlier, file=(io.BytesIO(mended), "a.csv"))
    assert "3 good, 1 with faults" in words(sari.get(answer.location).text)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"attachment": (io.BytesIO(b"x"), "a.pdf")}, "A mail takes one attachment."),
        ({"file": (io.BytesIO(b""), ""), "email": "a@contoh.id"}, "For one address choose the file itself"),
        ({"files": (io.BytesIO(b"%PDF"), "a.zip")}, "This is not a zip file."),
        ({"files": (zipped({"a.pdf": b""}), "a.zip")}, "“a.pdf” in the zip is empty."),
        ({"files": (io.BytesIO(b""), ""), "files_of": "nope"}, "are not kept any more"),
    ],
)
def test_each_fault_of_the_zip_is_said_beside_its_input(
    client: Client, more: dict[str, object], sentence: str
) -> None:
    page = upload(client("sari"), **more)
    assert page.status_code == 422
    assert faults(page) == []
    beside = re.search(r'id="f-files-error">(.*?)</p>', page.text, re.DOTALL)
    assert beside
    assert sentence in beside.group(1)


def test_an_attachment_of_30_mb_has_a_sentence_beside_its_input(client: Client) -> None:
    file = (io.BytesIO(b"x" * 30_000_000), "besar.pdf")
    page = upload(client("sari"), files=(io.BytesIO(b""), ""), attachment=file, name="Tagihan besar")
    assert page.status_code == 422
    assert "The attachment is larger than 10 MB" in page.text
    assert "Tagihan besar" in page.text
    # The client keeps what it sent in a file and leaves that open.
    page.request.environ["wsgi.input"].close()


def test_a_request_beyond_every_limit_is_a_page_that_says_so(client: Client) -> None:
    sari = client("sari")
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "240000000"}
    answer = sari.http.post(
        "/send/", headers=headers, data=b"", environ_overrides={"CONTENT_LENGTH": "240000000"}
    )
    assert answer.status_code == 413
    assert faults(answer) == []
    assert "Nothing was sent. Go back" in words(answer.text)


def test_only_the_send_form_and_only_a_sender_may_send_so_much(client: Client) -> None:
    size = {"CONTENT_LENGTH": "100000000"}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client("vino").http.post("/send/", headers=form, environ_overrides=size).status_code == 403
    assert client("sari").http.post("/templates/", headers=form, environ_overrides=size).status_code == 413
    assert client("").http.post("/send/", headers=form, environ_overrides=size).status_code == 303


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Live]:
    with running_sandbox("--limit", "0") as sandbox, live_mailroom(tmp_path / "data", sandbox) as live:
        yield live


def test_each_mail_arrives_with_its_own_file_and_its_page_proves_it(sending: Live) -> None:
    store, now = sending.service.store, sending.service.clock()
    batch_id = batches.queue(store, made(sending).id, SARI, now)
    assert sending.wait_handed_over(batch_id).handed_over == 2
    sending.agrees()
    got = {
        entry["email"]: (entry["attachment_name"], entry["attachment_sha256"])
        for entry in sending.sandbox.ledger()
    }
    assert got == {
        "siti@contoh.id": ("satu.pdf", hashlib.sha256(b"%PDF satu").hexdigest()),
        "joko@contoh.id": ("dua.pdf", hashlib.sha256(b"%PDF dua").hexdigest()),
    }
    for line in history.of_batch(store, batch_id):
        body = one_mail.body(store, line.id)
        assert body
        assert body.proof == "same"


def test_whoever_approves_sees_the_files_and_can_open_them(live: Live, client: Client) -> None:
    here, adi = live.service, client("adi")
    preferences.save(here.store, Preferences(approval_above=1), 1, here.clock())
    draft = made(live)
    assert adi.get(f"/approvals/{draft.id}/row/2/attachment").status_code == 404
    approvals.ask(here.store, draft.id, SARI, plans.AT_ONCE, "never_twice", here.clock())
    page = adi.get(f"/approvals/{draft.id}")
    assert faults(page) == []
    assert "2 mails have files of their own" in words(page.text)
    assert f"/approvals/{draft.id}/row/2/attachment" in page.text
    assert adi.get(f"/approvals/{draft.id}/row/2/attachment").data == b"%PDF satu"
