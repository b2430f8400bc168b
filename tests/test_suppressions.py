"""The do-not-mail list: nothing is sent to an address on it, whatever way a mail came to wait."""

from datetime import timedelta

import pytest

from mailroom import batches, delivery, preferences, retries, states, suppressions
from mailroom.claims import MOST_SKIPPED, Claim, Claims
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.states import Change
from mailroom.store import Store
from mailroom.verify import verify
from oca import Token
from oca.audit import AttemptResult, complete_attempt, insert_attempt
from tests.live import A_TOKEN
from tests.records import NOON, add_batch
from tests.test_states import facts

TOKEN = Token(A_TOKEN)


def stop(store: Store, *emails: str) -> int:
    return suppressions.add(store, emails, "hand", "", 1, NOON)


def claim(claims: Claims) -> Claim | None:
    return claims.next(TOKEN, NOON + timedelta(seconds=1))


def counted(store: Store, batch_id: int = 1) -> dict[str, int]:
    found = batches.get(store, batch_id, NOON)
    assert found
    return found.counts


def events(store: Store, mail_id: int) -> list[tuple[str, str]]:
    rows = store.read().execute("SELECT to_state, why FROM events WHERE mail_id = ? ORDER BY id", [mail_id])
    return [(row["to_state"], row["why"]) for row in rows]


def attempts(store: Store) -> int:
    return int(store.read().execute("SELECT count(*) FROM attempts").fetchone()[0])


# Nothing is sent to them


def test_a_mail_to_such_an_address_is_skipped_before_any_attempt_with_the_reason(store: Store) -> None:
    add_batch(store, ["Joko@contoh.id", "siti@contoh.id"])
    stop(store, "joko@CONTOH.id")
    claimed = claim(Claims(store, 1))
    assert claimed
    assert claimed.message.to == "siti@contoh.id"
    assert attempts(store) == 1
    assert counted(store) == {"skipped": 1, "sending": 1}
    assert events(store, 1)[-1] == ("skipped", suppressions.WHY["hand"])
    assert verify(store.read()) == []


def test_without_the_guard_it_would_be_sent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_batch(store, ["joko@contoh.id"])
    stop(store, "joko@contoh.id")
    monkeypatch.setattr(suppressions, "why", lambda _db, _email: "")
    claimed = claim(Claims(store, 1))
    assert claimed
    assert claimed.message.to == "joko@contoh.id"


def test_an_address_put_there_after_queueing_and_a_look_up_is_skipped_too(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    claims = Claims(store, 1)
    with store.write() as db:
        states.transition(db, 1, "queued", "sending", Change(NOON, "", "sender"))
        states.transition(db, 1, "sending", "unknown", Change(NOON, "no answer", "sender"))
    stop(store, "joko@contoh.id")
    with store.write() as db:
        states.transition(db, 1, "unknown", "queued", Change(NOON, "absent", "reconcile"))
    assert claim(claims) is None
    assert [state for state, _ in events(store, 1)] == ["queued", "sending", "unknown", "queued", "skipped"]


def test_many_in_a_row_do_not_hold_up_the_others(store: Store) -> None:
    stopped = [f"orang{n}@contoh.id" for n in range(MOST_SKIPPED + 50)]
    add_batch(store, [*stopped, "siti@contoh.id"])
    stop(store, *stopped)
    claims = Claims(store, 1)
    assert claim(claims) is None
    assert claims.any_due(NOON + timedelta(seconds=1))
    claimed = claim(claims)
    assert claimed
    assert claimed.message.to == "siti@contoh.id"


def test_a_batch_whose_rest_is_skipped_is_finished_and_none_of_it_is_offered_again(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id"])
    stop(store, "joko@contoh.id", "siti@contoh.id")
    assert claim(Claims(store, 1)) is None
    found = batches.get(store, 1, NOON)
    assert found
    assert (found.finished, found.shown, found.waiting, found.done) == (True, "finished", 0, 2)
    assert not found.may_still_go
    assert retries.offered(store, 1) == {}
    assert batches.unfinished(store, NOON) == []


def test_taken_off_the_list_it_gets_mail_again(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    stop(store, "joko@contoh.id")
    assert suppressions.remove(store, "JOKO@contoh.id")
    assert not suppressions.remove(store, "joko@contoh.id")
    assert claim(Claims(store, 1))


# The list


def test_who_is_on_the_list_is_known_upper_and_lower_case_aside(store: Store) -> None:
    add_batch(store, [])
    asked = suppressions.among(store)
    assert asked(["joko@contoh.id"]) == set()
    stop(store, "Joko@Contoh.id")
    several = [
        "siti@contoh.id",
        "joko@contoh.id",
        "JOKO@CONTOH.ID",
        "jok@contoh.id",
        "",
        "j\x00",
        "\ud800@contoh.id",
    ]
    assert asked(several) == {"joko@contoh.id", "JOKO@CONTOH.ID"}
    assert asked([]) == set()


def test_an_address_is_counted_once_and_keeps_its_first_reason(store: Store) -> None:
    add_batch(store, [])
    assert stop(store, "joko@contoh.id", "Joko@contoh.id", "siti@contoh.id") == 2
    assert suppressions.add(store, ["joko@contoh.id", "budi@contoh.id"], "import", "lama", 1, NOON) == 1
    found = suppressions.get(store, "joko@contoh.id")
    assert found
    assert (found.reason, found.added_by, found.note) == ("hand", "Adi", "")
    assert suppressions.counts(store) == {"hand": 2, "import": 1}


def test_a_note_that_is_too_long_is_refused_and_nothing_is_added(store: Store) -> None:
    add_batch(store, [])
    with pytest.raises(Problem) as caught:
        suppressions.add(store, ["joko@contoh.id"], "hand", "x" * 201, 1, NOON)
    assert caught.value.field == "note"
    assert suppressions.counts(store) == {}


def test_pages_hold_every_address_once_newest_first(store: Store) -> None:
    add_batch(store, [])
    for n in range(7):
        emails = [f"orang{n}-{m}@contoh.id" for m in range(3)]
        reason: suppressions.Reason = "import" if n % 2 else "hand"
        suppressions.add(store, emails, reason, "", 1, NOON + timedelta(minutes=n))
    seen: list[suppressions.Suppression] = []
    while page := suppressions.newest(store, before=suppressions.place(seen[-1]) if seen else "", limit=4):
        seen += page
    assert len({line.email for line in seen}) == len(seen) == 21
    assert [line.added_at for line in seen] == sorted((line.added_at for line in seen), reverse=True)
    assert len(suppressions.newest(store, "import")) == 9
    assert len(list(suppressions.everyone(store))) == 21


def test_a_search_finds_by_the_beginning_page_by_page(store: Store) -> None:
    add_batch(store, [])
    stop(store, *[f"joko{n}@contoh.id" for n in range(5)], "siti@contoh.id", "%oko@contoh.id", "jok")
    first = suppressions.beginning(store, "JOKO", limit=3)
    rest = suppressions.beginning(store, "joko", before=suppressions.place(first[-1]), limit=3)
    assert [line.email for line in first + rest] == [f"joko{n}@contoh.id" for n in range(5)]
    assert suppressions.beginning(store, "joko", "import") == []
    assert [line.email for line in suppressions.beginning(store, "%")] == ["%oko@contoh.id"]


# Failed deliveries


def take(store: Store, mail_id: int) -> str:
    """The id under which the gateway took the mail."""
    gateway_id = f"id-{mail_id}"
    with store.write() as db:
        states.transition(db, mail_id, "queued", "sending", Change(NOON, "", "sender"))
        attempt_id = insert_attempt(db, facts(), mail_id=mail_id)
        complete_attempt(db, attempt_id, AttemptResult(NOON, "accepted", 200, msg_id=gateway_id))
        states.transition(
            db, mail_id, "sending", "accepted", Change(NOON, "", "sender"), gateway_id=gateway_id
        )
    return gateway_id


def note(store: Store, gateway_id: str, word: states.Delivery) -> None:
    with store.write() as db:
        assert delivery.note(db, gateway_id, word, word, NOON + timedelta(minutes=1))


def test_failed_addresses_of_a_batch_are_put_there_together_once(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id", "budi@contoh.id", "lama@contoh.id"])
    for mail_id, word in ((1, "failed"), (2, "delivered"), (3, "failed"), (4, "failed")):
        note(store, take(store, mail_id), word)  # type: ignore[arg-type]
    stop(store, "lama@contoh.id")
    assert suppressions.failed_of(store, 1) == 2
    assert suppressions.add_failed_of(store, 1, 1, NOON) == 2
    assert suppressions.add_failed_of(store, 1, 1, NOON) == suppressions.failed_of(store, 1) == 0
    found = suppressions.get(store, "budi@contoh.id")
    assert found
    assert (found.reason, found.mail_id, found.added_by) == ("failed", 3, "Adi")


def test_by_itself_nothing_is_put_there_unless_the_team_wants_it(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id"])
    note(store, take(store, 1), "failed")
    assert suppressions.counts(store) == {}
    preferences.save(store, Preferences(suppress_failed=True), 1, NOON)
    note(store, take(store, 2), "failed")
    found = suppressions.get(store, "siti@contoh.id")
    assert found
    assert (found.reason, found.mail_id, found.added_by) == ("failed", 2, "")


def test_when_the_gateway_takes_its_word_back_the_address_comes_off_again(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id"])
    preferences.save(store, Preferences(suppress_failed=True), 1, NOON)
    for mail_id in (1, 2):
        note(store, take(store, mail_id), "failed")
    with store.write() as db:
        db.execute("UPDATE suppressions SET reason = 'unsubscribed' WHERE email = 'siti@contoh.id'")
    for mail_id in (1, 2):
        note(store, f"id-{mail_id}", "delivered")
    assert suppressions.counts(store) == {"unsubscribed": 1}
