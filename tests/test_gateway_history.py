"""The gateway's own history: its rows beside ours, what is taken over, and what is taken into the record, once."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import oca
from app import create_app
from mailroom import clients, delivery, gateway_history, history, intake, privacy, retries
from mailroom.gateway_history import Page
from mailroom.intake import Taken
from mailroom.problems import Problem
from mailroom.verify import verify
from tests.doubt import doubtful_mailroom, look, old_sandbox, send_in_doubt, state_of
from tests.house import Browser
from tests.live import Live
from tests.page import faults
from tests.sandbox_server import Sandbox

NAME = "From the gateway's history"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with old_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox, tmp_path: Path) -> Iterator[Live]:
    sandbox.reset_faults()
    with doubtful_mailroom(tmp_path / "data", sandbox) as live:
        yield live
        assert verify(live.service.store.read()) == []


def read(live: Live, number: int = 1) -> Page:
    here = live.service
    return gateway_history.read(here.store, here.clients, 1, number, here.clock)


def standings(page: Page, *emails: str) -> list[str]:
    """How the newest rows to these addresses stand."""
    by_email = {row.email: row.standing for row in reversed(page.rows)}
    return [by_email[email] for email in emails]


def take(live: Live, *ids: str, number: int = 1) -> Taken:
    here = live.service
    return intake.take(here.store, here.clients, 1, number, ids, NAME, 2, here.clock)


def strangers(live: Live, number: int = 1) -> list[str]:
    return [row.gateway_id for row in read(live, number).of("stranger")]


def send(live: Live, *emails: str) -> int:
    batch_id = live.queue_to(*emails)
    live.wait_handed_over(batch_id)
    return batch_id


def everything(live: Live) -> list[list[tuple[object, ...]]]:
    """All that reading could have written to."""
    tables = ("mails", "events", "batches", "attempts", "lookups", "gateway_clocks", "tokens", "activity")
    return [live.rows(f"SELECT * FROM {table}") for table in tables]


def test_ours_are_told_from_strangers_and_reading_records_nothing(live: Live) -> None:
    send(live, "kita@contoh.id")
    before = everything(live)
    page = read(live)
    assert everything(live) == before
    assert standings(page, "kita@contoh.id", "dulu@contoh.id") == ["same", "stranger"]
    [ours] = page.of("same")
    assert ours.mail_id == 1
    assert ours.shown == "accepted"
    assert page.pages is not None
    assert page.pages > 1
    assert (page.limit, page.more, page.turned) == (50, True, True)
    assert not read(live, page.pages).more


def test_a_bare_list_does_not_say_how_many_pages_there_are(live: Live) -> None:
    live.sandbox.faults(history_shape="list")
    page = read(live)
    assert page.pages is None
    assert page.more
    last = read(live, 9)
    assert not last.rows
    assert not last.more


def test_what_the_gateway_knows_more_of_is_taken_over(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=0, life_opened_after=1000)
    send(live, "sampai@contoh.id")
    assert standings(read(live), "sampai@contoh.id") == ["news"]
    here = live.service
    assert gateway_history.take_over(here.store, here.clients, 1, 1, here.clock) == 1
    assert live.rows("SELECT shown FROM mails") == [("delivered",)]
    assert standings(read(live), "sampai@contoh.id") == ["same"]
    assert gateway_history.take_over(here.store, here.clients, 1, 1, here.clock) == 0
    # A gateway that knew more before is not followed back.
    live.sandbox.faults(life_delivered_after=1000)
    assert standings(read(live), "sampai@contoh.id") == ["behind"]
    assert gateway_history.take_over(here.store, here.clients, 1, 1, here.clock) == 0


def test_strangers_become_a_batch_of_their_own_once(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=0, life_opened_after=1000)
    live.sandbox.strangers(3, "delivered@sandbox.test")
    chosen = strangers(live)[:3]
    taken = take(live, *chosen)
    assert taken == Taken(1, 3, 0)
    assert take(live, *chosen) == Taken(None, 0, 3)
    rows = live.rows(
        "SELECT b.kind, b.size, m.row, m.email, m.domain, m.subject, m.shown, m.gateway_word, m.delivered_at NOTNULL, "
        "m.accepted_at <= m.created_at FROM mails m JOIN batches b ON b.id = m.batch_id"
    )
    row = ("found", 3, "delivered@sandbox.test", "sandbox.test", "", "delivered", "delivered", 1, 1)
    assert rows == [(*row[:2], n, *row[2:]) for n in (1, 2, 3)]
    # The oldest first, as in every batch: the history shows the newest on top.
    assert [row[0] for row in live.rows("SELECT gateway_id FROM mails ORDER BY id DESC")] == chosen
    assert live.rows("SELECT DISTINCT from_state, to_state, actor FROM events ORDER BY id") == [
        ("", "accepted", "user:2"),
        ("pending", "delivered", "delivery"),
    ]
    assert live.rows("SELECT count(*) FROM attempts") == [(0,)]
    assert live.rows("SELECT count(*) FROM report_counts WHERE n <> 0") == [(0,)]
    assert history.counts(live.service.store, tests=False) == {}
    assert live.rows("SELECT kind, details ->> '$.mails' FROM activity")[-1:] == [("mails_taken_in", 3)]
    assert standings(read(live), "delivered@sandbox.test") == ["same"]


def test_taken_by_two_at_once_they_are_in_the_record_once(live: Live) -> None:
    chosen = strangers(live)[10:20]
    done: list[Taken] = []
    threads = [threading.Thread(target=lambda: done.append(take(live, *chosen))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.taken for one in done) == [0, 10]
    assert live.rows("SELECT count(*), count(DISTINCT gateway_id) FROM mails") == [(10, 10)]


def test_only_strangers_that_the_gateway_shows_are_taken_whatever_is_chosen(live: Live) -> None:
    send(live, "milik.kita@contoh.id")
    [ours] = [row.gateway_id for row in read(live).of("same")]
    assert take(live, ours, "no-such-id") == Taken(None, 0, 2)
    assert live.rows("SELECT count(*) FROM batches") == [(1,)]


def test_mails_that_newer_ones_pushed_to_the_next_page_are_taken_all_the_same(live: Live) -> None:
    chosen = strangers(live)[45:]
    live.sandbox.strangers(7, "baru@contoh.id")
    assert take(live, *chosen).taken == len(chosen) == 5


def test_what_was_found_is_followed_and_never_sent_again(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=1000)
    live.sandbox.strangers(1, "ikut@contoh.id")
    [chosen] = [row.gateway_id for row in read(live).rows if row.email == "ikut@contoh.id"]
    batch_id = take(live, chosen).batch_id
    assert live.rows("SELECT shown, look_at NOTNULL FROM mails") == [("accepted", 1)]
    live.sandbox.faults(life_delivered_after=0)
    here = live.service
    with here.store.write() as db:
        delivery.note(db, chosen, "failed", "failed", here.clock())
    assert batch_id
    assert not retries.any_offered(here.store, batch_id)
    assert live.rows("SELECT count(*) FROM report_counts WHERE n <> 0") == [(0,)]


def test_a_mail_that_was_neither_queued_nor_found_breaks_a_rule(live: Live) -> None:
    take(live, strangers(live)[0])
    store = live.service.store
    for kind, broken in (("batch", True), ("found", False)):
        with store.write() as db:
            db.execute("UPDATE batches SET kind = ?", [kind])
        rules = {one.rule for one in verify(store.read())}
        assert ("only what was found at the gateway was never queued" in rules) == broken


def test_who_was_erased_is_not_taken_in_again(live: Live) -> None:
    live.sandbox.strangers(2, "hapus@contoh.id")
    chosen = strangers(live)[:2]
    take(live, *chosen)
    here = live.service
    privacy.erase(here.store, "hapus@contoh.id", [], [], 1, here.clock())
    assert live.rows("SELECT count(*) FROM mails WHERE email = 'hapus@contoh.id'") == [(0,)]
    assert standings(read(live), "hapus@contoh.id") == ["same"]
    assert take(live, *chosen).taken == 0


# Ours whose answer was lost


def test_a_mail_that_is_on_its_way_is_no_stranger(live: Live) -> None:
    live.sandbox.faults(hang_after=1.0, hang_s=1.5)
    live.queue_to("berjalan@contoh.id")
    live.wait(lambda: live.sandbox.ledger()[-1]["email"] == "berjalan@contoh.id")
    assert state_of(live, "berjalan@contoh.id") == "sending"
    live.sandbox.reset_faults()
    assert standings(read(live), "berjalan@contoh.id") == ["perhaps"]
    live.wait(lambda: state_of(live, "berjalan@contoh.id") == "unknown")
    assert standings(read(live), "berjalan@contoh.id") == ["perhaps"]


def test_a_mail_that_may_be_ours_is_not_offered_nor_taken(live: Live) -> None:
    send_in_doubt(live, "500_after", "Ragu@contoh.id")
    [row] = read(live).of("perhaps")
    assert (row.email, row.mail_id) == ("Ragu@contoh.id", 1)
    assert take(live, row.gateway_id) == Taken(None, 0, 1)
    # Taken for a stranger, its id would be known and the mail could never be found.
    assert look(live).found == 1
    assert state_of(live, "Ragu@contoh.id") == "accepted"
    assert standings(read(live), "Ragu@contoh.id") == ["same"]


def test_a_mail_from_before_the_doubt_is_a_stranger_all_the_same(live: Live) -> None:
    send_in_doubt(live, "500_after", "dulu@contoh.id")
    page = read(live)
    assert len(page.of("perhaps")) == 1
    assert len(page.of("stranger")) > 5


def test_a_mail_that_a_person_counted_as_sent_is_still_taken_for_ours(live: Live) -> None:
    send_in_doubt(live, "500_after", "hitung@contoh.id")
    with live.service.store.write() as db:
        db.execute("UPDATE mails SET state = 'accepted', delivery = 'pending'")
        db.execute(
            "INSERT INTO events (mail_id, at, from_state, to_state, why, actor) "
            "VALUES (1, '2026', 'undecided', 'accepted', 'He has it', 'user:2')"
        )
    assert standings(read(live), "hitung@contoh.id") == ["perhaps"]


def test_which_answers_were_lost_is_told_by_an_index(live: Live) -> None:
    plan = live.service.store.read().execute(
        "EXPLAIN QUERY PLAN " + gateway_history._UNANSWERED, {"emails": "[]"}
    )
    steps = [row["detail"] for row in plan]
    assert any("attempts_unanswered" in step for step in steps)
    assert [step for step in steps if step.startswith("SCAN") and " e " not in f"{step} "] == []


# The gateway does not answer


def test_so_many_wait_for_the_gateway_that_the_others_still_have_threads(live: Live) -> None:
    for _ in range(clients.MOST_BROWSERS):
        live.service.clients._browsers.acquire()
    with pytest.raises(Problem, match="Others are waiting"):
        read(live)
    for _ in range(clients.MOST_BROWSERS):
        live.service.clients._browsers.release()
    assert read(live).rows


def test_a_stopped_token_is_not_asked_with(live: Live) -> None:
    with live.service.store.write() as db:
        db.execute("UPDATE tokens SET stopped_at = '2026-11-23T09:00:00.000Z', stop_reason = 'x'")
    with pytest.raises(Problem, match="Replace the token"):
        read(live)


def test_a_fault_of_the_gateway_takes_nothing(live: Live) -> None:
    chosen = strangers(live)[:2]
    live.sandbox.faults(**{"500_before": 1.0, "faults_on": ["history"]})
    with pytest.raises(oca.GatewayError):
        take(live, *chosen)
    assert live.rows("SELECT count(*) FROM batches") == [(0,)]


# In the browser


@pytest.fixture
def sari(live: Live) -> Browser:
    return Browser(create_app(live.service), "sari")


def test_the_pages_are_well_made_for_each_role(live: Live) -> None:
    live.sandbox.strangers(1, "<b>aneh</b>@contoh.id")
    send_in_doubt(live, "500_after", "ragu.lagi@contoh.id")
    app = create_app(live.service)
    for person in ("adi", "sari", "vino"):
        browser = Browser(app, person)
        frame, whole = browser.get("/gateway/history/"), browser.get("/gateway/history/?now=1")
        part = browser.get("/gateway/history/?token=1&page=1", part=True)
        assert faults(frame) == faults(whole) == faults(part, whole=False) == []
        assert "dulu@contoh.id" in whole.text
        assert "dulu@contoh.id" in part.text
        assert "dulu@contoh.id" not in frame.text
        assert 'hx-trigger="load"' in frame.text
        assert "<b>aneh" not in whole.text
        assert "may be one of ours" in whole.text
        assert ("into the record</a>" in whole.text) == (person != "vino")
        assert faults(browser.get("/gateway/history/?page=9&now=1")) == []
    assert "Browse its history" in browser.get("/gateway/").text


def test_the_way_from_the_question_to_the_batch(live: Live, sari: Browser) -> None:
    asked = sari.get("/gateway/history/take?token=1&page=2")
    assert faults(asked) == []
    ids = re.findall(r'name="id" value="([^"]+)"', asked.text)
    assert f"Take {len(ids)} mails into the record?" in asked.text
    form: dict[str, object] = {"token": "1", "page": "2", "id": ids}
    answer = sari.post_form("/gateway/history/take", form)
    assert (answer.status_code, answer.location) == (303, "/batches/1")
    batch = sari.get("/batches/1")
    assert faults(batch) == []
    assert f"{len(ids)} mails are in the record now." in batch.text
    assert "Found" in batch.text
    assert "Retry only" not in batch.text
    mail = sari.get("/history/1")
    assert faults(mail) == []
    assert "It was not sent from here" in mail.text
    assert "Send again" not in mail.text
    # Pressed twice.
    again = sari.post_form("/gateway/history/take", form)
    assert again.location == "/gateway/history/?token=1&page=2"
    assert "left out" in sari.get(again.location).text
    assert live.rows("SELECT count(*) FROM batches") == [(1,)]
    for url in ("/batches/", "/history/", "/address/?email=dulu@contoh.id", "/", "/templates/"):
        page = sari.get(url)
        assert (faults(page), "Found in the gateway" in page.text) == ([], False), url


def test_a_viewer_takes_nothing(live: Live) -> None:
    vino = Browser(create_app(live.service), "vino")
    assert vino.post_form("/gateway/history/take", {"token": "1", "id": ["x"]}).status_code == 403
    assert vino.post_form("/gateway/history/take-over", {"token": "1"}).status_code == 403
    assert vino.get("/gateway/history/take").status_code == 403


def test_a_gateway_that_cannot_be_reached_is_said_in_a_sentence(live: Live, sari: Browser) -> None:
    live.service.clients._base_url = "http://127.0.0.1:9"
    part = sari.get("/gateway/history/", part=True)
    assert part.status_code == 200
    assert faults(part, whole=False) == []
    assert "The gateway could not be asked" in part.text
    assert "Try again" in part.text
    answer = sari.post_form("/gateway/history/take", {"token": "1", "page": "1", "id": ["x"]})
    assert answer.location == "/gateway/history/take?token=1&page=1"
    assert sari.get(answer.location).location == "/gateway/history/?token=1&page=1"


def test_rubbish_in_the_address_does_no_harm(sari: Browser) -> None:
    for query in ("page=0", "page=-1", "page=x", "page=99999999999999999999", "token=x", "token=77"):
        assert sari.get(f"/gateway/history/?{query}", part=True).status_code == 200
