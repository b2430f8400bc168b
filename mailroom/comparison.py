"""What differs between two versions of a template."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from mailroom.email_templates import Version


@dataclass(frozen=True)
class Change:
    """One line of a comparison.

    sign: "-" for a line that is gone, "+" for one that is new, " " for one that stayed, "…" for a gap of such. part:
    "kind", "subject" or "html". old, new: its line numbers in the two bodies, None where it does not stand.
    """

    sign: Literal["-", "+", " ", "…"]
    text: str
    part: str = "html"
    old: int | None = None
    new: int | None = None


def changes(old: Version, new: Version) -> list[Change]:
    """What differs between two versions, line by line, with three lines around each change.

    The subject and the kind come first, each as one line. Empty when nothing differs.
    """
    lines: list[Change] = []
    for part, before, after in (("kind", old.kind, new.kind), ("subject", old.subject, new.subject)):
        if before != after:
            lines += [Change("-", before, part=part), Change("+", after, part=part)]
    return lines + list(_body_changes(old.html.split("\n"), new.html.split("\n")))


def _body_changes(before: list[str], after: list[str]) -> Iterator[Change]:
    for number, group in enumerate(
        SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(3)
    ):
        if number:
            yield Change("…", "")
        for tag, start, end, start_after, end_after in group:
            if tag == "equal":
                for at in range(start, end):
                    yield Change(" ", before[at], old=at + 1, new=at + start_after - start + 1)
                continue
            for at in range(start, end):
                yield Change("-", before[at], old=at + 1)
            for at in range(start_after, end_after):
                yield Change("+", after[at], new=at + 1)
