"""One mail's page: one honest sentence, every attempt and every look, its content, and who sent it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from mailroom import batch_controls, states, suppressions
from mailroom.plans import Plan
from mailroom.service import Service
from mailroom.states import Change
from mailroom.times import iso
from oca.audit import AttemptFacts, AttemptResult, complete_attempt, insert_attempt
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]
# Ten at night on a 20 November in Jakarta, long before any day on which a test runs as a year is concerned.
NIGHT = datetime(2025, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def filled(service: Service) -> Live:
    """A batch of two queued mails."""
    return prepare_records(service)


def at(moment: datetime, why: str = "") -> Change:
    return Change(moment, why, "sender")


def tried(live: Live, moment: datetime, verdict: str, status: int, detail: str) -> int:
    """The id of an attempt at the first mail, after which it is `unknown`."""
    facts = AttemptFacts(
        moment, "joko@contoh.id", "t@contoh.id", "T", "S", "00", 128, None, None, None, "abc"
    )
    with live.service.store.write() as db:
        states.transition(db, 1, "queued", "sending", at(moment))
        attempt = insert_attempt(db, facts, mail_id=1)
        complete_attempt(db, attempt, AttemptResult(moment, verdict, status, 13, detail, None, 212))
        states.transition(db, 1, "sending", "unknown", at(moment, detail))
    return attempt


def words(page: str) -> str:
    """A page's text as it is read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split()).replace(" ,", ",").replace(" .", ".")


def shown(client: Client, person: str = "vino") -> str:
    answer = client(person).get("/history/1", part=True)
    assert faults(answer, whole=False) == []
    return words(answer.text)


def test_the_way_is_told_in_one_sentence_with_days_where_they_differ(filled: Live, client: Client) -> None:
    with filled.service.store.write() as db:
        states.transition(db, 1, "queued", "sending", at(NIGHT))
        states.transition(db, 1, "sending", "accepted", at(NIGHT), gateway_id="id-1")
        delivered = at(NIGHT + timedelta(minutes=1), "sent")
        states.deliver(db, 1, "pending", "delivered", "sent", delivered, None)
        opened = at(NIGHT + timedelta(hours=10), "read")
        states.deliver(db, 1, "delivered", "opened", "read", opened, None)
    told = shown(client)
    assert "Handed to the gateway at 20 Nov 2025 22:00, delivered by 22:01, opened by 21 Nov 08:00." in told
    assert "Gateway’s id id-1 Gateway’s word read" in told


def test_one_that_waits_says_when_it_goes_or_why_not(filled: Live, client: Client) -> None:
    store, now = filled.service.store, filled.service.clock()
    assert "Its batch is being sent now; it goes in its turn." in shown(client)
    with store.write() as db:
        db.execute("UPDATE mails SET due_at = ? WHERE id = 1", [iso(now + timedelta(seconds=50))])
    assert "Sent again in " in shown(client)
    start = now + timedelta(days=3)
    with store.write() as db:
        columns = Plan(start_at=start).as_columns()
        db.execute("UPDATE batches SET start_at = ?, next_at = ?", [columns["start_at"], iso(start)])
    assert "Its batch begins " in shown(client)
    batch_controls.pause(store, 1, 2, now)
    assert "Its batch was paused by Sari; it goes once somebody resumes it." in shown(client)
    with store.write() as db:
        db.execute("UPDATE tokens SET stopped_at = ?", [iso(now)])
    assert "Nothing goes out with the token “Utama” now." in shown(client)


def test_every_attempt_stands_there_with_code_message_and_duration(filled: Live, client: Client) -> None:
    attempt = tried(filled, NIGHT, "unknown", 500, "Internal error, try <later>")
    with filled.service.store.write() as db:
        db.execute(
            "INSERT INTO lookups (attempt_id, mail_id, looks, first_at, last_at, next_at, finding, evidence) "
            "VALUES (?, 1, 3, ?, ?, '', 'absent', '{}')",
            [attempt, iso(NIGHT), iso(NIGHT + timedelta(minutes=2))],
        )
        states.transition(db, 1, "unknown", "queued", Change(NIGHT, "Not there", "reconcile"))
        states.transition(db, 1, "queued", "sending", at(NIGHT))
    told = shown(client)
    assert "212 ms · HTTP 500 · code 13 Internal error, try <later>" in told
    assert (
        "Looked up in the gateway’s history 3 times, last 20 Nov 2025 22:02:00: proven not to have left."
        in told
    )
    assert "looked up by itself Not there" in told
    # The attempt that is on the wire belongs to no event yet, and takes nobody else's place.
    assert told.count("HTTP 500") == 1


def test_one_in_doubt_says_what_to_do(filled: Live, client: Client) -> None:
    tried(filled, NIGHT, "unknown", 500, "Internal error")
    assert "It is looked up in the gateway’s history by itself." in shown(client)
    with filled.service.store.write() as db:
        states.transition(db, 1, "unknown", "undecided", Change(NIGHT, "No witness", "reconcile"))
    told = shown(client, "sari")
    assert "Ask the recipient, or look on the OCA dashboard; then decide" in told
    assert "Decide" in told
    assert "Send again" not in told


def test_one_that_counts_as_sent_cannot_be_asked_about(filled: Live, client: Client) -> None:
    tried(filled, NIGHT, "unknown", 500, "Internal error")
    with filled.service.store.write() as db:
        states.transition(db, 1, "unknown", "undecided", at(NIGHT))
        states.transition(db, 1, "undecided", "accepted", Change(NIGHT, "It arrived: Joko says so", "user:2"))
    told = shown(client, "sari")
    assert "The gateway gave no id for it, so it cannot be asked" in told
    assert "Sari It arrived: Joko says so" in told
    assert "Check now" not in told


def test_a_skipped_one_says_why_and_when_the_gateway_was_asked_last(filled: Live, client: Client) -> None:
    with filled.service.store.write() as db:
        states.transition(db, 1, "queued", "skipped", at(NIGHT, suppressions.WHY["unsubscribed"]))
    assert "Skipped at 20 Nov 2025 22:00: the recipient asked not to get mail." in shown(client)
    with filled.service.store.write() as db:
        db.execute("UPDATE events SET why = ''")
    assert "Skipped at 20 Nov 2025 22:00." in shown(client)


def test_a_look_that_found_nothing_new_is_told_too(filled: Live, client: Client) -> None:
    now = filled.service.clock()
    with filled.service.store.write() as db:
        states.transition(db, 1, "queued", "sending", at(NIGHT))
        states.transition(db, 1, "sending", "accepted", at(NIGHT), gateway_id="id-1")
        states.looked(db, 1, None, now - timedelta(minutes=2), iso(now + timedelta(hours=1)))
    told = shown(client)
    assert "Last checked 2 minutes ago. Checked again in " in told
    assert "nothing new at the gateway" in told


def test_who_sent_and_who_approved_it(filled: Live, client: Client) -> None:
    assert "Sent by Sari Batch Tagihan, row 2 Template “Tagihan bulanan”, version 1" in shown(client)
    with filled.service.store.write() as db:
        db.execute("UPDATE batches SET approved_by = 1")
    assert "Sent by Sari, approved by Adi" in shown(client)


def test_the_content_is_shown_as_wide_as_a_phone_or_a_desk(filled: Live, client: Client) -> None:
    assert filled
    browser = client("vino")
    assert 'class="mail short"' in browser.get("/history/1").text
    phone = browser.get("/history/1?width=phone&q=tagihan")
    assert faults(phone) == []
    assert 'class="mail phone"' in phone.text
    assert 'href="/history/1?width=desk&amp;q=tagihan#content"' in phone.text


def test_words_of_the_address_never_become_those_of_a_link(filled: Live, client: Client) -> None:
    assert filled
    page = client("sari").get("/history/1?_scheme=javascript&_external=1&_anchor=x&mail_id=7&endpoint=y")
    assert page.status_code == 200
    assert "javascript" not in page.text
    answer = client("sari").post_form("/history/1/look-again?_external=1&mail_id=9&q=a")
    assert answer.location == "/history/1?q=a"


def test_the_place_beside_the_list_is_no_page_of_its_own(filled: Live, client: Client) -> None:
    assert filled
    assert client("vino").get("/history/none").location == "/history/"
    assert "Choose a mail" in client("vino").get("/history/none", part=True).text
