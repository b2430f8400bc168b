"""Every fault does to the wire what its name says, and the ledger tells whether the mail was accepted."""

import http.client
import time
import zlib
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import requests

from tests.sandbox_server import Sandbox, mail_form, running_sandbox

TYPE = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset_faults()
    server.clear()
    return server


def call(
    sandbox: Sandbox, email: str = "joko@contoh.id", timeout: float = 30
) -> tuple[http.client.HTTPResponse, bytes]:
    """Sends one mail by the plainest of clients, which hides nothing that happens to the wire."""
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=timeout)
    try:
        headers = {"Authorization": f"Bearer {sandbox.token()}", "Content-Type": TYPE}
        connection.request("POST", "/email/v2/send-single", urlencode(mail_form(email=email)), headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "words", "accepted"),
    [
        ("ok", 200, "application/json", b'"msg_id":"', 1),
        ("429", 429, "application/json", b'"code":9', 0),
        ("500_before", 500, "application/json", b'"code":13', 0),
        ("500_after", 500, "application/json", b'"code":13', 1),
        ("html_502", 502, "text/html; charset=utf-8", b"Bad Gateway", 0),
        ("html_200", 200, "text/html; charset=utf-8", b"be back soon", 0),
        ("malformed_json", 200, "application/json", b'",,"oops', 1),
        ("no_id", 200, "application/json", b'{"success":true}\n', 1),
    ],
)
def test_a_fault_answers_as_it_is_named(
    sandbox: Sandbox, fault: str, status: int, content_type: str, words: bytes, accepted: int
) -> None:
    sandbox.faults(next=[fault])
    response, body = call(sandbox)
    assert (response.status, response.getheader("Content-Type")) == (status, content_type)
    assert words in body
    assert len(sandbox.ledger()) == accepted


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        ("reset_before", ConnectionResetError, 0),
        ("reset_after", ConnectionResetError, 1),
        ("hang_before", http.client.RemoteDisconnected, 0),
        ("hang_after", http.client.RemoteDisconnected, 1),
        ("truncated_json", http.client.IncompleteRead, 1),
    ],
)
def test_a_cut_wire_is_cut_as_it_is_named(
    sandbox: Sandbox, fault: str, error: type[Exception], accepted: int
) -> None:
    sandbox.faults(next=[fault], hang_s=0.1)
    with pytest.raises(error) as caught:
        call(sandbox)
    # RemoteDisconnected is a kind of ConnectionResetError, and a different event on the wire.
    assert type(caught.value) is error
    assert len(sandbox.ledger()) == accepted


def test_a_gzip_bomb_is_small_on_the_wire_and_large_unpacked(sandbox: Sandbox) -> None:
    sandbox.faults(next=["gzip_bomb"])
    response, body = call(sandbox)
    assert response.getheader("Content-Encoding") == "gzip"
    assert len(body) < 400_000
    unpacker = zlib.decompressobj(wbits=31)
    assert len(unpacker.decompress(body, 300 * 1024 * 1024)) == 256 * 1024 * 1024


@pytest.mark.parametrize(
    ("local", "status", "accepted"),
    [("refused", 406, 0), ("busy", 429, 0), ("broken", 500, 0), ("maybe", 500, 1), ("html", 502, 0)],
)
def test_a_test_address_answers_as_it_is_named(
    sandbox: Sandbox, local: str, status: int, accepted: int
) -> None:
    response, _ = call(sandbox, f"{local}+joko@sandbox.test")
    assert response.status == status
    assert len(sandbox.ledger()) == accepted


def test_a_mail_to_the_reset_address_is_accepted_and_the_wire_reset(sandbox: Sandbox) -> None:
    with pytest.raises(ConnectionResetError):
        call(sandbox, "reset@sandbox.test")
    assert len(sandbox.ledger()) == 1


def test_the_silent_address_is_silent_only_until_the_client_leaves(sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutError):
        call(sandbox, "silent@sandbox.test", timeout=0.3)
    assert len(sandbox.ledger()) == 1
    for _ in range(200):
        if answers := sandbox.summary()["answers"]:
            break
        time.sleep(0.05)
    assert answers == {"none": 1}


def test_a_redirect_names_its_target_and_accepts_nothing(sandbox: Sandbox) -> None:
    sandbox.faults(redirect_to="http://127.0.0.1:9/elsewhere")
    response, _ = call(sandbox)
    assert (response.status, response.getheader("Location")) == (307, "http://127.0.0.1:9/elsewhere")
    assert sandbox.ledger() == []


def test_revoked_hits_every_call_and_nothing_is_accepted(sandbox: Sandbox) -> None:
    sandbox.faults(revoked=True)
    response, body = call(sandbox)
    assert (response.status, b'"code":45' in body) == (401, True)
    assert sandbox.ledger() == []


def test_a_client_that_leaves_during_the_latency_has_sent_its_mail(sandbox: Sandbox) -> None:
    sandbox.faults(latency_ms=3000)
    with pytest.raises(TimeoutError):
        call(sandbox, timeout=0.3)
    assert len(sandbox.ledger()) == 1


def test_faults_on_look_ups_leave_sends_alone(sandbox: Sandbox) -> None:
    sandbox.faults(html_502=1, faults_on=["status", "history"])
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    assert call(sandbox)[0].status == 200
    for path in ("history", "status/x"):
        url = f"{sandbox.url}/email/v2/email/{path}"
        assert requests.get(url, headers=headers, timeout=30).status_code == 502


def test_a_history_without_ids_keeps_the_rest_of_its_items(sandbox: Sandbox) -> None:
    call(sandbox)
    sandbox.faults(no_id=1, faults_on=["history"])
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    [item] = requests.get(f"{sandbox.url}/email/v2/email/history", headers=headers, timeout=30).json()["data"]
    assert list(item) == ["email", "message_body", "created_at", "status"]
