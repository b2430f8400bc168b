"""The buttons on a batch, its watch over the first mails, sending again what failed, and when it will be done."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailroom import (
    batch_controls,
    batches,
    history,
    holds,
    one_mail,
    outcomes,
    progress,
    retries,
    states,
    tokens,
    watch,
)
from mailroom.batches import Batch
from mailroom.claims import Claim, Claims
from mailroom.problems import Problem
from mailroom.states import Change
from mailroom.store import Store
from mailroom.verify import verify
from oca import Message
from oca.audit import AttemptResult, insert_attempt
from tests.live import Live, live_mailroom
from tests.records import NOON, add_batch
from tests.sandbox_server import Sandbox, running_sandbox
from tests.test_states import facts

MESSAGE = Message("joko@contoh.id", "Tagihan", "<p>Halo</p>", "tim@contoh.id", "Tim")
WORDS = "sender_email: Invalid sender_email"


def batch(store: Store, batch_id: int = 1, now: datetime = NOON) -> Batch:
    found = batches.get(store, batch_id, now)
    assert found
    return found


def people(count: int) -> list[str]:
    return [f"orang{n}@contoh.id" for n in range(count)]


def send(store: Store, mail_id: int, batch_id: int = 1) -> Claim:
    """A mail that is on the wire now."""
    with store.write() as db:
        assert states.transition(db, mail_id, "queued", "sending", Change(NOON, "", "sender"))
        return Claim(mail_id, batch_id, insert_attempt(db, facts(), mail_id=mail_id), 0, "abc", MESSAGE)


def answer(store: Store, claim: Claim, outcome: str, words: str = "") -> None:
    """The gateway's answer to it, recorded as the sender does."""
    gateway_id = f"id-{claim.mail_id}" if outcome == "accepted" else None
    result = AttemptResult(NOON, outcome, 200, None, words, gateway_id, 12)
    with store.write() as db:
        outcomes.record(db, claim, claim.attempt_id, 1, result, NOON)


def answered(store: Store, mail_ids: range, outcome: str, words: str = "", batch_id: int = 1) -> None:
    for mail_id in mail_ids:
        answer(store, send(store, mail_id, batch_id), outcome, words)


def become(store: Store, mail_id: int, delivery: states.Delivery) -> None:
    """What became of a mail that the gateway took."""
    with store.write() as db:
        states.deliver(db, mail_id, "pending", delivery, delivery, Change(NOON, delivery, "delivery"), None)


# Pause, resume, cancel


def test_the_second_press_of_a_button_changes_nothing(store: Store) -> None:
    add_batch(store, people(2))
    assert batch_controls.pause(store, 1, 1, NOON)
    assert not batch_controls.pause(store, 1, 1, NOON + timedelta(minutes=1))
    assert batch(store).paused_at == "2026-11-23T05:00:00.000Z"
    assert batch_controls.resume(store, 1, 1, NOON)
    assert not batch_controls.resume(store, 1, 1, NOON)
    assert batch_controls.cancel(store, 1, 1, NOON) == 2
    assert batch_controls.cancel(store, 1, 1, NOON) == 0
    assert not batch_controls.pause(store, 1, 1, NOON)
    assert not batch_controls.resume(store, 1, 1, NOON)
    assert batch(store).state == "cancelled"


def test_of_many_who_press_at_once_exactly_one_pauses(store: Store) -> None:
    add_batch(store, people(2))
    ready, won = threading.Barrier(8), []

    def press() -> None:
        ready.wait()
        won.append(batch_controls.pause(store, 1, 1, NOON))

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_after_the_end_there_is_nothing_to_pause_or_cancel(store: Store) -> None:
    add_batch(store, people(2))
    answered(store, range(1, 3), "accepted")
    assert not batch_controls.pause(store, 1, 1, NOON)
    assert batch_controls.cancel(store, 1, 1, NOON) == 0
    assert batch(store).shown == "finished"


def test_cancelling_leaves_an_event_for_every_mail_and_touches_no_other_batch(store: Store) -> None:
    add_batch(store, people(300))
    add_batch(store, people(3))
    answered(store, range(1, 11), "accepted")
    assert batch_controls.cancel(store, 1, 1, NOON) == 290
    assert batch(store).counts == {"accepted": 10, "cancelled": 290}
    assert batch(store, 2).counts == {"queued": 3}
    mail = one_mail.get(store, 200)
    assert mail
    assert (mail.moments[0].to_state, mail.moments[0].actor) == ("cancelled", "Adi")
    assert verify(store.read()) == []


def test_cancelling_a_large_batch_takes_as_many_statements_as_a_small_one(store: Store) -> None:
    counted = []
    for size in (10, 2000):
        batch_id = add_batch(store, people(size))
        said: list[str] = []
        with store.write() as db:
            db.conn.set_trace_callback(said.append)
        assert batch_controls.cancel(store, batch_id, 1, NOON) == size
        with store.write() as db:
            db.conn.set_trace_callback(None)
        # The steps of the counters' triggers are told as the same statement again.
        counted.append(len(set(said)))
    assert counted[0] == counted[1]
    assert verify(store.read()) == []


def test_cancelled_part_by_part_every_mail_is_cancelled_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_controls, "AT_ONCE", 7)
    add_batch(store, people(20))
    assert batch_controls.cancel(store, 1, 1, NOON) == 20
    assert batch(store).counts == {"cancelled": 20}
    assert verify(store.read()) == []


def test_a_cancellation_broken_off_in_the_middle_sends_nothing_and_can_be_finished(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_controls, "AT_ONCE", 7)
    # There is no such sleep: it raises after the first part.
    monkeypatch.setattr(batch_controls, "BREATH_SECONDS", -1)
    add_batch(store, people(20))
    with pytest.raises(ValueError, match="sleep"):
        batch_controls.cancel(store, 1, 1, NOON)
    assert batch(store).counts == {"queued": 13, "cancelled": 7}
    assert not Claims(store, 1).any_due(NOON)
    assert not batch_controls.resume(store, 1, 1, NOON)
    monkeypatch.undo()
    assert batch_controls.cancel(store, 1, 1, NOON) == 13
    assert verify(store.read()) == []


@pytest.mark.parametrize("outcome", ["later", "unreachable", "token"])
def test_a_mail_that_comes_back_to_a_cancelled_batch_is_cancelled_with_it(store: Store, outcome: str) -> None:
    add_batch(store, people(2))
    claim = send(store, 1)
    assert batch_controls.cancel(store, 1, 1, NOON) == 1
    assert batch(store).counts == {"sending": 1, "cancelled": 1}
    answer(store, claim, outcome)
    assert batch(store).counts == {"cancelled": 2}
    assert batch(store).finished
    assert verify(store.read()) == []


def test_a_mail_in_doubt_comes_back_to_a_cancelled_batch_as_cancelled(store: Store) -> None:
    add_batch(store, people(1))
    answer(store, send(store, 1), "unknown")
    batch_controls.cancel(store, 1, 1, NOON)
    with store.write() as db:
        states.transition(db, 1, "unknown", "queued", Change(NOON, "proven absent", "reconcile"))
    assert batch(store).counts == {"cancelled": 1}


# The watch over the first mails


def test_a_batch_whose_first_mails_are_mostly_refused_pauses_itself_and_says_why(store: Store) -> None:
    add_batch(store, people(100))
    answered(store, range(1, 6), "accepted")
    answered(store, range(6, 17), "refused", WORDS)
    assert batch(store).state == "running"
    answered(store, range(17, 18), "refused", "email: Invalid email")
    found = batch(store)
    assert found.paused_itself
    assert (found.early_refused, found.early_answered) == (12, 17)
    assert found.paused_reason == WORDS
    assert found.counts["queued"] == 83
    assert batches.needing(store, NOON) == 1
    assert verify(store.read()) == []


def test_a_few_refusals_among_the_first_mails_pause_nothing(store: Store) -> None:
    add_batch(store, people(100))
    answered(store, range(1, 12), "refused", WORDS)
    answered(store, range(12, 22), "accepted")
    answered(store, range(22, 60), "refused", WORDS)
    assert batch(store).state == "running"


def test_what_was_taken_counts_as_taken_whatever_became_of_it(store: Store) -> None:
    add_batch(store, people(100))
    answered(store, range(1, 10), "accepted")
    for mail_id in range(1, 10):
        become(store, mail_id, "failed")
    answered(store, range(10, 25), "refused", WORDS)
    assert batch(store).state == "running"


def test_resumed_it_goes_on_and_does_not_pause_for_the_same_reason_again(store: Store) -> None:
    add_batch(store, people(100))
    answered(store, range(1, 13), "refused", WORDS)
    assert batch(store).paused_itself
    assert batch_controls.resume(store, 1, 1, NOON)
    answered(store, range(13, 21), "refused", WORDS)
    assert batch(store).state == "running"
    batch_controls.pause(store, 1, 1, NOON)
    assert not batch(store).paused_itself
    assert batch(store).paused_by == "Adi"


def test_with_nothing_left_to_save_nothing_is_paused(store: Store) -> None:
    add_batch(store, people(12))
    answered(store, range(1, 13), "refused", WORDS)
    assert batch(store).state == "running"
    assert batch(store).shown == "finished"


def test_every_batch_has_a_watch_of_its_own(store: Store) -> None:
    add_batch(store, people(30))
    add_batch(store, people(30))
    answered(store, range(1, 9), "refused", WORDS)
    answered(store, range(31, 39), "refused", WORDS, batch_id=2)
    assert [batch(store, n).state for n in (1, 2)] == ["running", "running"]
    assert watch.FIRST * watch.MOSTLY == 12


# Sending again what failed


@pytest.fixture
def mixed(store: Store) -> Store:
    """A batch of twelve with one mail or two in every state."""
    add_batch(store, people(12))
    for mail_id, delivery in ((1, "failed"), (2, "failed"), (3, "lost"), (4, "opened"), (5, "delivered")):
        answer(store, send(store, mail_id), "accepted")
        become(store, mail_id, delivery)  # type: ignore[arg-type]
    answer(store, send(store, 6), "accepted")
    answer(store, send(store, 7), "refused", WORDS)
    answer(store, send(store, 8), "unknown")
    answer(store, send(store, 9), "unknown")
    with store.write() as db:
        change = Change(NOON, "not decidable", "reconcile")
        states.transition(db, 9, "unknown", "undecided", change)
        states.transition(db, 10, "queued", "gave_up", change)
        states.transition(db, 11, "queued", "cancelled", change)
    return store


def rows_of(store: Store, batch_id: int) -> list[int]:
    return [line.row for line in history.of_batch(store, batch_id)]


def retry(store: Store, *kinds: str, key: str = "a", source: int = 1) -> int:
    return retries.retry(store, source, kinds, "Tagihan lagi", key, 1, NOON)


def test_only_what_failed_for_certain_is_offered(mixed: Store) -> None:
    assert retries.offered(mixed, 1) == {"failed": 2, "rejected": 1, "gave_up": 1, "lost": 1}
    everything = (*retries.KINDS, "unknown", "undecided", "accepted", "opened", "queued", "cancelled")
    assert rows_of(mixed, retry(mixed, *everything)) == [2, 3, 4, 8, 11]


def test_a_retry_holds_exactly_the_ticked_mails_as_they_were(mixed: Store) -> None:
    with mixed.write() as db:
        db.execute("UPDATE batches SET policy = 'never_lost'")
    retry_id = retry(mixed, "failed", "gave_up")
    first, again = batch(mixed), batch(mixed, retry_id)
    assert again.counts == {"queued": 3}
    assert again.size == 3
    assert rows_of(mixed, retry_id) == [2, 3, 11]
    same = ("template_version_id", "sender_email", "sender_name", "token_id", "attachment_id", "policy")
    assert [getattr(first, name) for name in same] == [getattr(again, name) for name in same]
    query = (
        "SELECT row, email, subject, fields FROM mails WHERE batch_id = ? AND row IN (2, 3, 11) ORDER BY row"
    )
    both = [[tuple(row) for row in mixed.read().execute(query, [n])] for n in (1, retry_id)]
    assert both[0] == both[1]
    assert verify(mixed.read()) == []


def test_both_batches_know_of_each_other(mixed: Store) -> None:
    retry_id = retry(mixed, "failed")
    again = batch(mixed, retry_id)
    assert (again.retry_of, again.retry_of_name) == (1, "Tagihan")
    assert retries.of(mixed, 1) == [retries.Retry(retry_id, "Tagihan lagi", 2)]
    assert retries.of(mixed, retry_id) == []


def test_the_same_form_sent_twice_makes_one_retry(mixed: Store) -> None:
    assert retry(mixed, "failed") == retry(mixed, "failed")
    assert len(batches.newest(mixed)) == 2


def test_what_was_sent_again_is_not_offered_again(mixed: Store) -> None:
    retry(mixed, "failed")
    assert retries.offered(mixed, 1) == {"rejected": 1, "gave_up": 1, "lost": 1}
    with pytest.raises(Problem, match="sent again already"):
        retry(mixed, "failed", key="b")
    assert rows_of(mixed, retry(mixed, *retries.KINDS, key="c")) == [4, 8, 11]
    assert not retries.any_offered(mixed, 1)
    assert len(batches.newest(mixed)) == 3


def test_two_tabs_at_once_send_no_mail_twice(mixed: Store) -> None:
    ready, made, told = threading.Barrier(6), [], []

    def press(key: str) -> None:
        ready.wait()
        try:
            made.append(retry(mixed, *retries.KINDS, key=key))
        except Problem as problem:
            told.append(str(problem))

    threads = [threading.Thread(target=press, args=(f"tab-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(told) == 5
    assert batch(mixed, made[0]).size == 5


def test_a_retry_that_was_cancelled_is_offered_again(mixed: Store) -> None:
    retry_id = retry(mixed, "failed")
    batch_controls.cancel(mixed, retry_id, 1, NOON)
    assert retries.offered(mixed, 1)["failed"] == 2
    assert rows_of(mixed, retry(mixed, "failed", key="b")) == [2, 3]


def test_what_fails_again_can_be_tried_again_from_the_retry(mixed: Store) -> None:
    retry_id = retry(mixed, "failed")
    answered(mixed, range(13, 14), "refused", WORDS, batch_id=retry_id)
    assert not retries.offered(mixed, 1).get("failed")
    assert retries.offered(mixed, retry_id) == {"rejected": 1}
    assert rows_of(mixed, retry(mixed, "rejected", source=retry_id)) == [2]


@pytest.mark.parametrize(
    ("kinds", "name", "key", "field"),
    [((), "Lagi", "a", "kinds"), (("opened",), "Lagi", "a", "kinds"), (("failed",), " ", "a", "name"),
     (("failed",), "Lagi", "", ""), (("failed",), "Lagi", "x" * 65, "")],
)  # fmt: skip
def test_a_form_that_cannot_be_used_queues_nothing(
    mixed: Store, kinds: tuple[str, ...], name: str, key: str, field: str
) -> None:
    with pytest.raises(Problem) as told:
        retries.retry(mixed, 1, kinds, name, key, 1, NOON)
    assert told.value.field == field
    assert len(batches.newest(mixed)) == 1


# When it will be done


def test_a_batch_alone_is_done_after_its_mails_at_the_tokens_pace(store: Store) -> None:
    add_batch(store, people(1))
    found = progress.estimate(store, 1, 3000, 25, NOON, batch_id=1)
    assert (found.between, found.seconds, found.done_at) == (0, 120, NOON + timedelta(minutes=2))


def test_other_batches_take_turns_so_each_counts_with_as_many_mails_at_most(store: Store) -> None:
    add_batch(store, people(300))
    add_batch(store, people(20))
    found = progress.estimate(store, 1, 100, 10, NOON)
    assert found.between == 120
    assert found.seconds == 22


def test_what_does_not_run_or_uses_another_token_makes_nobody_wait(store: Store) -> None:
    add_batch(store, people(50))
    batch_controls.pause(store, 1, 1, NOON)
    add_batch(store, people(60))
    batch_controls.cancel(store, 2, 1, NOON)
    with store.write() as db:
        db.execute(
            "INSERT INTO tokens (id, name, secret, fingerprint, claims, per_second, created_at, created_by) "
            "VALUES (2, 'Lain', x'00', 'def', '{}', 25, '', 1)"
        )
    add_batch(store, people(70), token_id=2)
    assert progress.estimate(store, 1, 100, 10, NOON).between == 0
    assert progress.estimate(store, 2, 100, 10, NOON).between == 70


def test_a_batch_that_does_not_go_has_no_end_in_sight(store: Store) -> None:
    add_batch(store, people(5))
    assert progress.pace(store, batch(store), 25, NOON).estimate
    batch_controls.pause(store, 1, 1, NOON)
    assert progress.pace(store, batch(store), 25, NOON).estimate is None
    batch_controls.resume(store, 1, 1, NOON)
    with store.write() as db:
        tokens.stop(db, 1, "Auth token is not valid", NOON)
    assert progress.pace(store, batch(store), 25, NOON).estimate is None


def test_the_end_is_reckoned_from_the_pace_that_was_measured(store: Store) -> None:
    add_batch(store, people(100))
    answered(store, range(1, 21), "accepted")
    later = NOON + timedelta(seconds=5)
    found = progress.pace(store, batch(store, now=later), 25, later)
    assert found.per_second == 4
    assert found.answer_ms == 12
    assert found.estimate
    assert found.estimate.seconds == 20


def test_a_gateway_out_of_reach_is_said_and_nothing_is_promised(store: Store) -> None:
    add_batch(store, people(5))
    answer(store, send(store, 1), "unreachable")
    found = progress.pace(store, batch(store), 25, NOON)
    assert found.unreachable
    assert found.estimate is None
    answer(store, send(store, 2), "accepted")
    assert not progress.pace(store, batch(store), 25, NOON).unreachable


# Why nothing goes out


def test_an_expired_token_holds_its_batches(store: Store) -> None:
    add_batch(store, people(2))
    with store.write() as db:
        db.execute("UPDATE tokens SET expires_at = '2026-11-23T06:00:00.000Z'")
    assert holds.of_token(store, 1, NOON) is None
    assert batch(store).shown == "running"
    later = NOON + timedelta(hours=2)
    hold = holds.of_token(store, 1, later)
    assert hold
    assert (hold.kind, hold.since) == ("expired", "2026-11-23T06:00:00.000Z")
    assert batch(store, now=later).shown == "expired"
    assert batches.needing(store, NOON) == 0
    assert batches.needing(store, later) == 1


def test_a_batch_that_a_person_paused_needs_nobody_but_one_to_decide_does(mixed: Store) -> None:
    assert batches.needing(mixed, NOON) == 1
    batch_id = add_batch(mixed, people(2))
    batch_controls.pause(mixed, batch_id, 1, NOON)
    assert batches.needing(mixed, NOON) == 1
    with mixed.write() as db:
        tokens.stop(db, 1, "Auth token is not valid", NOON)
    assert batches.needing(mixed, NOON) == 1
    add_batch(mixed, people(2))
    assert batches.needing(mixed, NOON) == 2


# Against the sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox, tmp_path: Path) -> Iterator[Live]:
    sandbox.reset_faults()
    sandbox.faults(limit=0)
    sandbox.clear()
    with live_mailroom(tmp_path / "data", sandbox) as live:
        yield live


def hold_of(live: Live) -> holds.Hold:
    live.wait(lambda: tokens.get(live.service.store, 1).stopped_at)
    hold = holds.of_token(live.service.store, 1, live.service.clock())
    assert hold
    return hold


def test_low_balance_is_told_from_a_token_turned_down(live: Live) -> None:
    live.sandbox.faults(low_balance=True)
    live.queue_to(*people(5))
    hold = hold_of(live)
    assert hold.kind == "balance"
    assert "Top up" in hold.advice
    live.sandbox.faults(low_balance=False, revoked=True)
    live.service.clients.check(1, live.service.clock())
    hold = hold_of(live)
    assert hold.kind == "token"
    assert "token" in hold.advice


def test_a_token_turned_down_while_sending_asks_for_a_new_one(live: Live) -> None:
    live.sandbox.revoke()
    live.queue_to(*people(5))
    hold = hold_of(live)
    assert hold.kind == "token"
    assert hold.words
    assert "Top up" not in hold.advice


def test_a_refused_list_pauses_itself_against_the_gateway_and_the_rest_is_saved(live: Live) -> None:
    live.sandbox.faults(latency_ms=200)
    batch_id = live.queue_to(*[f"refused+{n}@sandbox.test" for n in range(150)])
    live.wait(lambda: live.batch(batch_id).state == "paused")
    live.wait(lambda: not live.batch(batch_id).counts.get("sending"))
    found = live.batch(batch_id)
    assert found.paused_itself
    assert found.counts["queued"] > 0
    assert found.early_refused == watch.FIRST * watch.MOSTLY
    assert batch_controls.resume(live.service.store, batch_id, 2, live.service.clock())
    assert live.wait_handed_over(batch_id).counts == {"rejected": 150}
    live.agrees()


def test_a_retry_sends_what_failed_once_more_and_nothing_else(live: Live) -> None:
    first = live.queue_to("refused@sandbox.test", "joko@contoh.id", "siti@contoh.id")
    live.wait_handed_over(first)
    again = retries.retry(live.service.store, first, ["rejected"], "Lagi", "a", 2, live.service.clock())
    assert live.wait_handed_over(again).counts == {"rejected": 1}
    assert len(live.sandbox.ledger()) == 2
    live.agrees()
