"""Reading the token file that the OCA dashboard lets people download."""

import base64
import codecs
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from oca.words import N_

MAX_BYTES = 16_384
TokenFault = Literal["empty", "too_big", "not_text", "not_jwt", "several_lines"]

_SENTENCES: dict[TokenFault, str] = {
    "empty": N_("The token file is empty. Download the token again from the OCA dashboard."),
    "too_big": N_("This file is too big to be a token. Choose the .txt file from the OCA dashboard."),
    "not_text": N_("This is not a text file. Choose the .txt file from the OCA dashboard."),
    "not_jwt": N_("This text is not an OCA token. Download the token again from the OCA dashboard."),
    "several_lines": N_("The token must stand on one line. Download the token again from the OCA dashboard."),
}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_BEARER = re.compile(r"\Abearer\s+", re.IGNORECASE)
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JWT_PIECE = re.compile(r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,2}")


class TokenError(ValueError):
    """A file or text that is no token; `reason` says why, and the sentence never holds the content."""

    def __init__(self, reason: TokenFault) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason: TokenFault = reason


@dataclass(frozen=True, repr=False)
class Token:
    """An OCA access token whose secret is never shown.

    The claims are for display only: nobody but the gateway can verify the signature.
    """

    secret: str
    claims: dict[str, object] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"Token({self.masked}, sha256:{self.fingerprint[:8]})"

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the SHA-256 of the secret: safe to store and to show."""
        return hashlib.sha256(self.secret.encode()).hexdigest()[:16]

    @property
    def masked(self) -> str:
        """The token as a person may see it: its first three and last four characters."""
        return f"{self.secret[:3]}…{self.secret[-4:]}"

    @property
    def expires_at(self) -> datetime | None:
        """When the token says it ends, in UTC; None where it does not say."""
        return _time(self.claims.get("exp"))

    @property
    def issued_at(self) -> datetime | None:
        """When the token says it was issued, in UTC; None where it does not say."""
        return _time(self.claims.get("iat"))

    def expired(self, now: datetime) -> bool:
        """Whether the token's own end lies at or before `now` (an aware datetime)."""
        return self.expires_at is not None and self.expires_at <= now

    def redact(self, text: str) -> str:
        """The text with this token, its parts and whatever else looks like a JWT blotted out."""
        for piece in (self.secret, *(part for part in self.secret.split(".") if len(part) >= 8)):
            text = text.replace(piece, self.masked)
        return without_tokens(text)


def without_tokens(text: str) -> str:
    """The text with whatever looks like a JWT blotted out."""
    return _JWT_PIECE.sub("eyJ…", text)


def read_token(path: str | Path) -> Token:
    """Read a token from the .txt file of the OCA dashboard.

    Raises TokenError where the file holds no token, OSError where it cannot be read.
    """
    with Path(path).open("rb") as file:
        return parse_token(file.read(MAX_BYTES + 1))


def parse_token(data: bytes | str) -> Token:
    """Read a token from the content of such a file.

    White space, a byte order mark and a leading "Bearer " are taken off. An expired token is read like any
    other: ask `expired(now)`.
    Raises TokenError.
    """
    if len(data) > MAX_BYTES:
        raise TokenError("too_big")
    text = data if isinstance(data, str) else _decoded(data)
    secret = _bare(text)
    if not secret:
        raise TokenError("empty")
    if len(secret.splitlines()) > 1:
        raise TokenError("several_lines")
    if not secret.isprintable():
        raise TokenError("not_text")
    if not _JWT.fullmatch(secret):
        raise TokenError("not_jwt")
    header, claims, _ = secret.split(".")
    _json_object(header)
    return Token(secret, _json_object(claims))


def _decoded(data: bytes) -> str:
    mark, encoding = next((pair for pair in _MARKS if data.startswith(pair[0])), (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        pass
    raise TokenError("not_text")


def _bare(text: str) -> str:
    return _BEARER.sub("", text.strip().removeprefix("\ufeff").strip(), count=1)


def _json_object(part: str) -> dict[str, object]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise TokenError("not_jwt")
    return value


def _time(claim: object) -> datetime | None:
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        return None
    try:
        return datetime.fromtimestamp(claim, UTC)
    except (ValueError, OverflowError, OSError):
        return None
