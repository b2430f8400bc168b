"""“Send a test to me”: one mail to whoever presses the button, marked, recorded like every other, never twice."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app import create_app
from mailroom import (
    batches,
    drafts,
    email_templates,
    history,
    identities,
    one_mail,
    people,
    recipients,
    retries,
    suppressions,
    trials,
)
from mailroom.rendering import MAX_SUBJECT, MissingField
from mailroom.service import Service
from mailroom.trials import Trial
from tests.house import Browser
from tests.live import Live, live_mailroom, prepare_records
from tests.page import faults
from tests.sandbox_server import running_sandbox

Client = Callable[[str], Browser]
ROWS = b"email,nama,total\nsiti@contoh.id,Siti,Rp 5\nsalah,Joko,Rp 7\n"
SARI = 2


@pytest.fixture
def live(service: Service) -> Live:
    """A mailroom that could send, with one batch of two in it; nothing is sent."""
    return prepare_records(service)


@pytest.fixture
def client(live: Live) -> Client:
    app = create_app(live.service)
    app.testing = True
    return lambda person: Browser(app, person)


def draft(live: Live, attachment: tuple[str, bytes] | None = None) -> str:
    store, now = live.service.store, live.service.clock()
    setup = drafts.Setup("Tagihan", live.version, 1, 1, "daftar.csv", attachment)
    return drafts.create(store, SARI, setup, recipients.read(recipients.Given("daftar.csv", ROWS)), now)


def person(live: Live, number: int = SARI) -> people.User:
    row = live.rows(f"SELECT id, email, name, role, 0 FROM users WHERE id = {number}")[0]
    return people.User(*row)  # type: ignore[arg-type]


def trial(live: Live, **values: str) -> Trial:
    return Trial("Tagihan", live.version.id, 1, 1, values or {"nama": "Siti", "total": "Rp 5"})


def send(live: Live, made: Trial, key: str = "kunci") -> trials.Sent:
    return trials.send(live.service.store, live.service.links, made, key, person(live), live.service.clock())


def sent_tests(live: Live) -> list[tuple[object, ...]]:
    return live.rows(
        "SELECT m.email, m.subject, m.row FROM mails m JOIN batches b ON b.id = m.batch_id WHERE b.kind = 'test'"
    )


def press(sari: Browser, page: str, url: str, **more: object) -> TestResponse:
    """The button of a page, with what its form holds by itself."""
    html = sari.get(page).text
    hidden = re.findall(r'type="hidden"(?: form="[^"]+")? name="([^"]+)" value="([^"]*)"', html)
    assert f'"{url}"' in html
    return sari.post_form(url, {**dict(hidden), **more}, form_at=page)


def test_a_row_goes_to_whoever_looks_at_it_and_not_to_its_recipient(live: Live, client: Client) -> None:
    draft_id, sari = draft(live), client("sari")
    answer = press(sari, f"/send/{draft_id}", f"/test/list/{draft_id}")
    assert answer.status_code == 303
    page = sari.get(answer.location)
    assert faults(page) == []
    assert "Test on its way to sari@contoh.id." in page.text
    assert sent_tests(live) == [("sari@contoh.id", "[Test] Tagihan Siti", 2)]
    link = re.search(r'href="(/batches/\d+)">See what becomes of it', page.text)
    assert link
    batch = sari.get(link.group(1))
    assert faults(batch) == []
    assert ">Test</span>" in re.sub(r"<svg.*?</svg>", "", batch.text)


def test_the_button_pressed_twice_sends_once_and_says_so(live: Live, client: Client) -> None:
    draft_id, sari = draft(live), client("sari")
    page = sari.get(f"/send/{draft_id}").text
    key = re.search(r'name="form_key" value="([^"]+)"', page)
    assert key
    for _press in "12":
        sari.post_form(f"/test/list/{draft_id}", {"row": 2, "form_key": key.group(1)})
    assert "sent already" in sari.get(f"/send/{draft_id}").text
    assert len(sent_tests(live)) == 1


def test_another_press_of_a_new_page_sends_another(live: Live, client: Client) -> None:
    draft_id, sari = draft(live), client("sari")
    for _press in "12":
        press(sari, f"/send/{draft_id}", f"/test/list/{draft_id}")
    assert len(sent_tests(live)) == 2


def test_the_confirm_page_has_the_button_too_and_comes_back(live: Live, client: Client) -> None:
    draft_id, sari = draft(live), client("sari")
    answer = press(sari, f"/send/{draft_id}/confirm", f"/test/list/{draft_id}", per_minute="60")
    assert answer.location == f"/send/{draft_id}/confirm?per_minute=60"
    assert len(sent_tests(live)) == 1


@pytest.mark.parametrize("row", ["3", "99", "x", "-1", ""])
def test_a_row_that_cannot_be_sent_cannot_be_tested(live: Live, client: Client, row: str) -> None:
    draft_id = draft(live)
    answer = client("sari").post_form(f"/test/list/{draft_id}", {"row": row, "form_key": "kunci"})
    assert answer.status_code == 404
    assert sent_tests(live) == []


def test_nobody_tests_the_list_of_somebody_else(live: Live, client: Client) -> None:
    answer = client("adi").post_form(f"/test/list/{draft(live)}", {"row": 2, "form_key": "kunci"})
    assert answer.status_code == 404
    assert sent_tests(live) == []


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_form_without_its_key_sends_nothing(live: Live, client: Client, key: str) -> None:
    sari, draft_id = client("sari"), draft(live)
    answer = sari.post_form(f"/test/list/{draft_id}", {"row": 2, "form_key": key})
    assert "The form was not complete" in sari.get(answer.location).text
    assert sent_tests(live) == []


def test_two_people_with_the_same_key_get_a_test_each(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    for number in (1, 2):
        assert trials.send(store, live.service.links, trial(live), "kunci", person(live, number), now).fresh


def test_the_attachment_goes_along(live: Live) -> None:
    draft_id = draft(live, ("tagihan.pdf", b"%PDF"))
    store = live.service.store
    made = trials.of_row(store, drafts.get(store, draft_id, SARI), 2)
    sent = send(live, made)
    drafts.discard(store, draft_id, SARI)
    (mail_id,) = live.rows(f"SELECT id FROM mails WHERE batch_id = {sent.batch_id}")[0]
    mail = one_mail.get(store, int(str(mail_id)))
    assert mail
    assert (mail.attachment_name, mail.kind) == ("tagihan.pdf", "test")


def test_a_subject_of_the_greatest_length_is_cut(live: Live) -> None:
    send(live, trial(live, nama="x" * (MAX_SUBJECT - len("Tagihan ")), total="1"))
    subject = str(sent_tests(live)[0][1])
    assert subject.startswith("[Test] Tagihan xxx")
    assert len(subject) == MAX_SUBJECT


def test_a_value_that_is_missing_is_named_and_nothing_is_sent(live: Live) -> None:
    with pytest.raises(MissingField, match="total"):
        send(live, trial(live, nama="Siti"))
    assert sent_tests(live) == []


def test_a_test_counts_in_no_figure_and_is_marked_in_the_lists(live: Live, client: Client) -> None:
    store, vino = live.service.store, client("vino")
    figures = history.counts(store, tests=False)
    send(live, trial(live))
    assert history.counts(store, tests=False) == figures == {"queued": 2}
    assert history.counts(store) == {"queued": 3}
    for page in ("/", "/batches/", "/history/"):
        answer = vino.get(page)
        assert faults(answer) == []
        assert "Somebody of the team sent this to themselves" in answer.text


def test_a_test_sent_again_is_a_test_still(live: Live) -> None:
    sent = send(live, trial(live))
    store, now = live.service.store, live.service.clock()
    with store.write() as db:
        db.execute("UPDATE mails SET state = 'rejected' WHERE batch_id = ?", [sent.batch_id])
    again = batches.get(store, retries.retry(store, sent.batch_id, ["rejected"], "Lagi", "kunci", SARI, now))
    assert again
    assert again.kind == "test"


def test_a_template_is_tested_with_what_is_typed_and_remembers_it(live: Live, client: Client) -> None:
    sari, page = client("sari"), f"/test/template/{live.version.template_id}"
    assert faults(sari.get(page)) == []
    typed = {"sample-nama": "Ibu <b>", "sample-total": "Rp 9"}
    answer = press(sari, page, page + "/send", **typed)
    assert answer.status_code == 303
    assert sent_tests(live) == [("sari@contoh.id", "[Test] Tagihan Ibu <b>", 1)]
    assert 'value="Ibu &lt;b&gt;"' in sari.get(page).text
    assert "Ibu &lt;b" not in client("adi").get(page).text


def test_a_sample_that_is_missing_is_said_beside_its_field(live: Live, client: Client) -> None:
    sari, page = client("sari"), f"/test/template/{live.version.template_id}"
    answer = press(sari, page, page + "/send", **{"sample-nama": "Siti", "sample-total": "  "})
    assert answer.status_code == 422
    assert faults(answer) == []
    assert 'id="f-sample-total-error"' in answer.text
    assert 'id="f-sample-nama-error"' not in answer.text
    assert 'value="Siti"' in answer.text
    assert sent_tests(live) == []


def test_what_is_typed_in_the_editor_and_not_saved_is_said(live: Live, client: Client) -> None:
    sari, page = client("sari"), f"/test/template/{live.version.template_id}"
    same = {"subject": live.version.subject, "html": live.version.html, "sample-nama": "Siti"}
    answer = sari.post_form(page, dict(same))
    assert 'value="Siti"' in answer.text
    assert "not saved yet" not in answer.text
    assert "not saved yet" in sari.post_form(page, {**same, "html": "<p>Baru</p>"}).text
    assert sent_tests(live) == []


def test_a_removed_template_cannot_be_tested(live: Live, client: Client) -> None:
    template_id = live.version.template_id
    email_templates.remove(live.service.store, template_id, live.service.clock())
    assert client("sari").get(f"/test/template/{template_id}").status_code == 404


def test_a_viewer_sends_no_tests(live: Live, client: Client) -> None:
    vino = client("vino")
    for url in (f"/test/list/{draft(live)}", f"/test/template/{live.version.template_id}/send"):
        assert vino.post_form(url, {"row": 2, "form_key": "kunci"}).status_code == 403


def test_an_editor_tests_a_template_to_themselves_and_no_row_of_a_list(live: Live, client: Client) -> None:
    edo, page = client("edo"), f"/test/template/{live.version.template_id}"
    typed = {"sample-nama": "Ibu", "sample-total": "Rp 9", "email": "joko@contoh.id"}
    assert press(edo, page, page + "/send", **typed).status_code == 303
    assert sent_tests(live) == [("edo@contoh.id", "[Test] Tagihan Ibu", 1)]
    assert edo.post_form(f"/test/list/{draft(live)}", {"row": 2, "form_key": "kunci"}).status_code == 403


def test_whoever_cannot_test_yet_is_told_what_is_missing(live: Live, client: Client) -> None:
    identities.remove(live.service.store, 1, 1, live.service.clock())
    answer = client("edo").get(f"/test/template/{live.version.template_id}")
    assert (answer.status_code, faults(answer)) == (200, [])
    assert "There is no sender yet" in answer.text


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Live]:
    with running_sandbox("--limit", "0") as sandbox, live_mailroom(tmp_path / "data", sandbox) as live:
        yield live


def test_it_arrives_marked_and_its_page_proves_it(sending: Live) -> None:
    file = b"%PDF-1.4 tagihan"
    store = sending.service.store
    made = trials.of_row(store, drafts.get(store, draft(sending, ("tagihan.pdf", file)), SARI), 2)
    sent = send(sending, made)
    assert sending.wait_handed_over(sent.batch_id).handed_over == 1
    sending.agrees()
    entry = sending.sandbox.ledger()[0]
    assert (entry["email"], entry["subject"]) == ("sari@contoh.id", "[Test] Tagihan Siti")
    assert entry["attachment_sha256"] == hashlib.sha256(file).hexdigest()
    (mail_id,) = sending.rows("SELECT id FROM mails")[0]
    body = one_mail.body(store, int(str(mail_id)))
    assert body
    assert body.proof == "same"


def test_somebody_who_gets_no_mail_is_told_before_the_test_and_skipped(sending: Live) -> None:
    store, now = sending.service.store, sending.service.clock()
    app = create_app(sending.service)
    app.testing = True
    sari, draft_id = Browser(app, "sari"), draft(sending)
    assert "a test to you is skipped" not in sari.get(f"/send/{draft_id}").text
    suppressions.add(store, ["Sari@contoh.id"], "hand", "", 1, now)
    for page in (
        f"/send/{draft_id}",
        f"/send/{draft_id}/confirm",
        f"/test/template/{sending.version.template_id}",
    ):
        assert "a test to you is skipped" in sari.get(page).text
    sent = send(sending, trial(sending))
    sending.wait_handed_over(sent.batch_id)
    assert sending.batch(sent.batch_id).counts == {"skipped": 1}
    assert sending.sandbox.ledger() == []
