"""Batches in the browser: progress that renews itself, counts that filter, buttons for those who may."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

import oca
from mailroom import batches, drafts, history, recipients, states, tokens, watch
from mailroom.service import Service
from mailroom.states import Change
from mailroom.times import iso
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]


@pytest.fixture
def filled(service: Service) -> Live:
    return prepare_records(service)


def finish(live: Live, delivery: states.Delivery = "opened") -> None:
    """Every mail of the database was handed over, and became what `delivery` says."""
    change = Change(live.service.clock(), "opened", "delivery")
    with live.service.store.write() as db:
        for (mail_id,) in live.rows("SELECT id FROM mails"):
            assert isinstance(mail_id, int)
            states.transition(db, mail_id, "queued", "sending", change)
            states.transition(db, mail_id, "sending", "accepted", change, gateway_id=f"id-{mail_id}")
            states.deliver(db, mail_id, "pending", delivery, delivery, change, None)


def pill(browser: Browser) -> str:
    """The state of the only batch, as the list of batches has it."""
    found = re.findall(r'class="pill[^>]*>.*?</svg>([^<]+)<', browser.get("/batches/").text)
    assert len(found) == 1
    return str(found[0])


def test_the_list_says_so_when_nothing_was_sent(client: Client) -> None:
    page = client("vino").get("/batches/").text
    assert "Nothing has been sent yet" in page
    assert "Send mail" not in page


def test_a_large_batch_is_not_sorted_anew_for_each_page_of_its_mails(filled: Live) -> None:
    said: list[str] = []
    store = filled.service.store
    store.read().conn.set_trace_callback(said.append)
    found = [
        *history.of_batch(store, 1),
        *history.of_batch(store, 1, after=1),
        *history.of_batch(store, 1, "queued"),
    ]
    store.read().conn.set_trace_callback(None)
    assert [line.id for line in found] == [1, 2, 2, 1, 2]
    asked = [sql for sql in said if sql.startswith("SELECT")]
    assert len(asked) == 3
    for sql in asked:
        plan = [row["detail"] for row in store.read().query("EXPLAIN QUERY PLAN " + sql)]
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


def test_a_batch_renews_itself_until_nothing_can_change_any_more(client: Client, filled: Live) -> None:
    browser = client("vino")
    assert 'hx-trigger="every 2s"' in browser.get("/batches/1?part=status", part=True).text
    finish(filled, "opened")
    finished = browser.get("/batches/1?part=status", part=True).text
    assert "Finished" in finished
    assert "hx-trigger" not in finished
    assert "100 %" in finished


def test_a_batch_of_which_only_doubts_are_left_says_so(client: Client, filled: Live) -> None:
    change = Change(filled.service.clock(), "", "sender")
    with filled.service.store.write() as db:
        for mail_id in (1, 2):
            states.transition(db, mail_id, "queued", "sending", change)
        states.transition(db, 1, "sending", "accepted", change, gateway_id="id-1")
        states.transition(db, 2, "sending", "unknown", change)
    vino = client("vino")
    assert pill(vino) == "Checking"
    with filled.service.store.write() as db:
        states.transition(db, 2, "unknown", "undecided", change)
    assert pill(vino) == "Needs a decision"
    stop_token(filled)
    assert pill(vino) == "Needs a decision"


def test_delivered_mails_are_watched_a_while_for_they_may_be_opened(client: Client, filled: Live) -> None:
    finish(filled, "delivered")
    assert 'hx-trigger="every 5s"' in client("vino").get("/batches/1?part=status", part=True).text
    batch = filled.batch(1)
    assert not batch.settled(filled.service.clock())
    assert batch.settled(filled.service.clock() + batches.WATCHED)


def test_counts_lead_to_the_mails_behind_them(client: Client, filled: Live) -> None:
    browser = client("vino")
    assert "/batches/1?state=queued" in browser.get("/batches/1").text
    assert "joko@contoh.id" in browser.get("/batches/1?state=queued").text
    assert "No mail of this batch is in that state now" in browser.get("/batches/1?state=opened").text
    finish(filled)
    assert "joko@contoh.id" in browser.get("/batches/1?state=opened").text


def test_rows_come_fifty_at_a_time_and_none_is_missing(client: Client, filled: Live) -> None:
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(120)])
    browser = client("vino")
    first = browser.get("/batches/2").text
    assert "orang49@" in first
    assert "orang50@" not in first
    second = browser.get("/batches/2?after=53&part=mails", part=True).text
    assert second.count("<tr id=") == 50
    assert "More rows" in second
    # The part that renews itself carries no second "more": the one below it stays where it is.
    assert "More rows" not in browser.get("/batches/2?part=mails", part=True).text


def test_pause_and_resume(client: Client, filled: Live) -> None:
    browser = client("sari")
    assert browser.post_form("/batches/1/pause").status_code == 303
    page = browser.get("/batches/1").text
    assert "2 mails wait until you resume" in page
    assert "Paused by Sari" in page
    assert filled.batch(1).state == "paused"
    browser.post_form("/batches/1/resume")
    assert filled.batch(1).state == "running"


def told(browser: Browser, button: str, batch_id: int = 1) -> str:
    """What a person reads who presses a button of a batch; the page is well made whatever it says."""
    assert browser.post_form(f"/batches/{batch_id}/{button}").status_code == 303
    answer = browser.get(f"/batches/{batch_id}")
    assert answer.status_code == 200
    assert faults(answer) == []
    return answer.text


def test_a_button_pressed_twice_or_by_two_people_is_answered_with_a_sentence(
    client: Client, filled: Live
) -> None:
    sari, adi = client("sari"), client("adi")
    assert "It runs already" in told(adi, "resume")
    told(sari, "pause")
    assert "It is paused already, by Sari." in told(adi, "pause")
    told(adi, "resume")
    assert "It runs already" in told(sari, "resume")
    assert "2 mails were cancelled" in told(sari, "cancel")
    for button in ("cancel", "pause", "resume"):
        assert "This batch was cancelled" in told(adi, button)
    assert filled.batch(1).state == "cancelled"


def test_after_the_end_every_button_says_that_nothing_waits(client: Client, filled: Live) -> None:
    browser = client("sari")
    finish(filled)
    for button in ("cancel", "pause", "resume"):
        assert "Nothing of this batch waits any more" in told(browser, button)
    assert filled.batch(1).shown == "finished"
    assert browser.get("/batches/1/cancel").status_code == 303
    for button in ("cancel", "pause", "resume", "retry"):
        assert browser.post_form(f"/batches/99/{button}").status_code == 404


def test_cancelling_asks_first_with_numbers(client: Client, filled: Live) -> None:
    browser = client("sari")
    asked = browser.get("/batches/1/cancel").text
    assert "2 mails still wait" in asked
    assert filled.batch(1).counts == {"queued": 2}
    browser.post_form("/batches/1/cancel")
    assert "2 mails were cancelled" in browser.get("/batches/1").text
    assert filled.batch(1).counts == {"cancelled": 2}


def test_what_is_on_its_way_while_its_batch_is_cancelled_is_said(client: Client, filled: Live) -> None:
    with filled.service.store.write() as db:
        states.transition(db, 1, "queued", "sending", Change(filled.service.clock(), "", "sender"))
    browser = client("sari")
    asked = browser.get("/batches/1/cancel").text
    assert "1 mail still waits" in asked
    assert "1 is on its way right now" in asked
    page = told(browser, "cancel")
    assert "1 mail was cancelled" in page
    assert "on its way right now" in page


def test_a_viewer_sees_no_buttons_and_cannot_use_them(client: Client, filled: Live) -> None:
    browser = client("vino")
    for url in ("/batches/1", "/"):
        assert "Cancel the rest" not in browser.get(url).text
        assert "Resume" not in browser.get(url).text
    assert browser.post_form("/batches/1/pause").status_code == 403
    assert filled.batch(1).state == "running"


def test_the_same_draft_queued_twice_is_one_batch(filled: Live) -> None:
    store = filled.service.store
    [(form_key,)] = filled.rows("SELECT form_key FROM batches")
    assert batches.queue(store, str(form_key), 2, filled.service.clock()) == 1
    assert filled.rows("SELECT count(*) FROM mails") == [(2,)]


# Why nothing goes out, and what to do


def stop_token(live: Live) -> None:
    with live.service.store.write() as db:
        tokens.stop(db, 1, "Auth token is not valid", live.service.clock())


def refuse(live: Live, batch_id: int, count: int) -> None:
    """The first mails of a batch are refused, as the sender records it."""
    now = live.service.clock()
    ids = live.rows(f"SELECT id FROM mails WHERE batch_id = {batch_id} AND state = 'queued' LIMIT {count}")
    with live.service.store.write() as db:
        for (mail_id,) in ids:
            assert isinstance(mail_id, int)
            states.transition(db, mail_id, "queued", "sending", Change(now, "", "sender"))
            why = "sender_email: Invalid sender_email"
            states.transition(db, mail_id, "sending", "rejected", Change(now, why, "sender"))
            watch.refused(db, batch_id, now)


@pytest.mark.parametrize("url", ["/", "/batches/1"])
def test_a_stopped_token_is_said_with_the_way_out_for_those_who_may(
    client: Client, filled: Live, url: str
) -> None:
    stop_token(filled)
    page = client("adi").get(url)
    assert faults(page) == []
    assert "Auth token is not valid" in page.text
    assert "/gateway/tokens/1/replace" in page.text
    assert "/gateway/tokens/1/check" in page.text
    for person in ("sari", "vino"):
        other = client(person).get(url).text
        assert "An admin does this" in other
        assert "/gateway/tokens/1/replace" not in other


@pytest.mark.parametrize("url", ["/", "/batches/1"])
def test_an_empty_account_asks_for_a_top_up_and_offers_to_check(
    client: Client, filled: Live, url: str
) -> None:
    now = filled.service.clock()
    tokens.record_check(filled.service.store, 1, f"{oca.LowBalance.sentence}\n{oca.LowBalance.advice}", now)
    with filled.service.store.write() as db:
        tokens.stop(db, 1, "low balance", now)
    page = client("adi").get(url).text
    assert "no balance left" in page
    assert "Top up the OCA account" in page
    assert "Check the token again" in page
    assert "/gateway/tokens/1/replace" not in page


@pytest.mark.parametrize("url", ["/", "/batches/1"])
def test_an_expired_token_asks_for_a_new_one(client: Client, filled: Live, url: str) -> None:
    with filled.service.store.write() as db:
        db.execute("UPDATE tokens SET expires_at = '2026-01-02T03:04:05.000Z'")
    page = client("adi").get(url)
    assert faults(page) == []
    assert "it expired on" in page.text
    assert "/gateway/tokens/1/replace" in page.text
    assert "Expired" in page.text


@pytest.mark.parametrize("url", ["/", "/batches/2"])
def test_a_batch_that_paused_itself_says_why_and_what_to_do(client: Client, filled: Live, url: str) -> None:
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(40)])
    refuse(filled, 2, 12)
    page = client("sari").get(url)
    assert faults(page) == []
    assert "The first 12 mails were all refused" in page.text
    assert "Invalid sender_email" in page.text
    assert "mend it and resume" in page.text
    assert "/batches/2/resume" in page.text
    assert "/batches/2/cancel" in page.text
    assert "Somebody who may send decides" in client("vino").get(url).text


def test_the_overview_says_who_paused_a_batch_with_the_button_that_resumes_it(
    client: Client, filled: Live
) -> None:
    client("sari").post_form("/batches/1/pause")
    page = client("adi").get("/").text
    assert "Paused by Sari" in page
    assert "/batches/1/resume" in page
    client("adi").post_form("/batches/1/resume")
    page = client("adi").get("/").text
    assert "Paused by" not in page
    assert "/batches/1/pause" in page
    assert filled.batch(1).state == "running"


def test_the_menu_counts_the_batches_that_need_somebody(client: Client, filled: Live) -> None:
    browser = client("vino")
    assert 'class="badge"' not in browser.get("/").text
    stop_token(filled)
    filled.queue_to("siti@contoh.id")
    assert '<b class="badge">2</b>' in browser.get("/history/").text
    tokens.clear_stop(filled.service.store, 1)
    assert 'class="badge"' not in browser.get("/").text


def test_a_token_about_to_end_is_announced_before_it_does(client: Client, filled: Live) -> None:
    def expires(days: int) -> str:
        with filled.service.store.write() as db:
            at = iso(filled.service.clock() + timedelta(days=days))
            db.execute("UPDATE tokens SET expires_at = ?", [at])
        return client("vino").get("/").text

    assert "Replace it before then" in expires(10)
    assert "Replace it before then" not in expires(20)
    assert "Replace it before then" not in expires(-1)


# When it will be done


def test_the_end_is_told_before_sending_and_after_with_other_batches_in_between(
    client: Client, filled: Live
) -> None:
    store, now = filled.service.store, filled.service.clock()
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(60)])
    setup = drafts.Setup("Lain", filled.version, 1, 1, "daftar.csv", None)
    csv = "email,nama,total\n" + "\n".join(f"lain{n}@contoh.id,Nama,1" for n in range(30))
    draft_id = drafts.create(
        store, 2, setup, recipients.read(recipients.Given("daftar.csv", csv.encode())), now
    )
    browser = client("sari")
    # Thirty of the sixty, and both mails of the short batch, take turns with these thirty.
    for url in (f"/send/{draft_id}", f"/send/{draft_id}/confirm"):
        page = browser.get(url)
        assert faults(page) == []
        assert "32 mails of other batches" in page.text
    browser.post_form(f"/send/{draft_id}/queue")
    queued = browser.get("/batches/3").text
    assert "after 32 mails of other batches" in queued
    assert re.search(r"done about \d\d:\d\d, in 2 s", queued)
    assert "after 32 mails" in browser.get("/").text


# Sending again what failed


def fail(live: Live) -> None:
    """One mail of the first batch was refused, the other one not delivered."""
    change = Change(live.service.clock(), "failed", "delivery")
    with live.service.store.write() as db:
        for mail_id in (1, 2):
            states.transition(db, mail_id, "queued", "sending", change)
        states.transition(db, 1, "sending", "rejected", change)
        states.transition(db, 2, "sending", "accepted", change, gateway_id="id-2")
        states.deliver(db, 2, "pending", "failed", "failed", change, None)


def form_key(browser: Browser) -> str:
    found = re.search(r'name="form_key" value="([^"]+)"', browser.get("/batches/1/retry").text)
    assert found
    return found.group(1)


def test_only_what_failed_is_sent_again_once_however_often_one_presses(client: Client, filled: Live) -> None:
    fail(filled)
    browser = client("sari")
    assert "Retry only the failed" in browser.get("/batches/1").text
    asked = browser.get("/batches/1/retry")
    assert faults(asked) == []
    assert "Refused: 1 mail" in asked.text
    assert "Not delivered: 1 mail" in asked.text
    form: dict[str, object] = {"form_key": form_key(browser), "kinds": ["failed"], "name": "Tagihan lagi"}
    answers = [browser.post_form("/batches/1/retry", form) for _press in range(2)]
    assert [answer.location for answer in answers] == ["/batches/2", "/batches/2"]
    assert filled.batch(2).counts == {"queued": 1}
    assert filled.rows("SELECT count(*) FROM batches") == [(2,)]


def test_a_batch_and_its_retry_lead_to_each_other(client: Client, filled: Live) -> None:
    fail(filled)
    browser = client("sari")
    form: dict[str, object] = {"form_key": form_key(browser), "kinds": ["failed"], "name": "Tagihan lagi"}
    browser.post_form("/batches/1/retry", form)
    first, again = browser.get("/batches/1"), browser.get("/batches/2")
    assert faults(first) == faults(again) == []
    assert 'href="/batches/2">Tagihan lagi' in first.text
    assert 'href="/batches/1">Tagihan' in again.text


def test_what_was_sent_again_already_is_said_in_a_second_tab(client: Client, filled: Live) -> None:
    fail(filled)
    browser = client("sari")
    keys = [form_key(browser), form_key(browser)]
    assert keys[0] != keys[1]
    everything: dict[str, object] = {"kinds": ["failed", "rejected"], "name": "Tagihan lagi"}
    browser.post_form("/batches/1/retry", {"form_key": keys[0], **everything})
    late = browser.post_form("/batches/1/retry", {"form_key": keys[1], **everything})
    assert late.location == "/batches/1"
    page = browser.get("/batches/1").text
    assert "sent again already, in “Tagihan lagi”" in page
    assert "Retry only the failed" not in page
    assert browser.get("/batches/1/retry").status_code == 303
    assert filled.rows("SELECT count(*) FROM batches") == [(2,)]


def test_a_retry_with_nothing_ticked_or_no_name_is_asked_for_again(client: Client, filled: Live) -> None:
    fail(filled)
    browser = client("sari")
    key = form_key(browser)
    nothing = browser.post_form("/batches/1/retry", {"form_key": key, "name": "Tagihan lagi"})
    assert nothing.status_code == 422
    assert faults(nothing) == []
    assert "Tick what is to be sent again" in nothing.text
    assert 'value="Tagihan lagi"' in nothing.text
    nameless = browser.post_form("/batches/1/retry", {"form_key": key, "kinds": ["rejected"], "name": " "})
    assert nameless.status_code == 422
    assert "Name the batch" in nameless.text
    assert re.search(r'value="rejected" checked', nameless.text)
    assert not re.search(r'value="failed" checked', nameless.text)
    assert key in nameless.text


def test_what_may_have_arrived_is_not_ticked_by_itself(client: Client, filled: Live) -> None:
    finish(filled, "lost")
    page = client("sari").get("/batches/1/retry").text
    assert "Lost by the gateway: 2 mails" in page
    assert " checked" not in page


def test_where_nothing_failed_there_is_nothing_to_send_again(client: Client, filled: Live) -> None:
    finish(filled)
    browser = client("sari")
    assert "Retry only the failed" not in browser.get("/batches/1").text
    assert browser.get("/batches/1/retry").status_code == 303
    assert "nothing to send again" in browser.get("/batches/1").text
    assert client("vino").get("/batches/1/retry").status_code == 403


def test_hostile_names_are_shown_as_text(client: Client, filled: Live) -> None:
    filled.queue(
        "email,nama,total\njoko@contoh.id,<script>alert(1)</script>,1", name="<img src=x onerror=alert(1)>"
    )
    browser = client("vino")
    for url in ("/batches/", "/batches/2", "/history/", "/history/3", "/"):
        page = browser.get(url).text
        assert "<script>alert" not in page, url
        assert "<img src=x" not in page, url
