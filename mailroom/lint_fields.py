"""What looks like a field and is none, and fields that look like another: each with the place where it stands."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Literal

from mailroom.compiling import contexts
from mailroom.markup import Part, Stretch
from mailroom.nodes import Parsed, shortened
from mailroom.problems import Sentence, say
from oca.words import N_

Level = Literal["error", "warn"]
Finding = tuple[Level, int, Sentence]

_ROUGHLY_A_MARK = re.compile(r"\{\{[^{}]{0,400}\}\}|\{%[^{}%]{0,400}%\}")
_WORD = re.compile(r"[^\W\d]\w*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ALMOST = re.compile(
    r"(?<![{\w])\$?\{\s?(?P<curly>[^\W\d]\w{1,40})\s?\}(?!\})|\[(?P<square>[^\W\d]\w{1,40})\]"
    r"|%(?P<percent>[^\W\d]\w{1,40})%|[«‹](?P<guillemet>[^\W\d]\w{1,40})[»›]"
)
# [PENTING] is a way of writing; these are what people mean to be filled.
_USUAL = frozenset(
    (
        "nama",
        "name",
        "email",
        "total",
        "nama_depan",
        "nama_lengkap",
        "first_name",
        "jumlah",
        "alamat",
        "tanggal",
    )
)
_OF_CONDITIONS = frozenset(
    (
        "if",
        "elif",
        "else",
        "endif",
        "and",
        "or",
        "not",
        "default",
        "upper",
        "title",
        "number",
        "rupiah",
        "tanggal",
    )
)

_NO_FIELD = N_("“%(found)s” looks like a field and would be sent as it is. Write %(instead)s.")
_ALIKE = N_(
    "“%(name)s” differs from the field “%(other)s” by one letter. If they are the same, write one name."
)
_CASE = N_(
    "“%(name)s” differs from the field “%(other)s” only in small and capital letters. If they are the same, "
    "write one name."
)
_NO_QUOTES = N_(
    "“%(found)s” stands in a tag without quotes around it, so a value with a space in it would break the tag. "
    'Write it like href="{{ tautan }}".'
)


def flat(text: str) -> str:
    """The text with all that is roughly a field or a condition replaced by as many letters, for texts with faults."""
    return _ROUGHLY_A_MARK.sub(lambda mark: "x" * len(mark.group()), text)


def without_raw(flat: str, parts: Iterable[Part]) -> str:
    """The text with as many spaces in place of comments, styles and scripts, where { and [ mean something else."""
    pieces, at = [], 0
    for part in parts:
        if isinstance(part, Stretch) and part.name not in ("title", "mj-title", "mj-preview", "textarea"):
            pieces += [flat[at : part.start], " " * (part.end - part.start)]
            at = part.end
    return "".join([*pieces, flat[at:]])


def almost(flat: str, known: tuple[str, ...]) -> Iterator[Finding]:
    """Names in brackets of the wrong kind: {nama}, [nama], %nama%, «nama». known: the fields of the template."""
    names = {name.lower() for name in known} | _USUAL
    for found in _ALMOST.finditer(flat):
        name = found[found.lastgroup or 0]
        if found.lastgroup in ("curly", "guillemet") or name.lower() in names:
            sentence = say(_NO_FIELD, found=found.group(), instead="{{ " + name + " }}")
            yield "warn", found.start(), sentence


def alike(html: str, parsed: Parsed) -> Iterator[Finding]:
    """Fields whose names are nearly those of others: the one that stands in fewer places, or later, is pointed out."""
    count, first = _uses(html, parsed)
    for one, other in combinations(first, 2):
        if not _nearly(one, other):
            continue
        suspect, right = (one, other) if count[one] < count[other] else (other, one)
        text = _CASE if one.lower() == other.lower() else _ALIKE
        yield "warn", first[suspect], say(text, name=suspect, other=right)


def in_tags(html: str, parts: Iterable[Part], parsed: Parsed) -> Iterator[Finding]:
    """Fields that stand in a tag and not between the quotes of an attribute."""
    for mark, where in zip(parsed.marks, contexts(parts, parsed.marks), strict=True):
        if where == "tag" and mark.kind == "field":
            yield "error", mark.start, say(_NO_QUOTES, found=shortened(html[mark.start : mark.end]))


def _uses(html: str, parsed: Parsed) -> tuple[Counter[str], dict[str, int]]:
    """How often each field stands in the text, and where first."""
    count: Counter[str] = Counter()
    first: dict[str, int] = {}
    fields = set(parsed.fields)
    for mark in parsed.marks:
        written = _QUOTED.sub("", html[mark.start : mark.end])
        for word in _WORD.findall(written):
            if word in fields and (word not in _OF_CONDITIONS or mark.kind == "field"):
                count[word] += 1
                first.setdefault(word, mark.start)
    return count, first


def _nearly(one: str, other: str) -> bool:
    """Whether two names differ in case only, or by one letter more, one less or one other; numbers at their ends do."""
    small, large = sorted((one.lower(), other.lower()), key=len)
    if small == large:
        return True
    if (
        len(small) < 3
        or len(large) - len(small) > 1
        or small.rstrip("0123456789") == large.rstrip("0123456789")
    ):
        return False
    at = next((n for n, (a, b) in enumerate(zip(small, large, strict=False)) if a != b), len(small))
    if len(small) == len(large):
        # Short words of one letter's difference are mostly two words, such as kota and nota.
        return len(small) > 4 and small[at + 1 :] == large[at + 1 :]
    return small[at:] == large[at + 1 :]
