"""Passwords: which ones are good enough, and how they are kept."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailroom.problems import Problem
from oca.words import N_

SHORTEST, LONGEST = 12, 200
# Words that stand in every list of common passwords, here and in Indonesia, and our own name; the longer ones first.
_WORDS = (
    "administrator", "bismillah", "indonesia", "superman", "mailroom", "password", "iloveyou", "princess", "football",
    "sayangku", "rahasia", "welcome", "letmein", "jakarta", "qwerty", "dragon", "monkey", "master", "sayang", "telkom",
    "sandi", "admin", "hello", "login", "cinta", "love", "pass", "oca",
)  # fmt: skip
# So many letters that are in none of them make a password of its own.
_OWN_LETTERS = 5
# Along the rows of a keyboard, down its columns, and from one to the other.
_ROWS = (
    "01234567890 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm qweasdzxc qazwsxedcrfvtgbyhnujmik "
    "1q2w3e4r5t6y7u8i9o0p q1w2e3r4t5y6u7i8o9p0 1qaz2wsx3edc4rfv5tgb 11223344556677889900 102030405060708090"
)

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
    if _repeats(password) or _well_known(_plain(password)):
        raise Problem(
            N_("Others would try this one early. Take a few words that have nothing to do with each other."),
            field="password",
        )
    if email and _plain(password) == _plain(email):
        raise Problem(
            N_("Your address is the first thing others would try. Take a few words."), field="password"
        )


def _repeats(password: str) -> bool:
    """Whether it is the same few letters again and again."""
    size = len(password)
    return any(password == (password[:n] * size)[:size] for n in range(1, size // 2 + 1))


def _well_known(plain: str) -> bool:
    """Whether it is what common passwords are made of: one of their words with digits, or a row of keys."""
    in_a_row = sum(a + b in _ROWS or b + a in _ROWS for a, b in pairwise(plain))
    if in_a_row * 4 >= (len(plain) - 1) * 3:
        return True
    rest = plain
    for word in _WORDS:
        rest = rest.replace(word, "")
    return rest != plain and sum(letter.isalpha() for letter in rest) < _OWN_LETTERS


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
