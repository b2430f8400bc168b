"""Passkeys (WebAuthn): keys that a phone, a computer or a stick keeps, and uses only at the address they were made for.

https://www.w3.org/TR/webauthn-3/
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from mailroom.challenges import VALID, Challenge
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.registration.verify_registration_response import VerifiedRegistration

LONGEST_NAME = 60
MOST = 20
LONGEST_RESPONSE = 20_000
# EdDSA, ECDSA and RSA with SHA-256: what phones, Windows and sticks have.
_ALGORITHMS = (-8, -7, -257)
_TIMEOUT = int(VALID.total_seconds() * 1000)


@dataclass(frozen=True)
class Site:
    """Where passkeys are made for and used at. host: the name alone. origin: with scheme and port."""

    host: str
    origin: str


@dataclass(frozen=True)
class Passkey:
    """A passkey of a person. name: what they call it. last_used_at: None until it is used."""

    id: int
    name: str
    created_at: str
    last_used_at: str | None


@dataclass(frozen=True)
class Shown:
    """A passkey that has just answered. id, user_id: which, and whose. count: what it counts its uses to."""

    id: int
    user_id: int
    count: int


def of_user(db: Database, user_id: int) -> list[Passkey]:
    """The person's passkeys, the oldest first."""
    rows = db.query(
        "SELECT id, name, created_at, last_used_at FROM passkeys WHERE user_id = ? ORDER BY id", [user_id]
    )
    return [Passkey(**row) for row in rows]


def anybody(store: Store) -> bool:
    """Whether somebody of the team has a passkey."""
    return store.read().execute("SELECT 1 FROM passkeys LIMIT 1").fetchone() is not None


def clean_name(name: str) -> str:
    """The name as it is kept. Raises Problem beside `name` for none and for an endless one."""
    clean = " ".join(name.split())
    if not clean or len(clean) > LONGEST_NAME or not clean.isprintable():
        raise Problem(
            N_("Give it a name of at most %(longest)s letters, such as “Office laptop”."),
            field="name",
            longest=LONGEST_NAME,
        )
    return clean


# What the browser is asked; the members are those of the standard's dictionaries in JSON.


def to_register(store: Store, site: Site, user: User, challenge: Challenge) -> dict[str, Any]:
    """What a browser needs to make a passkey for the person."""
    return {
        "rp": {"id": site.host, "name": "Mailroom"},
        "user": {"id": _url64(_handle(store, user.id)), "name": user.email, "displayName": user.name},
        "challenge": _url64(challenge.random),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in _ALGORITHMS],
        "timeout": _TIMEOUT,
        "attestation": "none",
        # One that can also name its owner, so that it opens the door without address and password.
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        # A device keeps one for each person and site; a second would take the place of the first unsaid.
        "excludeCredentials": _descriptors(store, user.id),
    }


def to_sign_in(site: Site, challenge: Challenge) -> dict[str, Any]:
    """What a browser needs to sign in whoever it has a passkey of; the device has to know its owner again."""
    return {
        "rpId": site.host,
        "challenge": _url64(challenge.random),
        "timeout": _TIMEOUT,
        "userVerification": "required",
    }


def to_confirm(store: Store, site: Site, user_id: int, challenge: Challenge) -> dict[str, Any]:
    """What a browser needs to use one of this person's passkeys after the password."""
    return {
        "rpId": site.host,
        "challenge": _url64(challenge.random),
        "timeout": _TIMEOUT,
        "userVerification": "discouraged",
        "allowCredentials": _descriptors(store, user_id),
    }


# What comes back.


def registered(site: Site, challenge: Challenge, response: str) -> "VerifiedRegistration":
    """The passkey that a browser has made. Raises Problem for what is none, or not for here."""
    # Six megabytes that most days nobody needs.
    from webauthn import verify_registration_response

    try:
        return verify_registration_response(
            credential=_bounded(response),
            expected_challenge=challenge.random,
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except Exception:  # for rubbish it raises whatever its parsers do
        raise Problem(N_("This passkey could not be added. Try again.")) from None


def add(db: Database, user_id: int, name: str, made: "VerifiedRegistration", now: datetime) -> None:
    """Keeps a new passkey. Raises Problem when it is known already, or there are enough."""
    many = db.execute("SELECT count(*) FROM passkeys WHERE user_id = ?", [user_id]).fetchone()[0]
    if many >= MOST:
        raise Problem(N_("You have %(most)s passkeys. Remove one you no longer use first."), most=MOST)
    added = db.execute(
        "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (credential_id) DO NOTHING",
        [user_id, made.credential_id, made.credential_public_key, made.sign_count, name, iso(now)],
    ).rowcount
    if not added:
        raise Problem(N_("This passkey is known already."))


def shown(store: Store, site: Site, challenge: Challenge, response: str, verified: bool) -> Shown | None:
    """The passkey that signed the challenge; None when nothing fits, whatever the reason.

    verified: whether the device must have known its owner again, by finger, face or PIN.
    """
    row = _row(store, response)
    answer = row and _checked(site, challenge, response, row["public_key"], row["sign_count"], verified)
    return Shown(row["id"], row["user_id"], answer.new_sign_count) if row and answer else None


def use(db: Database, passkey: Shown, now: datetime) -> bool:
    """Notes that it was used; False when it is gone, or has counted on meanwhile, as a copy of it would."""
    return (
        db.execute(
            "UPDATE passkeys SET sign_count = :count, last_used_at = :now WHERE id = :id AND user_id = :user "
            "AND (sign_count < :count OR (sign_count = 0 AND :count = 0))",
            {"count": passkey.count, "now": iso(now), "id": passkey.id, "user": passkey.user_id},
        ).rowcount
        == 1
    )


def remove(db: Database, user_id: int, passkey_id: int) -> str | None:
    """The name of the passkey of this person that opens nothing any more; None when there is none."""
    row = db.execute(
        "DELETE FROM passkeys WHERE id = ? AND user_id = ? RETURNING name", [passkey_id, user_id]
    ).fetchone()
    return str(row[0]) if row else None


def _row(store: Store, response: str) -> dict[str, Any] | None:
    """The passkey that a response names; its owner has to be the one it says, if it says."""
    try:
        given = json.loads(_bounded(response))
        named, handle = given["id"], given["response"].get("userHandle")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    rows = store.read().query(
        "SELECT p.id, user_id, credential_id, public_key, sign_count FROM passkeys p JOIN users u ON u.id = user_id "
        "WHERE disabled_at IS NULL AND credential_id = ?",
        [_bytes(named)],
    )
    row: dict[str, Any] | None = next(rows, None)
    if row and handle and _bytes(handle) != _handle(store, row["user_id"]):
        return None
    return row


def _checked(
    site: Site, challenge: Challenge, response: str, public_key: bytes, count: int, verified: bool
) -> "VerifiedAuthentication | None":
    from webauthn import verify_authentication_response

    try:
        return verify_authentication_response(
            credential=response,
            expected_challenge=challenge.random,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=count,
            require_user_verification=verified,
        )
    except Exception:  # for rubbish it raises whatever its parsers do
        return None


def _descriptors(store: Store, user_id: int) -> list[dict[str, str]]:
    rows = store.read().execute("SELECT credential_id FROM passkeys WHERE user_id = ?", [user_id])
    return [{"type": "public-key", "id": _url64(row[0])} for row in rows]


def _handle(store: Store, user_id: int) -> bytes:
    """What devices know the person by: always the same, and nothing that says who they are."""
    # With the moment they came, so that the first person of another mailroom on the same host is somebody else.
    row = store.read().execute("SELECT created_at FROM users WHERE id = ?", [user_id]).fetchone()
    return hashlib.sha256(f"mailroom user {user_id} {row[0]}".encode()).digest()


def _bounded(response: str) -> str:
    if len(response) > LONGEST_RESPONSE:
        raise ValueError("longer than any passkey answers")
    return response


def _url64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: object) -> bytes:
    """The bytes of base64url without padding; none for what is not."""
    from base64 import urlsafe_b64decode

    try:
        return urlsafe_b64decode(f"{text}{'=' * (-len(str(text)) % 4)}")
    except ValueError:
        return b""
