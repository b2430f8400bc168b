"""`flask send` while the program is killed: queued once or not at all, and the command knows which."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard
from tests.sandbox_server import ROOT

LIST = "email;nama;total\n" + "".join(f"pelanggan{n}@contoh.id;Pelanggan {n};Rp {n}\n" for n in range(5))


def send(dashboard: Dashboard, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`flask send` on the same machine, with the settings of the dashboard."""
    given = tmp_path / "pelanggan.csv"
    given.write_text(LIST)
    environment = {
        **os.environ,
        "MAILROOM_DATA": str(dashboard.folder),
        "OCA_GATEWAY_URL": dashboard.sandbox.url,
    }
    line = ["flask", "send", "--template", "Tagihan bulanan", "--recipients", str(given), *options]
    return subprocess.run(
        [sys.executable, "-m", *line], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90
    )


@pytest.mark.parametrize(
    "where", ["mailroom.spool:Case.make_sure", "mailroom.states:queue", "mailroom.batches:queue"]
)
def test_killed_while_a_request_is_answered_it_is_queued_once(
    dashboard: Dashboard, tmp_path: Path, where: str
) -> None:
    dashboard.start(where, "after", 1)
    done = send(dashboard, tmp_path)
    dashboard.wait_killed()
    # Nobody has the mailroom open any more, so the command finishes what was begun.
    assert done.returncode == 0, done.stderr
    assert "5 mails queued" in done.stdout
    assert dashboard.rows("SELECT count(*) FROM batches") == [(2,)]
    dashboard.start()
    dashboard.wait_handed_over()
    assert list((dashboard.folder / "requests").iterdir()) == []
    found = dashboard.ends_well()
    assert sum(found.states.values()) == MAILS + 5


def test_with_wait_and_nobody_else_it_sends_by_itself(dashboard: Dashboard, tmp_path: Path) -> None:
    done = send(dashboard, tmp_path, "--wait")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("5 handed over.\n")
    dashboard.start()
    dashboard.wait_handed_over()
    dashboard.ends_well()
