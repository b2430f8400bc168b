"""Approval: nothing large goes out without a second person, who approves exactly what is sent, once."""

import threading
from datetime import timedelta

import pytest

from mailroom import approvals, batch_controls, batches, drafts, plans, preferences, tokens
from mailroom.plans import Plan
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.service import Service
from mailroom.verify import verify
from tests.live import Live, prepare_records

ADI, SARI, VINO = 1, 2, 3
LIST = "email,nama,total\na@contoh.id,A,1\nb@contoh.id,B,2\nc@contoh.id,C,3"


@pytest.fixture
def house(service: Service) -> Live:
    """A team that wants a second person for more than two mails."""
    live = prepare_records(service)
    preferences.save(service.store, Preferences(approval_above=2), ADI, service.clock())
    return live


def ask(live: Live, plan: Plan = plans.AT_ONCE, policy: str = "never_twice") -> str:
    """The id of a draft that Sari asks about."""
    draft_id = live.draft(LIST)
    approvals.ask(live.service.store, draft_id, SARI, plan, policy, live.service.clock())
    return draft_id


def seen(live: Live, draft_id: str) -> str:
    found = approvals.get(live.service.store, draft_id)
    assert found
    return found.fingerprint


def approve(live: Live, draft_id: str, who: int = ADI) -> int:
    store, now = live.service.store, live.service.clock()
    return batches.queue_approved(store, draft_id, who, seen(live, draft_id), now)


def queued(live: Live) -> int:
    return len(live.rows("SELECT 1 FROM batches")) - 1


def test_nothing_above_the_limit_is_queued_without_a_second_person(house: Live) -> None:
    store, now = house.service.store, house.service.clock()
    with pytest.raises(Problem, match="second person"):
        batches.queue(store, house.draft(LIST), SARI, now)
    with pytest.raises(Problem, match="second person"):
        batches.queue(store, ask(house), SARI, now)
    assert queued(house) == 0
    assert batches.queue(store, house.draft(LIST.rpartition("\n")[0]), SARI, now)


def test_an_approved_batch_goes_as_it_was_asked_for_and_says_who_approved(house: Live) -> None:
    start = house.service.clock() + timedelta(hours=2)
    draft_id = ask(house, Plan(start, per_minute=60), "never_lost")
    batch = house.batch(approve(house, draft_id))
    assert (batch.created_by, batch.approved_by, batch.size, batch.policy) == ("Sari", "Adi", 3, "never_lost")
    assert batch.plan.per_minute == 60
    assert batch.shown == "scheduled"
    assert approvals.get(house.service.store, draft_id) is None
    assert verify(house.service.store.read()) == []


@pytest.mark.parametrize("who", [SARI, VINO, 99])
def test_neither_the_asker_nor_who_may_not_send_can_decide(house: Live, who: int) -> None:
    draft_id = ask(house)
    with pytest.raises(Problem, match="Somebody else decides"):
        approve(house, draft_id, who)
    with pytest.raises(Problem, match="Somebody else decides"):
        approvals.give_back(house.service.store, draft_id, who, "Nanti", house.service.clock())
    assert queued(house) == 0


def test_somebody_who_was_shut_out_cannot_approve(house: Live) -> None:
    draft_id = ask(house)
    with house.service.store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026' WHERE id = 1")
    with pytest.raises(Problem, match="Somebody else decides"):
        approve(house, draft_id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE senders SET removed_at = '2026'",
        "UPDATE senders SET name = 'Tim Lain'",
        "UPDATE tokens SET fingerprint = 'other'",
        "UPDATE template_versions SET html = html || '!'",
        "UPDATE template_versions SET compiled = '<p>{{ nama }}'",
        "UPDATE draft_rows SET email = 'z@contoh.id' WHERE row = 3",
        "UPDATE draft_rows SET fields = replace(fields, 'B', 'Z')",
        "DELETE FROM draft_rows WHERE row = 4",
        "UPDATE drafts SET name = 'Lain'",
        "UPDATE drafts SET attachment_id = (SELECT id FROM attachments)",
        "UPDATE draft_rows SET attachment_id = (SELECT id FROM attachments) WHERE row = 3",
    ],
)
def test_any_change_of_what_would_be_sent_voids_the_approval(house: Live, change: str) -> None:
    with house.service.store.write() as db:
        db.execute(
            "INSERT INTO attachments (sha256, filename, content_type, size, content) VALUES ('a', 'b', 'c', 1, x'00')"
        )
    draft_id = ask(house)
    store = house.service.store
    asked = approvals.get(store, draft_id)
    assert asked
    assert approvals.stands(store, asked)
    with store.write() as db:
        db.execute(change)
    assert not approvals.stands(store, asked)
    with pytest.raises(Problem, match="Something has changed"):
        approve(house, draft_id)
    assert queued(house) == 0


def test_asked_again_with_another_plan_what_was_seen_before_cannot_be_approved(house: Live) -> None:
    store, now = house.service.store, house.service.clock()
    draft_id = ask(house)
    before = seen(house, draft_id)
    approvals.ask(store, draft_id, SARI, Plan(per_minute=6000), "never_twice", now)
    with pytest.raises(Problem, match="Something has changed"):
        batches.queue_approved(store, draft_id, ADI, before, now)
    assert house.batch(approve(house, draft_id)).plan.per_minute == 6000


def test_two_who_approve_at_once_make_one_batch(house: Live) -> None:
    with house.service.store.write() as db:
        db.execute("UPDATE users SET role = 'sender' WHERE id = 3")
    draft_id = ask(house)
    fingerprint, ready, made = seen(house, draft_id), threading.Barrier(6), []

    def press(who: int) -> None:
        ready.wait()
        store, now = house.service.store, house.service.clock()
        made.append(batches.queue_approved(store, draft_id, who, fingerprint, now))

    threads = [threading.Thread(target=press, args=(who,)) for who in (ADI, VINO) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    assert queued(house) == 1


def test_what_is_returned_or_withdrawn_cannot_be_approved_any_more(house: Live) -> None:
    store, now = house.service.store, house.service.clock()
    draft_id = ask(house)
    fingerprint = seen(house, draft_id)
    with pytest.raises(Problem) as told:
        approvals.give_back(store, draft_id, ADI, " ", now)
    assert told.value.field == "note"
    assert approvals.give_back(store, draft_id, ADI, "Jumlahnya salah", now)
    assert not approvals.give_back(store, draft_id, ADI, "Lagi", now)
    [back] = approvals.returned(store, SARI)
    assert (back.note, back.decided_by) == ("Jumlahnya salah", "Adi")
    with pytest.raises(Problem, match="does not wait"):
        batches.queue_approved(store, draft_id, ADI, fingerprint, now)
    assert not approvals.withdraw(store, draft_id, ADI, now)
    assert approvals.withdraw(store, draft_id, SARI, now)
    with pytest.raises(LookupError):
        batches.queue_approved(store, draft_id, ADI, fingerprint, now)
    assert queued(house) == 0


def test_a_draft_that_waits_for_a_decision_is_not_tidied_away(house: Live) -> None:
    store, later = house.service.store, house.service.clock() + timedelta(days=30)
    draft_id = ask(house)
    drafts.tidy(store, later)
    assert [one.draft_id for one in approvals.waiting(store)] == [draft_id]
    approvals.give_back(store, draft_id, ADI, "Terlalu tua", later)
    drafts.tidy(store, later)
    assert approvals.get(store, draft_id) is None


def test_where_nobody_else_may_send_nobody_is_asked(house: Live) -> None:
    with house.service.store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026' WHERE id = 1")
    assert approvals.deciders(house.service.store, SARI) == []
    with pytest.raises(Problem, match="Nobody else"):
        ask(house)


def test_when_the_limit_is_lifted_the_asker_may_send_and_nobody_is_asked_any_more(house: Live) -> None:
    store, now = house.service.store, house.service.clock()
    draft_id = ask(house)
    preferences.save(store, Preferences(), ADI, now)
    assert batches.queue(store, draft_id, SARI, now)
    assert approvals.waiting(store) == []


def test_a_time_that_has_passed_when_it_is_approved_means_at_once(house: Live) -> None:
    store = house.service.store
    start = house.service.clock() + timedelta(minutes=5)
    draft_id = ask(house, Plan(start))
    later = start + timedelta(minutes=1)
    batch_id = batches.queue_approved(store, draft_id, ADI, seen(house, draft_id), later)
    found = batches.get(store, batch_id, later)
    assert found
    assert (found.shown, found.waits_until) == ("running", None)


def test_who_asked_cannot_change_the_time_that_a_second_person_approved(house: Live) -> None:
    service = house.service
    now, zone = service.clock(), service.settings.zone
    batch_id = approve(house, ask(house, Plan(now + timedelta(hours=2))))
    with pytest.raises(Problem, match="second person"):
        batch_controls.send_now(service.store, batch_id, SARI, now, zone)
    with pytest.raises(Problem, match="second person"):
        batch_controls.reschedule(service.store, batch_id, plans.AT_ONCE, SARI, now, zone)
    assert house.batch(batch_id).shown == "scheduled"
    assert batch_controls.send_now(service.store, batch_id, ADI, now, zone)
    assert house.batch(batch_id).shown == "running"
    assert not batch_controls.send_now(service.store, batch_id, ADI, now, zone)


def test_a_token_that_was_replaced_voids_what_was_asked(house: Live) -> None:
    service = house.service
    draft_id = ask(house)
    other = b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIyIiwiaWF0IjoxNzkwMDAwMDAwfQ.c2lnbmF0dXJl"
    tokens.replace(service.store, service.keys, 1, other, service.clock())
    with pytest.raises(Problem, match="Something has changed"):
        approve(house, draft_id)
