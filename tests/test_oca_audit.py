"""Every attempt is on disk before it leaves, completed after, and never rewritten."""

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlite_utils

import oca
from oca.audit import AttemptFacts, AttemptResult
from tests.oca_stub import MAIL, TOKEN, Reset, Seen, Silence, Stub, answer, running_stub

NOW = datetime(2026, 11, 23, 9, 41, 7, 123_456, UTC)
FACTS = AttemptFacts.of(MAIL, TOKEN, NOW)
ACCEPTED = AttemptResult(NOW, "accepted", 200, msg_id="m1", duration_ms=12)
TAKEN = answer("200 OK", {"success": True, "msg_id": "m1"})
ROOT = Path(__file__).parent.parent


@pytest.fixture
def log(tmp_path: Path) -> Iterator[oca.AuditLog]:
    with oca.AuditLog(tmp_path / "audit.db") as log:
        yield log


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(TAKEN) as stub:
        yield stub


def test_the_attempt_is_on_disk_when_the_request_arrives(
    stub: Stub, log: oca.AuditLog, tmp_path: Path
) -> None:
    found: list[tuple[str, str | None]] = []

    def look(_: Seen) -> bytes:
        with sqlite3.connect(tmp_path / "audit.db") as other:
            found.extend(other.execute("SELECT to_email, finished_at FROM attempts"))
        other.close()
        return TAKEN

    stub.reply = look
    stub.client(audit=log).send(MAIL)
    assert found == [("joko@contoh.id", None)]
    assert log.open_attempts() == []


def test_an_accepted_mail_leaves_its_proof(stub: Stub, log: oca.AuditLog) -> None:
    file = oca.Attachment("tagihan.pdf", b"%PDF", "application/pdf")
    mail = replace(MAIL, attachment=file)
    stub.client(audit=log, now=lambda: NOW).send(mail)
    (row,) = log.attempts()
    assert row.pop("duration_ms") >= 0
    assert row == {
        "id": 1,
        "started_at": "2026-11-23T09:41:07.123Z",
        "to_email": "joko@contoh.id",
        "sender_email": "tim@contoh.id",
        "sender_name": "Tim",
        "subject": "Tagihan",
        "body_sha256": mail.body_sha256,
        "body_bytes": mail.body_bytes,
        "attachment_name": "tagihan.pdf",
        "attachment_sha256": file.sha256,
        "attachment_bytes": 4,
        "token_fingerprint": TOKEN.fingerprint,
        "finished_at": "2026-11-23T09:41:07.123Z",
        "outcome": "accepted",
        "http_status": 200,
        "code": None,
        "detail": "",
        "msg_id": "m1",
    }


def test_a_refused_mail_keeps_the_gateways_words(stub: Stub, log: oca.AuditLog) -> None:
    fault = {"value": "joko", "msg": "Invalid value", "param": "email"}
    stub.reply = answer("406 Not Acceptable", {"errors": [{"message": [fault], "code": "39"}]})
    with pytest.raises(oca.InvalidParameter):
        stub.client(audit=log).send(MAIL)
    (row,) = log.attempts()
    assert (row["outcome"], row["http_status"], row["code"]) == ("refused", 406, 39)
    assert row["detail"] == "email: Invalid value"
    assert oca.advice_for(row["code"], row["http_status"], row["outcome"]) == oca.InvalidParameter.advice


@pytest.mark.parametrize(
    ("reply", "outcome"), [(Reset, "unknown"), (answer("503 Busy", "<p>busy"), "unknown")]
)
def test_a_doubtful_end_is_written_down_as_unknown(
    stub: Stub, log: oca.AuditLog, reply: bytes, outcome: str
) -> None:
    stub.reply = reply
    with pytest.raises(oca.GatewayError):
        stub.client(audit=log).send(MAIL)
    assert log.attempts()[0]["outcome"] == outcome


def test_where_nothing_could_be_written_nothing_leaves(stub: Stub, tmp_path: Path) -> None:
    log = oca.AuditLog(tmp_path / "audit.db")
    log.close()
    pace = oca.Pace()
    with pytest.raises((sqlite3.Error, ValueError)):
        stub.client(audit=log, pace=pace).send(MAIL)
    assert stub.seen == []
    assert pace.used_last_second() == 0


def test_a_message_refused_here_is_no_attempt(stub: Stub, log: oca.AuditLog) -> None:
    with pytest.raises(oca.InvalidMessage):
        stub.client(audit=log).send(replace(MAIL, to=""))
    assert log.attempts() == []


class Forgetful:
    """An audit whose disk fills up while a mail is on its way."""

    def begin(self, facts: AttemptFacts) -> int:  # noqa: ARG002
        return 7

    def complete(self, attempt_id: int, result: AttemptResult) -> None:  # noqa: ARG002
        raise sqlite3.OperationalError("database or disk is full")


def test_a_result_that_cannot_be_written_still_reaches_the_caller(
    stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    assert stub.client(audit=Forgetful()).send(MAIL).msg_id == "m1"
    assert "attempt 7 could not be written" in caplog.text
    stub.reply = answer("413 Too Large")
    with pytest.raises(oca.TooLarge):
        stub.client(audit=Forgetful()).send(MAIL)


def test_an_audit_given_to_send_replaces_the_clients(stub: Stub, log: oca.AuditLog) -> None:
    stub.client(audit=Forgetful()).send(MAIL, audit=log)
    assert [row["outcome"] for row in log.attempts()] == ["accepted"]


def test_look_ups_are_no_attempts(stub: Stub, log: oca.AuditLog) -> None:
    stub.reply = answer("200 OK", [])
    stub.client(audit=log).history()
    assert log.attempts() == []


def test_a_result_once_written_stays(log: oca.AuditLog) -> None:
    attempt = log.begin(FACTS)
    log.complete(attempt, ACCEPTED)
    with pytest.raises(LookupError):
        log.complete(attempt, AttemptResult(NOW, "unknown"))
    assert log.attempts()[0]["outcome"] == "accepted"
    log.begin(FACTS)
    assert len(log.open_attempts()) == 1, "and the log still works"


def test_a_flood_of_detail_is_cut(log: oca.AuditLog) -> None:
    log.complete(log.begin(FACTS), AttemptResult(NOW, "unknown", detail="x" * 10**5))
    assert len(log.attempts()[0]["detail"]) == 2000


def test_the_newest_attempts_come_first(log: oca.AuditLog) -> None:
    for _ in range(3):
        log.begin(FACTS)
    assert [row["id"] for row in log.attempts(newest=2)] == [3, 2]
    assert [row["id"] for row in log.open_attempts()] == [1, 2, 3]


def test_attempts_of_another_database_take_part_in_its_transaction() -> None:
    db = sqlite_utils.Database(memory=True)
    db.execute(f"CREATE TABLE attempts ({oca.ATTEMPT_COLUMNS}, mail_id INTEGER)")
    db.begin()
    oca.insert_attempt(db, FACTS, mail_id=5)
    db.rollback()
    assert db.table("attempts").count == 0
    with db.atomic():
        attempt = oca.insert_attempt(db, FACTS, mail_id=5)
        oca.complete_attempt(db, attempt, ACCEPTED)
    (row,) = db.table("attempts").rows
    assert (row["id"], row["mail_id"], row["outcome"]) == (attempt, 5, "accepted")


def test_many_threads_share_a_log(log: oca.AuditLog) -> None:
    def work() -> None:
        for _ in range(20):
            log.complete(log.begin(FACTS), ACCEPTED)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.attempts(1000)) == 160
    assert log.open_attempts() == []


WRITER = """
import sys
from oca import AuditLog
from tests.test_oca_audit import ACCEPTED, FACTS
with AuditLog(sys.argv[1]) as log:
    for _ in range(100):
        log.complete(log.begin(FACTS), ACCEPTED)
"""


def test_two_processes_share_a_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with oca.AuditLog(path) as log:
        assert len(log.attempts(1000)) == 200
        assert log.open_attempts() == []
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()


SENDER = """
import sys, oca
from tests.oca_stub import MAIL, TOKEN
oca.Client(TOKEN, base_url=sys.argv[1], audit=oca.AuditLog(sys.argv[2])).send(MAIL)
"""


def test_an_attempt_whose_process_was_killed_stays_open(stub: Stub, tmp_path: Path) -> None:
    arrived = threading.Event()

    def say_nothing(_: Seen) -> type[Silence]:
        arrived.set()
        return Silence

    stub.reply = say_nothing
    command = [sys.executable, "-c", SENDER, stub.url, str(tmp_path / "audit.db")]
    with subprocess.Popen(command, cwd=ROOT) as process:
        assert arrived.wait(60)
        process.kill()
    with oca.AuditLog(tmp_path / "audit.db") as log:
        assert [row["to_email"] for row in log.open_attempts()] == ["joko@contoh.id"]


def test_the_log_is_durable_and_for_its_owner_only(log: oca.AuditLog, tmp_path: Path) -> None:
    log.begin(FACTS)
    pragma = log._db.execute
    assert pragma("PRAGMA journal_mode").fetchone() == ("wal",)
    assert pragma("PRAGMA synchronous").fetchone() == (2,)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file.name
