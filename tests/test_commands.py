"""The commands of `flask`, as an admin types them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.live import prepare_records
from tests.sandbox_server import ROOT


def flask(*arguments: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MAILROOM_DATA": str(data), **settings}
    command = [sys.executable, "-m", "flask", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def data(service: Service) -> Path:
    """The folder of a mailroom that is open, with a batch in it."""
    prepare_records(service)
    return service.settings.data


def test_verify_runs_beside_the_program_and_finds_nothing(data: Path) -> None:
    done = flask("verify", data=data)
    assert done.returncode == 0, done.stderr
    assert "every rule holds" in done.stdout


def test_verify_names_the_mail_and_ends_with_one(service: Service, data: Path) -> None:
    with service.store.write() as db:
        db.execute("UPDATE mails SET state = 'sending' WHERE id = 2")
    done = flask("verify", data=data)
    assert done.returncode == 1
    assert "mail 2: a request on the wire has exactly one open attempt" in done.stdout


def test_verify_says_what_is_no_database(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.db"
    assert flask("verify", "--database", str(wrong), data=tmp_path).returncode == 2
    wrong.write_bytes(b"no database at all, but long enough to be looked at" * 20)
    done = flask("verify", "--database", str(wrong), data=tmp_path)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_recount_waits_until_the_program_has_stopped_and_then_mends_the_counts(tmp_path: Path) -> None:
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=tmp_path))
    try:
        done = flask("recount", data=tmp_path)
        assert done.returncode == 2
        assert "already has the database" in done.stderr
        with service.store.write() as db:
            db.execute(
                "INSERT INTO report_domains (period, domain, delivered) VALUES ('2026-11', 'contoh.id', 7)"
            )
    finally:
        service.close()
    done = flask("recount", data=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 count was wrong" in done.stdout
    assert flask("verify", data=tmp_path).returncode == 0


def test_recount_says_where_no_database_is(tmp_path: Path) -> None:
    done = flask("recount", data=tmp_path)
    assert done.returncode == 2
    assert "There is no database at" in done.stderr
