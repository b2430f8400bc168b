"""The Gateway page: uploading, checking, replacing and removing tokens; who mail comes from."""

import base64
import io
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app import create_app
from mailroom import identities, tokens
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.house import Browser, add_people, furnished
from tests.sandbox_server import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset_faults()
    return running


@pytest.fixture
def service(tmp_path: Path, sandbox: Sandbox) -> Iterator[Service]:
    """A fresh mailroom before the sandbox."""
    service = open_service(Settings(gateway_url=sandbox.url, sandbox=True, data=furnished(tmp_path / "data")))
    yield service
    service.close()


@pytest.fixture
def adi(client: Callable[[str], Browser]) -> Browser:
    return client("adi")


def upload(
    browser: Browser, content: bytes, url: str = "/gateway/tokens/add", **fields: object
) -> TestResponse:
    """The answer to sending the form with a token file."""
    form = {"name": "Tagihan", "per_second": "25", **fields}
    return browser.post_form(url, {**form, "file": (io.BytesIO(content), "oca-email-token.txt")}, form_at=url)


def page(browser: Browser) -> str:
    """The Gateway page's text as a person reads it: without tags, white space closed up."""
    html = browser.get("/gateway/").text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def only_token(service: Service) -> tokens.TokenLine:
    (line,) = tokens.all_tokens(service.store)
    return line


def test_an_empty_gateway_page_says_what_to_do(adi: Browser, client: Callable[[str], Browser]) -> None:
    assert "/gateway/tokens/add" in adi.get("/gateway/").text
    viewer = client("vino").get("/gateway/").text
    assert "An admin uploads one" in viewer
    assert "/gateway/tokens/add" not in viewer


def test_a_good_token_is_checked_at_once(adi: Browser, sandbox: Sandbox) -> None:
    answer = upload(adi, b"\xef\xbb\xbf" + sandbox.token().encode() + b"\r\n")

    assert answer.status_code == 303
    text = page(adi)
    assert "Saved. The gateway accepts the token “Tagihan”." in text
    assert "does not expire" in text
    assert "0 of 25" in text or "1 of 25" in text


def test_a_revoked_token_is_kept_with_the_advice(adi: Browser, sandbox: Sandbox, service: Service) -> None:
    token = sandbox.token()
    sandbox.revoke()
    upload(adi, token.encode())

    text = page(adi)
    assert "Saved. But nothing can be sent with “Tagihan”." in text
    assert "Download a new token from the OCA dashboard" in text
    assert only_token(service).state == "stopped"


def test_with_the_gateway_down_a_token_is_kept_and_the_page_says_so(tmp_path: Path, sandbox: Sandbox) -> None:
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=tmp_path / "other"))
    try:
        add_people(service)
        adi = Browser(create_app(service), "adi")
        assert upload(adi, sandbox.token().encode()).status_code == 303
        assert "Saved. “Tagihan” could not be checked yet. The gateway could not be reached." in page(adi)
        assert only_token(service).state == "unchecked"
    finally:
        service.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The token file is empty"),
        (b"x" * 100_000, "too big to be a token"),
        (b"\x89PNG\r\n\x1a\n\xff", "not a text file"),
        (b"satu baris\nlain", "on one line"),
        (b"kata sandi", "not an OCA token"),
    ],
)
def test_a_wrong_file_gets_its_sentence_and_what_was_typed_stays(
    adi: Browser, content: bytes, words: str
) -> None:
    answer = upload(adi, content, name="Promo <b>", per_second="12")

    assert answer.status_code == 422
    beside = re.search(r'id="f-file-error">(.*?)</p>', answer.text, re.S)
    assert beside
    assert words in beside.group(1)
    assert 'value="Promo &lt;b&gt;"' in answer.text
    assert 'value="12"' in answer.text


def test_an_expired_token_is_refused_with_its_day(adi: Browser, sandbox: Sandbox, service: Service) -> None:
    answer = upload(adi, sandbox.token(exp=-3600).encode())

    assert answer.status_code == 422
    assert re.search(r"This token expired on \d+ \w+ 20\d\d \d\d:\d\d", answer.text)
    assert tokens.all_tokens(service.store) == []


@pytest.mark.parametrize("per_second", ["", "0", "1001", "2.5", "banyak", "9" * 5000])
def test_a_limit_that_is_none_gets_its_sentence(adi: Browser, sandbox: Sandbox, per_second: str) -> None:
    answer = upload(adi, sandbox.token().encode(), per_second=per_second)

    assert answer.status_code == 422
    assert 'id="f-per_second-error"' in answer.text
    assert "Choose the file again" in answer.text


def test_a_form_without_a_file_says_so(adi: Browser) -> None:
    answer = adi.post_form("/gateway/tokens/add", {"name": "Tagihan", "per_second": "25"})

    assert answer.status_code == 422
    assert 'id="f-file-error"' in answer.text


def test_a_stopped_token_says_what_to_do_and_a_good_check_ends_the_stop(
    adi: Browser, sandbox: Sandbox, service: Service
) -> None:
    upload(adi, sandbox.token().encode())
    line = only_token(service)
    with service.store.write() as db:
        tokens.stop(db, line.id, "low-balance <i>", service.clock())

    assert "The gateway’s words: “low-balance &lt;i&gt;”. Replace it with a new one" in page(adi)
    adi.post_form(f"/gateway/tokens/{line.id}/check")
    assert only_token(service).state == "ok"


def test_replacing_ends_the_stop(adi: Browser, sandbox: Sandbox, service: Service) -> None:
    upload(adi, sandbox.token().encode())
    line = only_token(service)
    with service.store.write() as db:
        tokens.stop(db, line.id, "Auth token is not valid", service.clock())
    url = f"/gateway/tokens/{line.id}/replace"

    assert upload(adi, b"kata sandi", url).status_code == 422
    assert upload(adi, sandbox.token().encode(), url).status_code == 303
    assert (only_token(service).id, only_token(service).state) == (line.id, "ok")
    assert "Replaced. The gateway accepts the token “Tagihan”." in page(adi)


def test_removing_asks_first(adi: Browser, sandbox: Sandbox, service: Service) -> None:
    upload(adi, sandbox.token().encode())
    url = f"/gateway/tokens/{only_token(service).id}/remove"

    assert "Remove “Tagihan”?" in adi.get(url).text
    assert len(tokens.all_tokens(service.store)) == 1
    assert adi.post_form(url).status_code == 303
    assert tokens.all_tokens(service.store) == []
    assert adi.get(url).status_code == 404


def test_a_token_that_ends_soon_is_announced(adi: Browser, sandbox: Sandbox) -> None:
    upload(adi, sandbox.token(exp=int(timedelta(days=3).total_seconds())).encode())

    assert "Replace it before then, and sending does not stop." in page(adi)


def test_the_budget_renews_itself_by_a_fragment(adi: Browser, sandbox: Sandbox) -> None:
    upload(adi, sandbox.token().encode())

    fragment = adi.get("/gateway/", part=True)
    assert fragment.text.lstrip().startswith('<div id="tokens"')
    assert 'hx-trigger="every 2s"' in fragment.text
    assert "HX-Request-Type" in fragment.headers["Vary"]


def test_odd_claims_do_not_break_the_page(adi: Browser, service: Service) -> None:
    odd = b'{"application": "\\ud83d<script>", "iat": 1e300, "sub": null}'
    claims = base64.urlsafe_b64encode(odd).rstrip(b"=")
    upload(adi, b"eyJhbGciOiJub25lIn0." + claims + b".c2ln")

    html = adi.get("/gateway/").text
    assert "&lt;script&gt;" in html
    assert only_token(service).name == "Tagihan"


def test_senders_are_added_and_removed(adi: Browser, service: Service) -> None:
    wrong = adi.post_form("/gateway/senders/add", {"email": "info", "name": "Tim <b>"})
    assert wrong.status_code == 422
    assert 'id="f-email-error"' in wrong.text
    assert 'value="Tim &lt;b&gt;"' in wrong.text

    assert (
        adi.post_form("/gateway/senders/add", {"email": "info@contoh.id", "name": "Tim"}).status_code == 303
    )
    (sender,) = identities.all_identities(service.store)
    assert "info@contoh.id" in page(adi)
    assert adi.post_form(f"/gateway/senders/{sender.id}/remove").status_code == 303
    assert identities.all_identities(service.store) == []
    assert adi.post_form("/gateway/senders/999/remove").status_code == 404


def test_the_sandbox_offers_a_token_only_where_there_is_a_sandbox(adi: Browser, sandbox: Sandbox) -> None:
    assert f'href="{sandbox.url}/_sandbox/token.txt"' in adi.get("/gateway/").text


def test_a_token_shows_up_nowhere_but_encrypted(
    adi: Browser, sandbox: Sandbox, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token, other = sandbox.token(), sandbox.token()
    url = "/gateway/tokens/1"
    answers = [
        upload(adi, token.encode()),
        upload(adi, token.encode(), name="Lagi"),
        upload(adi, token.encode() + b"\n" + other.encode()),
        upload(adi, other.encode() + b"!"),
        adi.post_form(f"{url}/check"),
        upload(adi, other.encode(), f"{url}/replace"),
        upload(adi, other.encode(), f"{url}/replace"),
    ]
    sandbox.revoke()
    answers += [adi.post_form(f"{url}/check"), adi.get("/gateway/"), adi.get("/"), adi.get(f"{url}/remove")]

    files = [path for path in service.settings.data.iterdir() if path.name.startswith("mailroom.db")]
    places = [answer.text + str(answer.headers) for answer in answers]
    places += [
        record.getMessage() + str(record.args) + caplog.handler.format(record) for record in caplog.records
    ]
    places += [path.read_bytes().decode("latin-1") for path in files]
    assert any("urllib3" in record.name for record in caplog.records), "the log was listened to"
    for secret in (token, other):
        pieces = [secret, *secret.split(".")[1:], secret[-12:]]
        assert not [place[:300] for place in places if any(piece in place for piece in pieces)]
