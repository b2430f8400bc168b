"""The sandbox's controls: start and stop, tokens, the ledger and the switches."""

import concurrent.futures
import signal
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import jwt
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


def send(sandbox: Sandbox, token: str, email: str = "joko@contoh.id", **changes: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    form = mail_form(email=email, **changes)
    return requests.post(f"{sandbox.url}/email/v2/send-single", data=form, headers=headers, timeout=30)


def test_a_token_downloads_as_a_text_file_like_the_vendors(sandbox: Sandbox) -> None:
    response = requests.get(f"{sandbox.url}/_sandbox/token.txt", timeout=30)
    assert response.headers["Content-Disposition"] == "attachment; filename=oca-email-token.txt"
    assert response.text.endswith("\n")
    claims = jwt.decode(response.text.strip(), options={"verify_signature": False})
    assert sorted(claims) == ["application", "iat", "sub"]
    assert len(bytes.fromhex(claims["application"])) == 12
    assert jwt.get_unverified_header(response.text.strip())["alg"] == "RS256"


def test_a_token_expires_only_when_asked_to(sandbox: Sandbox) -> None:
    claims = jwt.decode(sandbox.token(exp=60), options={"verify_signature": False})
    assert claims["exp"] == claims["iat"] + 60
    assert send(sandbox, sandbox.token(exp=60)).ok


@pytest.mark.parametrize("text", ["soon", "", "1.5", "99999999999"])
def test_an_expiry_that_is_no_number_is_refused_with_a_sentence(sandbox: Sandbox, text: str) -> None:
    response = requests.get(f"{sandbox.url}/_sandbox/token.txt", params={"exp": text}, timeout=30)
    assert (response.status_code, "whole number" in response.json()["error"]) == (400, True)


def test_revoking_one_token_leaves_the_others(sandbox: Sandbox) -> None:
    first, second = sandbox.token(), sandbox.token()
    assert sandbox.revoke(sha256(first.encode()).hexdigest()[:16]) == 1
    assert (send(sandbox, first).status_code, send(sandbox, second).status_code) == (401, 200)


def test_revoking_nothing_in_particular_is_refused(sandbox: Sandbox) -> None:
    assert requests.post(f"{sandbox.url}/_sandbox/tokens/revoke", json={}, timeout=30).status_code == 400


def test_the_summary_counts_what_came_twice_and_every_answer(sandbox: Sandbox) -> None:
    token = sandbox.token()
    for email in ("a@contoh.id", "a@contoh.id", "b@contoh.id", "busy@sandbox.test"):
        send(sandbox, token, email)
    send(sandbox, token, "a@contoh.id", html="<p>Another</p>")
    summary = sandbox.summary()
    assert (summary["accepted"], summary["distinct_ids"], summary["doubled"]) == (4, 4, 1)
    assert summary["requests"] == {"send": 5, "status": 0, "history": 0}
    assert summary["answers"] == {"200": 4, "429": 1}
    assert 1 <= summary["peak_in_one_second"] <= 5


def test_sends_from_many_threads_are_each_accepted_once(sandbox: Sandbox) -> None:
    token = sandbox.token()
    addresses = [f"joko{number}@contoh.id" for number in range(300)]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda email: send(sandbox, token, email).json(), addresses))
    ledger = sandbox.ledger()
    assert sorted(entry["email"] for entry in ledger) == sorted(addresses)
    assert {entry["msg_id"] for entry in ledger} == {answer["msg_id"] for answer in answers}


def test_the_ledger_is_read_in_pages(sandbox: Sandbox) -> None:
    token = sandbox.token()
    for number in range(3):
        send(sandbox, token, f"joko{number}@contoh.id")
    first = sandbox.control("GET", "ledger?limit=2")
    rest = sandbox.control("GET", f"ledger?limit=2&after={first[-1]['seq']}")
    assert [entry["email"][4] for entry in first + rest] == ["0", "1", "2"]


def test_clearing_forgets_mails_and_counts_but_no_token(sandbox: Sandbox) -> None:
    token = sandbox.token()
    send(sandbox, token)
    sandbox.clear()
    assert (sandbox.ledger(), sandbox.summary()["requests"]["send"]) == ([], 0)
    assert send(sandbox, token).ok


def test_an_unknown_switch_is_refused_with_those_that_exist(sandbox: Sandbox) -> None:
    response = requests.put(f"{sandbox.url}/_sandbox/faults", json={"nonsense": 1}, timeout=30)
    assert response.status_code == 400
    assert "history_lag_s" in response.json()["error"]
    assert requests.put(f"{sandbox.url}/_sandbox/faults", data="[1]", timeout=30).status_code == 400


def test_switches_can_be_set_in_part_and_reset_in_whole(sandbox: Sandbox) -> None:
    before = sandbox.control("GET", "faults")
    changed = sandbox.faults(body_dash=True, **{"500_after": 0.5})
    assert changed == {**before, "body_dash": True, "500_after": 0.5}
    sandbox.reset_faults()
    assert sandbox.control("GET", "faults") == before


def test_a_page_of_another_site_cannot_work_the_controls(sandbox: Sandbox) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    response = requests.post(f"{sandbox.url}/faults/reset", headers=headers, timeout=30)
    assert response.status_code == 403
    assert requests.get(f"{sandbox.url}/", headers=headers, timeout=30).ok


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with running_sandbox() as sandbox:
        send(sandbox, sandbox.token())
        sandbox.process.send_signal(number)
        assert sandbox.process.wait(timeout=20) == 0
        assert sandbox.process.stdout is not None
        assert sandbox.process.stdout.read() == ""


def test_with_data_everything_survives_a_kill(tmp_path: Path) -> None:
    with running_sandbox("--data", str(tmp_path / "box")) as sandbox:
        token = sandbox.token()
        gone = sandbox.token()
        sandbox.revoke()
        token = sandbox.token()
        send(sandbox, token)
        before = sandbox.ledger()
        sandbox.process.kill()
    with running_sandbox("--data", str(tmp_path / "box")) as sandbox:
        after = sandbox.ledger()
        assert [entry["msg_id"] for entry in after] == [entry["msg_id"] for entry in before]
        assert (send(sandbox, token).status_code, send(sandbox, gone).status_code) == (200, 401)


def test_limit_and_window_are_set_on_the_command_line() -> None:
    with running_sandbox("--limit", "7", "--window", "sliding") as sandbox:
        sandbox.faults(limit=1)
        sandbox.reset_faults()
        switches = sandbox.control("GET", "faults")
        assert (switches["limit"], switches["window"]) == (7, "sliding")
