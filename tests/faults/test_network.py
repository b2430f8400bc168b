"""A gateway that fails in every way it can: each mail arrives once, and nothing leaves that should stay."""

import hashlib
import re
from pathlib import Path

import pytest

from mailroom import tokens
from mailroom.sender import IN_FLIGHT
from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard, mailroom, queue
from tests.live import Live
from tests.oca_stub import running_stub
from tests.sandbox_server import Sandbox
from tests.test_oca_client import self_signed

FAULTS = [
    "429",
    "500_before",
    "500_after",
    "reset_before",
    "reset_after",
    "hang_before",
    "hang_after",
    "html_502",
    "html_200",
    "malformed_json",
    "truncated_json",
    "no_id",
]
BOMBS = 4


def test_every_fault_in_one_batch_and_each_mail_arrives_once(dashboard: Dashboard) -> None:
    dashboard.quick = True
    dashboard.sandbox.faults(next=FAULTS, hang_s=1)
    dashboard.start()
    dashboard.wait_settled()
    assert dashboard.ends_well().states == {"accepted": MAILS}


def test_answers_that_unpack_to_gigabytes_leave_the_memory_as_it_was(dashboard: Dashboard) -> None:
    dashboard.start()
    before = peak_mb(dashboard)
    dashboard.sandbox.faults(next=["gzip_bomb"] * BOMBS)
    dashboard.wait(lambda: dashboard.states()["unknown"] == BOMBS)
    assert peak_mb(dashboard) - before < 64, f"{BOMBS} answers of 256 MB"
    dashboard.ends_well()


def peak_mb(dashboard: Dashboard) -> int:
    status = Path(f"/proc/{dashboard.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found.group(1)) // 1024


@pytest.mark.parametrize(
    ("spelling", "reset"),
    [
        ("lower", "epoch_ms"),
        ("correct", "retry_after"),
        ("none", "seconds"),
    ],
)
def test_a_limit_lower_than_we_think_costs_a_wait_and_no_mail(
    prepared: Path, sandbox: Sandbox, tmp_path: Path, spelling: str, reset: str
) -> None:
    sandbox.faults(limit=8, rate_headers=spelling, rate_reset=reset)
    with mailroom(prepared, tmp_path / "data", sandbox) as live:
        live.service.start()
        live.wait_handed_over(1)
        live.agrees()
        assert live.rows("SELECT DISTINCT state, faults FROM mails") == [("accepted", 0)]


def test_a_token_revoked_in_mid_batch_only_costs_what_is_on_the_wire(
    prepared: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    with mailroom(prepared, tmp_path / "data", sandbox) as live:
        token = replaced(live)
        batch_id = start_many(live)
        assert sandbox.revoke(hashlib.sha256(token.encode()).hexdigest()[:16]) == 1
        live.wait(lambda: tokens.get(live.service.store, 1).stopped_at)
        live.wait(lambda: not live.batch(batch_id).counts.get("sending"))
        assert 0 < sandbox.summary()["answers"]["401"] <= IN_FLIGHT
        assert live.batch(batch_id).counts["queued"]
        replaced(live)
        live.wait_handed_over(batch_id)
        live.agrees()


def test_a_balance_that_runs_out_in_mid_batch_only_costs_what_is_on_the_wire(
    prepared: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    with mailroom(prepared, tmp_path / "data", sandbox) as live:
        batch_id = start_many(live)
        sandbox.faults(low_balance=True)
        live.wait(lambda: tokens.get(live.service.store, 1).stopped_at)
        live.wait(lambda: not live.batch(batch_id).counts.get("sending"))
        assert 0 < sandbox.summary()["answers"]["402"] <= IN_FLIGHT
        assert live.batch(batch_id).counts["queued"]
        sandbox.faults(low_balance=False)
        assert live.service.clients.check(1, live.service.clock()) == "ok"
        live.wait_handed_over(batch_id)
        live.agrees()


def replaced(live: Live) -> str:
    """The new token that the mailroom has now."""
    token = live.sandbox.token()
    tokens.replace(live.service.store, live.service.keys, 1, token.encode(), live.service.clock())
    return token


def start_many(live: Live) -> int:
    """The id of a batch of which some mails are accepted and many wait."""
    with live.service.store.write() as db:
        db.execute("UPDATE tokens SET per_second = 1000")
    live.sandbox.faults(latency_ms=100)
    batch_id = queue(live, 6 * IN_FLIGHT)
    live.service.start()
    live.wait(lambda: live.batch(batch_id).done > IN_FLIGHT)
    return batch_id


def test_a_redirect_to_another_host_is_not_followed_and_the_mail_is_in_doubt(
    prepared: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    with running_stub() as other, mailroom(prepared, tmp_path / "data", sandbox) as live:
        sandbox.faults(redirect_to=other.url)
        live.service.sender.start()
        live.wait(lambda: live.batch(1).counts == {"unknown": MAILS})
        assert (other.connections, sandbox.ledger()) == (0, [])


def test_a_gateway_whose_certificate_nobody_vouches_for_gets_no_mail_and_no_token(
    prepared: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    with (
        running_stub(certificate=self_signed(tmp_path)) as stub,
        mailroom(prepared, tmp_path / "data", sandbox, gateway=stub.url) as live,
    ):
        live.service.sender.start()
        live.wait(lambda: live.rows("SELECT 1 FROM attempts WHERE outcome = 'unreachable'"))
        live.wait(lambda: live.batch(1).counts == {"queued": MAILS})
        assert stub.seen == []
