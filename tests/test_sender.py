"""The way of a mail to the gateway and what each answer makes of it, against the sandbox on a socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailroom import batch_controls, batches, one_mail, outcomes, states, tokens
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.verify import verify
from oca.audit import insert_attempt
from tests.live import Live, live_mailroom, prepare
from tests.sandbox_server import Sandbox, running_sandbox
from tests.test_states import CHANGE, facts


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


def shown(live: Live) -> dict[str, str]:
    return {str(email): str(state) for email, state in live.rows("SELECT email, shown FROM mails")}


def test_what_was_sent_is_what_the_gateway_got_and_none_twice(live: Live) -> None:
    rows = "\n".join(f"orang{n}@contoh.id;Orang {n};Rp {n}.000" for n in range(40))
    batch_id = live.queue("email;nama;total\n" + rows, ("tagihan.pdf", b"%PDF-1.4 tagihan"))
    batch = live.wait_handed_over(batch_id)
    assert batch.size == 40
    live.agrees()
    assert {entry["attachment_name"] for entry in live.sandbox.ledger()} == {"tagihan.pdf"}


def test_a_mail_is_followed_until_it_is_opened_or_failed(live: Live) -> None:
    live.sandbox.faults(life_delivered_after=0.1, life_opened_after=0.2)
    batch_id = live.queue_to("delivered@sandbox.test", "opened@sandbox.test", "bounced@sandbox.test")
    live.wait(lambda: live.batch(batch_id).counts == {"delivered": 1, "opened": 1, "failed": 1})
    assert shown(live) == {
        "delivered@sandbox.test": "delivered",
        "opened@sandbox.test": "opened",
        "bounced@sandbox.test": "failed",
    }
    live.agrees()


def test_an_unknown_word_of_the_gateway_is_kept_and_waited_on(live: Live) -> None:
    live.queue_to("strange@sandbox.test")
    live.wait(lambda: live.rows("SELECT 1 FROM mails WHERE gateway_word <> ''"))
    [(delivery, word)] = live.rows("SELECT delivery, gateway_word FROM mails")
    assert delivery == "pending"
    assert word not in ("", "sent", "delivered", "opened", "failed")


def test_a_refused_mail_keeps_the_gateways_words(live: Live) -> None:
    live.wait_handed_over(live.queue_to("refused@sandbox.test", "joko@contoh.id"))
    assert shown(live)["refused@sandbox.test"] == "rejected"
    assert shown(live)["joko@contoh.id"] == "accepted"
    [(code, detail)] = live.rows("SELECT code, detail FROM attempts WHERE outcome = 'refused'")
    assert code == 39
    assert detail
    assert verify(live.service.store.read()) == []


@pytest.mark.parametrize("address", ["maybe@sandbox.test", "reset@sandbox.test", "broken@sandbox.test"])
def test_a_mail_whose_answer_was_lost_is_not_sent_again(live: Live, address: str) -> None:
    live.queue_to(address, "joko@contoh.id")
    live.wait(lambda: "queued" not in shown(live).values() and "sending" not in shown(live).values())
    assert shown(live)[address] == "unknown"
    assert live.rows("SELECT count(*) FROM attempts") == [(2,)]
    assert verify(live.service.store.read()) == []


def test_a_revoked_token_stops_the_sending_and_a_new_one_lets_it_go_on(live: Live) -> None:
    live.sandbox.revoke()
    batch_id = live.queue_to(*[f"orang{n}@contoh.id" for n in range(120)])
    live.wait(lambda: tokens.get(live.service.store, 1).stopped_at)
    live.wait(lambda: not live.batch(batch_id).counts.get("sending"))
    assert live.batch(batch_id).counts == {"queued": 120}
    assert live.batch(batch_id).shown == "stopped"
    fresh = live.sandbox.token().encode()
    tokens.replace(live.service.store, live.service.keys, 1, fresh, live.service.clock())
    live.wait_handed_over(batch_id)
    assert (
        live.batch(batch_id).counts.get("accepted", 0) + live.batch(batch_id).counts.get("delivered", 0) > 0
    )
    live.agrees()


def test_low_balance_stops_the_account_and_keeps_everything_queued(live: Live) -> None:
    live.sandbox.faults(low_balance=True)
    batch_id = live.queue_to(*[f"orang{n}@contoh.id" for n in range(20)])
    live.wait(lambda: tokens.get(live.service.store, 1).stopped_at)
    live.wait(lambda: not live.batch(batch_id).counts.get("sending"))
    assert live.batch(batch_id).counts == {"queued": 20}
    live.sandbox.faults(low_balance=False)
    assert live.service.clients.check(1, live.service.clock()) == "ok"
    live.wait_handed_over(batch_id)
    live.agrees()


def test_a_gateway_that_is_down_loses_nothing_and_is_tried_again(live: Live, sandbox: Sandbox) -> None:
    with running_sandbox("--limit", "0") as short_lived:
        url = short_lived.url
    service = open_service(Settings(gateway_url=url, data=live.service.settings.data.parent / "other"))
    try:
        other = prepare(service, sandbox)
        service.start()
        batch_id = other.queue_to("joko@contoh.id")
        other.wait(lambda: other.rows("SELECT 1 FROM attempts WHERE outcome = 'unreachable'"))
        other.wait(lambda: other.batch(batch_id).counts == {"queued": 1})
        assert verify(service.store.read()) == []
    finally:
        service.close()


def test_a_paused_batch_waits_and_a_resumed_one_goes_on(live: Live) -> None:
    live.sandbox.faults(latency_ms=100)
    batch_id = live.queue_to(*[f"orang{n}@contoh.id" for n in range(60)])
    live.wait(lambda: live.batch(batch_id).done)
    assert batch_controls.pause(live.service.store, batch_id, 2, live.service.clock())
    live.wait(lambda: not live.batch(batch_id).counts.get("sending"))
    waiting = live.batch(batch_id).counts["queued"]
    assert waiting
    assert len(live.sandbox.ledger()) == 60 - waiting
    assert batch_controls.resume(live.service.store, batch_id, 2, live.service.clock())
    live.wait_handed_over(batch_id)
    live.agrees()


def test_a_cancelled_rest_is_never_sent(live: Live) -> None:
    live.sandbox.faults(latency_ms=100)
    batch_id = live.queue_to(*[f"orang{n}@contoh.id" for n in range(60)])
    live.wait(lambda: live.batch(batch_id).done)
    cancelled = batch_controls.cancel(live.service.store, batch_id, 2, live.service.clock())
    live.wait_handed_over(batch_id)
    assert cancelled == live.batch(batch_id).counts["cancelled"]
    assert len(live.sandbox.ledger()) == 60 - cancelled
    live.agrees()


def test_a_clean_stop_leaves_nothing_on_the_wire(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults(latency_ms=300)
    with live_mailroom(tmp_path / "data", sandbox) as live:
        batch_id = live.queue_to(*[f"orang{n}@contoh.id" for n in range(60)])
        live.wait(lambda: live.batch(batch_id).counts.get("sending"))
    service = open_service(Settings(gateway_url=sandbox.url, data=tmp_path / "data"))
    try:
        batch = batches.get(service.store, batch_id)
        assert batch
        assert "sending" not in batch.counts
        assert "unknown" not in batch.counts
        assert verify(service.store.read()) == []
    finally:
        service.close()


def test_what_a_crash_left_on_the_wire_is_in_doubt_afterwards(live: Live) -> None:
    live.service.sender.stop()
    live.queue_to("joko@contoh.id")
    with live.service.store.write() as db:
        states.transition(db, 1, "queued", "sending", CHANGE)
        insert_attempt(db, facts(), mail_id=1)
    with live.service.store.write() as db:
        assert outcomes.recover(db, live.service.clock()) == 1
    assert shown(live) == {"joko@contoh.id": "unknown"}
    assert verify(live.service.store.read()) == []


def test_two_mails_to_one_address_are_never_in_doubt_together(live: Live) -> None:
    live.sandbox.faults(next=["500_after"])
    first = live.queue_to("joko@contoh.id")
    live.wait(lambda: live.batch(first).counts.get("unknown"))
    second = live.queue_to("JOKO@contoh.id")
    third = live.queue_to("siti@contoh.id")
    live.wait_handed_over(third)
    assert live.batch(second).counts == {"queued": 1}


def test_one_mail_does_not_wait_behind_a_long_batch(live: Live) -> None:
    long = live.queue_to(*[f"orang{n}@contoh.id" for n in range(400)])
    short = live.queue_to("sendiri@contoh.id")
    live.wait_handed_over(short)
    assert live.batch(long).waiting > 100


def test_the_record_shows_the_mail_exactly_as_it_was_sent(live: Live) -> None:
    batch_id = live.queue_to("joko@contoh.id")
    live.wait_handed_over(batch_id)
    body = one_mail.body(live.service.store, 1)
    assert body
    assert body.proof == "same"
    with live.service.store.write() as db:
        db.execute("UPDATE attempts SET body_sha256 = '00'")
    changed = one_mail.body(live.service.store, 1)
    assert changed
    assert changed.proof == "different"
