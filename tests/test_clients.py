"""The gateway's clients: one for each token, and what the gateway says when it is asked about one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import oca
from mailroom import people, tokens
from mailroom.clients import Clients
from mailroom.keys import Keys
from mailroom.store import Store
from tests.sandbox_server import Sandbox, running_sandbox

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset_faults()
    return running


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path / "keys")


@pytest.fixture
def adi(store: Store) -> int:
    return people.add(store, "adi@contoh.id", "Adi", "admin", "kereta api malam adi", NOW).id


@pytest.fixture
def line(store: Store, keys: Keys, adi: int, sandbox: Sandbox) -> tokens.TokenLine:
    return tokens.add(store, keys, "Tagihan", sandbox.token().encode(), 200, adi, NOW)


@pytest.fixture
def clients(store: Store, keys: Keys, sandbox: Sandbox) -> Iterator[Clients]:
    clients = Clients(store, keys, sandbox.url)
    yield clients
    clients.close()


def test_a_tokens_client_is_made_once(clients: Clients, line: tokens.TokenLine) -> None:
    found: list[oca.Client] = []
    threads = [threading.Thread(target=lambda: found.append(clients.get(line.id))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 20
    assert all(client is found[0] for client in found)
    assert found[0].token.fingerprint == line.fingerprint


def test_a_replaced_token_gets_a_new_client_with_the_same_budget(
    clients: Clients, line: tokens.TokenLine, store: Store, keys: Keys, sandbox: Sandbox
) -> None:
    old, budget = clients.get(line.id), clients.pace(line.id)
    new_token = sandbox.token()
    tokens.replace(store, keys, line.id, new_token.encode(), NOW)

    new = clients.get(line.id)
    assert new is not old
    assert new.token.secret == new_token
    assert clients.pace(line.id) is budget
    # What is on the wire through the old one still gets its answer.
    assert old.history(page=1, limit=1).items == ()


def test_look_ups_use_the_budget_that_sends_use(clients: Clients, line: tokens.TokenLine) -> None:
    clients.get(line.id).history(page=1, limit=1)

    assert clients.pace(line.id).used_last_second() == 1
    assert clients.pace(line.id).per_second <= 200


def test_a_new_token_under_a_removed_ones_id_has_its_own_limit(
    clients: Clients, line: tokens.TokenLine, store: Store, keys: Keys, adi: int, sandbox: Sandbox
) -> None:
    clients.get(line.id)
    tokens.remove(store, line.id)
    with pytest.raises(LookupError):
        clients.get(line.id)
    new = tokens.add(store, keys, "Promo", sandbox.token().encode(), 7, adi, NOW)

    assert new.id == line.id, "SQLite gives the id again, or this test proves nothing"
    assert clients.pace(new.id).per_second == 7
    assert clients.get(new.id).token.fingerprint == new.fingerprint


def test_a_good_token_works(clients: Clients, line: tokens.TokenLine, store: Store) -> None:
    assert clients.check(line.id, NOW) == "ok"
    assert tokens.get(store, line.id, NOW).state == "ok"


def test_a_revoked_token_is_stopped_and_the_advice_kept(
    clients: Clients, line: tokens.TokenLine, store: Store, sandbox: Sandbox
) -> None:
    sandbox.revoke(None)

    result = clients.check(line.id, NOW)

    assert result == f"{oca.TokenInvalid.sentence}\n{oca.TokenInvalid.advice}"
    stopped = tokens.get(store, line.id, NOW)
    assert (stopped.state, stopped.check_result) == ("stopped", result)
    assert stopped.stop_reason


def test_a_stopped_token_that_the_gateway_accepts_again_may_be_used(
    clients: Clients, line: tokens.TokenLine, store: Store
) -> None:
    with store.write() as db:
        tokens.stop(db, line.id, "low balance", NOW)

    assert clients.check(line.id, NOW) == "ok"
    assert tokens.usable(store, NOW)[0].id == line.id


def test_a_fault_of_the_gateway_stops_no_token(
    clients: Clients, line: tokens.TokenLine, store: Store, sandbox: Sandbox
) -> None:
    sandbox.faults(faults_on=["history"], html_502=1.0)

    result = clients.check(line.id, NOW)

    assert result == oca.ServerFault.sentence
    assert tokens.get(store, line.id, NOW).state == "unchecked"


def test_a_gateway_that_is_down_gets_a_sentence(store: Store, keys: Keys, line: tokens.TokenLine) -> None:
    clients = Clients(store, keys, "http://127.0.0.1:9")

    assert clients.check(line.id, NOW) == "The gateway could not be reached."
    assert tokens.get(store, line.id, NOW).state == "unchecked"
    clients.close()


def test_a_check_does_not_wait_without_end_for_its_turn(
    clients: Clients, line: tokens.TokenLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.clients.CHECK_WAIT", 0.05)
    clients.pace(line.id).pause(3600)

    assert clients.check(line.id, NOW) == oca.RateLimited.sentence
