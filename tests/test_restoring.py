"""Putting a backup back: checked first, in one step, nothing deleted, and told to the next start."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mailroom import (
    activity,
    backups,
    deeds,
    people,
    restored,
    restoring,
    sessions,
    suppressions,
    unsubscribe,
)
from mailroom.copies import Copy, CopyFailed
from mailroom.restoring import look, put_back
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.store import StoreInUse
from mailroom.times import utc_now
from mailroom.verify import Broken, verify
from tests.live import prepare_records
from tests.test_commands import flask


@pytest.fixture
def settings(service: Service, tmp_path: Path) -> Settings:
    """A mailroom with a batch of two queued mails and one backup, which went on a little since and is closed."""
    prepare_records(service)
    settings = Settings(gateway_url="http://127.0.0.1:9", data=tmp_path / "here")
    service.marker.note(service.clock())
    shutil.copytree(service.settings.data, settings.data)
    settings.backups.mkdir()
    backups.make(settings.database, settings.backups, 7, service.clock())
    went_on = open_service(settings)
    people.add(went_on.store, "baru@contoh.id", "Baru", "viewer", "kereta api malam baru", went_on.clock())
    went_on.close()
    return settings


@pytest.fixture
def backup(settings: Settings) -> Copy:
    found = backups.latest(settings.backups)
    assert found
    return found


def never(_: list[Broken]) -> bool:
    raise AssertionError("nobody should be asked")


def restore(path: Path, settings: Settings) -> Path | None:
    return put_back(look(path, settings), settings, utc_now(), never)


def everything(folder: Path) -> dict[str, bytes]:
    """What is in a data folder, but for what a reading connection and the lock leave."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".db-shm") and path.stat().st_size
    }


@pytest.fixture
def started(settings: Settings) -> Iterator[Service]:
    """The next start after a backup was put back, held but not sending."""
    backup = backups.latest(settings.backups)
    assert backup
    restore(backup.path, settings)
    service = open_service(settings)
    restored.hold(service.store, service.marker, service.clock())
    yield service
    service.close()


def test_it_takes_the_place_of_the_database_which_is_kept(settings: Settings, backup: Copy) -> None:
    was = settings.database.read_bytes()
    aside = restore(backup.path, settings)
    assert aside
    assert aside.is_relative_to(settings.data / "replaced")
    assert aside.read_bytes() == was
    # Behind the header, which counts its changes.
    assert settings.database.read_bytes()[100:] == backup.path.read_bytes()[100:]
    assert settings.database.stat().st_mode & 0o077 == 0
    for _ in range(2):
        restore(backup.path, settings)
    assert len(list((settings.data / "replaced").iterdir())) == 3


def test_what_was_written_last_before_the_program_was_killed_is_kept_too(
    settings: Settings, backup: Copy
) -> None:
    service = open_service(settings)
    people.add(service.store, "akhir@contoh.id", "Akhir", "viewer", "kereta api malam akhir", service.clock())
    killed = Settings(gateway_url=settings.gateway_url, data=settings.data.parent / "killed")
    shutil.copytree(settings.data, killed.data)
    service.close()
    aside = restore(backup.path, killed)
    assert aside
    with closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT count(*) FROM users WHERE name = 'Akhir'").fetchone()[0] == 1
    assert not killed.database.with_name("mailroom.db-wal").exists(), "it would be taken for the new one's"


def test_while_the_program_runs_nothing_is_put_back(settings: Settings, backup: Copy) -> None:
    service = open_service(settings)
    before = everything(settings.data)
    with pytest.raises(StoreInUse):
        restore(backup.path, settings)
    done = flask("restore", str(backup.path), "--yes", data=settings.data)
    assert done.returncode == 2
    assert "Mailroom is running. Stop it first." in done.stderr
    assert everything(settings.data) == before
    service.close()


def test_what_cannot_be_put_back_is_told_and_changes_nothing(settings: Settings, backup: Copy) -> None:
    folder = settings.data.parent
    newer = folder / "newer.db"
    shutil.copy(backup.path, newer)
    with closing(sqlite3.connect(newer)) as db, db:
        db.execute("INSERT INTO _sqlite_migrations VALUES (999, 'mailroom', 'm2099_01_01_future', '')")
    (folder / "text.db").write_text("no database at all, but long enough to be looked at" * 20)
    with closing(sqlite3.connect(folder / "others.db")) as db:
        db.execute("CREATE TABLE t (a)")
    changed = folder / backup.path.name
    shutil.copy(backup.path, changed)
    told = backup.path.with_suffix(".json").read_text().replace(backup.sha256, "0" * 64)
    changed.with_suffix(".json").write_text(told)
    damaged = folder / "damaged.db"
    content = bytearray(backup.path.read_bytes())
    content[len(content) // 2 :] = b"\xaa" * (len(content) - len(content) // 2)
    damaged.write_bytes(content)
    before = everything(settings.data)
    for name, told in (
        ("nowhere.db", "There is no file"),
        ("newer.db", "m2099_01_01_future"),
        ("text.db", "cannot be read"),
        ("others.db", "no database of Mailroom"),
        (changed.name, "SHA-256"),
        ("damaged.db", "damaged|cannot be read"),
    ):
        with pytest.raises(CopyFailed, match=told):
            restore(folder / name, settings)
        assert everything(settings.data) == before, name


def test_one_in_which_rules_do_not_hold_is_put_back_only_by_whoever_wants_it(
    settings: Settings, backup: Copy
) -> None:
    with closing(sqlite3.connect(backup.path)) as db, db:
        db.execute("UPDATE mails SET state = 'sending' WHERE id = 2")
    backup.path.with_suffix(".json").unlink()
    with pytest.raises(CopyFailed, match="rules do not hold"):
        put_back(look(backup.path, settings), settings, utc_now(), lambda broken: not broken)
    done = flask("restore", str(backup.path), "--yes", data=settings.data)
    assert done.returncode == 2
    assert "mail 2: " in done.stdout
    assert put_back(look(backup.path, settings), settings, utc_now(), lambda _: True)


@pytest.mark.parametrize("where", ["write_mark", "_put_aside"])
def test_broken_off_half_way_the_present_database_is_still_there(
    settings: Settings, backup: Copy, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = settings.database.read_bytes()

    def fails(*_: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(restored if where == "write_mark" else restoring, where, fails)
        with pytest.raises(CopyFailed, match="the power went"):
            restore(backup.path, settings)
    assert settings.database.read_bytes() == was
    assert not (settings.data / restoring.PART).exists()
    service = open_service(settings)
    assert restored.hold(service.store, service.marker, service.clock()) == 0
    assert verify(service.store.read()) == []
    service.close()


def test_the_next_start_notes_it_once_and_signs_everybody_out(settings: Settings) -> None:
    service = open_service(settings)
    session = sessions.begin(service.store, 1, "127.0.0.1", "", service.clock())
    service.close()
    with_session = backups.make(settings.database, settings.backups, 7, utc_now())
    restore(with_session.path, settings)
    for _ in range(2):
        service = open_service(settings)
        restored.hold(service.store, service.marker, service.clock())
        assert sessions.session_user(service.store, session, service.clock(), extend=False) is None
        noted = activity.newest(service.store, kind=deeds.BackupRestored.KIND)
        assert [entry.details["file"] for entry in noted] == [with_session.path.name]
        assert activity.newest(service.store, kind=deeds.TrailCut.KIND) == []
        assert verify(service.store.read()) == []
        service.close()


def test_when_nothing_was_sent_since_nothing_has_to_be_looked_up(started: Service) -> None:
    assert [row[0] for row in started.store.read().execute("SELECT state FROM mails")] == ["queued"] * 2


def test_on_another_machine_everything_that_waits_is_looked_up(settings: Settings, backup: Copy) -> None:
    """Nothing there knows what the lost machine sent after the backup."""
    elsewhere = Settings(gateway_url=settings.gateway_url, data=settings.data.parent / "new")
    assert restore(backup.path, elsewhere) is None
    held_by(elsewhere, 2)


def test_in_place_of_a_mailroom_of_its_own_everything_that_waits_is_looked_up(
    settings: Settings, backup: Copy
) -> None:
    elsewhere = Settings(gateway_url=settings.gateway_url, data=settings.data.parent / "new")
    fresh = open_service(elsewhere)
    people.add(fresh.store, "lain@contoh.id", "Lain", "admin", "kereta api malam lain", fresh.clock())
    fresh.close()
    assert restore(backup.path, elsewhere)
    held_by(elsewhere, 2)


def test_in_place_of_a_damaged_database_everything_that_waits_is_looked_up(
    settings: Settings, backup: Copy
) -> None:
    settings.database.write_bytes(b"\xaa" * 100_000)
    assert restore(backup.path, settings)
    held_by(settings, 2)


def held_by(settings: Settings, mails: int) -> None:
    service = open_service(settings)
    assert restored.hold(service.store, service.marker, service.clock()) == mails
    assert restored.hold(service.store, service.marker, service.clock()) == 0
    assert verify(service.store.read()) == []
    service.close()


def test_one_without_any_mail_is_put_back_on_another_machine(tmp_path: Path) -> None:
    here, elsewhere = (
        Settings(gateway_url="http://127.0.0.1:9", data=tmp_path / name) for name in ("here", "new")
    )
    service = open_service(here)
    people.add(service.store, "adi@contoh.id", "Adi", "admin", "kereta api malam adi", service.clock())
    here.backups.mkdir()
    made = backups.make(here.database, here.backups, 7, service.clock())
    service.close()
    restore(made.path, elsewhere)
    held_by(elsewhere, 0)


def test_it_says_when_the_key_file_that_is_there_does_not_open_the_tokens(
    settings: Settings, backup: Copy
) -> None:
    assert look(backup.path, settings).opens
    elsewhere = Settings(gateway_url=settings.gateway_url, data=settings.data.parent / "new")
    assert not look(backup.path, elsewhere).opens
    open_service(elsewhere).close()
    assert not look(backup.path, elsewhere).opens


def test_the_command_says_what_it_means_and_asks(settings: Settings, backup: Copy) -> None:
    before = everything(settings.data)
    done = flask("restore", str(backup.path), data=settings.data)  # nobody answers
    assert done.returncode != 0
    assert "2 mails wait in it" in done.stdout
    assert everything(settings.data) == before
    done = flask("restore", str(backup.path), "--yes", data=settings.data)
    assert done.returncode == 0, done.stderr
    assert "Start Mailroom" in done.stdout
    assert (
        json.loads(settings.database.with_suffix(".mark").read_text())["put_back"]["file"] == backup.path.name
    )


def unsubscribed(settings: Settings) -> list[str]:
    """Who is on the do-not-mail list by their own wish, after the next start."""
    service = open_service(settings)
    try:
        restored.hold(service.store, service.marker, service.clock())
        assert verify(service.store.read()) == []
        return [line.email for line in suppressions.everyone(service.store) if line.reason == "unsubscribed"]
    finally:
        service.close()


def test_who_unsubscribed_since_gets_no_mail_afterwards(settings: Settings, backup: Copy) -> None:
    service = open_service(settings)
    suppressions.add(service.store, ["kedua@contoh.id"], "hand", "", 1, service.clock())
    for email in ("pergi@contoh.id", "kedua@contoh.id"):
        unsubscribe.stop(service.store, email, service.clock())
    suppressions.add(service.store, ["tangan@contoh.id"], "hand", "", 1, service.clock())
    service.close()
    restore(backup.path, settings)
    for _ in range(2):
        assert unsubscribed(settings) == ["kedua@contoh.id", "pergi@contoh.id"]
    service = open_service(settings)
    (kept,) = activity.newest(service.store, kind=deeds.UnsubscribedKept.KIND)
    assert kept.details == {"addresses": 2}
    service.close()


def test_when_the_database_that_was_there_cannot_be_read_it_starts_all_the_same(
    settings: Settings, backup: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    aside = restore(backup.path, settings)
    assert aside
    aside.write_bytes(b"no database at all" * 100)
    assert unsubscribed(settings) == []
    assert "who unsubscribed since the backup could not be read" in caplog.text


def test_a_mark_that_says_more_than_this_version_knows_still_holds_mails_back(settings: Settings) -> None:
    file = settings.database.with_suffix(".mark")
    mark = json.loads(file.read_text()) | {"put_back": {"file": "a.db", "made_at": "b", "later": 1}}
    file.write_text(json.dumps(mark))
    found = restored.mark_of(settings.database)
    assert found
    assert found.attempt_id == mark["attempt_id"]
