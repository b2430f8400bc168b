"""The words of a search as they are typed: taken apart, put together, one added, one taken away."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailroom.states import Delivery, State

# More than that nobody types; it also bounds the work that a search can ask for.
LONGEST = 500
MOST_WORDS = 20

# What a word may be called, and what it is called here.
KEYS: Mapping[str, str] = {
    "status": "status",
    "state": "status",
    "template": "template",
    "sender": "sender",
    "from": "sender",
    "batch": "batch",
    "by": "by",
    "to": "to",
    "address": "to",
    "domain": "domain",
    "subject": "subject",
    "before": "before",
    "after": "after",
}

# What people call a state, first the word on its pill, and in Indonesian: the one table of it for searching.
STATES: Mapping[State | Delivery, tuple[str, ...]] = {
    "queued": ("waiting", "queued", "menunggu"),
    "sending": ("sending", "mengirim"),
    "accepted": ("handed over", "accepted", "diserahkan"),
    "delivered": ("delivered", "sampai"),
    "opened": ("opened", "dibuka"),
    "failed": ("not delivered", "failed", "bounced", "tidak sampai", "gagal"),
    "rejected": ("refused", "rejected", "ditolak"),
    "unknown": ("checking", "unknown", "diperiksa"),
    "undecided": ("needs a decision", "undecided", "perlu keputusan", "belum diputuskan"),
    "cancelled": ("cancelled", "canceled", "dibatalkan"),
    "gave_up": ("gave up", "gagal dikirim"),
    "lost": ("lost by the gateway", "hilang di gateway"),
    "skipped": ("skipped", "dilewati"),
}

# Quotes as keyboards make them, and as phones make them; two of the former inside stand for one.
_WORD = re.compile(
    r"(?:(?P<key>[^\W\d_]{1,20}):)?"
    r'(?:"(?P<inside>(?:[^"]|"")*)(?P<end>"?)|[“„](?P<curly>[^“”]*)(?P<curly_end>[“”]?)|(?P<plain>\S*))'
)


@dataclass(frozen=True)
class Word:
    """One word of a search.

    key: one of the values of `KEYS`, "" for a bare word, or something else that was typed before a colon.
    value: what stands behind it, without quotes. quoted: whether it stood in quotes. typed: all of it, as typed.
    """

    key: str
    value: str
    quoted: bool
    typed: str


def parse(text: str) -> tuple[Word, ...]:
    """The words of a search, in their order; anything can be typed, and what is too long is cut off."""
    return _words(text)[:MOST_WORDS]


def is_cut(text: str) -> bool:
    """Whether a search has more than is looked for."""
    return len(text) > LONGEST or len(_words(text)) > MOST_WORDS


def word(key: str, value: object) -> str:
    """A word as one types it, in quotes when it needs them: `template:"Tagihan bulanan"`."""
    text = str(value)
    plain = text and not re.search(r'[\s":“”„]', text)
    quoted = text if plain else '"' + text.replace('"', '""') + '"'
    return f"{key}:{quoted}" if key else quoted


def join(words: Iterable[Word]) -> str:
    """The words as one search."""
    return " ".join(each.typed for each in words)


def without(text: str, position: int) -> str:
    """The search without the word at `position`."""
    words = parse(text)
    return join(words[:position] + words[position + 1 :])


def with_only(text: str, key: str, value: str) -> str:
    """The search with this word in place of all others of its key; without any of them when `value` is ""."""
    words = [each.typed for each in parse(text) if each.key != key]
    return " ".join([*words, word(key, value)] if value else words)


def states_called(value: str) -> tuple[str, ...]:
    """The states that the word means: called exactly so, or else so at their beginning."""
    name = " ".join(value.casefold().replace("_", " ").replace("-", " ").split())
    exact = [state for state, names in STATES.items() if name in names]
    if exact or not name:
        return tuple(exact)
    return tuple(state for state, names in STATES.items() if any(each.startswith(name) for each in names))


def _words(text: str) -> tuple[Word, ...]:
    text = "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST])
    return tuple(_word(found) for found in _WORD.finditer(text) if found.group())


def _word(found: re.Match[str]) -> Word:
    key, typed = found["key"] or "", found.group()
    if found["plain"] is not None:
        return Word(KEYS.get(key.casefold(), key.casefold()), found["plain"], False, typed)
    if found["curly"] is not None:
        value, typed = found["curly"], typed if found["curly_end"] else typed + "”"
    else:
        value, typed = found["inside"].replace('""', '"'), typed if found["end"] else typed + '"'
    return Word(KEYS.get(key.casefold(), key.casefold()), value, True, typed)
