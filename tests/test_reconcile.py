"""“Did it leave?”: what the gateway's history proves about mails in doubt, against the sandbox on a socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import oca
from mailroom import decisions, evidence, tokens
from mailroom.problems import Problem
from mailroom.verify import verify_file
from tests.doubt import (
    a_minute_passes,
    arrivals,
    doubtful_mailroom,
    holds,
    look,
    old_sandbox,
    reconciler,
    send_in_doubt,
    state_of,
    why_of,
)
from tests.faults.dashboard import Dashboard
from tests.live import Live
from tests.sandbox_server import Sandbox

ACCEPTED = ["500_after", "reset_after", "malformed_json", "truncated_json", "no_id"]
NOT_ACCEPTED = ["500_before", "reset_before", "html_502", "html_200"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with old_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox, tmp_path: Path) -> Iterator[Live]:
    sandbox.reset_faults()
    with doubtful_mailroom(tmp_path / "data", sandbox) as live:
        yield live
        assert holds(live)


def witness(live: Live) -> None:
    """Another program sends a mail now."""
    live.sandbox.strangers(1, "orang.lain@contoh.id")


def history_requests(live: Live) -> int:
    return int(live.sandbox.summary()["requests"]["history"])


@pytest.mark.parametrize("fault", ACCEPTED)
def test_a_mail_that_left_is_accepted_with_a_proof_and_never_sent_twice(live: Live, fault: str) -> None:
    email = f"tiba-{fault}@contoh.id"
    send_in_doubt(live, fault, email)
    assert look(live).found == 1
    assert state_of(live, email) == "accepted"
    assert "Found in the gateway's history on page 1, row 1" in why_of(live, email)
    [entry] = [entry for entry in live.sandbox.ledger() if entry["email"] == email]
    assert live.rows("SELECT gateway_id FROM mails") == [(entry["msg_id"],)]


@pytest.mark.parametrize("fault", NOT_ACCEPTED)
def test_a_mail_that_did_not_leave_is_sent_again_exactly_once(live: Live, fault: str) -> None:
    email = f"gagal-{fault}@contoh.id"
    batch_id = send_in_doubt(live, fault, email)
    a_minute_passes(live)
    witness(live)
    assert look(live).absent == 1
    assert "Not in the gateway's history" in why_of(live, email)
    live.wait_handed_over(batch_id)
    assert state_of(live, email) == "accepted"
    assert arrivals(live, email) == 1
    assert live.rows("SELECT faults FROM mails") == [(1,)]


def test_the_body_is_not_needed_for_a_proof(live: Live) -> None:
    live.sandbox.faults(body_dash=True)
    send_in_doubt(live, "500_after", "tanpa.isi@contoh.id")
    assert look(live).found == 1


@pytest.mark.parametrize("shape", ["envelope", "list"])
def test_every_shape_of_the_history_is_read(live: Live, shape: str) -> None:
    live.sandbox.faults(history_shape=shape)
    send_in_doubt(live, "500_after", f"bentuk-{shape}@contoh.id")
    assert look(live).found == 1
    send_in_doubt(live, "500_before", f"bentuk-gagal-{shape}@contoh.id")
    a_minute_passes(live)
    witness(live)
    assert look(live).absent == 1


def test_the_address_may_come_back_in_other_letters(live: Live) -> None:
    live.sandbox.strangers(1, "BESAR@Contoh.ID")
    send_in_doubt(live, "500_before", "besar@contoh.id")
    assert look(live).found == 1


def test_without_a_newer_mail_nothing_is_proven_absent(live: Live) -> None:
    send_in_doubt(live, "500_before", "sepi@contoh.id")
    assert look(live).open == 1
    assert evidence.NO_WITNESS in (found(live).obstacles)
    assert state_of(live, "sepi@contoh.id") == "unknown"


def found(live: Live, mail_id: int = 1) -> evidence.Evidence:
    case = decisions.case(live.service.store, mail_id)
    assert case
    return case.evidence


def lagging(live: Live) -> str:
    """A mail that left while the history lags; the address it went to."""
    email = f"lambat{len(live.sandbox.ledger())}@contoh.id"
    live.sandbox.faults(history_lag_s=3)
    send_in_doubt(live, "500_after", email)
    return email


def test_a_history_that_lags_doubles_nothing(live: Live) -> None:
    email = lagging(live)
    looks = reconciler(live, margin=2, settle=0)
    seen = []

    def decided() -> bool:
        witness(live)
        seen.append(looks.run_once(1))
        return state_of(live, email) != "unknown"

    live.wait(decided)
    assert seen[0].open == 1
    assert seen[-1].found == 1
    assert arrivals(live, email) == 1


def test_without_the_witness_a_history_that_lags_would_double(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "witness", lambda _, reading: reading.newest)
    email = lagging(live)
    looks = reconciler(live, margin=0, settle=0)
    live.wait(lambda: looks.run_once(1).absent)
    live.wait(lambda: state_of(live, email) == "accepted")
    assert arrivals(live, email) == 2


def test_strangers_to_the_same_address_leave_it_to_a_person(live: Live) -> None:
    live.sandbox.strangers(1, "ramai@contoh.id")
    send_in_doubt(live, "500_after", "ramai@contoh.id")
    assert look(live).undecided == 1
    assert state_of(live, "ramai@contoh.id") == "undecided"
    assert [(row.where, row.text) for row in found(live).seen] == [
        ("inside", "same"),
        ("inside", "different"),
    ]
    assert found(live).obstacles == (evidence.SEVERAL,)


def test_a_mail_of_ours_with_its_id_known_is_no_match(live: Live) -> None:
    first = live.queue_to("dua@contoh.id")
    live.wait_handed_over(first)
    send_in_doubt(live, "500_after", "DUA@contoh.id")
    assert look(live).found == 1
    assert len(set(live.rows("SELECT gateway_id FROM mails"))) == 2


def test_a_known_mail_does_not_stand_in_for_one_that_did_not_leave(live: Live) -> None:
    first = live.queue_to("tiga@contoh.id")
    live.wait_handed_over(first)
    send_in_doubt(live, "500_before", "tiga@contoh.id")
    a_minute_passes(live)
    witness(live)
    assert look(live).absent == 1


def test_a_later_mail_to_the_address_keeps_it_in_doubt(live: Live) -> None:
    send_in_doubt(live, "500_before", "nanti@contoh.id")
    a_minute_passes(live)
    live.sandbox.strangers(1, "nanti@contoh.id")
    assert look(live).open == 1
    assert found(live).obstacles == (evidence.OTHER_TIME,)
    assert [row.where for row in found(live).seen] == ["after"]


def test_a_history_that_is_cut_off_proves_nothing(live: Live) -> None:
    send_in_doubt(live, "500_before", "potong@contoh.id")
    a_minute_passes(live)
    live.sandbox.faults(history_cut=3)
    looks = reconciler(live)
    for _ in range(3):
        # However many mails follow, the same few rows are shown.
        live.sandbox.strangers(3, "orang.lain@contoh.id")
        assert looks.run_once(1).open == 1
    assert found(live).obstacles == (evidence.NOT_FAR_ENOUGH,)
    assert not found(live).read_past


@pytest.mark.parametrize("order", ["oldest", "mixed"])
def test_a_history_that_is_not_newest_first_proves_no_absence(live: Live, order: str) -> None:
    live.sandbox.faults(history_order=order)
    send_in_doubt(live, "500_before", f"urut-{order}@contoh.id")
    a_minute_passes(live)
    witness(live)
    assert look(live).open == 1
    assert evidence.NOT_IN_ORDER in found(live).obstacles
    assert look(live, give_up_after=0).undecided == 1


def test_the_gateway_being_down_changes_nothing_and_counts_for_nothing(live: Live) -> None:
    send_in_doubt(live, "500_after", "mati@contoh.id")
    live.sandbox.faults(**{"500_before": 1.0, "faults_on": ["history"]})
    looks = reconciler(live, give_up_after=0)
    for _ in range(3):
        with pytest.raises(oca.GatewayError):
            looks.run_once(1)
    assert state_of(live, "mati@contoh.id") == "unknown"
    assert live.rows("SELECT count(*) FROM lookups") == [(0,)]
    live.sandbox.reset_faults()
    assert looks.run_once(1).found == 1


def test_what_cannot_be_decided_in_time_waits_for_a_person_with_the_evidence(live: Live) -> None:
    send_in_doubt(live, "500_before", "waktu@contoh.id")
    assert look(live).open == 1
    assert look(live, give_up_after=0).undecided == 1
    assert why_of(live, "waktu@contoh.id").startswith("Not decidable within 0 minutes.")
    assert found(live).window_start < found(live).window_end
    assert found(live).pages == 1


def test_a_batch_that_would_rather_send_twice_sends_again_and_says_so(live: Live) -> None:
    batch_id = send_in_doubt(live, "500_before", "dua.kali@contoh.id")
    decisions.set_policy(live.service.store, batch_id, "never_lost", 1, live.service.clock())
    assert look(live, give_up_after=0, margin=0).unproven == 1
    assert "rather send twice than never" in why_of(live, "dua.kali@contoh.id")
    assert decisions.summary(live.service.store, batch_id).unproven == 1
    live.wait_handed_over(batch_id)
    assert arrivals(live, "dua.kali@contoh.id") == 1


def test_a_mail_of_a_cancelled_batch_is_not_sent_again(live: Live) -> None:
    batch_id = send_in_doubt(live, "500_before", "batal@contoh.id")
    with live.service.store.write() as db:
        db.execute("UPDATE batches SET state = 'cancelled' WHERE id = ?", [batch_id])
    a_minute_passes(live)
    witness(live)
    assert look(live).absent == 1
    assert state_of(live, "batal@contoh.id") == "cancelled"


def test_nothing_is_looked_up_with_a_stopped_token(live: Live) -> None:
    send_in_doubt(live, "500_after", "henti@contoh.id")
    before = history_requests(live)
    with live.service.store.write() as db:
        tokens.stop(db, 1, "Auth token is not valid", live.service.clock())
    with pytest.raises(Problem):
        live.service.reconciler.look_again(1)
    live.service.reconciler._round()
    assert history_requests(live) == before
    assert state_of(live, "henti@contoh.id") == "unknown"


def test_another_token_may_be_another_account(live: Live) -> None:
    send_in_doubt(live, "500_before", "akun@contoh.id")
    a_minute_passes(live)
    witness(live)
    service = live.service
    tokens.replace(service.store, service.keys, 1, live.sandbox.token().encode(), service.clock())
    assert look(live).open == 1
    assert found(live).obstacles == (evidence.OTHER_TOKEN,)


def test_three_hundred_in_doubt_share_one_reading(live: Live) -> None:
    send_in_doubt(live, "500_after", *[f"banyak{n}@contoh.id" for n in range(300)])
    before = history_requests(live)
    assert look(live).found == 300
    assert history_requests(live) - before <= 5


def test_a_look_by_hand_decides_at_once_what_can_be_decided(live: Live) -> None:
    send_in_doubt(live, "500_after", "tangan@contoh.id")
    assert live.service.reconciler.look_again(1).found == 1
    with pytest.raises(Problem, match="not in doubt"):
        live.service.reconciler.look_again(1)


def test_an_undecided_mail_gets_fresh_evidence_by_hand_and_still_waits_for_a_person(live: Live) -> None:
    send_in_doubt(live, "500_before", "segar@contoh.id")
    look(live, give_up_after=0)
    live.sandbox.strangers(2, "segar@contoh.id")
    assert live.service.reconciler.look_again(1).undecided == 1
    assert state_of(live, "segar@contoh.id") == "undecided"
    assert len(found(live).seen) == 2


def test_by_itself_it_looks_soon_and_decides(live: Live) -> None:
    live.service.reconciler.start()
    send_in_doubt(live, "500_after", "sendiri@contoh.id")
    live.wait(lambda: state_of(live, "sendiri@contoh.id") == "accepted")


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_decides_nothing_has_changed_and_the_next_start_decides(
    sandbox: Sandbox, tmp_path: Path, when: str
) -> None:
    folder = tmp_path / "killed"
    emails = [f"mati-{when}{n}@contoh.id" for n in range(3)]
    with doubtful_mailroom(folder, sandbox) as live:
        send_in_doubt(live, "500_after", *emails)
    dashboard = Dashboard(folder, sandbox)
    try:
        dashboard.start("mailroom.reconcile:settle", when, 2)
        dashboard.wait_killed()
        assert dashboard.states() == {"unknown": 3}
        assert dashboard.rows("SELECT count(*) FROM lookups") == [(0,)]
        dashboard.start()
        dashboard.wait(lambda: dashboard.states() == {"accepted": 3})
        dashboard.stop()
    finally:
        dashboard.close()
    assert verify_file(folder / "mailroom.db") == []
    assert sorted(entry["email"] for entry in sandbox.ledger() if entry["email"] in emails) == emails
