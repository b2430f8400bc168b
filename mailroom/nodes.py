"""What a template is made of once it was read: texts, places for values, and choices between them."""

from dataclasses import dataclass
from typing import Literal

from mailroom.filters import FILTERS
from mailroom.problems import Problem


class TemplateProblem(Problem):
    """A template that cannot be kept or used. line: the line of the body it is about, from 1, or None."""

    def __init__(self, text: str, field: str, line: int | None = None, **values: object) -> None:
        super().__init__(text, field, **values)
        self.line = line


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to a value: a filter, or with `default` what to fall back on when there is none."""

    filter: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value of a field stands, and what is done to it first."""

    name: str
    steps: tuple[Step, ...] = ()

    @property
    def has_default(self) -> bool:
        """Whether the place is filled without a value too."""
        return any(step.filter == "default" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Term:
    """One question about a field: has it a value? Or with a text: is it (or with `no`, is it not) this one?"""

    name: str
    no: bool
    text: str | None = None


# True when all terms of one of the groups hold.
Test = tuple[tuple[Term, ...], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The body of the first arm whose test holds; a test of None always does."""

    arms: tuple[tuple[Test | None, "Body"], ...]


Body = tuple[str | Place | Choice, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place or a part of a condition as it was written, from character `start` up to `end`."""

    start: int
    end: int
    kind: Literal["field", "condition"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A subject or a body that was understood.

    fields: all names, in order of appearance, once each. certain: those without which it can never be filled.
    marks: everything in it that is not plain text, in order.
    """

    body: Body
    fields: tuple[str, ...]
    certain: frozenset[str]
    marks: tuple[Mark, ...]


def apply(value: str | None, steps: tuple[Step, ...]) -> str | None:
    """The value after every step; None stays None until a default. Raises Unreadable for what a filter cannot read."""
    for step in steps:
        if step.filter == "default":
            value = step.text if value is None else value
        elif value:
            value = FILTERS[step.filter](value)
    return value


def certain(body: Body) -> frozenset[str]:
    """The fields without which it can never be filled."""
    names: set[str] = set()
    for piece in body:
        if isinstance(piece, Place) and not piece.has_default:
            names.add(piece.name)
        elif isinstance(piece, Choice) and piece.arms[-1][0] is None:
            # One of the arms is always taken, so what all of them need is needed.
            names.update(frozenset.intersection(*(certain(arm) for _test, arm in piece.arms)))
    return frozenset(names)


def line_of(source: str, at: int) -> int:
    """The line of the character at that position, from 1."""
    return source.count("\n", 0, at) + 1


def shortened(text: str) -> str:
    """A piece of a template on one short line, to be quoted in a sentence."""
    flat = " ".join(text[:400].split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
