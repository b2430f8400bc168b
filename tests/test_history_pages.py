"""History in the browser: newest first, by keyset, one mail with its whole way, its body in a locked frame."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from mailroom import search, states
from mailroom.service import Service
from mailroom.states import Change
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]


@pytest.fixture
def filled(service: Service) -> Live:
    return prepare_records(service)


def test_the_history_says_so_when_nothing_was_sent(client: Client) -> None:
    assert "No mail has been sent yet" in client("vino").get("/history/").text


def test_newest_first_and_older_ones_by_keyset(client: Client, filled: Live) -> None:
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(120)])
    browser = client("vino")
    first = browser.get("/history/").text
    assert first.index("orang119@") < first.index("orang118@")
    assert "/history/?before=73" in first
    # A mail that arrives meanwhile does not shift the older page.
    filled.queue_to("baru@contoh.id")
    older = browser.get("/history/?before=73", part=True).text
    assert older.index("orang69@") < older.index("orang68@")
    assert "orang70@" not in older
    assert "baru@" not in older


def test_a_filter_is_a_link_and_its_state_is_the_address(client: Client, filled: Live) -> None:
    with filled.service.store.write() as db:
        states.transition(db, 1, "queued", "cancelled", Change(filled.service.clock(), "", "user:2"))
    browser = client("vino")
    page = browser.get("/history/?q=status:cancelled").text
    assert "joko@contoh.id" in page
    assert "siti@contoh.id" not in page
    assert "/history/1?q=status:cancelled" in page


def test_links_from_before_there_was_a_search_still_lead_to_a_state(client: Client, filled: Live) -> None:
    with filled.service.store.write() as db:
        states.transition(db, 1, "queued", "cancelled", Change(filled.service.clock(), "", "user:2"))
    page = client("vino").get("/history/?state=cancelled").text
    assert 'value="status:cancelled"' in page
    assert "siti@contoh.id" not in page


def test_a_filter_that_does_not_exist_shows_all(client: Client, filled: Live) -> None:
    assert filled
    assert "joko@contoh.id" in client("vino").get("/history/?state=%27%20OR%201=1").text


def test_one_mail_tells_its_way_and_who_sent_it(client: Client, filled: Live) -> None:
    assert filled
    page = client("vino").get("/history/1").text
    for part in ("joko@contoh.id", "Queued", "Sari", "row 2", "Tagihan Nama 0", "As it will be sent"):
        assert part in page, part


def test_a_mail_without_a_page_beside_it_is_a_fragment_for_htmx(client: Client, filled: Live) -> None:
    assert filled
    part = client("vino").get("/history/1", part=True).text
    assert part.lstrip().startswith("<article")


def test_the_body_comes_with_a_policy_of_its_own(client: Client, filled: Live) -> None:
    filled.queue("email,nama,total\nx@contoh.id,<script>alert(1)</script>,1")
    answer = client("vino").get("/history/3/body")
    assert "&lt;script&gt;alert(1)" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert 'sandbox src="/history/3/body"' in client("vino").get("/history/3").text


def test_an_attachment_is_always_a_download(client: Client, filled: Live) -> None:
    filled.queue("email,nama,total\nx@contoh.id,X,1", ("halaman.html", b"<script>alert(1)</script>"))
    answer = client("vino").get("/history/3/attachment")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.content_type == "application/octet-stream"
    assert client("vino").get("/history/1/attachment").status_code == 404


def test_looking_again_without_a_gateway_says_so(client: Client, filled: Live) -> None:
    with filled.service.store.write() as db:
        change = Change(filled.service.clock(), "", "sender")
        states.transition(db, 1, "queued", "sending", change)
        states.transition(db, 1, "sending", "accepted", change, gateway_id="id-1")
    browser = client("sari")
    assert browser.post_form("/history/1/look-again").status_code == 303
    assert "The gateway could not be asked" in browser.get("/history/1").text
    assert client("vino").post_form("/history/1/look-again").status_code == 403


def test_typed_words_are_found_shown_and_can_be_taken_away(client: Client, filled: Live) -> None:
    assert filled
    page = client("vino").get("/history/?q=joko@+tagihan+status:waiting")
    assert faults(page) == []
    assert "joko@contoh.id" in page.text
    assert "siti@contoh.id" not in page.text
    assert 'href="/history/?q=joko@+status:waiting"' in page.text  # the chip of the middle word
    assert 'href="/history/?q=joko@+tagihan+status:queued"' in page.text  # the filter that writes itself in
    assert ">1 mail<" in page.text


def test_while_typing_only_the_list_comes(client: Client, filled: Live) -> None:
    assert filled
    part = client("vino").get("/history/?q=siti@", part=True)
    assert faults(part, whole=False) == []
    assert "<form" not in part.text
    assert "siti@contoh.id" in part.text
    assert "joko@contoh.id" not in part.text


def test_what_the_search_does_not_know_is_said_below_it(client: Client, filled: Live) -> None:
    assert filled
    page = client("vino").get("/history/?q=statu:failed+template:<b>x</b>")
    assert page.status_code == 200
    assert faults(page) == []
    assert "Did you mean “status:”?" in page.text
    assert "No template begins with “&lt;b&gt;x&lt;/b&gt;”" in page.text
    assert "No mail fits all of these words." in page.text


def test_whoever_types_half_an_address_is_told_how_it_is_found(client: Client, filled: Live) -> None:
    assert filled
    page = client("vino").get("/history/?q=siti+status:queued").text
    assert "No mail fits all of these words." in page
    assert 'href="/history/?q=to:siti+status:queued"' in page
    assert "siti@contoh.id" in client("vino").get("/history/?q=to:siti+status:queued").text


def test_older_mails_keep_the_search_and_a_reload_shows_all_that_were_loaded(
    client: Client, filled: Live
) -> None:
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(180)])
    browser = client("vino")
    first = browser.get("/history/?q=orang").text
    assert "0 mails" in first
    first = browser.get("/history/?q=to:orang").text
    assert "more than 50 mails" in first
    assert 'hx-get="/history/?q=to:orang&amp;pages=2&amp;from=133"' in first
    answer = browser.get("/history/?q=to:orang&pages=2&from=133", part=True)
    assert answer.headers["HX-Replace-Url"] == "/history/?q=to:orang&pages=2"
    older = answer.text
    assert older.count("<b>orang") == 50
    # A row of the second page opens with an address that brings both pages back.
    assert 'href="/history/132?q=to:orang&amp;pages=2"' in older
    again = browser.get("/history/132?q=to:orang&pages=2")
    assert faults(again) == []
    assert again.text.count("<b>orang") == 100
    assert 'id="m132" href="/history/132?q=to:orang&amp;pages=2"' in again.text
    last = browser.get("/history/?q=to:orang&before=33").text
    assert last.count("<b>orang") == 30
    assert "Older mails" not in last


def test_a_long_list_goes_on_with_a_page_of_its_own(client: Client, filled: Live) -> None:
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(560)])
    page = client("vino").get("/history/?pages=999").text
    assert page.count("<b>orang") == 500
    assert 'href="/history/?before=63"' in page
    assert "from=" not in page


def test_where_a_search_did_its_share_it_says_so(
    client: Client, filled: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.queue_to(*[f"orang{n}@contoh.id" for n in range(30)])
    monkeypatch.setattr(search, "BUDGET", 10)
    monkeypatch.setattr(search, "_MOST_BEGINNINGS", 0)
    page = client("vino").get("/history/?q=to:joko").text
    assert "Searched back to" in page
    assert "go on searching" in page
    assert 'href="/history/?q=to:joko&amp;before=' in page


@pytest.mark.parametrize(
    "text", ["x" * 10_000, '"' * 300, "\0\r\n", "a OR b NEAR(c) -d", "%", "batch:" + "9" * 400, "🙂"]
)
def test_any_search_is_answered(client: Client, filled: Live, text: str) -> None:
    assert filled
    page = client("vino").get("/history/?" + urlencode({"q": text, "before": "9" * 30, "pages": "-1"}))
    assert page.status_code == 200
    assert faults(page) == []
