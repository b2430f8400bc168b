"""A new key in place of the one that encrypts, while the program is stopped; a stop at any moment loses nothing.

First the new key is put in front of the old ones, which still open everything; then everything is encrypted anew in
one transaction; then the old ones go. Whichever step was the last, the key file opens the database, and beginning
again finishes it.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from mailroom import activity, deeds, keys
from mailroom.keys import Keys
from mailroom.store import Store

# Every column that holds what was encrypted with the key file, with the column that tells its rows apart.
ENCRYPTED = (("tokens", "secret", "id"), ("totp_secrets", "secret", "id"))


def rotate(store: Store, key_file: Path, now: datetime) -> int:
    """How many secrets are encrypted with a new key, which alone opens them from now on; noted in the trail.

    The caller owns the database, so that nobody encrypts with an old key meanwhile. Raises KeyFileError, before
    anything is changed, when the file does not open all of them; FileNotFoundError when there is none.
    """
    old = Keys.load(key_file)
    for *_, secret in _secrets(store.read()):
        old.decrypt(secret)
    keys.put_in_front(key_file)
    new = Keys.load(key_file)
    with store.write() as db:
        found = list(_secrets(db))
        for table, column, id_column, row, secret in found:
            db.execute(
                f"UPDATE {table} SET {column} = ? WHERE {id_column} = ?",  # noqa: S608 – our own names
                [new.encrypt(new.decrypt(secret)), row],
            )
        activity.note(db, deeds.KeyRotated(len(found)), now)
    keys.retire_others(key_file)
    return len(found)


def _secrets(db: Database) -> Iterator[tuple[str, str, str, object, bytes]]:
    for table, column, id_column in ENCRYPTED:
        query = f"SELECT {id_column} AS row, {column} AS secret FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
        for found in db.execute(query).fetchall():
            yield table, column, id_column, found["row"], found["secret"]
