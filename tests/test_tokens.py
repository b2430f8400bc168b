"""The gateway's tokens: what may be uploaded, what is kept, and what ends a stop."""

import codecs
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from sqlite_utils import Database

from mailroom import people, tokens
from mailroom.keys import Keys
from mailroom.problems import Problem
from mailroom.store import Store

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)
SIGNING_KEY = "k" * 32


def token_file(**claims: object) -> bytes:
    """A token as the dashboard lets people download it; each set of claims makes another token."""
    wanted = {"sub": "tim", "application": "65f0c0ffee65f0c0ffee65f0", "iat": 1_760_000_000, **claims}
    return jwt.encode(wanted, SIGNING_KEY, algorithm="HS256").encode()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.load_or_create(tmp_path / "keys")


@pytest.fixture
def adi(store: Store) -> int:
    return people.add(store, "adi@contoh.id", "Adi", "admin", "kereta api malam adi", NOW).id


def add(store: Store, keys: Keys, adi: int, name: str = "Tagihan", **claims: object) -> tokens.TokenLine:
    return tokens.add(store, keys, name, token_file(**claims), 25, adi, NOW)


def test_a_token_is_shown_by_what_it_claims_and_never_by_its_secret(
    store: Store, keys: Keys, adi: int
) -> None:
    line = add(store, keys, adi)

    assert (line.name, line.state, line.per_second) == ("Tagihan", "unchecked", 25)
    assert line.claims["application"] == "65f0c0ffee65f0c0ffee65f0"
    assert line.issued_at == datetime.fromtimestamp(1_760_000_000, UTC)
    assert line.expires_at is None
    secret = token_file().decode()
    assert not any(part in repr(line) for part in [secret, *secret.split(".")])
    assert tokens.secret(store, keys, line.id).secret == secret


def test_the_database_file_does_not_hold_the_token_in_clear(store: Store, keys: Keys, adi: int) -> None:
    add(store, keys, adi)

    files = [path for path in store.path.parent.iterdir() if path.name.startswith(store.path.name)]
    kept = b"".join(path.read_bytes() for path in files)
    assert b"65f0c0ffee65f0c0ffee65f0" in kept, "the claims are there, so this looks at the right files"
    assert not any(part in kept for part in token_file().split(b"."))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: codecs.BOM_UTF8 + data + b"\r\n",
        lambda data: b"\r\n" + data + b"\r\n\r\n",
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"Bearer " + data + b"\n",
    ],
    ids=["bom-and-windows-end", "blank-lines", "utf-16", "bearer"],
)
def test_a_token_is_read_however_the_file_was_saved(
    store: Store, keys: Keys, adi: int, wrap: Callable[[bytes], bytes]
) -> None:
    line = tokens.add(store, keys, "Tagihan", wrap(token_file()), 25, adi, NOW)

    assert tokens.secret(store, keys, line.id).secret == token_file().decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"x" * 17_000, "too big"),
        (b"\x89PNG\r\n\x1a\n\xff", "not a text file"),
        (token_file() + b"\n" + token_file(sub="lain"), "one line"),
        (b"kata sandi", "not an OCA token"),
        (b"a.b.c", "not an OCA token"),
    ],
)
def test_a_wrong_file_gets_its_sentence(store: Store, keys: Keys, adi: int, data: bytes, words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        tokens.add(store, keys, "Tagihan", data, 25, adi, NOW)

    assert caught.value.field == "file"
    assert caught.value.__cause__ is None
    assert tokens.all_tokens(store, NOW) == []


def test_an_expired_token_is_refused_with_the_moment_it_expired(store: Store, keys: Keys, adi: int) -> None:
    with pytest.raises(Problem, match="2026-11-23 09:41:07") as caught:
        add(store, keys, adi, exp=NOW.timestamp())

    assert caught.value.field == "file"


def test_a_token_that_runs_out_later_is_expired_from_then_on(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi, exp=(NOW + timedelta(hours=1)).timestamp())

    assert tokens.usable(store, NOW) == [line]
    assert tokens.get(store, line.id, NOW + timedelta(hours=1)).state == "expired"
    assert tokens.usable(store, NOW + timedelta(hours=1)) == []


def test_the_same_token_twice_is_refused_and_the_first_one_named(store: Store, keys: Keys, adi: int) -> None:
    add(store, keys, adi, name="Tagihan")

    with pytest.raises(Problem, match="“Tagihan”") as caught:
        add(store, keys, adi, name="Promo")
    assert caught.value.field == "file"


def test_two_tokens_cannot_share_a_name(store: Store, keys: Keys, adi: int) -> None:
    add(store, keys, adi, name="Tagihan")

    with pytest.raises(Problem, match="“tagihan”") as caught:
        add(store, keys, adi, name=" tagihan ", sub="lain")
    assert caught.value.field == "name"


@pytest.mark.parametrize("name", ["", " \u00a0", "dua\nbaris", "x" * 101, "balik\u202ekanan"])
def test_a_name_is_one_line_that_people_can_read(store: Store, keys: Keys, adi: int, name: str) -> None:
    with pytest.raises(Problem) as caught:
        add(store, keys, adi, name=name)
    assert caught.value.field == "name"


@pytest.mark.parametrize("per_second", [0, 0.5, -1, 1001, float("nan"), float("inf")])
def test_a_limit_outside_1_to_1000_is_refused(store: Store, keys: Keys, adi: int, per_second: float) -> None:
    with pytest.raises(Problem) as caught:
        tokens.add(store, keys, "Tagihan", token_file(), per_second, adi, NOW)
    assert caught.value.field == "per_second"


def test_odd_claims_are_kept_and_never_in_the_way(store: Store, keys: Keys, adi: int) -> None:
    odd = {"iat": "kemarin", "exp": True, "application": ["a", {"b": None}], "sub": "\ud83d"}
    claims = jwt.utils.base64url_encode(json.dumps(odd).encode())
    line = tokens.add(store, keys, "Tagihan", b"eyJhbGciOiJub25lIn0." + claims + b".c2ln", 25, adi, NOW)

    assert (line.issued_at, line.expires_at, line.claims) == (None, None, odd)


def test_a_stopped_token_is_not_used_until_the_stop_is_cleared(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi)
    with store.write() as db:
        assert tokens.stop(db, line.id, "Auth token is not valid", NOW)
        assert not tokens.stop(db, line.id, "another thread saw it too", NOW)

    stopped = tokens.get(store, line.id, NOW)
    assert (stopped.state, stopped.stop_reason) == ("stopped", "Auth token is not valid")
    assert tokens.usable(store, NOW) == []
    assert tokens.clear_stop(store, line.id)
    assert tokens.usable(store, NOW) == [line]


def test_a_stop_always_has_a_reason_even_when_the_gateway_gave_none(
    store: Store, keys: Keys, adi: int
) -> None:
    line = add(store, keys, adi)
    with store.write() as db:
        tokens.stop(db, line.id, "", NOW)

    assert tokens.get(store, line.id, NOW).stop_reason == "The gateway turned this token down."


def test_an_answer_to_the_old_token_does_not_stop_the_new_one(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi)
    tokens.replace(store, keys, line.id, token_file(sub="baru"), NOW)

    with store.write() as db:
        assert not tokens.stop(db, line.id, "Auth token is not valid", NOW, line.fingerprint)
    assert tokens.get(store, line.id, NOW).state == "unchecked"


def test_replacing_keeps_the_name_and_ends_the_stop(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi)
    tokens.record_check(store, line.id, "ok", NOW)
    with store.write() as db:
        tokens.stop(db, line.id, "Auth token is not valid", NOW)

    new = tokens.replace(store, keys, line.id, token_file(sub="baru"), NOW)

    assert (new.id, new.name, new.state, new.stop_reason) == (line.id, "Tagihan", "unchecked", "")
    assert (new.checked_at, new.check_result) == (None, "")
    assert tokens.secret(store, keys, line.id).secret == token_file(sub="baru").decode()


def test_replacing_with_a_token_that_is_already_here_is_refused(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi)

    with pytest.raises(Problem, match="“Tagihan”"):
        tokens.replace(store, keys, line.id, token_file(), NOW)


def test_what_came_of_a_check_is_kept(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi)

    tokens.record_check(store, line.id, "ok", NOW)
    assert tokens.get(store, line.id, NOW).state == "ok"
    tokens.record_check(store, line.id, "The gateway could not be reached.", NOW)
    assert tokens.get(store, line.id, NOW).state == "unchecked"
    assert tokens.get(store, line.id, NOW).checked_at == "2026-11-23T09:41:07.000Z"


def test_an_unused_token_can_be_removed(store: Store, keys: Keys, adi: int) -> None:
    line = add(store, keys, adi)
    tokens.remove(store, line.id)

    assert tokens.all_tokens(store, NOW) == []
    for unknown in (lambda: tokens.get(store, line.id), lambda: tokens.secret(store, keys, line.id)):
        with pytest.raises(LookupError):
            unknown()
    with pytest.raises(LookupError):
        tokens.replace(store, keys, line.id, token_file(), NOW)


@pytest.mark.parametrize("table", ["batches", "drafts"])
def test_a_token_that_mail_belongs_to_stays(store: Store, keys: Keys, adi: int, table: str) -> None:
    line = add(store, keys, adi)
    with store.write() as db:
        give_it_work(db, table, line.id, adi)

    assert tokens.needed(store, line.id)
    with pytest.raises(Problem):
        tokens.remove(store, line.id)
    assert tokens.get(store, line.id, NOW) == line


def give_it_work(db: Database, table: str, token_id: int, adi: int) -> None:
    """A row of `table` that uses the token, with what it refers to."""
    at = "2026-11-23T09:41:07.000Z"
    template = {"id": 1, "name": "Tagihan", "created_at": at}
    version = {"id": 1, "template_id": 1, "number": 1, "subject": "s", "html": "h", "fields": "[]"}
    db.table("templates").insert(template)
    db.table("template_versions").insert({**version, "created_at": at, "created_by": adi})
    sender = {"id": 1, "email": "info@contoh.id", "name": "Info", "created_at": at, "created_by": adi}
    db.table("senders").insert(sender)
    common = {
        "created_by": adi,
        "created_at": at,
        "name": "x",
        "template_version_id": 1,
        "token_id": token_id,
    }
    draft = {"id": "acak", "sender_id": 1, "source": "pasted", "columns": "[]"}
    batch = {"form_key": "acak", "sender_email": "info@contoh.id", "sender_name": "Info", "source": "pasted"}
    own: dict[str, object] = draft if table == "drafts" else {**batch, "size": 0, "state": "running"}
    db.table(table).insert({**common, **own})
