"""The HTML that is filled, made of what an author wrote: MJML becomes HTML, and styles move into the tags.

The compilers (https://github.com/jdrouet/mrml, https://github.com/Stranger6667/css-inline) know no fields. So every
field and condition is replaced by a word that means nothing to them, and is put back where the word came out.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mailroom import limited
from mailroom.markup import Attribute, Part, Tag, scan
from mailroom.mjml_check import check
from mailroom.nodes import Mark, TemplateProblem, line_of, shortened
from mailroom.rendering import Renderer
from mailroom.syntax import parse
from oca.words import N_

Kind = Literal["html", "mjml"]

KEPT = 8  # results that are remembered: whoever types in the subject compiles the same body again and again
# An ordinary mail takes a twentieth of a second.
LIMITS = limited.Limits(memory=300_000_000, cpu=2, wall=10.0)

_STYLED = re.compile(r"<style\b", re.IGNORECASE)

_IN_A_TAG = N_(
    "“%(found)s” stands in the middle of a tag. Put it between the quotes of an attribute, as in "
    'href="{{ tautan }}", or outside of the tag.'
)
_IN_STYLES = N_(
    "“%(found)s” stands within <style>, where conditions cannot be kept. "
    "Put the condition into the mail's text and give each case its own class."
)
_LOST = N_(
    "“%(found)s” has no effect where it stands, and would be lost. Take it out, or put it into the mail's text."
)
_MOVED = N_(
    "The condition “%(found)s” cannot stand here. Put it around whole parts of the mail: all of a section, a column "
    "or a text."
)
_TOO_MUCH = N_(
    "This mail takes too much to be made into HTML: it is too large, or its parts are nested too deeply. "
    "Make it simpler."
)
_NOT_MJML = N_("The MJML cannot be read here: %(why)s. Compare this part with the documentation of MJML.")


def compiled(kind: Kind, html: str) -> str | None:
    """The HTML made of an author's text, or None where the text is filled as it was written.

    It has exactly the fields and conditions of the text. HTML without <style> is never touched. Raises
    TemplateProblem with the line of what cannot be understood or compiled.
    """
    if kind == "html" and not _STYLED.search(html):
        return None
    made = _made(kind, html)
    if isinstance(made, TemplateProblem):
        # A new one each time: an exception that is raised again would grow with every raise.
        raise TemplateProblem(made.sentence.text, made.field, made.line, **dict(made.sentence.values))
    return made


@lru_cache(maxsize=KEPT)
def _made(kind: Kind, html: str) -> str | TemplateProblem:
    try:
        # Its size and limits first: everything behind relies on them.
        fields = set(Renderer("-", html).fields)
        covered = _Covered(kind, html)
        made = covered.uncovered(_compile(kind, covered))
        if set(Renderer("-", made).fields) != fields:
            raise TemplateProblem(_TOO_MUCH, "html")
    except TemplateProblem as problem:
        return problem
    return made


def _compile(kind: Kind, covered: "_Covered") -> str:
    order = json.dumps({"kind": kind, "text": covered.text}).encode()
    try:
        answer = json.loads(limited.answer("mailroom.compiling_child", order, LIMITS))
    except (limited.ChildFailed, ValueError):
        raise TemplateProblem(_TOO_MUCH, "html") from None
    if "html" not in answer:
        place = re.search(r" at position (\d+):\d+", answer["error"])
        line = covered.line(int(place[1])) if place else None
        why = answer["error"].replace(place.group() if place else "", "").replace(" in root template", "")
        raise TemplateProblem(_NOT_MJML, "html", line, why=why)
    return str(answer["html"])


@dataclass(frozen=True)
class _Cover:
    """The word that stands for a mark. at: where it begins in the covered text; once: it stands between tags."""

    mark: Mark
    at: int
    once: bool


class _Covered:
    """A text in which every field and condition is covered by a word of its own.

    Raises TemplateProblem for one that could not be found again, and for MJML that is not well-formed.
    """

    def __init__(self, kind: Kind, html: str) -> None:
        self._source = html
        marks = parse(html, "html").marks
        flat = flattened(html, marks)
        parts = list(scan(flat))
        if kind == "mjml":
            check(flat, parts)
        self._sign = _unused(html)
        self._covers: list[_Cover] = []
        pieces: list[str] = []
        at = length = 0
        for mark, where in zip(marks, contexts(parts, marks), strict=True):
            once = where == "text" and mark.kind == "condition"
            self._refuse(mark, where)
            word = f"{self._sign}{len(self._covers)}z"
            pieces += [html[at : mark.start], f"<!--{word}-->" if once else word]
            length += len(pieces[-2])
            self._covers.append(_Cover(mark, length, once))
            length += len(pieces[-1])
            at = mark.end
        self.text = "".join([*pieces, html[at:]])

    def line(self, byte: int) -> int:
        """The line in the author's text of a byte of the covered text."""
        at = len(self.text.encode()[:byte].decode(errors="ignore"))
        inside = sum(self._written(cover.mark).count("\n") for cover in self._covers if cover.at < at)
        return line_of(self.text, at) + inside

    def uncovered(self, made: str) -> str:
        """The compiled text with every mark back in its place. Raises TemplateProblem for one that lost it."""
        words = re.compile(
            f"<!--{self._sign}(?P<between>[0-9]+)z-->|{self._sign}(?P<within>[0-9]+)z", re.IGNORECASE
        )
        found: set[int] = set()
        between: list[int] = []
        for word in words.finditer(made):
            found.add(int(word["between"] or word["within"]))
            if word["between"]:
                between.append(int(word["between"]))
        for number, cover in enumerate(self._covers):
            if number not in found:
                raise self._problem(_LOST, cover.mark)
        once = [number for number, cover in enumerate(self._covers) if cover.once]
        if between != once:
            wrong = next(
                (one for one, other in zip(once, between, strict=False) if one != other), once[-1:] or [0]
            )
            raise self._problem(_MOVED, self._covers[wrong if isinstance(wrong, int) else wrong[0]].mark)
        return words.sub(
            lambda word: self._written(self._covers[int(word["between"] or word["within"])].mark), made
        )

    def _written(self, mark: Mark) -> str:
        return self._source[mark.start : mark.end]

    def _refuse(self, mark: Mark, where: str) -> None:
        if where == "tag":
            raise self._problem(_IN_A_TAG, mark)
        if where == "style" and mark.kind == "condition":
            raise self._problem(_IN_STYLES, mark)

    def _problem(self, text: str, mark: Mark) -> TemplateProblem:
        found = shortened(self._written(mark))
        return TemplateProblem(text, "html", line_of(self._source, mark.start), found=found)


def flattened(html: str, marks: tuple[Mark, ...]) -> str:
    """The text with every mark replaced by as many letters, so that what is left is plain HTML, each at its place."""
    pieces, at = [], 0
    for mark in marks:
        pieces += [html[at : mark.start], "x" * (mark.end - mark.start)]
        at = mark.end
    return "".join([*pieces, html[at:]])


def contexts(parts: Iterable[Part], marks: tuple[Mark, ...]) -> Iterator[str]:
    """Where each mark stands: text, attribute, tag, style or other."""
    found = iter(parts)
    part = next(found, None)
    for mark in marks:
        while part and part.end <= mark.start:
            part = next(found, None)
        yield "text" if part is None or mark.start < part.start else _context(part, mark)


def _context(part: Part, mark: Mark) -> str:
    if isinstance(part, Tag):
        return "attribute" if any(_holds(one, mark) for one in part.attributes) else "tag"
    if part.kind == "declaration":
        return "tag"
    return "style" if part.name in ("style", "mj-style", "script") else "other"


def _holds(attribute: Attribute, mark: Mark) -> bool:
    return attribute.quoted and attribute.start <= mark.start and mark.end <= attribute.end


def _unused(html: str) -> str:
    """Letters that stand nowhere in the text, and that neither end a name nor mean anything."""
    small = html.lower()
    return next(sign for n in range(len(html) + 1) if (sign := f"q{n}w") not in small)
