"""What the key file promises: made once, for its owner alone, and never talked about."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from mailroom.keys import KeyFileError, Keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailroom.key"


def test_a_new_key_file_is_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        Keys.load_or_create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_encrypted_is_read_after_a_restart(path: Path) -> None:
    first = Keys.load_or_create(path)
    data = first.encrypt("eyJ.rahasia")
    second = Keys.load_or_create(path)
    assert b"rahasia" not in data
    assert second.decrypt(data) == "eyJ.rahasia"
    assert second.cookie_key == first.cookie_key
    assert len(second.cookie_key) == 32


def test_programs_that_start_at_once_share_one_key(path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = []
        for future in [pool.submit(Keys.load_or_create, path) for _ in range(64)]:
            keys.append(future.result().cookie_key)
    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_open_to_others_is_refused_with_the_way_to_close_it(path: Path, mode: int) -> None:
    Keys.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Keys.load_or_create(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"not a key\n", b"\xff\xfe\x00", b"A" * 20_000])
def test_a_damaged_key_file_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="damaged"):
        Keys.load_or_create(path)
    assert path.read_bytes() == content


def test_a_newer_key_on_top_still_reads_what_the_older_one_wrote(path: Path) -> None:
    data = Keys.load_or_create(path).encrypt("lama")
    path.write_bytes(Fernet.generate_key() + b"\n" + path.read_bytes())
    assert Keys.load_or_create(path).decrypt(data) == "lama"


def test_another_key_file_cannot_read_it_and_says_so(path: Path, tmp_path: Path) -> None:
    data = Keys.load_or_create(path).encrypt("rahasia")
    with pytest.raises(KeyFileError, match="belongs to this database"):
        Keys.load_or_create(tmp_path / "other.key").decrypt(data)


def test_keys_show_nothing_of_themselves(path: Path) -> None:
    keys = Keys.load_or_create(path)
    secret = path.read_text().strip()
    for shown in (repr(keys), str(keys), f"{keys}"):
        assert shown == "Keys()"
    path.write_text(secret[:-4] + "\n")
    with pytest.raises(KeyFileError) as refused:
        Keys.load_or_create(path)
    assert secret[:20] not in str(refused.value)
    assert refused.value.__cause__ is None


def test_making_a_key_leaves_nothing_else_in_the_folder(path: Path) -> None:
    Keys.load_or_create(path)
    Keys.load_or_create(path)
    assert [file.name for file in path.parent.iterdir()] == ["mailroom.key"]
