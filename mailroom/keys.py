"""The key file: what encrypts the gateway's tokens and signs the forms' cookie and the unsubscribe links.

Each line is a key, the newest first. One that `rotation` has retired leaves a line that begins with `link:`, which
opens nothing and is good for unsubscribe links that were signed with it and are in people's mailboxes.
"""

import hashlib
import hmac
import os
import stat
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from oca.words import N_

# Far above any number of keys a person would keep; a file of another kind is not read whole.
MAX_FILE_BYTES = 100_000
_LINK = b"link:"
_LINK_KEY_BYTES = 32


class KeyFileError(RuntimeError):
    """The key file cannot be used; the text says why and what to do, and never holds a key."""


class Keys:
    """The keys of one mailroom, the newest first.

    lines: of the key file: 32 bytes each, url-safe base64, as `Fernet.generate_key()` makes them, and lines of keys
    that were retired. `cookie_key` is 32 bytes made of the newest key; `link_keys` are one of each key, retired ones
    included, for links that were signed before a new key came still have to work. Raises ValueError when a key is
    damaged or there is none.
    """

    def __init__(self, lines: list[bytes]) -> None:
        keys = [line for line in lines if not line.startswith(_LINK)]
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.cookie_key = hmac.digest(keys[0], b"mailroom cookie", hashlib.sha256)
        self.link_keys = tuple(_link_key(line) for line in lines)
        # How many keys open what was encrypted; more than one while a rotation was not finished.
        self.opening = len(keys)

    def __repr__(self) -> str:
        return "Keys()"

    @classmethod
    def load_or_create(cls, path: Path) -> "Keys":
        """The keys in the file at `path`; a file with one new key is made where there is none.

        Raises KeyFileError when others than the file's owner can read it, or when it is damaged.
        """
        if not path.exists():
            with suppress(FileExistsError):
                _create(path)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """The keys in the file at `path`. Raises KeyFileError as above, FileNotFoundError when there is none."""
        try:
            return cls(_read(path))
        except ValueError:
            sentence = N_(
                "The key file %(path)s is damaged. Put back the copy from your backup; "
                "without it the gateway's tokens cannot be read and have to be uploaded again."
            )
            raise KeyFileError(sentence % {"path": path}) from None

    def encrypt(self, text: str) -> bytes:
        """`text`, readable again only with the newest key of this file."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, data: bytes) -> str:
        """The text given to `encrypt()`. Raises KeyFileError when no key of the file fits."""
        try:
            return self._fernet.decrypt(data).decode()
        except InvalidToken:
            sentence = N_(
                "This was encrypted with a key that is not in the key file. "
                "Put back the key file that belongs to this database."
            )
            raise KeyFileError(sentence) from None


def put_in_front(path: Path) -> None:
    """A new key that from now on encrypts and signs; those before it still open and verify."""
    _write(path, [Fernet.generate_key(), *_read(path)])


def retire_others(path: Path) -> None:
    """Takes every key but the newest out of the file; what is left of the others is good for their links alone."""
    newest, *others = _read(path)
    _write(path, [newest, *(_LINK + urlsafe_b64encode(_link_key(line)) for line in others)])


def _link_key(line: bytes) -> bytes:
    if not line.startswith(_LINK):
        return hmac.digest(line, b"mailroom unsubscribe link", hashlib.sha256)
    key = urlsafe_b64decode(line.removeprefix(_LINK))
    if len(key) != _LINK_KEY_BYTES:
        raise ValueError("a damaged line")
    return key


def _write(path: Path, lines: list[bytes]) -> None:
    # The new file is whole on the disk before it takes the old one's place. What a stop half-way leaves behind is
    # readable by its owner alone, and written over the next time.
    fresh = path.with_name(path.name + ".new")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(b"".join(line + b"\n" for line in lines))
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    _keep_name(path.parent)


def _create(path: Path) -> None:
    # A link to a finished file: a stop half-way leaves no half key, of two programs starting at once one makes
    # the key, and none writes over a key in use.
    file, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(Fernet.generate_key() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink()
    _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    # A file lost in a power cut would make every token in the database unreadable.
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _read(path: Path) -> list[bytes]:
    with path.open("rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            sentence = N_(
                "The key file %(path)s can be read by others than its owner. "
                "Close it with: chmod 600 %(path)s"
            )
            raise KeyFileError(sentence % {"path": path})
        return stream.read(MAX_FILE_BYTES).split()
