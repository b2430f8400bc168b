"""Access tokens like the vendor's: RS256, `sub`, `application` and `iat`, seldom an `exp`."""

import hashlib
import secrets
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.ledger import Ledger


class Tokens:
    """Issues, checks and revokes tokens; the ledger's file remembers them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        pem = ledger.setting("signing_key", new_key)
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - we wrote it ourselves
        self._key = key
        self._public = key.public_key()
        self.application = ledger.setting("application", lambda: secrets.token_hex(12))

    def issue(self, expires_in: int | None = None) -> str:
        """A new token; `expires_in` seconds adds `exp`, and a negative one has expired already."""
        now = int(time.time())
        # A `sub` of its own, or two tokens of the same second would be one token.
        claims = {"sub": secrets.token_hex(12), "application": self.application, "iat": now}
        if expires_in is not None:
            claims["exp"] = now + expires_in
        token = jwt.encode(claims, self._key, algorithm="RS256")
        self._ledger.remember_token(fingerprint(token))
        return token

    def application_of(self, token: str) -> str | None:
        """The application a good token speaks for; None for a bad, expired, unknown or revoked one."""
        try:
            claims = jwt.decode(token, self._public, algorithms=["RS256"])
        except jwt.InvalidTokenError:
            return None
        known = self._ledger.token_is_good(fingerprint(token))
        return str(claims.get("application")) if known else None

    def revoke(self, token_fingerprint: str | None = None) -> int:
        """Revokes the token with this fingerprint, or all of them; says how many were good until now."""
        return self._ledger.revoke_tokens(token_fingerprint)


def fingerprint(token: str) -> str:
    """The first 16 hex digits of the token's SHA-256: tells tokens apart, opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def new_key() -> str:
    """A fresh 2048-bit RSA key as PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
