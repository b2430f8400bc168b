"""A new key opens everything and the old one nothing; links in mails stay good, and no stop loses anything."""

import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app import create_app
from mailroom import activity, rotation, tokens, totp
from mailroom.keys import KeyFileError, Keys
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.unsubscribe import Links
from mailroom.verify import verify_file
from tests.house import furnished
from tests.live import A_TOKEN, prepare_records
from tests.records import NOON
from tests.sandbox_server import ROOT

# What a column of bytes may hold that is not encrypted: what somebody uploaded.
NOT_SECRET = {
    ("sources", "content"),
    ("attachments", "content"),
    ("passkeys", "credential_id"),
    ("passkeys", "public_key"),
}
EMAIL = "joko@contoh.id"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mailroom with a token in it, that is not running."""
    with closing(open_service(Settings(data=furnished(tmp_path / "data")))) as service:
        prepare_records(service)
    return tmp_path / "data"


def key_file(folder: Path) -> Path:
    return folder / "mailroom.key"


def secret(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "mailroom.db")) as db:
        return bytes(db.execute("SELECT secret FROM tokens").fetchone()[0])


def link(folder: Path) -> str:
    return Links(Keys.load(key_file(folder)), "").url(EMAIL).removeprefix("/u/")


def rotate(folder: Path) -> int:
    with closing(Store(folder / "mailroom.db")) as store:
        return rotation.rotate(store, key_file(folder), NOON)


def test_the_new_key_opens_everything_and_the_old_one_nothing(folder: Path, tmp_path: Path) -> None:
    shutil.copy2(key_file(folder), tmp_path / "old.key")
    before = secret(folder)
    assert rotate(folder) == 1
    assert secret(folder) != before
    assert Keys.load(key_file(folder)).decrypt(secret(folder)) == A_TOKEN
    with pytest.raises(KeyFileError):
        Keys.load(tmp_path / "old.key").decrypt(secret(folder))
    # Whoever has a copy of the database from before needs the key file from before.
    with pytest.raises(KeyFileError):
        Keys.load(key_file(folder)).decrypt(before)
    assert (tmp_path / "old.key").read_text().strip() not in key_file(folder).read_text()
    assert before not in (folder / "mailroom.db").read_bytes()
    assert stat.S_IMODE(key_file(folder).stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir() if "key" in path.name) == ["mailroom.key"]


def test_links_that_are_in_mailboxes_stay_good_however_often_the_key_is_changed(folder: Path) -> None:
    links = []
    for _ in range(3):
        links.append(link(folder))
        rotate(folder)
    keys = Keys.load(key_file(folder))
    assert keys.opening == 1
    assert [Links(keys, "").email(one) for one in links] == [EMAIL] * 3
    # New ones are signed with the new key alone.
    newest = Keys([key_file(folder).read_bytes().split()[0]])
    assert Links(newest, "").email(link(folder)) == EMAIL
    assert Links(newest, "").email(links[-1]) is None


def test_it_is_noted_without_a_word_about_the_keys(folder: Path) -> None:
    with activity.from_shell():
        rotate(folder)
    with closing(Store(folder / "mailroom.db")) as store:
        entry = activity.newest(store)[0]
    assert (entry.kind, entry.actor, entry.details) == ("key_rotated", "shell", {"secrets": 1})


def test_a_secret_that_cannot_be_opened_stops_it_before_anything_is_changed(folder: Path) -> None:
    good = key_file(folder).read_bytes()
    key_file(folder).unlink()
    Keys.load_or_create(key_file(folder))
    other = key_file(folder).read_bytes()
    before = secret(folder)
    with pytest.raises(KeyFileError, match="belongs to this database"):
        rotate(folder)
    assert (secret(folder), key_file(folder).read_bytes()) == (before, other)
    key_file(folder).write_bytes(good)
    assert rotate(folder) == 1


def test_killed_at_any_step_the_key_file_opens_the_database_and_a_second_try_ends_it(
    folder: Path, tmp_path: Path
) -> None:
    before = link(folder)
    copies = [Path(shutil.copytree(folder, tmp_path / f"step{n}")) for n in range(1, 20)]
    command = [sys.executable, "-m", "tests.rotation_child", *map(str, copies)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    steps = int(done.stdout)
    assert 8 <= steps < len(copies) - 1, "there are as many copies as steps, and one to spare"
    opening, keys_in_use = [], set()
    for copy in copies:
        keys = Keys.load(key_file(copy))
        assert keys.decrypt(secret(copy)) == A_TOKEN, copy
        assert Links(keys, "").email(before) == EMAIL, copy
        assert verify_file(copy / "mailroom.db") == [], copy
        opening.append(keys.opening)
        keys_in_use.add(secret(copy))
    # Not begun, with both keys in the file, and done: all three were met.
    assert sorted(set(opening)) == [1, 2]
    assert opening[:steps].count(2) >= 3
    assert len(keys_in_use) > 2
    for copy in copies[:steps]:
        rotate(copy)
        keys = Keys.load(key_file(copy))
        assert (keys.opening, keys.decrypt(secret(copy))) == (1, A_TOKEN), copy
        assert Links(keys, "").email(before) == EMAIL, copy


def test_every_column_of_bytes_is_rotated_or_known_to_hold_no_secret(store: Store) -> None:
    columns = store.read().execute(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND c.type = 'BLOB' AND m.sql NOT LIKE 'CREATE VIRTUAL%' "
        "AND m.name NOT LIKE 'subjects_%'"
    )
    found = {(table, column) for table, column in columns}
    assert found == NOT_SECRET | {(table, column) for table, column, _ in rotation.ENCRYPTED}


@pytest.mark.parametrize("line", [b"link:", b"link:AAAA", b"link:" + b"!" * 44])
def test_a_damaged_line_is_refused_without_being_told(folder: Path, line: bytes) -> None:
    key_file(folder).write_bytes(key_file(folder).read_bytes() + line + b"\n")
    with pytest.raises(KeyFileError, match="damaged"):
        Keys.load(key_file(folder))


def test_a_file_of_retired_keys_alone_opens_nothing(folder: Path) -> None:
    rotate(folder)
    retired = key_file(folder).read_bytes().splitlines()[1]
    assert retired.startswith(b"link:")
    with pytest.raises((ValueError, IndexError)):
        Keys([retired])


def test_the_command_says_what_it_did_and_refuses_while_the_program_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILROOM_DATA", str(folder))
    runner = create_app().test_cli_runner()
    done = runner.invoke(args=["rotate-key"])
    assert (done.exit_code, "1 secret is encrypted with it" in done.output) == (0, True)
    assert not re.search(r"[\w-]{43}=", done.output), "a key in what is printed"
    with closing(open_service(Settings(data=folder))) as service:
        assert tokens.secret(service.store, service.keys, 1).secret == A_TOKEN
        refused = runner.invoke(args=["rotate-key"])
        assert (refused.exit_code, "Stop that one first" in refused.output) == (2, True)
    key_file(folder).unlink()
    missing = runner.invoke(args=["rotate-key"])
    assert (missing.exit_code, key_file(folder).exists()) == (2, False)


def test_a_mail_that_was_queued_before_is_still_opened_by_its_recipient(service: Service) -> None:
    """The page behind a link that was signed with the key before."""
    old = service.links.url(EMAIL).rpartition("/")[2]
    rotation.rotate(service.store, service.settings.key_file, NOON)
    links = Links(Keys.load(service.settings.key_file), "")
    assert (links.email(old), links.url(EMAIL).endswith(old)) == (EMAIL, False)


def test_the_seeds_of_apps_are_encrypted_anew_as_tokens_are(folder: Path) -> None:
    with closing(open_service(Settings(data=folder))) as service:
        totp.begin(service.store, service.keys, 1, NOON)
    with closing(sqlite3.connect(folder / "mailroom.db")) as db:
        before = bytes(db.execute("SELECT secret FROM totp_secrets").fetchone()[0])
    seed = Keys.load(key_file(folder)).decrypt(before)
    assert rotate(folder) == 2
    with closing(sqlite3.connect(folder / "mailroom.db")) as db:
        after = bytes(db.execute("SELECT secret FROM totp_secrets").fetchone()[0])
    assert after != before
    assert Keys.load(key_file(folder)).decrypt(after) == seed
