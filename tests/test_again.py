"""One mail sent again: as a batch of its own, once however often the button is pressed, and never in doubt."""

import re
import threading
from collections.abc import Callable, Iterator

import pytest

from mailroom import again, counters, forgetting, one_mail, retries, states, suppressions
from mailroom.problems import Problem
from mailroom.service import Service
from mailroom.states import Change, State
from mailroom.verify import verify
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]


@pytest.fixture
def filled(service: Service) -> Iterator[Live]:
    """A batch of two; the first mail was handed over and delivered."""
    live = prepare_records(service)
    hand_over(live, 1)
    yield live
    assert verify(service.store.read()) == []


def hand_over(live: Live, mail_id: int, delivery: str = "delivered") -> None:
    change = Change(live.service.clock(), delivery, "delivery")
    with live.service.store.write() as db:
        states.transition(db, mail_id, "queued", "sending", change)
        states.transition(db, mail_id, "sending", "accepted", change, gateway_id=f"id-{mail_id}")
        states.deliver(db, mail_id, "pending", delivery, delivery, change, None)  # type: ignore[arg-type]


def move(live: Live, mail_id: int, *way: State) -> None:
    with live.service.store.write() as db:
        for old, new in zip(("queued", *way), way, strict=False):
            states.transition(db, mail_id, old, new, Change(live.service.clock(), "", "sender"))


def send(live: Live, mail_id: int = 1, key: str = "k", seen: str = "") -> int:
    here = live.service
    seen = seen or again.question(here.store, mail_id).seen
    return again.send(here.store, mail_id, "Tagihan, row 2 again", seen, key, 2, here.clock())


def pressed(page: str) -> dict[str, object]:
    """What the form on a page sends."""
    return dict(re.findall(r'type="hidden" name="(seen|form_key)" value="([^"]+)"', page))


def test_it_is_the_same_mail_in_a_batch_of_its_own(filled: Live) -> None:
    store = filled.service.store
    new_id = send(filled)
    first, second = one_mail.get(store, 1), one_mail.get(store, new_id)
    assert first
    assert second
    assert second.batch_id != first.batch_id
    assert (second.email, second.subject, second.row) == (first.email, first.subject, first.row)
    one, other = one_mail.body(store, 1), one_mail.body(store, new_id)
    assert one
    assert other
    assert one.html == other.html
    assert second.again_of == 1
    assert [later.mail_id for later in again.of(store, 1)] == [new_id]
    assert retries.of(store, first.batch_id)[0].size == 1


def test_a_form_sent_twice_sends_one(filled: Live) -> None:
    seen = again.question(filled.service.store, 1).seen
    assert send(filled, seen=seen) == send(filled, seen=seen)
    assert filled.rows("SELECT count(*) FROM mails") == [(3,)]


def test_two_people_at_once_send_one(filled: Live) -> None:
    seen = again.question(filled.service.store, 1).seen
    done: list[str] = []

    def press(key: str) -> None:
        try:
            done.append(str(send(filled, key=key, seen=seen)))
        except Problem as problem:
            done.append(str(problem))

    people = [threading.Thread(target=press, args=(key,)) for key in "abcd"]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(done) == sorted(["3", *[again.STILL_GOING] * 3])
    assert filled.rows("SELECT count(*) FROM mails") == [(3,)]


def test_what_has_happened_since_the_page_was_opened_is_read_first(filled: Live) -> None:
    seen = again.question(filled.service.store, 1).seen
    with filled.service.store.write() as db:
        change = Change(filled.service.clock(), "opened", "delivery")
        states.deliver(db, 1, "delivered", "opened", "opened", change, None)
    with pytest.raises(Problem, match="Something has happened"):
        send(filled, seen=seen)


def test_never_while_it_may_still_go_or_may_have_left(service: Service) -> None:
    live = prepare_records(service)
    live.queue_to("agus@contoh.id", "tono@contoh.id")
    ways: list[tuple[State, ...]] = [
        (),
        ("sending",),
        ("sending", "unknown"),
        ("sending", "unknown", "undecided"),
    ]
    for mail_id, way in enumerate(ways, 1):
        move(live, mail_id, *way)
        with pytest.raises(Problem) as problem:
            send(live, mail_id)
        assert str(problem.value) == (again.IN_DOUBT if way else again.WAITS)
    assert live.rows("SELECT count(*) FROM batches") == [(2,)]


def test_what_never_left_can_be_sent_again(service: Service) -> None:
    live = prepare_records(service)
    live.queue_to("agus@contoh.id")
    ways: list[tuple[State, ...]] = [("cancelled",), ("gave_up",), ("sending", "rejected")]
    for mail_id, way in enumerate(ways, 1):
        move(live, mail_id, *way)
        assert send(live, mail_id) == mail_id + 3


def test_not_to_an_address_that_gets_no_mail(filled: Live, client: Client) -> None:
    suppressions.add(
        filled.service.store, ["JOKO@contoh.id"], "hand", "minta sendiri", 1, filled.service.clock()
    )
    with pytest.raises(Problem, match="do-not-mail"):
        send(filled)
    page = client("sari").get("/history/1").text
    assert "Send again" not in page
    assert "is on the do-not-mail list now" in page


def test_not_what_was_forgotten(filled: Live, client: Client) -> None:
    with filled.service.store.write() as db:
        assert forgetting.forget(db, [1], filled.service.clock()) == 1
    with pytest.raises(Problem, match="taken out of the record"):
        send(filled)
    browser = client("sari")
    answer = browser.get("/history/1")
    assert faults(answer) == []
    assert "Address forgotten" in answer.text
    assert "id-1" in answer.text
    assert "/history/1/body" not in answer.text
    assert browser.get("/history/1/body").status_code == 404


def test_a_test_is_sent_again_as_a_test(filled: Live) -> None:
    with filled.service.store.write() as db:
        db.execute("UPDATE batches SET kind = 'test'")
    counters.rebuild(filled.service.store)
    new = one_mail.get(filled.service.store, send(filled))
    assert new
    assert new.kind == "test"


def test_what_the_gateway_told_us_of_cannot_be_made_again(service: Service) -> None:
    filled = prepare_records(service)
    hand_over(filled, 1)
    with filled.service.store.write() as db:
        db.execute("UPDATE batches SET kind = 'found'")
    with pytest.raises(Problem, match="not sent from here"):
        send(filled)


def test_the_page_asks_first_and_says_what_became_of_it(filled: Live, client: Client) -> None:
    browser = client("sari")
    assert 'href="/history/1/again"' in browser.get("/history/1").text
    answer = browser.get("/history/1/again")
    assert faults(answer) == []
    assert "It reached their mailbox" in answer.text
    assert filled.rows("SELECT count(*) FROM batches") == [(1,)]
    done = browser.post_form("/history/1/again", pressed(answer.text))
    assert (done.status_code, done.location) == (303, "/history/3")
    new = browser.get("/history/3")
    assert faults(new) == []
    assert "It sends an earlier mail again" in new.text
    assert "This is the new mail" in new.text
    assert "Sent again by Sari" in browser.get("/history/1").text
    # Pressed again in the same window, it is the same new mail.
    assert browser.post_form("/history/1/again", pressed(answer.text)).location == "/history/3"


def test_a_page_that_is_out_of_date_comes_again_with_the_news(filled: Live, client: Client) -> None:
    browser = client("sari")
    form = pressed(browser.get("/history/1/again").text)
    first = send(filled)
    hand_over(filled, first, "opened")
    answer = browser.post_form("/history/1/again", form)
    assert answer.status_code == 422
    assert faults(answer) == []
    assert "Something has happened to it since" in answer.text
    assert "It was sent again 1 time already" in answer.text
    # What the page says now was read, so now it goes.
    assert browser.post_form("/history/1/again", pressed(answer.text)).location == "/history/4"


def test_a_form_without_its_key_or_its_reading_sends_nothing(filled: Live, client: Client) -> None:
    browser = client("sari")
    for form in (
        {},
        {"form_key": "x"},
        {"seen": "delivered.0"},
        {"form_key": "x" * 99, "seen": "delivered.0"},
    ):
        assert browser.post_form("/history/1/again", dict(form)).status_code == 422
    assert browser.get("/history/99/again").status_code == 404
    assert filled.rows("SELECT count(*) FROM batches") == [(1,)]


def test_a_viewer_is_not_offered_it(filled: Live, client: Client) -> None:
    assert filled
    assert "/history/1/again" not in client("vino").get("/history/1").text
