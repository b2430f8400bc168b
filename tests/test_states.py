"""The life of one email: only the ways of the table, one winner each, and what is always true stays true."""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from mailroom import states
from mailroom.states import Change, NoSuchChange
from mailroom.store import Store
from mailroom.verify import verify
from oca.audit import AttemptFacts, AttemptResult, complete_attempt, insert_attempt
from tests.records import NOON, add_batch

CHANGE = Change(NOON, "tested", "sender")
STATES = sorted({state for change in states.CHANGES for state in change})


def facts() -> AttemptFacts:
    return AttemptFacts(
        started_at=NOON,
        to_email="joko@contoh.id",
        sender_email="tim@contoh.id",
        sender_name="Tim",
        subject="Tagihan",
        body_sha256="00",
        body_bytes=1,
        attachment_name=None,
        attachment_sha256=None,
        attachment_bytes=None,
        token_fingerprint="abc",
    )


def state_of(store: Store, mail_id: int = 1) -> str:
    return str(store.read().execute("SELECT state FROM mails WHERE id = ?", [mail_id]).fetchone()[0])


def test_a_queued_batch_is_true_from_the_start(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id"])
    assert verify(store.read()) == []


def test_two_who_want_the_same_mail_do_not_both_get_it(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    with store.write() as db:
        assert states.transition(db, 1, "queued", "cancelled", CHANGE)
        assert not states.transition(db, 1, "queued", "sending", CHANGE)
    assert state_of(store) == "cancelled"


def test_a_way_that_is_not_in_the_table_does_not_exist(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    with store.write() as db, pytest.raises(NoSuchChange):
        states.transition(db, 1, "accepted", "queued", CHANGE)


def test_every_change_leaves_an_event_that_says_why_and_who(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    with store.write() as db:
        states.transition(db, 1, "queued", "cancelled", Change(NOON, "wrong list", "user:1"))
    rows = store.read().execute("SELECT from_state, to_state, why, actor FROM events ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [
        ("", "queued", "daftar.csv", "user:1"),
        ("queued", "cancelled", "wrong list", "user:1"),
    ]


def test_the_gateways_news_never_goes_backwards(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    with store.write() as db:
        hand_over(db)
        assert states.deliver(db, 1, "pending", "opened", "opened", CHANGE, None)
        with pytest.raises(NoSuchChange):
            states.deliver(db, 1, "opened", "delivered", "delivered", CHANGE, None)


def hand_over(db: Database, mail_id: int = 1) -> None:
    states.transition(db, mail_id, "queued", "sending", CHANGE)
    attempt = insert_attempt(db, facts(), mail_id=mail_id)
    result = AttemptResult(NOON, "accepted", 200, None, "", f"id-{mail_id}", 12)
    complete_attempt(db, attempt, result)
    states.transition(db, mail_id, "sending", "accepted", CHANGE, gateway_id=f"id-{mail_id}")


def test_verify_names_the_mail_that_breaks_a_rule(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id"])
    with store.write() as db:
        db.execute("UPDATE mails SET state = 'sending' WHERE id = 2")
    rules = {broken.rule: broken.where for broken in verify(store.read())}
    assert rules["a request on the wire has exactly one open attempt"] == "mail 2"
    assert rules["the events tell the state"] == "mail 2"


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("DELETE FROM batch_counts", "the states of a batch add up to its size"),
        ("UPDATE batch_counts SET shown = 'opened'", "the counters agree with the mails"),
        ("UPDATE batches SET size = 7", "the states of a batch add up to its size"),
        (
            "UPDATE mails SET state = 'accepted', delivery = 'pending' WHERE id = 1",
            "the events tell the state",
        ),
        ("UPDATE events SET to_state = 'opened'", "every change of state is in the table"),
        (
            "INSERT INTO events (mail_id, at, from_state, to_state, why, actor) "
            "VALUES (1, '', 'unknown', 'queued', ' ', 'x')",
            "nothing leaves “unknown” without a written reason",
        ),
        (
            "UPDATE mails SET state = 'accepted', delivery = 'pending' WHERE id = 1; ",
            "accepted means an id or a written proof",
        ),
    ],
)
def test_verify_notices_each_kind_of_damage(store: Store, damage: str, rule: str) -> None:
    add_batch(store, ["joko@contoh.id", "siti@contoh.id"])
    assert verify(store.read()) == []
    with store.write() as db:
        db.execute(damage)
    assert rule in {broken.rule for broken in verify(store.read())}


class LifeOfMails(RuleBasedStateMachine):
    """Any order of events on three mails; only ways of the table succeed, and the rules always hold."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "mailroom.db")
        add_batch(self.store, ["a@contoh.id", "b@contoh.id", "c@contoh.id"])
        self.model = {1: "queued", 2: "queued", 3: "queued"}
        self.now = NOON
        self.sent = 0

    @rule(mail=st.integers(1, 3), old=st.sampled_from(STATES), new=st.sampled_from(STATES))
    def anybody_tries_any_change(self, mail: int, old: states.State, new: states.State) -> None:
        self.now += timedelta(seconds=1)
        change = Change(self.now, "a reason", "sender")
        with self.store.write() as db:
            try:
                moved = states.transition(db, mail, old, new, change, **self.columns(new))
            except NoSuchChange:
                assert (old, new) not in states.CHANGES
                return
            assert moved == (self.model[mail] == old)
            if moved:
                self.model[mail] = new
                self.keep_the_attempt(db, mail, old, new)

    def columns(self, new: str) -> dict[str, str | int | None]:
        if new != "accepted":
            return {}
        self.sent += 1
        return {"gateway_id": f"id-{self.sent}"}

    def keep_the_attempt(self, db: Database, mail: int, old: str, new: str) -> None:
        if new == "sending":
            insert_attempt(db, facts(), mail_id=mail)
        if old == "sending":
            attempt = db.execute(
                "SELECT id FROM attempts WHERE mail_id = ? AND finished_at IS NULL", [mail]
            ).fetchone()[0]
            complete_attempt(db, attempt, AttemptResult(NOON, new, 200, None, "", None, 12))

    @invariant()
    def the_rules_hold(self) -> None:
        if hasattr(self, "store"):
            assert verify(self.store.read()) == []
            shown = {row[0]: row[1] for row in self.store.read().execute("SELECT id, state FROM mails")}
            assert shown == self.model

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestLifeOfMails = LifeOfMails.TestCase
TestLifeOfMails.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
