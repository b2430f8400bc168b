"""`flask send` while the program is killed: queued once or not at all, and the command knows which."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard
from tests.sandbox_server import ROOT

LIST = "email;nama;total\n" + "".join(f"pelanggan{n}@contoh.id;Pelanggan {n};Rp {n}\n" for n in range(5))


def send(
    dashboard: Dashboard, tmp_path: Path, *options: str, content: str = LIST
) -> subprocess.CompletedProcess[str]:
    """`flask send` on the same machine, with the settings of the dashboard."""
    given = tmp_path / f"{len(content)}.csv"
    given.write_text(content)
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


def test_two_at_the_same_time_and_nobody_else_send_both_lists(dashboard: Dashboard, tmp_path: Path) -> None:
    other = LIST.replace("elanggan", "engguna") + "susulan@contoh.id;Susulan;Rp 9\n"
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(send, dashboard, tmp_path, "--wait", content=each) for each in (LIST, other)]
    done = [run.result() for run in runs]
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    assert [each.stdout.splitlines()[-1] for each in done] == ["5 handed over.", "6 handed over."]
    dashboard.start()
    dashboard.wait_handed_over()
    dashboard.ends_well()
