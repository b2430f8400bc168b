"""Codes on paper, for whoever has lost the phone: each lets its owner in once, in place of a second factor."""

import hashlib
import secrets

from sqlite_utils import Database

HOW_MANY = 10
# Letters and digits that nobody mistakes for one another when copying them by hand.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH, _GROUP = 16, 4


def make(db: Database, user_id: int) -> list[str]:
    """Ten new codes, the only time they can be shown; those before are worth nothing from now on."""
    plain = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(HOW_MANY)]
    remove(db, user_id)
    db.conn.executemany(
        "INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)",
        [(user_id, _hash(code)) for code in plain],
    )
    return ["-".join(code[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP)) for code in plain]


def use(db: Database, user_id: int, code: str) -> bool:
    """Whether it is a code of this person that was not used before; it is gone with this."""
    # Found and used up in one statement: of two who give the same code at once, one gets no row.
    return (
        db.execute(
            "DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?", [user_id, _hash(code)]
        ).rowcount
        == 1
    )


def left(db: Database, user_id: int) -> int:
    """How many codes are still good."""
    return int(db.execute("SELECT count(*) FROM recovery_codes WHERE user_id = ?", [user_id]).fetchone()[0])


def remove(db: Database, user_id: int) -> None:
    """Makes all of them worth nothing."""
    db.execute("DELETE FROM recovery_codes WHERE user_id = ?", [user_id])


def _hash(code: str) -> str:
    # A fast hash is enough: 16 of 31 letters at random are 79 bits, which nobody tries through, as they would
    # the passwords that people think up.
    letters = "".join(letter for letter in code.lower() if letter in _LETTERS)
    return hashlib.sha256(letters.encode()).hexdigest()
