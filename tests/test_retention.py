"""Old mails are forgotten when the team wants it: what names somebody goes, what counts and proves stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest

from mailroom import (
    activity,
    counters,
    doubts,
    forgetting,
    preferences,
    retention,
    retries,
    sample_rows,
    states,
    suppressions,
)
from mailroom.service import Service
from mailroom.states import Change
from mailroom.store import Store
from mailroom.times import utc_now
from mailroom.verify import verify
from tests.house import Browser
from tests.live import Live, live_mailroom, prepare_records
from tests.page import faults
from tests.records import NOON, add_batch
from tests.sandbox_server import running_sandbox

Client = Callable[[str], Browser]

ZONE = ZoneInfo("Asia/Jakarta")
LATER = NOON + timedelta(days=40)


def accept(store: Store, mail_id: int, at: datetime = NOON) -> None:
    with store.write() as db:
        states.transition(db, mail_id, "queued", "sending", Change(at, "", "sender"))
        change = Change(at, "accepted joko@contoh.id", "sender")
        states.transition(db, mail_id, "sending", "accepted", change, gateway_id=f"x{mail_id}")
        db.execute(
            "INSERT INTO attempts (mail_id, started_at, to_email, sender_email, sender_name, subject, body_sha256, "
            "body_bytes, attachment_name, attachment_sha256, token_fingerprint, finished_at, outcome, detail, msg_id) "
            "SELECT id, ?1, email, 'tim@contoh.id', 'Tim', subject, 'abc', 3, 'Joko.pdf', 'def', 'abc', ?1, "
            "'accepted', 'taken for joko@contoh.id', 'x' || id FROM mails WHERE id = ?2",
            [at.isoformat(), mail_id],
        )


def everything(store: Store) -> str:
    """All that stands in the record of mails."""
    tables = ("mails", "attempts", "events", "lookups", "batches")
    return str([tuple(row) for table in tables for row in store.read().execute(f"SELECT * FROM {table}")])


def test_what_names_somebody_goes_and_what_counts_and_proves_stays(store: Store) -> None:
    add_batch(store, ["joko@contoh.id", "siti@gmail.com"])
    accept(store, 1)
    accept(store, 2)
    with store.write() as db:
        states.deliver(
            db, 1, "pending", "delivered", "Delivered", Change(NOON, "Delivered", "delivery"), None
        )
    before = [tuple(row) for row in store.read().execute("SELECT * FROM report_counts")]
    assert retention.forget_old(store, 30, LATER, ZONE) == 2
    kept = everything(store)
    for gone in ("joko", "Joko", "siti", "Tagihan Joko"):
        assert gone not in kept
    for stays in ("contoh.id", "gmail.com", "x1", "x2", "abc", "def", "Delivered", "delivered"):
        assert stays in kept
    assert [tuple(row) for row in store.read().execute("SELECT * FROM report_counts")] == before
    assert counters.differences(store.read()) == []
    assert verify(store.read()) == []
    noted = activity.newest(store)[0]
    assert (noted.kind, noted.details["mails"], noted.who) == ("forgotten", 2, "")


def test_next_to_nothing_is_left_in_the_bytes_of_the_file(store: Store) -> None:
    add_batch(store, [f"rahasia{n}@contoh.id" for n in range(300)])
    for mail_id in range(1, 301):
        accept(store, mail_id)
    with store.write() as db:
        db.execute("UPDATE mails SET subject = id || 'pribadi'")
    retention.forget_old(store, 30, LATER, ZONE)
    retention.Forgetter(store, lambda: LATER, ZONE).forget_words()
    store.close()
    left = store.path.read_bytes()
    wal = store.path.with_suffix(".db-wal")
    assert not wal.exists() or not wal.read_bytes()
    # SQLite overwrites what goes, but when a page overflows it may leave a trace in the gap it makes.
    assert left.count(b"rahasia") <= 3
    assert left.count(b"pribadi") <= 3


def test_what_waits_or_is_in_doubt_is_never_forgotten(store: Store) -> None:
    add_batch(store, ["a@b.id", "c@b.id", "d@b.id", "e@b.id", "f@b.id"])
    ways: list[list[states.State]] = [
        ["queued"],
        ["queued", "sending"],
        ["queued", "sending", "unknown"],
        ["queued", "sending", "unknown", "undecided"],
        ["queued", "cancelled"],
    ]
    with store.write() as db:
        for mail_id, way in enumerate(ways, 1):
            for old, new in pairwise(way):
                states.transition(db, mail_id, old, new, Change(NOON, "why", "sender"))
        assert forgetting.forget(db, range(1, 6), LATER) == 1
        # Asked directly as well: the guard is in the statement, not in who calls it.
        assert states.forget(db, range(1, 6), "", LATER) == []
    rows = store.read().execute("SELECT id FROM mails WHERE forgotten_at IS NULL ORDER BY id")
    assert [row["id"] for row in rows] == [1, 2, 3, 4]


def test_a_mail_handed_over_lately_stays_however_old_its_batch_is(store: Store) -> None:
    add_batch(store, ["a@b.id", "c@b.id"])
    accept(store, 1)
    accept(store, 2, LATER - timedelta(days=3))
    assert retention.forget_old(store, 30, LATER, ZONE) == 1
    assert retention.forget_old(store, 30, LATER + timedelta(days=30), ZONE) == 1


def test_a_dry_run_says_what_would_go_and_changes_nothing(store: Store) -> None:
    add_batch(store, ["a@b.id", "c@b.id"])
    add_batch(store, ["d@b.id"])
    accept(store, 1)
    accept(store, 3)
    before = everything(store)
    would = retention.would_forget(store, 30, LATER, ZONE)
    assert (would.batches, would.mails, would.waiting) == (2, 2, 1)
    assert would.before == datetime(2026, 12, 3, tzinfo=ZONE)
    assert everything(store) == before
    assert retention.forget_old(store, 30, LATER, ZONE) == would.mails
    # The batch that is gone altogether is not counted again, the one that still has a mail has none to forget.
    assert retention.would_forget(store, 30, LATER, ZONE).mails == 0
    assert retention.would_forget(store, 90, LATER, ZONE) == replace(
        retention.would_forget(store, 90, LATER, ZONE), batches=0, mails=0, waiting=0, oldest=None
    )


def test_a_dry_run_reads_no_mail(store: Store) -> None:
    add_batch(store, ["a@b.id"])
    said: list[str] = []
    store.read().conn.set_trace_callback(said.append)
    retention.would_forget(store, 30, LATER, ZONE)
    plans = [
        row["detail"] for sql in list(said) if sql.startswith("SELECT")
        for row in store.read().execute("EXPLAIN QUERY PLAN " + sql)
    ]  # fmt: skip
    assert any("batches_to_forget" in plan for plan in plans)
    assert not any("mails" in plan for plan in plans)


def test_a_file_that_went_along_goes_with_the_last_of_its_mails(service: Service) -> None:
    live = prepare_records(service)
    store = service.store
    live.queue("email,nama,total\na@b.id,A,1\nc@b.id,C,2", ("Tagihan.pdf", b"%PDF"))
    with store.write() as db:
        # As long after as drafts are kept.
        db.execute("DELETE FROM drafts")
    accept(store, 3)
    later = service.clock() + timedelta(days=40)
    assert retention.forget_old(store, 30, later, ZONE) == 1
    assert live.rows("SELECT count(*) FROM attachments") == [(1,)]
    accept(store, 4)
    assert retention.forget_old(store, 30, later, ZONE) == 1
    assert live.rows("SELECT count(*) FROM attachments") == [(0,)]


def test_what_is_forgotten_is_not_sent_again_or_put_on_any_list(store: Store) -> None:
    batch_id = add_batch(store, ["a@b.id", "c@b.id"])
    for mail_id in (1, 2):
        accept(store, mail_id)
        with store.write() as db:
            states.deliver(
                db, mail_id, "pending", "failed", "Bounced", Change(NOON, "Bounced", "delivery"), None
            )
    assert retries.offered(store, batch_id) == {"failed": 2}
    assert suppressions.failed_of(store, batch_id) == 2
    retention.forget_old(store, 30, LATER, ZONE)
    assert retries.offered(store, batch_id) == {}
    assert suppressions.failed_of(store, batch_id) == 0


def test_no_preview_is_filled_with_a_batch_that_was_forgotten(store: Store) -> None:
    add_batch(store, ["a@b.id"])
    accept(store, 1)
    assert [source.kind for source in sample_rows.sources(store, 1, 1)] == ["batch"]
    retention.forget_old(store, 30, LATER, ZONE)
    assert sample_rows.sources(store, 1, 1) == []


def test_a_failure_that_comes_after_puts_no_empty_address_on_the_list(store: Store) -> None:
    add_batch(store, ["a@b.id"])
    accept(store, 1)
    preferences.save(store, replace(preferences.get(store), suppress_failed=True), 1, NOON)
    retention.forget_old(store, 30, LATER, ZONE)
    with store.write() as db:
        suppressions.delivery_changed(db, 1, "failed", LATER)
    assert suppressions.counts(store) == {}


def test_a_forgotten_mail_is_no_witness_of_what_the_history_shows(store: Store) -> None:
    # It has no address any more; compared with the gateway's row, the history would look unreliable for ever.
    add_batch(store, ["a@b.id", "c@b.id"])
    accept(store, 1)
    accept(store, 2)
    assert len(list(doubts.accepted(store.read(), ["x1", "x2"]))) == 2
    with store.write() as db:
        forgetting.forget(db, [1], LATER)
    assert [msg_id for msg_id, _ in doubts.accepted(store.read(), ["x1", "x2"])] == ["x2"]


def test_mails_are_forgotten_once_a_day_and_only_when_that_was_chosen(service: Service) -> None:
    live = prepare_records(service)
    store, day = service.store, timedelta(days=1)
    for mail_id in (1, 2):
        accept(store, mail_id, utc_now())
    clock = [utc_now() + 40 * day]
    forgetter = retention.Forgetter(store, lambda: clock[0], ZONE)
    assert forgetter.run_once() == 0
    preferences.save(store, replace(preferences.get(store), forget_after_days=30), 1, clock[0])
    assert forgetter.run_once() == 2
    assert live.rows("SELECT count(*) FROM activity WHERE kind = 'forgotten'") == [(1,)]
    clock[0] += day
    assert forgetter.run_once() == 0
    assert live.rows("SELECT count(*) FROM activity WHERE kind = 'forgotten'") == [(1,)]


def test_whoever_stops_the_program_waits_for_one_portion_at_most(store: Store) -> None:
    add_batch(store, [f"a{n}@b.id" for n in range(forgetting.AT_ONCE + 1)])
    with store.write() as db:
        states.move_batch(db, 1, "queued", "cancelled", Change(NOON, "", "user:1"), 5000)
    asked = iter([False, True, True])
    gone = retention.forget_old(store, 30, LATER, ZONE, lambda: next(asked))
    assert gone == forgetting.AT_ONCE
    assert activity.newest(store)[0].details["mails"] == gone
    assert verify(store.read()) == []
    assert retention.forget_old(store, 30, LATER, ZONE) == 1


def test_nothing_is_lost_or_doubled_when_mails_are_forgotten_while_others_go_out(
    tmp_path: Path,
) -> None:
    with (
        running_sandbox("--limit", "0") as sandbox,
        live_mailroom(tmp_path / "data", sandbox, per_second=200) as live,
    ):
        first = live.queue_to(*[f"lama{n}@contoh.id" for n in range(40)])
        live.wait_handed_over(first)
        ended = Event()

        def forget_on() -> None:
            # As if each mail were forty days old the moment it is done.
            while not ended.wait(0.01):
                _forget_now(live)

        thread = Thread(target=forget_on)
        thread.start()
        try:
            second = live.queue_to(*[f"baru{n}@contoh.id" for n in range(150)])
            live.wait_handed_over(second)
        finally:
            ended.set()
            thread.join()
        _forget_now(live)
        assert verify(live.service.store.read()) == []
        theirs = [entry["msg_id"] for entry in sandbox.ledger()]
        ours = [row[0] for row in live.rows("SELECT gateway_id FROM mails")]
        assert sorted(theirs) == sorted(str(one) for one in ours)
        assert len(theirs) == 190
        assert live.rows("SELECT count(*) FROM mails WHERE email <> ''") == [(0,)]


def _forget_now(live: Live) -> int:
    return retention.forget_old(live.service.store, 30, utc_now() + timedelta(days=40), ZONE)


def test_the_page_shows_what_would_go_before_it_is_chosen(service: Service, client: Client) -> None:
    prepare_records(service)
    adi = client("adi")
    page = adi.get("/settings/retention/")
    assert faults(page) == []
    assert "Now: mails are kept for ever." in page.text
    asked = adi.get("/settings/retention/?days=30")
    assert faults(asked) == []
    assert "Today nothing would go" in asked.text
    assert preferences.get(service.store).forget_after_days is None
    answer = adi.post_form("/settings/retention/", {"days": "30"})
    assert answer.status_code == 303
    assert preferences.get(service.store).forget_after_days == 30
    noted = activity.newest(service.store)[0]
    assert (noted.kind, noted.who, noted.details["after"]) == ("preference_changed", "Adi", "30")
    assert "forgotten after 30 days" in adi.get("/settings/").text
    # What is chosen on the other page does not undo it.
    form: dict[str, object] = {"office_from": "07:00", "office_to": "16:00", "office_days": ["0"]}
    assert adi.post_form("/settings/", form).status_code == 303
    assert preferences.get(service.store).forget_after_days == 30
    assert "Keep everything from now on?" in adi.get("/settings/retention/?days=").text
    adi.post_form("/settings/retention/", {"days": ""})
    assert preferences.get(service.store).forget_after_days is None


@pytest.mark.parametrize("typed", ["0", "6", "3651", "-1", "banyak", "9" * 30, "1e3", "٣٠"])
def test_no_number_of_days_is_chosen_that_was_not_meant(service: Service, client: Client, typed: str) -> None:
    adi = client("adi")
    assert adi.get("/settings/retention/", part=False).status_code == 200
    for answer in (
        adi.http.get("/settings/retention/", query_string={"days": typed}),
        adi.post_form("/settings/retention/", {"days": typed}),
    ):
        assert answer.status_code == 422
        assert faults(answer) == []
        assert "from 7 to 3650" in answer.text
        assert f'value="{typed}"' in answer.text
    assert preferences.get(service.store).forget_after_days is None
