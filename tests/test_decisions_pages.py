"""Decisions in the browser: the evidence laid out, two buttons, a reason, and nobody decides twice."""

from collections.abc import Callable, Iterator

import pytest

from app import create_app
from mailroom import decisions, states
from mailroom.doubts import get, keep
from mailroom.evidence import NO_WITNESS, Evidence, Seen
from mailroom.service import Service
from mailroom.states import Change
from mailroom.times import after, iso
from mailroom.verify import verify
from oca.audit import AttemptFacts, AttemptResult, complete_attempt, insert_attempt
from tests.doubt import doubtful_mailroom, look, old_sandbox, send_in_doubt, state_of
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults
from tests.sandbox_server import Sandbox

Client = Callable[[str], Browser]
REASON = {"reason": "Joko says it is in his inbox"}


@pytest.fixture
def filled(service: Service) -> Iterator[Live]:
    """A batch of three: joko and siti undecided, agus still looked up."""
    live = prepare_records(service)
    with service.store.write() as db:
        db.execute("DELETE FROM events WHERE mail_id = 2")
        db.execute("DELETE FROM mails WHERE id = 2")
        db.execute("UPDATE batches SET size = 1")
    live.queue_to("joko@contoh.id", "siti@contoh.id", "agus@contoh.id")
    for mail_id in (2, 3, 4):
        try_in_vain(live, mail_id)
    for mail_id in (2, 3):
        give_up(live, mail_id)
    yield live
    assert verify(service.store.read()) == []


def try_in_vain(live: Live, mail_id: int) -> None:
    """An attempt at the mail, whose answer was lost."""
    now = live.service.clock()
    facts = AttemptFacts(now, "joko@contoh.id", "t@contoh.id", "T", "S", "00", 1, None, None, None, "abc")
    result = AttemptResult(now, "unknown", 500, 13, "Internal error, try <later>", None, 20)
    with live.service.store.write() as db:
        states.transition(db, mail_id, "queued", "sending", Change(now, "", "sender"))
        complete_attempt(db, insert_attempt(db, facts, mail_id=mail_id), result)
        states.transition(db, mail_id, "sending", "unknown", Change(now, "Internal error", "sender"))


def give_up(live: Live, mail_id: int) -> None:
    """Looked up in vain for too long, with one row by somebody else in the window."""
    now = live.service.clock()
    moment = iso(now)
    seen = Seen("<b>id</b>", moment, "sent", 1, 1, "inside", "not given", None)
    shown = Evidence(moment, moment, moment, 1, 60, moment, moment, True, "", (seen,), (NO_WITNESS,))
    with live.service.store.write() as db:
        doubt = get(db, mail_id)
        assert doubt
        change = Change(now, "Not decidable within 15 minutes.", "reconcile")
        states.transition(db, mail_id, "unknown", "undecided", change)
        keep(db, doubt, "undecided", shown, moment, now, after(now, 60))


def moved(live: Live, mail_id: int) -> tuple[object, ...]:
    """The mail's state, and why and by whom it was last changed."""
    [found] = live.rows(
        "SELECT m.state, e.why, e.actor FROM mails m JOIN events e ON e.mail_id = m.id "
        f"WHERE m.id = {mail_id} ORDER BY e.id DESC LIMIT 1"
    )
    return found


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("person", ["adi", "sari", "vino"])
def test_the_pages_are_well_made(client: Client, person: str) -> None:
    browser = client(person)
    for url in ("/decisions/1", "/decisions/2", "/decisions/4", "/decisions/batch/1", "/decisions/batch/2"):
        answer = browser.get(url)
        if url == "/decisions/1":
            assert answer.status_code == 404, "it was never tried"
            continue
        assert answer.status_code == 200, url
        assert faults(answer) == [], url
    assert browser.get("/decisions/99").status_code == 404
    assert browser.get("/decisions/batch/99").status_code == 404


@pytest.mark.usefixtures("filled")
def test_the_evidence_is_laid_out_and_hostile_words_are_text(client: Client) -> None:
    page = client("sari").get("/decisions/2").text
    for words in (
        "Internal error, try &lt;later&gt;",
        NO_WITNESS,
        "60 mails",
        "within the window",
        "not known",
    ):
        assert words in page
    assert "<b>id</b>" not in page


@pytest.mark.usefixtures("filled")
def test_the_mails_own_page_leads_to_the_decision(client: Client) -> None:
    page = client("sari").get("/history/2").text
    assert 'href="/decisions/2"' in page
    assert "Not decidable within 15 minutes." in page
    assert "the gateway’s word" not in page


def test_a_person_counts_it_as_sent_with_a_reason(client: Client, filled: Live) -> None:
    answer = client("sari").post_form("/decisions/2", {"decision": "arrived", "attempt": 1, **REASON})
    assert answer.status_code == 303
    assert moved(filled, 2) == ("accepted", "It arrived: Joko says it is in his inbox", "user:2")
    assert "Counted as sent" in client("sari").get("/history/2").text


def test_a_person_lets_it_be_sent_again_with_a_reason(client: Client, filled: Live) -> None:
    client("sari").post_form("/decisions/2", {"decision": "again", "attempt": 1, **REASON})
    assert moved(filled, 2) == ("queued", "It did not arrive: Joko says it is in his inbox", "user:2")


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 501])
def test_without_a_reason_nothing_is_decided_and_the_page_says_so(
    client: Client, filled: Live, reason: str
) -> None:
    browser = client("sari")
    for url, form in (("/decisions/2", {"attempt": 1}), ("/decisions/batch/2", {"upto": "9"})):
        answer = browser.post_form(url, {"decision": "arrived", "reason": reason, **form})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert faults(answer) == []
        assert reason.strip() in answer.text
    assert moved(filled, 2)[0] == "undecided"


def test_decided_in_two_tabs_the_second_is_told(client: Client, filled: Live) -> None:
    first, second = client("sari"), client("adi")
    first.post_form("/decisions/2", {"decision": "arrived", "attempt": 1, **REASON})
    second.post_form("/decisions/2", {"decision": "again", "attempt": 1, **REASON})
    assert moved(filled, 2)[0] == "accepted"
    page = second.get("/decisions/2").text
    assert "decided before you pressed the button" in page
    assert "Sari" in page


def test_an_old_page_decides_nothing_about_a_later_attempt(client: Client, filled: Live) -> None:
    browser = client("sari")
    browser.post_form("/decisions/2", {"decision": "again", "attempt": 1, **REASON})
    try_in_vain(filled, 2)
    give_up(filled, 2)
    browser.post_form("/decisions/2", {"decision": "arrived", "attempt": 1, **REASON})
    assert moved(filled, 2)[0] == "undecided"


def test_all_of_a_batch_are_decided_at_once_with_numbers(client: Client, filled: Live) -> None:
    browser = client("sari")
    page = browser.get("/decisions/batch/2").text
    assert "They arrived: count 2 as sent" in page
    assert "They did not: send 2 again" in page
    upto = decisions.summary(filled.service.store, 2).upto
    browser.post_form("/decisions/batch/2", {"decision": "again", "upto": upto, **REASON})
    assert "2 mails are sent again" in browser.get("/decisions/batch/2").text
    assert [moved(filled, n)[0] for n in (2, 3, 4)] == ["queued", "queued", "unknown"]
    browser.post_form("/decisions/batch/2", {"decision": "arrived", "upto": upto, **REASON})
    assert "decided before you pressed the button" in browser.get("/decisions/batch/2").text


def test_what_became_undecided_after_the_page_was_shown_is_not_decided_unseen(
    client: Client, filled: Live
) -> None:
    upto = decisions.summary(filled.service.store, 2).upto
    filled.wait(lambda: iso(filled.service.clock()) > upto)
    give_up(filled, 4)
    client("sari").post_form("/decisions/batch/2", {"decision": "arrived", "upto": upto, **REASON})
    assert [moved(filled, n)[0] for n in (2, 3, 4)] == ["accepted", "accepted", "undecided"]


def test_sent_again_in_a_cancelled_batch_is_cancelled_and_the_page_says_so(
    client: Client, filled: Live
) -> None:
    with filled.service.store.write() as db:
        db.execute("UPDATE batches SET state = 'cancelled' WHERE id = 2")
    browser = client("sari")
    for url in ("/decisions/2", "/decisions/batch/2"):
        assert "what did not arrive is cancelled with it" in browser.get(url).text
    browser.post_form("/decisions/2", {"decision": "again", "attempt": 1, **REASON})
    assert moved(filled, 2)[0] == "cancelled"
    assert "It is cancelled, for its batch was" in browser.get("/decisions/2").text


def test_a_batch_says_what_it_wants_when_nobody_can_tell(client: Client, filled: Live) -> None:
    browser = client("sari")
    assert filled.batch(2).policy == "never_twice"
    browser.post_form("/decisions/batch/2/policy", {"policy": "never_lost"})
    assert filled.batch(2).policy == "never_lost"
    assert browser.post_form("/decisions/batch/2/policy", {"policy": "always"}).status_code == 400


def test_a_viewer_sees_the_evidence_and_no_buttons(client: Client, filled: Live) -> None:
    browser = client("vino")
    for url in ("/decisions/2", "/decisions/batch/2"):
        page = browser.get(url).text
        assert "<textarea" not in page
        assert browser.post_form(url, {"decision": "arrived", "attempt": 1, **REASON}).status_code == 403
    assert moved(filled, 2)[0] == "undecided"


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("form", [{"decision": "maybe"}, {}, {"decision": "arrived", "attempt": "9" * 40}])
def test_a_form_that_no_page_has_changes_nothing(
    client: Client, filled: Live, form: dict[str, object]
) -> None:
    client("sari").post_form("/decisions/2", {**form, **REASON})
    assert moved(filled, 2)[0] == "undecided"


@pytest.mark.usefixtures("filled")
def test_looking_again_when_the_gateway_is_down_says_so(client: Client) -> None:
    browser = client("sari")
    browser.post_form("/decisions/4/look")
    page = browser.get("/decisions/4").text
    assert "The gateway could not be asked" in page


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with old_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


def test_looking_again_by_hand_finds_the_mail_and_says_so(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with doubtful_mailroom(tmp_path_factory.mktemp("data") / "data", sandbox) as live:
        send_in_doubt(live, "500_before", "tak.ada@contoh.id")
        look(live, give_up_after=0)
        send_in_doubt(live, "500_after", "ada@contoh.id")
        app = create_app(live.service)
        app.testing = True
        browser = Browser(app, "sari")
        browser.post_form("/decisions/2/look")
        assert "It is in the gateway’s history" in browser.get("/decisions/2").text
        browser.post_form("/decisions/1/look")
        assert "It still cannot be decided" in browser.get("/decisions/1").text
        assert state_of(live, "tak.ada@contoh.id") == "undecided"
