"""Batches in the browser: progress that renews itself, counts that filter, buttons for those who may."""

from collections.abc import Callable

import pytest

from mailroom import batches, states, tokens
from mailroom.service import Service
from mailroom.states import Change
from tests.house import Browser
from tests.live import Live, prepare_records

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


def test_the_list_says_so_when_nothing_was_sent(client: Client) -> None:
    page = client("vino").get("/batches/").text
    assert "Nothing has been sent yet" in page
    assert "Send mail" not in page


def test_a_batch_renews_itself_until_nothing_can_change_any_more(client: Client, filled: Live) -> None:
    browser = client("vino")
    assert 'hx-trigger="every 2s"' in browser.get("/batches/1?part=status", part=True).text
    finish(filled, "delivered")
    assert "Finished" in browser.get("/batches/1").text
    finished = browser.get("/batches/1?part=status", part=True).text
    assert "hx-trigger" not in finished
    assert "100 %" in finished


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
    assert "Paused" in page
    assert "Resume" in page
    assert filled.batch(1).state == "paused"
    browser.post_form("/batches/1/resume")
    assert filled.batch(1).state == "running"


def test_cancelling_asks_first_with_numbers(client: Client, filled: Live) -> None:
    browser = client("sari")
    asked = browser.get("/batches/1/cancel").text
    assert "2 mails still wait" in asked
    assert filled.batch(1).counts == {"queued": 2}
    browser.post_form("/batches/1/cancel")
    assert "2 mails were cancelled" in browser.get("/batches/1").text
    assert filled.batch(1).counts == {"cancelled": 2}
    again = browser.post_form("/batches/1/cancel")
    assert again.status_code == 303


def test_a_viewer_sees_no_buttons_and_cannot_use_them(client: Client, filled: Live) -> None:
    browser = client("vino")
    assert "Cancel the rest" not in browser.get("/batches/1").text
    assert browser.post_form("/batches/1/pause").status_code == 403
    assert filled.batch(1).state == "running"


def test_the_same_draft_queued_twice_is_one_batch(filled: Live) -> None:
    store = filled.service.store
    [(form_key,)] = filled.rows("SELECT form_key FROM batches")
    assert batches.queue(store, str(form_key), 2, filled.service.clock()) == 1
    assert filled.rows("SELECT count(*) FROM mails") == [(2,)]


def test_a_stopped_token_is_said_on_the_batch_with_the_way_out(client: Client, filled: Live) -> None:
    with filled.service.store.write() as db:
        tokens.stop(db, 1, "Auth token is not valid", filled.service.clock())
    page = client("sari").get("/batches/1").text
    assert "Auth token is not valid" in page
    assert "/gateway/" in page


def test_hostile_names_are_shown_as_text(client: Client, filled: Live) -> None:
    filled.queue(
        "email,nama,total\njoko@contoh.id,<script>alert(1)</script>,1", name="<img src=x onerror=alert(1)>"
    )
    browser = client("vino")
    for url in ("/batches/", "/batches/2", "/history/", "/history/3", "/"):
        page = browser.get(url).text
        assert "<script>alert" not in page, url
        assert "<img src=x" not in page, url
