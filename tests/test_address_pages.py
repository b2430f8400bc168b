"""One address: everything ever sent to it, and whether it is on the do-not-mail list."""

from collections.abc import Callable

import pytest

from mailroom import one_address, one_mail, states, suppressions
from mailroom.again import question
from mailroom.history import of_address
from mailroom.service import Service
from mailroom.states import Change
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]
JOKO = "/history/address/?email=joko@contoh.id"


@pytest.fixture
def filled(service: Service) -> Live:
    """Two batches, both with a mail to joko; the first of them was delivered."""
    live = prepare_records(service)
    live.queue_to("Joko@contoh.id", "agus@contoh.id")
    change = Change(service.clock(), "delivered", "delivery")
    with service.store.write() as db:
        states.transition(db, 1, "queued", "sending", change)
        states.transition(db, 1, "sending", "accepted", change, gateway_id="id-1")
        states.deliver(db, 1, "pending", "delivered", "delivered", change, None)
    return live


def test_everything_sent_to_it_is_there_newest_first(filled: Live, client: Client) -> None:
    assert filled
    for person in ("vino", "sari", "adi"):
        answer = client(person).get(JOKO)
        assert faults(answer) == []
        assert answer.text.index('href="/history/3?q=') < answer.text.index('href="/history/1?q=')
        assert "2 mails" in answer.text
        assert "siti@" not in answer.text
    # A number leads to its mails.
    found = client("vino").get("/history/?q=joko@contoh.id+status:delivered").text
    assert "q=joko@contoh.id+status:delivered" in answer.text
    assert "Everything to joko@contoh.id" in found
    assert 'href="/history/3' not in found


def test_upper_and_lower_case_are_the_same_address(filled: Live) -> None:
    found = one_address.get(filled.service.store, "JOKO@CONTOH.ID")
    assert found.counts == {"delivered": 1, "queued": 1}
    assert not found.more
    assert found.delivered_at


def test_older_mails_come_on_demand(filled: Live, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(60):
        filled.queue_to("siti@contoh.id")
    browser = client("vino")
    first = browser.get("/history/address/?email=siti@contoh.id")
    assert "61 mails" in first.text
    assert "before=15" in first.text
    older = browser.get("/history/address/?email=siti@contoh.id&before=15", part=True)
    assert 'href="/history/2?q=' in older.text
    assert "<h1" not in older.text
    monkeypatch.setattr(one_address, "COUNTED", 20)
    assert "The newest 20 mails" in browser.get("/history/address/?email=siti@contoh.id").text


def test_an_address_nothing_was_sent_to_says_so(filled: Live, client: Client) -> None:
    assert filled
    answer = client("sari").get("/history/address/?email=tidak@ada.id")
    assert faults(answer) == []
    assert "No mail was ever queued for this address" in answer.text


def test_what_is_no_address_leads_to_the_history(filled: Live, client: Client) -> None:
    assert filled
    browser = client("vino")
    for email in ("", "joko", "a" * 300 + "@contoh.id", "a@b%00.id", "a@b.id%0aBcc:x"):
        assert browser.get(f"/history/address/?email={email}").location == "/history/", email


def test_forgotten_mails_are_not_one_address(filled: Live, client: Client) -> None:
    with filled.service.store.write() as db:
        db.execute("UPDATE mails SET email = '', forgotten_at = changed_at")
    assert client("vino").get("/history/address/?email=").location == "/history/"
    assert "/history/address/" not in client("vino").get("/history/1").text


def test_markup_in_an_address_is_text(filled: Live, client: Client) -> None:
    assert filled
    answer = client("sari").get("/history/address/?email=<script>alert(1)</script>@contoh.id")
    assert faults(answer) == []
    assert "<script>alert" not in answer.text


def test_it_is_put_on_the_do_not_mail_list_from_here(filled: Live, client: Client) -> None:
    browser = client("sari")
    form: dict[str, object] = {"email": "joko@contoh.id", "note": "telepon"}
    done = browser.post_form("/history/address/do-not-mail", form)
    assert (done.status_code, done.location) == (303, "/history/address/?email=joko@contoh.id")
    answer = browser.get(JOKO)
    assert faults(answer) == []
    assert "nothing is sent to it" in answer.text
    assert "telepon" in answer.text
    assert "An admin can take it off" in answer.text
    assert "/do-not-mail/remove?email=joko" in client("adi").get(JOKO).text
    browser.post_form("/history/address/do-not-mail", form)
    assert "on the do-not-mail list already" in browser.get(JOKO).text
    assert suppressions.counts(filled.service.store) == {"hand": 1}


def test_the_check_of_a_list_leads_to_who_put_an_address_on_it(filled: Live, client: Client) -> None:
    here = filled.service
    suppressions.add(here.store, ["joko@contoh.id"], "hand", "", 1, here.clock())
    draft = filled.draft("email,nama,total\njoko@contoh.id,Joko,1\nbukan,Siti,2\nagus@contoh.id,Agus,3")
    page = client("sari").get(f"/send/{draft}").text
    assert page.count('href="/history/address/?email=joko@contoh.id">Why') == 1
    assert "email=bukan" not in page


def test_rubbish_is_not_put_on_the_list(filled: Live, client: Client) -> None:
    browser = client("sari")
    for email in ("", "joko", "joko@", "a@b@c", "joko@contoh.id,siti@contoh.id"):
        assert browser.post_form("/history/address/do-not-mail", {"email": email}).status_code == 303
    long = {"email": "joko@contoh.id", "note": "x" * 999}
    browser.post_form("/history/address/do-not-mail", dict(long))
    assert "at most 200 letters" in browser.get(JOKO).text
    assert suppressions.counts(filled.service.store) == {}


def test_a_viewer_may_look_and_change_nothing(filled: Live, client: Client) -> None:
    assert filled
    assert "/history/address/do-not-mail" not in client("vino").get(JOKO).text


def test_no_question_reads_more_than_the_mails_it_shows(filled: Live) -> None:
    """However many mails there are: every table is entered by an index."""
    asked: list[str] = []
    store = filled.service.store
    connection = store.read().conn
    connection.set_trace_callback(asked.append)
    one_address.get(store, "joko@contoh.id")
    of_address(store, "joko@contoh.id", 99)
    one_mail.get(store, 1)
    one_mail.body(store, 1)
    question(store, 1)
    connection.set_trace_callback(None)
    plans = [
        str(row["detail"])
        for sql in asked
        if sql.startswith("SELECT")
        for row in connection.execute("EXPLAIN QUERY PLAN " + sql)
    ]
    assert any("mails_by_email" in plan for plan in plans)
    # One question counts what another has found already, by index and by no more than it counts.
    assert {plan for plan in plans if plan.startswith("SCAN")} == {"SCAN (subquery-1)"}
