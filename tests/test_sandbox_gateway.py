"""The stand-in's three endpoints keep the documented contract, over a real socket."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.sandbox_server import Sandbox, mail_form, running_sandbox


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset_faults()
    server.clear()
    return server


@pytest.fixture
def gateway(sandbox: Sandbox) -> Iterator[requests.Session]:
    """A session that carries a good token."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {sandbox.token()}"
        yield session


def send(sandbox: Sandbox, session: requests.Session, **changes: Any) -> requests.Response:
    return session.post(f"{sandbox.url}/email/v2/send-single", data=mail_form(**changes), timeout=30)


def look(sandbox: Sandbox, session: requests.Session, path: str) -> Any:
    response = session.get(f"{sandbox.url}/email/v2/email/{path}", timeout=30)
    assert response.ok, response.text
    return response.json()


def refusal(response: requests.Response) -> tuple[int, object]:
    return response.status_code, response.json()["errors"][0]["code"]


def test_an_accepted_mail_is_in_the_ledger_as_it_was_posted(
    sandbox: Sandbox, gateway: requests.Session
) -> None:
    url = f"{sandbox.url}/email/v2/send-single"
    files = {"attachment": ("tagihan.pdf", b"%PDF")}
    form = mail_form(html="<p>Halo ☕</p>", email="a+b@contoh.id", subject="Tagihan ☕")
    answer = gateway.post(url, data=form, files=files, timeout=30).json()
    [entry] = sandbox.ledger()
    assert answer == {"success": True, "msg_id": entry["msg_id"]}
    assert (entry["email"], entry["subject"]) == ("a+b@contoh.id", "Tagihan ☕")
    assert (entry["body_bytes"], entry["attachment_name"], entry["attachment_bytes"]) == (
        15,
        "tagihan.pdf",
        4,
    )
    # `printf '<p>Halo ☕</p>' | sha256sum`, and the same of %PDF.
    assert entry["body_sha256"][:16] == "b3b79349a4c114fd"
    assert entry["attachment_sha256"][:16] == "315d429b7714cedb"


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, 19), ("Bearer", 43), ("Bearer x.y.z", 45), ("Basic abc", 45)],
)
def test_each_broken_authorization_has_its_own_code(sandbox: Sandbox, header: str | None, code: int) -> None:
    headers = {"Authorization": header} if header else {}
    for method, path in (("POST", "send-single"), ("GET", "email/status/x"), ("GET", "email/history")):
        response = requests.request(method, f"{sandbox.url}/email/v2/{path}", headers=headers, timeout=30)
        assert refusal(response) == (401, code)


def test_an_expired_a_revoked_and_a_foreign_token_are_not_valid(sandbox: Sandbox) -> None:
    with running_sandbox() as other:
        foreign = other.token()
    revoked = sandbox.token()
    sandbox.revoke()
    for token in (sandbox.token(exp=-1), revoked, foreign):
        headers = {"Authorization": f"Bearer {token}"}
        response = requests.get(f"{sandbox.url}/email/v2/email/history", headers=headers, timeout=30)
        assert refusal(response) == (401, 45)


def test_wrong_parameters_are_listed_as_express_validator_lists_them(
    sandbox: Sandbox, gateway: requests.Session
) -> None:
    form = {"email": "joko", "message": "not base64!", "sender_name": "Tim"}
    response = gateway.post(f"{sandbox.url}/email/v2/send-single", data=form, timeout=30)
    assert refusal(response) == (406, "39")
    faults = response.json()["errors"][0]["message"]
    assert faults[0] == {
        "value": "joko",
        "msg": "Invalid email address",
        "param": "email",
        "location": "body",
    }
    assert [fault["param"] for fault in faults] == ["email", "message", "sender_email", "subject"]
    assert "value" not in faults[-1]
    assert sandbox.ledger() == []


def test_low_balance_is_told_by_its_code_at_any_status(sandbox: Sandbox, gateway: requests.Session) -> None:
    sandbox.faults(low_balance=True)
    assert refusal(send(sandbox, gateway)) == (402, 5)
    sandbox.faults(low_balance_status=200)
    assert refusal(send(sandbox, gateway)) == (200, 5)
    assert sandbox.summary()["accepted"] == 0


@pytest.mark.parametrize(
    ("shape", "keys"),
    [("v2", ["success", "msg_id"]), ("v1", ["status", "msg_uid"]), ("data", ["success", "data"])],
)
def test_a_send_is_answered_in_every_shape(
    sandbox: Sandbox, gateway: requests.Session, shape: str, keys: list[str]
) -> None:
    sandbox.faults(send_shape=shape)
    answer = send(sandbox, gateway).json()
    assert list(answer) == keys
    assert sandbox.ledger()[0]["msg_id"] in json.dumps(answer)


def test_a_status_is_answered_flat_or_in_an_envelope(sandbox: Sandbox, gateway: requests.Session) -> None:
    msg_id = send(sandbox, gateway, email="pending@sandbox.test").json()["msg_id"]
    flat = look(sandbox, gateway, f"status/{msg_id}")
    assert list(flat) == ["email", "message_body", "created_at", "status", "msg_id"]
    assert (flat["status"], flat["message_body"], flat["msg_id"]) == ("sent", "<p>Halo</p>", msg_id)
    sandbox.faults(status_shape="envelope", body_dash=True)
    envelope = look(sandbox, gateway, f"status/{msg_id}")
    assert envelope["status"] is True
    assert (envelope["data"]["msgid"], envelope["data"]["message_body"]) == (msg_id, "-")
    assert (envelope["data"]["attachment"], envelope["data"]["source"]) == (False, "api")


def test_an_unknown_id_does_not_exist(sandbox: Sandbox, gateway: requests.Session) -> None:
    assert refusal(gateway.get(f"{sandbox.url}/email/v2/email/status/nobody", timeout=30)) == (404, 33)


def test_a_delivered_mail_says_so_everywhere(sandbox: Sandbox, gateway: requests.Session) -> None:
    sandbox.faults(life_delivered_after=0, life_opened_after=0)
    msg_id = send(sandbox, gateway, email="opened@sandbox.test").json()["msg_id"]
    assert look(sandbox, gateway, f"status/{msg_id}")["status"] == "opened"
    assert look(sandbox, gateway, "history")["data"][0]["status"] == "opened"
    assert sandbox.ledger()[0]["status"] == "opened"


def history_subjects(sandbox: Sandbox, session: requests.Session, query: str = "") -> list[str]:
    answer = look(sandbox, session, f"history?{query}")
    items = answer if isinstance(answer, list) else answer["data"]
    subjects = {entry["msg_id"]: entry["subject"] for entry in sandbox.ledger()}
    return [subjects[item["msg_id"]] for item in items]


def test_the_history_comes_in_pages_newest_first(sandbox: Sandbox, gateway: requests.Session) -> None:
    for number in range(5):
        send(sandbox, gateway, subject=str(number))
    page = look(sandbox, gateway, "history?page=2&limit=2")
    assert (page["page"], page["pages"], page["total_inpage"], page["limit"]) == (2, 3, 2, 2)
    assert history_subjects(sandbox, gateway, "page=2&limit=2") == ["2", "1"]
    assert look(sandbox, gateway, "history?page=9&limit=2")["data"] == []
    assert look(sandbox, gateway, "history?limit=500")["limit"] == 100


def test_the_history_can_be_cut_turned_and_bare(sandbox: Sandbox, gateway: requests.Session) -> None:
    for number in range(4):
        send(sandbox, gateway, subject=str(number))
    sandbox.faults(history_shape="list", history_order="oldest")
    assert history_subjects(sandbox, gateway) == ["0", "1", "2", "3"]
    sandbox.faults(history_cut=3)
    assert history_subjects(sandbox, gateway) == ["1", "2", "3"]
    sandbox.faults(history_cut=-3, history_order="newest")
    assert history_subjects(sandbox, gateway) == ["2", "1", "0"]
    sandbox.faults(history_cut=99, history_order="mixed")
    assert sorted(history_subjects(sandbox, gateway)) == ["0", "1", "2", "3"]


def test_a_lagging_history_does_not_show_the_newest_mails_yet(
    sandbox: Sandbox, gateway: requests.Session
) -> None:
    send(sandbox, gateway)
    sandbox.faults(history_lag_s=600)
    assert look(sandbox, gateway, "history")["data"] == []
    sandbox.faults(history_lag_s=0)
    assert len(look(sandbox, gateway, "history")["data"]) == 1


@pytest.mark.parametrize("query", ["page=0", "page=-1", "limit=x", "limit=", "page=9999999999"])
def test_a_page_that_is_no_number_is_refused(sandbox: Sandbox, gateway: requests.Session, query: str) -> None:
    response = gateway.get(f"{sandbox.url}/email/v2/email/history?{query}", timeout=30)
    assert refusal(response) == (406, "39")
    assert response.json()["errors"][0]["message"][0]["location"] == "query"


def test_strangers_show_in_the_history_but_count_apart(sandbox: Sandbox, gateway: requests.Session) -> None:
    send(sandbox, gateway)
    sandbox.strangers(2, "joko@contoh.id")
    assert len(look(sandbox, gateway, "history")["data"]) == 3
    summary = sandbox.summary()
    assert (summary["accepted"], summary["strangers"]) == (1, 2)


def test_sends_and_look_ups_share_one_budget(sandbox: Sandbox, gateway: requests.Session) -> None:
    sandbox.faults(limit=1)
    # Where the machine is so slow that a second passes between the two, the next pair tells.
    for _ in range(50):
        send(sandbox, gateway)
        looked = gateway.get(f"{sandbox.url}/email/v2/email/history", timeout=30)
        if looked.status_code == 429:
            break
    assert refusal(looked) == (429, 9)
    assert (looked.headers["X-RateLimit-limit"], looked.headers["X-RateLmit-Remaining"]) == ("1", "0")


def test_over_the_limit_is_429_with_the_rate_headers_as_printed(
    sandbox: Sandbox, gateway: requests.Session
) -> None:
    response = send(sandbox, gateway, email="busy@sandbox.test")
    assert refusal(response) == (429, 9)
    assert {"X-RateLimit-limit", "X-RateLmit-Remaining", "X-RateLimit-Reset"} <= set(response.headers)


def test_every_answer_is_dated(sandbox: Sandbox, gateway: requests.Session) -> None:
    for response in (send(sandbox, gateway), send(sandbox, gateway, email="html@sandbox.test")):
        assert response.headers["Date"].endswith("GMT")


def test_a_mail_over_15_mb_is_turned_away_by_the_proxy_in_html(
    sandbox: Sandbox, gateway: requests.Session
) -> None:
    files = {"attachment": ("big.bin", b"x" * 15 * 1024 * 1024)}
    url = f"{sandbox.url}/email/v2/send-single"
    response = gateway.post(url, data=mail_form(), files=files, timeout=60)
    assert (response.status_code, response.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert send(sandbox, gateway).ok
    assert len(sandbox.ledger()) == 1


def test_a_large_body_is_taken_with_and_without_an_attachment(
    sandbox: Sandbox, gateway: requests.Session
) -> None:
    html = "<p>" + "x" * 2_000_000
    assert send(sandbox, gateway, html=html).ok
    files = {"attachment": ("a.bin", b"x" * 3_000_000)}
    url = f"{sandbox.url}/email/v2/send-single"
    assert gateway.post(url, data=mail_form(html=html), files=files, timeout=60).ok
    assert [entry["body_bytes"] for entry in sandbox.ledger()] == [2_000_003, 2_000_003]


def test_one_connection_serves_many_requests_even_when_their_bodies_go_unread(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=30)
    body = urlencode(mail_form(html="x" * 300_000)).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    good = {**form, "Authorization": f"Bearer {sandbox.token()}"}
    locals_ = set()
    for path, headers, status in [
        ("/email/v2/send-single", form, 401),
        ("/nowhere", form, 404),
        ("/email/v2/send-single", good, 200),
        ("/email/v2/email/history", good, 405),
    ]:
        connection.request("POST", path, body, headers)
        locals_.add(connection.sock.getsockname())
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()
    assert len(locals_) == 1


def test_a_chunked_body_is_read_like_any_other(sandbox: Sandbox, gateway: requests.Session) -> None:
    body = urlencode(mail_form()).encode()
    chunks = (body[start : start + 7] for start in range(0, len(body), 7))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{sandbox.url}/email/v2/send-single"
    assert gateway.post(url, data=chunks, headers=headers, timeout=30).ok
    assert send(sandbox, gateway).ok
    assert sandbox.summary()["doubled"] == 1


def test_a_content_length_that_is_no_number_is_a_bad_request(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=30)
    connection.request("POST", "/email/v2/send-single", headers={"Content-Length": "many"})
    assert connection.getresponse().status == 400
    connection.close()
