"""The drill: a backup in the middle of a batch, sending goes on, the power goes, the backup is put back."""

import shutil
from pathlib import Path

import pytest

from mailroom import activity, backups, deeds, restoring
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.times import utc_now
from tests.faults.dashboard import Dashboard, prepare_folder
from tests.sandbox_server import Sandbox
from tests.test_commands import flask

MAILS = 45


@pytest.mark.parametrize("where", ["here", "on another machine"])
def test_put_back_in_mid_batch_no_mail_is_lost_and_none_goes_out_twice(
    sandbox: Sandbox, tmp_path: Path, where: str
) -> None:
    folder = tmp_path / "data"
    prepare_folder(folder, sandbox, MAILS)
    sandbox.faults(latency_ms=200)
    dashboard = Dashboard(folder, sandbox, quick=True)
    try:
        dashboard.start()
        dashboard.wait(lambda: dashboard.states()["accepted"] > 5)
        (folder / "backups").mkdir()
        made = backups.make(folder / "mailroom.db", folder / "backups", 7, utc_now())
        then = made.facts.mails
        assert then["queued"] > 10, "in mid-batch"
        assert not made.broken
        dashboard.wait(lambda: dashboard.states()["queued"] < then["queued"] - 10)
        dashboard.kill()
        assert len(sandbox.ledger()) > then["accepted"] + 10, "sending went on"
        if where == "on another machine":
            # Of the old one there is but the backup, and the copy of the key file that was kept elsewhere.
            shutil.copytree(folder / "backups", tmp_path / "backups")
            shutil.copy(folder / "mailroom.key", tmp_path / "mailroom.key")
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
            shutil.copy(tmp_path / "mailroom.key", folder / "mailroom.key")
            made = backups.latest(tmp_path / "backups") or made
        done = flask("restore", str(made.path), "--yes", data=folder)
        assert done.returncode == 0, done.stderr
        dashboard.start()
        dashboard.wait(lambda: "queued" not in dashboard.states() or dashboard.states()["unknown"])
        dashboard.wait_settled()
        assert dashboard.ends_well().states == {"accepted": MAILS}
        assert sandbox.summary()["doubled"] == 0
        assert {entry["email"] for entry in sandbox.ledger()} >= {f"orang{n}@contoh.id" for n in range(MAILS)}
    finally:
        dashboard.close()
    service = open_service(Settings(gateway_url=sandbox.url, data=folder))
    assert len(activity.newest(service.store, kind=deeds.BackupRestored.KIND)) == 1
    service.close()
    assert not (folder / restoring.PART).exists()
