"""Answers of the gateway on their way to the disk: together where several wait, and each on its own where one fails."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database

import oca
from mailroom.claims import Claim, Claims
from mailroom.recorder import Answers
from mailroom.store import Store
from mailroom.verify import verify
from oca.audit import AttemptResult
from tests.records import NOON, add_batch

PEOPLE = [f"orang{n}@contoh.id" for n in range(8)]


class CountingStore(Store):
    """A store that counts its transactions."""

    commits = 0

    @contextmanager
    def write(self) -> Iterator[Database]:
        with super().write() as db:
            yield db
        self.commits += 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CountingStore]:
    store = CountingStore(tmp_path / "mailroom.db")
    yield store
    store.close()


def claim_all(store: Store) -> list[Claim]:
    """Every mail of a new batch, on the wire."""
    add_batch(store, PEOPLE)
    claims, token = Claims(store, 1), oca.Token("geheim", {})
    found = [claims.next(token, NOON) for _ in PEOPLE]
    return [claim for claim in found if claim]


def accepted(claim: Claim) -> AttemptResult:
    return AttemptResult(finished_at=NOON, outcome="accepted", http_status=200, msg_id=f"id-{claim.mail_id}")


def write_at_once(store: Store, claims: list[Claim]) -> list[BaseException]:
    """Writes an answer to each claim from a thread of its own, all waiting for the same database; what they raised."""
    answers, raised = Answers(store, lambda: NOON), list[BaseException]()

    def write(claim: Claim) -> None:
        try:
            answers.write(claim, 1, accepted(claim))
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=write, args=[claim]) for claim in claims]
    with store.write():
        for thread in threads:
            thread.start()
        while len(answers._waiting) < len(claims):
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert not answers._waiting
    return raised


def test_answers_that_wait_together_are_written_in_one_transaction(store: CountingStore) -> None:
    claims = claim_all(store)
    before = store.commits
    assert write_at_once(store, claims) == []
    assert store.commits == before + 2  # one that kept them waiting, one for all of them
    assert store.read().execute("SELECT count(*) FROM mails WHERE state = 'accepted'").fetchone()[0] == 8
    assert verify(store.read()) == []


def test_an_answer_that_cannot_be_written_does_not_take_the_others_with_it(store: CountingStore) -> None:
    claims = claim_all(store)
    twice = claims[3]
    assert write_at_once(store, [twice]) == []
    [error] = write_at_once(store, claims)
    assert isinstance(error, LookupError)
    assert store.read().execute("SELECT count(*) FROM mails WHERE state = 'accepted'").fetchone()[0] == 8
    assert verify(store.read()) == []
