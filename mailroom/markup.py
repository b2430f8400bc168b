"""Where what stands in HTML or MJML: its tags, attributes, comments and texts, found in one pass over any text at all.

It follows https://html.spec.whatwg.org/multipage/parsing.html#tokenization as far as mails need it, and is no parser:
it builds no tree and mends nothing, so that every finding keeps its place in what the author wrote.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

# Inside of these, < and > are text.
RAW = frozenset(("style", "script", "title", "textarea", "mj-style", "mj-title", "mj-preview"))

_OPENED = re.compile(r"<(?:(?P<comment>!--)|(?P<declaration>[!?])|(?P<closing>/?)(?P<name>[a-zA-Z][^\s/>]*))")
_STOP = re.compile("[\"'>]")
_ATTRIBUTE = re.compile(r"""(?P<name>[^\s"'>/=]+)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s>]*))?""")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a tag. value: without its quotes, "" where it has none; start: where the value begins."""

    name: str
    value: str
    start: int
    quoted: bool

    @property
    def end(self) -> int:
        """Where the value ends."""
        return self.start + len(self.value)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag from `<` at start to after its `>` at end; whole: whether it has one. name: in small letters."""

    name: str
    start: int
    end: int
    closing: bool
    alone: bool
    whole: bool
    attributes: tuple[Attribute, ...]

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name, or None."""
        return next((one for one in self.attributes if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A comment, a declaration, or the raw text inside of the tag called `name`."""

    kind: Literal["comment", "declaration", "raw"]
    start: int
    end: int
    name: str = ""


Part = Tag | Stretch


def scan(text: str) -> Iterator[Part]:
    """Every tag and every stretch, in order; what is between them is plain text. Any text will do."""
    at = 0
    while opened := _OPENED.search(text, at):
        if opened["comment"]:
            at = _after(text, "-->", opened.start() + 2)
            yield Stretch("comment", opened.start(), at)
        elif opened["declaration"]:
            at = _after(text, ">", opened.end())
            yield Stretch("declaration", opened.start(), at)
        else:
            tag = _tag(text, opened)
            yield tag
            at = tag.end
            if tag.name in RAW and not tag.closing and not tag.alone:
                ended = re.compile(f"</{tag.name}", re.IGNORECASE).search(text, at)
                start, at = at, ended.start() if ended else len(text)
                yield Stretch("raw", start, at, tag.name)


def _after(text: str, sign: str, start: int) -> int:
    found = text.find(sign, start)
    return found + len(sign) if found >= 0 else len(text)


def _tag(text: str, opened: re.Match[str]) -> Tag:
    at = opened.end()
    end, whole = len(text), False
    while stop := _STOP.search(text, at):
        if stop.group() == ">":
            end, whole = stop.end(), True
            break
        at = stop.end()
        if _follows_equals(text, stop.start()):
            # A value that never ends takes the rest of the text with it, as it does in a browser.
            closed = text.find(stop.group(), at)
            if closed < 0:
                break
            at = closed + 1
    inside = text[opened.end() : end - 1 if whole else end]
    return Tag(
        name=opened["name"].lower(),
        start=opened.start(),
        end=end,
        closing=bool(opened["closing"]),
        alone=inside.endswith("/"),
        whole=whole,
        attributes=tuple(_attributes(inside, opened.end())),
    )


def _follows_equals(text: str, at: int) -> bool:
    before = at - 1
    while text[before].isspace():
        before -= 1
    return text[before] == "="


def _attributes(inside: str, offset: int) -> Iterator[Attribute]:
    for found in _ATTRIBUTE.finditer(inside):
        value = found["value"] or ""
        quoted = value[:1] in ('"', "'") and len(value) > 1
        start = offset + (found.start("value") if found["value"] is not None else found.end())
        yield Attribute(found["name"].lower(), value[1:-1] if quoted else value, start + quoted, quoted)
