"""`flask doctor` names what is wrong and the next step, changes nothing, and may look beside the program."""

import hashlib
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import oca
from mailroom import doctor, doctor_mails, doctor_place, tokens
from mailroom.findings import Finding, Level
from mailroom.keys import Keys
from mailroom.service import Service
from mailroom.settings import Settings, names
from mailroom.store import Onlooker
from mailroom.times import iso, utc_now
from tests.live import prepare_records
from tests.oca_stub import Silence, answer, running_stub
from tests.test_commands import flask

Told = dict[str, list[tuple[Level, str]]]


def examine(settings: Settings, environment: Mapping[str, str] | None = None) -> Told:
    """What is found, by the name of the check."""
    found: Told = {}
    for finding in doctor.examine(settings, environment or {}, utc_now, offline=True):
        found.setdefault(finding.check, []).append((finding.level, str(finding.sentence)))
    return found


def wrong(found: Told) -> dict[str, Level]:
    """The level of each check that is not ok."""
    return {check: level for check, told in found.items() for level, _ in told if level != "ok"}


@pytest.fixture
def well(service: Service) -> Settings:
    """The settings of a mailroom in which nothing is wrong, with a token, a batch and an address of its own."""
    prepare_records(service)
    return replace(service.settings, url="https://mailroom.contoh.id", secure_cookies=True, proxies=1)


def test_where_nothing_is_wrong_nothing_is_said_to_be(well: Settings) -> None:
    found = examine(well)
    assert wrong(found) == {}
    assert found["Program"] == [("ok", "It runs.")]
    assert found["Quick check"] == [("ok", "Nothing is wrong; flask verify looks at everything.")]
    assert found["Queue"] == [("ok", "Mails that wait: 2.")]


def test_looking_changes_nothing(well: Settings) -> None:
    def files() -> dict[str, tuple[int, str]]:
        # The shared memory beside a WAL file is what readers tell each other, and no content.
        return {
            path.name: (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(well.data.iterdir())
            if path.suffix != ".db-shm"
        }

    before = files()
    examine(well)
    assert files() == before


def test_an_onlooker_cannot_write(well: Settings) -> None:
    with closing(Onlooker(well.database)) as store:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            store.read().execute("DELETE FROM tokens")
        with pytest.raises(RuntimeError), store.write():
            pass


# The command


def test_the_command_ends_with_0_1_or_2_and_tells_one_line_each(well: Settings, service: Service) -> None:
    shut = {"MAILROOM_URL": well.url, "MAILROOM_HTTPS": "1", "MAILROOM_PROXIES": "1"}
    done = flask("doctor", "--offline", data=well.data, **shut)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok   ") for line in lines)
    assert "ok   Batches: None waits for somebody." in lines
    done = flask("doctor", "--offline", data=well.data, MAILROOM_TYPO="1", **shut)
    assert done.returncode == 1
    assert "warn Settings: MAILROOM_TYPO is no setting" in done.stdout
    with service.store.write() as db:
        tokens.stop(db, 1, "revoked", utc_now())
    done = flask("doctor", "--offline", data=well.data, **shut)
    assert done.returncode == 2
    assert "fail Tokens: Nothing goes out with “Utama”" in done.stdout
    done = flask("doctor", data=well.data, MAILROOM_PORT="eighty")
    assert (done.returncode, done.stdout) == (
        2, "fail Settings: MAILROOM_PORT is “eighty”; it takes a whole number.\n"
    )  # fmt: skip


def test_where_no_mailroom_is_it_says_so_and_makes_none(tmp_path: Path) -> None:
    done = flask("doctor", "--offline", data=tmp_path / "nowhere")
    assert done.returncode == 2
    assert "fail Database: There is no mailroom in" in done.stdout
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_looked_into_is_told(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = examine(well)
    assert wrong(found) == {"Data folder": "fail"}
    assert "sudo -u" in found["Data folder"][0][1]
    assert "Database" not in found


# Settings


@pytest.mark.parametrize(
    ("name", "meant"),
    [("MAILROOM_PRT", "Did you mean MAILROOM_PORT?"), ("MAILROOM_PROXY", "Did you mean MAILROOM_PROXIES?"),
     ("MAILROOM_XYZZY", "take it out")],
)  # fmt: skip
def test_a_setting_that_is_none_is_named_with_the_one_that_was_meant(
    well: Settings, name: str, meant: str
) -> None:
    ((level, told),) = examine(well, {name: "1", "PATH": "/bin", "MAILROOM_ZONE": "Asia/Jakarta"})["Settings"]
    assert level == "warn"
    assert name in told
    assert meant in told


def test_every_setting_is_known() -> None:
    assert {"MAILROOM_DATA", "MAILROOM_LOG", "OCA_GATEWAY_URL"} <= names()


@pytest.mark.parametrize(
    ("changes", "level", "told"),
    [
        ({"proxies": 0}, "warn", "MAILROOM_PROXIES=1 too"),
        ({"secure_cookies": False}, "warn", "set MAILROOM_HTTPS=1"),
        ({"url": "http://mailroom.contoh.id"}, "warn", "should begin with https:"),
        ({"host": "0.0.0.0"}, "warn", "Set MAILROOM_HOST=127.0.0.1"),
        ({"host": "::"}, "warn", "Set MAILROOM_HOST=127.0.0.1"),
        ({"url": "", "secure_cookies": False, "proxies": 0}, "warn", "MAILROOM_URL is not set"),
        ({"sandbox": True, "gateway_url": "https://webapigw.ocatelkom.co.id"}, "fail", "only one of them"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    well: Settings, changes: dict[str, object], level: Level, told: str
) -> None:
    found = examine(replace(well, **changes))["Settings"]  # type: ignore[arg-type]
    assert [(one, told in sentence) for one, sentence in found] == [(level, True)]


def test_listening_to_everybody_without_https_is_told(well: Settings) -> None:
    found = examine(
        replace(well, host="0.0.0.0", secure_cookies=False, proxies=0, url="http://mailroom.contoh.id")
    )
    assert "passwords travel unprotected" in str(found["Settings"])


# The machine


def test_a_folder_others_can_look_into_is_told(well: Settings) -> None:
    well.data.chmod(0o755)
    assert wrong(examine(well)) == {"Data folder": "warn"}


def test_a_key_file_others_can_read_is_told(well: Settings) -> None:
    well.key_file.chmod(0o644)
    found = examine(well)
    assert wrong(found) == {"Key file": "fail", "Tokens": "fail"}
    assert "chmod 600" in found["Key file"][0][1]


def test_a_key_file_that_is_missing_is_told_and_not_made(well: Settings) -> None:
    well.key_file.unlink()
    assert wrong(examine(well)) == {"Key file": "fail"}
    assert not well.key_file.exists()


def test_a_key_file_of_another_mailroom_is_told(well: Settings) -> None:
    well.key_file.write_bytes(Fernet.generate_key())
    found = examine(well)
    assert wrong(found) == {"Tokens": "fail"}
    assert "does not open the gateway's tokens" in found["Tokens"][0][1]


@pytest.mark.parametrize(
    ("free", "level"), [(49_000_000, "fail"), (400_000_000, "warn"), (600_000_000, "ok")]
)
def test_the_room_on_the_disk(
    well: Settings, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**10, 0, free))
    assert examine(well)["Disk"][0][0] == level


def test_a_sqlite_with_the_known_fault_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, explained in (
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
        finding = doctor_place.sqlite()
        assert finding.level == "ok"
        assert ("two connections write" in str(finding.sentence)) is explained


def test_limits_that_are_too_low_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (100, 100))
    assert [doctor_place._files().level, doctor_place._memory().level] == ["warn", "warn"]


# The gateway's clock


@pytest.mark.parametrize(
    ("ahead", "level", "told"),
    [(0, "ok", "from the gateway’s"), (15, "ok", "At most"), (60, "warn", "behind"), (-60, "warn", "ahead")],
)
def test_our_clock_is_held_against_the_gateways(ahead: int, level: Level, told: str) -> None:
    with running_stub() as gateway:
        at = utc_now() + timedelta(seconds=ahead)
        gateway.reply = answer("404 Not Found", "", f"Date: {at:%a, %d %b %Y %H:%M:%S} GMT")
        finding = doctor.our_clock(gateway.url, utc_now)
        assert (finding.level, told in str(finding.sentence)) == (level, True)
        # Nothing is sent, and no token shown.
        assert [seen.line for seen in gateway.seen] == ["HEAD / HTTP/1.1"]
        assert "Authorization" not in gateway.seen[0].headers


def test_a_gateway_that_is_not_there_or_does_not_tell_the_time() -> None:
    assert doctor.our_clock("http://127.0.0.1:9", utc_now).level == "warn"
    with running_stub() as gateway:
        gateway.reply = answer("200 OK")
        assert "does not tell the time" in str(doctor.our_clock(gateway.url, utc_now).sentence)
        gateway.reply = Silence
        with pytest.raises(oca.Unreachable):
            oca.clock_offset(gateway.url, timeout=(0.2, 0.2))


# The database


def test_a_file_that_is_no_database_is_told(well: Settings, tmp_path: Path) -> None:
    other = replace(well, data=tmp_path / "other")
    other.data.mkdir(mode=0o700)
    other.database.write_bytes(b"no database, but long enough to be looked at" * 20)
    Keys.load_or_create(other.key_file)
    found = examine(other)
    assert wrong(found)["Database"] == "fail"
    assert "put back your last backup" in str(found["Database"])


@pytest.mark.parametrize(
    ("sql", "level", "told"),
    [
        ("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('mailroom', 'm2099', '')",
         "fail", "newer version"),
        ("DELETE FROM _sqlite_migrations WHERE name LIKE '%reports_by_one'", "warn", "older version"),
    ],
)  # fmt: skip
def test_a_database_of_another_version_is_told(
    service: Service, well: Settings, sql: str, level: Level, told: str
) -> None:
    with service.store.write() as db:
        db.execute(sql)
    found = examine(well)
    assert wrong(found) == {"Database": level}
    assert told in str(found["Database"])


def test_counts_that_disagree_are_found_without_looking_at_the_mails(
    service: Service, well: Settings
) -> None:
    with service.store.write() as db:
        db.execute("UPDATE totals SET n = n + 1 WHERE shown = 'queued'")
    assert wrong(examine(well)) == {"Quick check": "fail"}


def test_a_large_file_is_not_looked_through(well: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_mails, "QUICK_BYTES", 0)
    assert "takes a while" in str(examine(well)["Quick check"])


@pytest.mark.parametrize(
    ("sql", "check", "level"),
    [
        ("UPDATE tokens SET expires_at = :soon", "Tokens", "warn"),
        ("UPDATE tokens SET expires_at = :past", "Tokens", "fail"),
        ("UPDATE batches SET state = 'paused'", "Batches", "warn"),
        ("UPDATE mails SET due_at = :past WHERE id = 1", "Queue", "warn"),
    ],
)
def test_what_somebody_has_to_look_after_is_told(
    service: Service, well: Settings, sql: str, check: str, level: Level
) -> None:
    moments = {"soon": iso(utc_now() + timedelta(days=3)), "past": iso(utc_now() - timedelta(hours=5))}
    with service.store.write() as db:
        # As if the batch had been queued yesterday.
        db.execute("UPDATE batches SET next_at = ''")
        db.execute(sql, {name: value for name, value in moments.items() if f":{name}" in sql})
    found = examine(well)
    assert wrong(found)[check] == level
    told = doctor.standing(service.store, well, {}, service.backups, utc_now())
    assert (check, level) in [(finding.check, finding.level) for finding in told]


def test_a_mail_that_needs_a_decision_is_told(service: Service, well: Settings) -> None:
    with service.store.write() as db:
        db.execute("UPDATE mails SET state = 'undecided' WHERE id = 1")
    assert wrong(examine(well)) == {"Doubtful mails": "warn"}


def test_a_mailroom_without_a_token_is_told(service: Service) -> None:
    assert examine(service.settings)["Tokens"][0] == (
        "warn", "There is none yet, so nothing can be sent. Upload one on the page Gateway."
    )  # fmt: skip


def test_the_last_backup_is_told_and_one_that_is_missing(service: Service, well: Settings) -> None:
    assert examine(well)["Backups"] == [("ok", "None yet; the program makes the first one by itself.")]
    service.backups.want(1)
    assert service.backups.run_once()
    today = f"{utc_now():%Y-%m-%d}"
    assert examine(well)["Backups"] == [("ok", f"The last is of {today}, 1 MB.")]
    for backup in well.backups.iterdir():
        backup.unlink()
    with service.store.write() as db:
        db.execute("UPDATE users SET created_at = ?", [iso(utc_now() - timedelta(days=4))])
    assert examine(well)["Backups"] == [("warn", "No backup was made for more than two days.")]


def test_the_worst_counts() -> None:
    def found(*levels: Level) -> list[Finding]:
        return [replace(doctor_place.python(), level=level) for level in levels]

    assert doctor.worst([]) == "ok"
    assert doctor.worst(found("ok", "warn", "ok")) == "warn"
    assert doctor.worst(found("warn", "fail", "ok")) == "fail"


def test_it_looks_where_the_program_does_not_run_too(
    tmp_path: Path, well: Settings, service: Service
) -> None:
    service.store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    copy = replace(well, data=tmp_path / "copy")
    shutil.copytree(well.data, copy.data)
    (copy.data / "mailroom.lock").unlink()
    found = examine(copy)
    assert wrong(found) == {"Program": "warn"}
    assert found["Queue"] == [("ok", "Mails that wait: 2.")]


def test_help_says_what_the_exit_codes_mean(tmp_path: Path) -> None:
    done: subprocess.CompletedProcess[str] = flask("doctor", "--help", data=tmp_path)
    assert "Ends with 0" in done.stdout
