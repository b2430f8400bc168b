"""The unsubscribe link: each recipient's own, signed by this mailroom, and what it does to the do-not-mail list.

Whoever holds the link may stop mail to the one address in it, and nothing else; so it needs no sign-in.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from mailroom import activity, copies, deeds
from mailroom.keys import Keys
from mailroom.store import Store
from mailroom.suppressions import Suppression
from mailroom.times import iso

# The field of a template that we fill and no list does.
FIELD = "unsubscribe_url"
# What stands there in previews; the name is reserved for examples (https://www.rfc-editor.org/rfc/rfc2606#section-3).
EXAMPLE = "https://example.com/unsubscribe-link-of-the-recipient"
PATH = "/u/"

# Bytes: nobody guesses one of 2^128.
_SIGNATURE = 16
# An address has at most 254 letters (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1), so a link has fewer.
_LONGEST = 400
# How long whoever pressed the button may take it back.
UNDO = timedelta(hours=1)


class Links:
    """Makes the links of one mailroom and reads them again.

    base_url: where recipients' browsers reach it, without a slash at its end. A link made with any key of the key
    file is good as long as that key is in the file.
    """

    def __init__(self, keys: Keys, base_url: str) -> None:
        self._keys = keys.link_keys
        self.base_url = base_url

    def url(self, email: str) -> str:
        """The link for a recipient, about 80 letters, every one of them safe in an address of the web."""
        name = email.encode()
        return self.base_url + PATH + _text(_sign(self._keys[0], name) + name)

    def email(self, text: str) -> str | None:
        """The address in what stands behind `PATH`; None when it was not made here or was changed since."""
        data = _bytes(text)
        signature, name = data[:_SIGNATURE], data[_SIGNATURE:]
        # Every key is tried, so that the time it takes tells nothing.
        good = [hmac.compare_digest(_sign(key, name), signature) for key in self._keys]
        return name.decode() if any(good) else None


def stop(store: Store, email: str, now: datetime) -> None:
    """Puts the address on the do-not-mail list as one whose owner asked for it; twice is the same as once."""
    with store.write() as db:
        db.execute(_STOP, [email, iso(now)])


_STOP = (
    "INSERT INTO suppressions (email, reason, added_at) VALUES (?, 'unsubscribed', ?) "
    # Who was on it for another reason has now asked too; the note keeps both, and undo leaves it alone.
    "ON CONFLICT DO UPDATE SET note = trim('before: ' || reason || ' ' || note), reason = 'unsubscribed', "
    "added_at = excluded.added_at, added_by = NULL WHERE reason <> 'unsubscribed'"
)


def carry_over(db: Database, other: Path) -> int:
    """How many addresses asked for no more mail in another database of this mailroom and are on the list only now.

    Raises sqlite3.Error when that one cannot be read; then none is.
    """
    with closing(copies.reading(other)) as theirs:
        asked = theirs.execute(
            "SELECT email, added_at FROM suppressions WHERE reason = 'unsubscribed'"
        ).fetchall()
    return max(db.conn.executemany(_STOP, asked).rowcount, 0)


def undo(store: Store, email: str, now: datetime) -> bool:
    """Whether the address came off the list again: only what `stop()` alone put there, and not long ago."""
    with store.write() as db:
        removed = db.execute(
            "DELETE FROM suppressions WHERE email = ? AND reason = 'unsubscribed' AND added_by IS NULL "
            "AND note = '' AND added_at > ?",
            [email, iso(now - UNDO)],
        )
        if removed.rowcount:
            activity.note(db, deeds.SuppressionRemoved(**deeds.person(email), reason="unsubscribed"), now)
        return removed.rowcount == 1


def may_undo(line: Suppression, now: datetime) -> bool:
    """Whether `undo()` would take the address off the list."""
    return (
        line.reason == "unsubscribed"
        and not line.added_by
        and not line.note
        and line.added_at > iso(now - UNDO)
    )


def _sign(key: bytes, name: bytes) -> bytes:
    return hmac.digest(key, name, hashlib.sha256)[:_SIGNATURE]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """What `_text()` was made of; nothing for anything it would not have made."""
    if len(text) > _LONGEST or not text.isascii():
        return b""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return data if _text(data) == text else b""
