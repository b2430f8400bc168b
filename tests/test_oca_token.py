"""The token file: read in every form people have it, refused with a reason, never shown."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oca.token import MAX_BYTES, TokenError, parse_token, read_token
from tests.oca_stub import jwt

SECRET = jwt(application="0123456789abcdef01234567", iat=1_700_000_000)


@pytest.mark.parametrize(
    "data",
    [
        SECRET,
        SECRET + "\n",
        SECRET + "\r\n\r\n",
        f" \t{SECRET} ",
        f"Bearer {SECRET}\n",
        f"bearer\t{SECRET}",
        "\ufeff" + SECRET,
        SECRET.encode(),
        b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n",
        f"{SECRET}\r\n".encode("utf-16"),
        b"\xfe\xff" + SECRET.encode("utf-16-be"),
    ],
)
def test_a_token_is_read_however_its_file_was_saved(data: bytes | str, tmp_path: Path) -> None:
    assert parse_token(data).secret == SECRET
    if isinstance(data, bytes):
        (tmp_path / "token.txt").write_bytes(data)
        assert read_token(tmp_path / "token.txt").secret == SECRET


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"a" * (MAX_BYTES + 1), "too_big"),
        (b"\x89PNG\r\n\xff", "not_text"),
        (SECRET.encode("utf-16-le"), "not_text"),
        (SECRET[:20] + "\n" + SECRET[20:], "several_lines"),
        (SECRET[:20] + " " + SECRET[20:], "not_jwt"),
        ("user:password", "not_jwt"),
        ("a.b.c", "not_jwt"),
        (SECRET.rpartition(".")[0], "not_jwt"),
        (SECRET + ".x", "not_jwt"),
        (SECRET + "=", "not_jwt"),
        ("W10.W10.sig", "not_jwt"),
        ("W" * 4000 + ".e30.sig", "not_jwt"),
    ],
)
def test_what_is_no_token_is_refused_with_its_reason(data: bytes | str, reason: str) -> None:
    with pytest.raises(TokenError) as caught:
        parse_token(data)
    assert caught.value.reason == reason
    assert str(caught.value).endswith(".")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "disk.img").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(TokenError) as caught:
        read_token(tmp_path / "disk.img")
    assert caught.value.reason == "too_big"


def test_a_token_never_shows_its_secret() -> None:
    token = parse_token(SECRET)
    for shown in (repr(token), str(token), f"{token}", token.masked, token.fingerprint):
        assert SECRET not in shown
        assert not any(part in shown for part in SECRET.split("."))
    assert repr(token) == f"Token(eyJ…abcd, sha256:{token.fingerprint[:8]})"
    assert len(token.fingerprint) == 16


def test_claims_say_when_a_token_ends() -> None:
    now = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
    token = parse_token(jwt(iat=now.timestamp() - 60, exp=now.timestamp()))
    assert token.issued_at == now - timedelta(minutes=1)
    assert token.expires_at == now
    assert token.expired(now)
    assert not token.expired(now - timedelta(seconds=1))
    assert not parse_token(SECRET).expired(now)


@settings(deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5)
)
def test_a_claim_may_hold_anything(value: object) -> None:
    token = parse_token(jwt(exp=value, iat=value, sub=value))
    assert json.dumps(token.claims["exp"]) == json.dumps(value)
    assert token.expires_at is None or token.expires_at.tzinfo is UTC


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_whatever_a_file_holds_only_a_token_error_without_the_content_comes_out(data: bytes | str) -> None:
    with pytest.raises(TokenError) as caught:
        parse_token(data)
    assert str(caught.value) == str(TokenError(caught.value.reason))


def test_pieces_of_a_token_are_blotted_out_of_a_text() -> None:
    token = parse_token(SECRET)
    signature = SECRET.rpartition(".")[2]
    for text in (SECRET, f"bad {signature}!", f"cut off: {SECRET[:25]}", f"another's {jwt(sub='x')}"):
        assert signature not in token.redact(text)
        assert SECRET[:20] not in token.redact(text)
    assert token.redact("nothing here") == "nothing here"
