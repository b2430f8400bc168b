"""A passkey without a browser: makes a key and signs challenges as WebAuthn says, for tests of the other side.

https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, NEW_KEY = 0x01, 0x04, 0x40


def url64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One passkey. count: of its uses, or 0 when it does not count. verifies: whether it asks for finger or PIN."""

    origin: str = "http://localhost"
    name: bytes = b"kunci-sari"
    count: int = 0
    counts: bool = False
    verifies: bool = True
    handle: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> str:
        """What a browser brings back for a new passkey, as JSON."""
        self.handle = options["user"]["id"]
        public = self.key.public_key().public_numbers()
        numbers = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)}
        key = bytes(16) + len(self.name).to_bytes(2) + self.name + cbor2.dumps(numbers)
        data = self._data(options["rp"]["id"], NEW_KEY) + key
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        given = {
            "clientDataJSON": self._client("webauthn.create", options),
            "attestationObject": url64(attested),
            "transports": ["internal"],
        }
        return self._answer(given)

    def sign(self, options: dict[str, Any]) -> str:
        """What a browser brings back for a challenge, as JSON."""
        self.count += self.counts
        client, data = self._client("webauthn.get", options), self._data(options["rpId"], 0)
        signature = self.key.sign(data + hashlib.sha256(bytes_of(client)).digest(), ec.ECDSA(SHA256()))
        given = {
            "clientDataJSON": client,
            "authenticatorData": url64(data),
            "signature": url64(signature),
            "userHandle": self.handle,
        }
        return self._answer(given)

    def _client(self, kind: str, options: dict[str, Any]) -> str:
        given = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return url64(json.dumps(given).encode())

    def _data(self, host: str, flags: int) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, response: dict[str, Any]) -> str:
        return json.dumps(
            {
                "id": url64(self.name),
                "rawId": url64(self.name),
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
                "authenticatorAttachment": "platform",
            }
        )
