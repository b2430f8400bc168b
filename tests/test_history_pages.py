"""History in the browser: newest first, by keyset, one mail with its whole way, its body in a locked frame."""

from collections.abc import Callable

import pytest

from mailroom import states
from mailroom.service import Service
from mailroom.states import Change
from tests.house import Browser
from tests.live import Live, prepare_records

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
