"""Whether an email address can be written to, in a sentence short enough for a table's cell."""

import re
from functools import lru_cache

from mailroom.problems import Sentence, say
from oca.words import N_

NO_ADDRESS = N_("No address")
NO_AT = N_("No @ in the address")
SEVERAL = N_("More than one address; one row is one mail")
SPACES = N_("An address has no spaces")
NOT_VALID = N_("Not a valid address")
DID_YOU_MEAN = N_("Did you mean %(address)s?")

# Where most people have their mail, by what stands before and behind the first dot.
_PROVIDERS = {
    "gmail": ("com",),
    "yahoo": ("com", "co.id"),
    "ymail": ("com",),
    "hotmail": ("com", "co.id"),
    "outlook": ("com", "co.id"),
    "icloud": ("com",),
    "rocketmail": ("com",),
}
# Endings nobody means behind one of those names. Others may be real: yahoo.co.in is, and yahoo.ca.
_ENDINGS = {
    **dict.fromkeys(
        ("con", "cpm", "comm", "cmo", "ocm", "vom", "xom", "om", "cm", "co", "c0m", "coom", "como"), "com"
    ),
    **dict.fromkeys(
        ("co.ud", "co.di", "co.i", "coid", "cp.id", "c.id", "co.idd", "com.id", "co.od"), "co.id"
    ),
}
# One letter away from a provider, and somebody's own.
_REAL = frozenset({"gail.com", "yahoos.com", "gmails.com", "hotmails.com", "outlooks.com", "iclouds.com"})

# Addresses so plain that only their domain is left to be looked at. A test holds that email-validator agrees.
_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)", re.ASCII)
_MOST_LOCAL, _MOST_PLAIN = 64, 200


def read_address(text: str) -> tuple[str, Sentence | None]:
    """The address as it is written to, and what is wrong with it, or None.

    text: what stands in the cell. The network is not asked.
    """
    text = text.strip()
    if not text:
        return "", say(NO_ADDRESS)
    found = _PLAIN.fullmatch(text)
    if found and len(found[1]) <= _MOST_LOCAL and len(text) <= _MOST_PLAIN:
        local, domain = found[1], _domain(found[2])
        address = f"{local}@{domain}" if domain else None
    else:
        address = _validated(text)
    if address is None:
        return text, _why(text)
    local, _, domain = address.rpartition("@")
    meant = likely_domain(domain)
    return address, say(DID_YOU_MEAN, address=f"{local}@{meant}") if meant else None


def masked(email: str) -> str:
    """The address as its owner recognizes it and nobody else: s•••@contoh.id."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


@lru_cache(8192)
def likely_domain(domain: str) -> str | None:
    """The usual domain that a mistyped one was meant to be, or None when it may well be as it is.

    domain: in lower case. A mail to a mistyped domain is lost without a word, or read by a stranger.
    """
    if domain in _REAL:
        return None
    name, _, ending = domain.partition(".")
    for provider, endings in _PROVIDERS.items():
        # People rarely mistype the first letter; with it, mail.com, email.com and zmail.com are left alone.
        if name == provider or (name[:1] == provider[:1] and _one_slip(name, provider)):
            meant = ending if ending in endings else _ENDINGS.get(ending)
            if meant is None or (name == provider and meant == ending):
                return None
            return f"{provider}.{meant if meant in endings else endings[0]}"
    return None


def _one_slip(name: str, word: str) -> bool:
    """Whether one letter was added, left out or taken for another, or two neighbours changed places."""
    if abs(len(name) - len(word)) > 1 or name == word:
        return False
    start = next(
        (at for at, (a, b) in enumerate(zip(name, word, strict=False)) if a != b), min(len(name), len(word))
    )
    ours, theirs = name[start:], word[start:]
    return (
        ours[1:] == theirs[1:]
        or ours[1:] == theirs
        or ours == theirs[1:]
        or (ours[:2] == theirs[:2][::-1] and ours[2:] == theirs[2:])
    )


@lru_cache(8192)
def _domain(text: str) -> str | None:
    address = _validated("a@" + text)
    return address.removeprefix("a@") if address else None


def _validated(text: str) -> str | None:
    # Here, for its patterns take the start 30 ms, and it is rarely asked.
    from email_validator import EmailNotValidError, validate_email

    try:
        # test_environment lets the reserved domain .test through, where the sandbox has its addresses.
        found = validate_email(
            text, allow_smtputf8=False, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError:
        return None
    return found.ascii_email or found.normalized


def _why(text: str) -> Sentence:
    if "@" not in text:
        return say(NO_AT)
    if text.count("@") > 1:
        return say(SEVERAL)
    if any(character.isspace() for character in text):
        return say(SPACES)
    return say(NOT_VALID)
