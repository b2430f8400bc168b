"""Passwords: which ones are good enough, and how they are kept."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailroom.problems import Problem
from oca.words import N_

SHORTEST, LONGEST = 12, 200

# OWASP's figures for argon2id at 19 MiB; the library's own profiles take 64 MiB, too much for a small VM.
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# One hash at a time, so that a storm of sign-ins waits instead of taking the memory of all of them. A thread of
# its own instead of a lock: the C library keeps the 19 MiB for each thread that ever hashed.
_one_at_a_time = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")


def check(password: str, email: str) -> None:
    """Nothing, when the password may be used. Raises Problem for one that is too easy to guess.

    Length instead of rules about kinds of characters: NIST SP 800-63B, section 3.1.1.2.
    """
    if len(password) < SHORTEST:
        raise Problem(
            N_("Take at least %(shortest)s characters; a few words in a row are easy to remember."),
            field="password",
            shortest=SHORTEST,
        )
    if len(password) > LONGEST:
        raise Problem(N_("Take at most %(longest)s characters."), field="password", longest=LONGEST)
    if len(set(password)) == 1:
        raise Problem(
            N_("One character again and again is easy to guess. Take a few words."), field="password"
        )
    if email and _plain(password) == _plain(email):
        raise Problem(
            N_("Your address is the first thing others would try. Take a few words."), field="password"
        )


def hashed(password: str) -> str:
    """What is kept of a password: an argon2id hash with its own salt."""
    return _one_at_a_time.submit(_hasher.hash, _composed(password)).result()


def fits(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; None takes as long and never fits."""
    known = password_hash or _nobodys()
    try:
        same = _one_at_a_time.submit(_hasher.verify, known, _composed(password)).result()
    except (VerificationError, InvalidHashError):
        return False
    return same and password_hash is not None


@cache
def _nobodys() -> str:
    return hashed("the password of nobody")


def _composed(password: str) -> str:
    # A phone and a desk can write the same letter in two ways; NIST asks for one of the two.
    return unicodedata.normalize("NFKC", password)


def _plain(text: str) -> str:
    return text.strip().casefold()
