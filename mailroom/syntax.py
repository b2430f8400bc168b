"""The language of templates: fields, their defaults and filters, and conditions; everything else is refused.

It is a small part of what Jinja understands (https://jinja.palletsprojects.com/en/stable/templates/) and means the
same there, except that a field whose value is blank counts as one without a value. It is read here and not by Jinja:
what can only be read in one pass, and has no calls, loops or sums, can neither reach the program nor use up its time.
"""

import re
from dataclasses import dataclass

from mailroom.filters import FILTERS, Unreadable
from mailroom.nodes import (
    Body,
    Choice,
    Mark,
    Parsed,
    Place,
    Step,
    TemplateProblem,
    Term,
    Test,
    apply,
    certain,
    line_of,
    shortened,
)
from mailroom.unsubscribe import FIELD as UNSUBSCRIBE
from oca.words import N_

MAX_PLACES = 2_000  # where fields stand, in the subject and the body each
MAX_CONDITIONS = 500  # {% if %} and {% elif %}, in the subject and the body each
MAX_DEPTH = 10  # conditions within conditions
MAX_TERMS = 20  # fields asked about in one condition
MAX_STEPS = 5  # filters after one field
MAX_PLACE = 400  # characters from {{ to }}
MAX_NAME = 60

_OPENED = re.compile(r"\{\{|\{%|\{#")
_FIELD = re.compile(r"\{\{(?P<inside>.*?)(?P<end>\}\}|(?=\{[{%])|\Z)", re.DOTALL)
_TAG = re.compile(r"\{%(?P<inside>.*?)(?P<end>%\}|(?=\{[{%])|\Z)", re.DOTALL)
_COMMENT = re.compile(r"\{#[^\n]{0,40}")
_WORD = re.compile(r"[^\W\d]\w*")
_NAME = r"(?!(?:[Tt]rue|[Ff]alse|[Nn]one|not)\b)[^\W\d]\w*"
_TEXT = r"""(?:"[^"\\{}\x00-\x1f\x7f-\x9f]*"|'[^'\\{}\x00-\x1f\x7f-\x9f]*')"""
_HEAD = re.compile(rf"[-+]?\s*(?P<name>{_NAME})\s*")
_STEP = re.compile(rf"\|\s*(?P<filter>[a-z]\w*)\s*(?:\(\s*(?P<text>{_TEXT})\s*\)\s*)?")
_TERM = re.compile(rf"\s*(?:(?P<no>not)\s+)?(?P<name>{_NAME})\s*(?:(?P<sign>[!=]=)\s*(?P<text>{_TEXT})\s*)?")
_JOINED = re.compile(r"(?P<word>and|or)\b")
_FIXED = re.compile(rf"\s*(?:{_TEXT}|[\d.]+|[Tt]rue|[Ff]alse|[Nn]one)\s*")
_SAYING = ("and", "or", "not", "is", "in", "if", "else")

_NOT_A_FIELD = N_(
    "“%(found)s” is not a field. Between {{ and }} stands one name of letters, digits and _: %(instead)s."
)
_NOT_CLOSED = N_("A field is opened with {{ and never closed with }}. Write it like %(instead)s.")
_TAG_NOT_CLOSED = N_(
    "“%(found)s” is opened with {%% and never closed with %%}. Write it like {%% if nama %%}."
)
_FIXED_TEXT = N_("“%(found)s” is the same in every mail. Write it without {{ and }}.")
_CHANGES_VALUE = N_(
    "“%(found)s” changes the value before it is filled in. "
    "Write %(instead)s and put the finished value into your list."
)
_NO_FILTER = N_(
    "“%(filter)s” is not known here. After a field may stand |upper, |title, |number, |rupiah, |tanggal "
    'and |default("…").'
)
_NO_TEXT = N_("Write the text to fall back on in quotes: %(instead)s.")
_CURLY = N_("“%(found)s” has curved quotes in it. Write straight ones: %(instead)s.")
_TOO_MANY_STEPS = N_("“%(found)s” has more than %(limit)s filters. Put the finished value into your list.")
_BAD_DEFAULT = N_("“%(found)s” falls back on a text that its own filter cannot read. Write another one.")
_STANDS_ALONE = N_("Write {{ unsubscribe_url }} alone: a link that is changed leads nowhere.")
_UNKNOWN_TAG = N_(
    "“%(found)s” is not known here. A template has fields, and conditions made of {%% if nama %%}, "
    "{%% elif … %%}, {%% else %%} and {%% endif %%}. Take it out."
)
_BAD_TEST = N_(
    "“%(found)s” is no condition that can be asked. Write {%% if nama %%}, {%% if not nama %%} or "
    '{%% if kota == "Bandung" %%}, joined by “and” or “or”.'
)
_ELSE_IF = N_("Write {%% elif … %%} instead of “%(found)s”.")
_NO_IF = N_("“%(found)s” has no {%% if … %%} before it. Write one, or take this out.")
_AFTER_ELSE = N_("“%(found)s” comes after {%% else %%}. The other cases stand before it.")
_NO_ENDIF = N_("“%(found)s” has no {%% endif %%}. Write it where the condition ends.")
_TOO_DEEP = N_("“%(found)s” stands within more than %(limit)s other conditions. Make two templates of it.")
_COMMENT_OPENED = N_(
    "“%(found)s” opens a comment, and what is in it would be missing from the mail. "
    "Take it out; in styles, put a space between { and #."
)
_TOO_MANY_PLACES = N_("Fields stand in %(count)s places; a template may have %(limit)s.")
_TOO_MANY_TESTS = N_(
    "There are %(count)s conditions; a template may have %(limit)s. Make two templates of it."
)
_NAME_TOO_LONG = N_("The field name “%(name)s…” is too long; it may have %(limit)s letters.")


def parse(source: str, part: str) -> Parsed:
    """What the text means. part: "subject" or "html", where a refusal belongs.

    Raises TemplateProblem for everything that is neither text, field nor condition.
    """
    return _Reader(source, part).read()


@dataclass(slots=True)
class _Open:
    """A condition that is not ended yet."""

    found: str
    at: int
    arms: list[tuple[Test | None, Body]]
    test: Test | None
    before: list[str | Place | Choice]


class _Reader:
    """Reads a text once, from left to right."""

    def __init__(self, source: str, part: str) -> None:
        self._source = source
        self._part = part
        self._now: list[str | Place | Choice] = []
        self._open: list[_Open] = []
        self._names: dict[str, None] = {}
        self._marks: list[Mark] = []

    def read(self) -> Parsed:
        self._count()
        at, strip = 0, False
        while opened := _OPENED.search(self._source, at):
            start = opened.start()
            if opened.group() == "{#":
                shown = _COMMENT.match(self._source, start)
                found = re.split(r"(?<=#\})", shown.group() if shown else "", maxsplit=1)[0]
                raise self._refused(_COMMENT_OPENED, start, found=found)
            pattern = _FIELD if opened.group() == "{{" else _TAG
            place = pattern.match(self._source, start)
            assert place is not None  # noqa: S101 – it begins with what was just found
            inside = place["inside"]
            self._text(at, start, strip, inside[:1] == "-")
            (self._field if pattern is _FIELD else self._tag)(place)
            at, strip = place.end(), inside[-1:] == "-"
        self._text(at, len(self._source), strip, False)
        if self._open:
            raise self._refused(_NO_ENDIF, self._open[-1].at, found=self._open[-1].found)
        body = tuple(self._now)
        return Parsed(body, tuple(self._names), certain(body), tuple(self._marks))

    def _count(self) -> None:
        if (count := self._source.count("{{")) > MAX_PLACES:
            raise TemplateProblem(_TOO_MANY_PLACES, self._part, count=count, limit=MAX_PLACES)
        if (count := self._source.count("{%") // 2) > MAX_CONDITIONS:
            raise TemplateProblem(_TOO_MANY_TESTS, self._part, count=count, limit=MAX_CONDITIONS)

    def _text(self, start: int, end: int, strip_left: bool, strip_right: bool) -> None:
        text = self._source[start:end]
        text = text.lstrip() if strip_left else text
        text = text.rstrip() if strip_right else text
        if text:
            self._now.append(text)

    def _field(self, place: re.Match[str]) -> None:
        inside = place["inside"]
        head = _HEAD.match(inside) if place["end"] else None
        if head is None:
            raise self._no_field(place)
        name, at, steps = head["name"], head.end(), []
        if len(name) > MAX_NAME:
            raise self._refused(_NAME_TOO_LONG, place.start(), name=name[:20], limit=MAX_NAME)
        while step := _STEP.match(inside, at):
            steps.append(self._step(place, step))
            at = step.end()
        # A plain name may have any room around it.
        if not re.fullmatch(r"[-+]?", inside[at:].strip()) or (steps and len(inside) > MAX_PLACE):
            raise self._no_field(place)
        if len(steps) > MAX_STEPS:
            raise self._refused(
                _TOO_MANY_STEPS, place.start(), found=shortened(place.group()), limit=MAX_STEPS
            )
        if steps and name == UNSUBSCRIBE:
            raise self._refused(_STANDS_ALONE, place.start())
        self._default_is_readable(place, steps)
        self._names.setdefault(name)
        self._marks.append(Mark(place.start(), place.end(), "field"))
        self._now.append(Place(name, tuple(steps)))

    def _step(self, place: re.Match[str], step: re.Match[str]) -> Step:
        name, text = step["filter"], step["text"]
        if name == "default":
            if text is None:
                raise self._no_default(place)
            return Step(name, text[1:-1])
        if name not in FILTERS or text is not None:
            raise self._refused(_NO_FILTER, place.start(), filter=shortened(step.group().rstrip()))
        return Step(name)

    def _no_default(self, place: re.Match[str]) -> TemplateProblem:
        name = (_WORD.search(place["inside"]) or ["nama"])[0]
        instead = f'{{{{ {name}|default("Bapak/Ibu") }}}}'
        if re.search("[“”‘’„]", place["inside"]):
            return self._refused(_CURLY, place.start(), found=shortened(place.group()), instead=instead)
        return self._refused(_NO_TEXT, place.start(), instead=instead)

    def _default_is_readable(self, place: re.Match[str], steps: list[Step]) -> None:
        try:
            apply(None, tuple(steps))
        except Unreadable:
            raise self._refused(_BAD_DEFAULT, place.start(), found=shortened(place.group())) from None

    def _no_field(self, place: re.Match[str]) -> TemplateProblem:
        inside, text = place["inside"][:MAX_PLACE], _NOT_A_FIELD
        words = [word for word in _WORD.findall(inside[:MAX_NAME]) if re.fullmatch(_NAME, word)]
        head = _HEAD.match(inside)
        rest = inside[head.end() :] if head else ""
        if not place["end"]:
            text, words = _NOT_CLOSED, words[:1]
        elif _FIXED.fullmatch(inside):
            text = _FIXED_TEXT
        elif rest.startswith("|"):
            named = re.match(r"\|[^|(}]*", rest)
            return self._refused(_NO_FILTER, place.start(), filter=shortened(named.group() if named else ""))
        elif re.match(r"\(|(if|is)\b", rest):
            text, words = _CHANGES_VALUE, words[:1]
        instead = "{{ " + ("_".join(words).lower() or "nama") + " }}"
        return self._refused(text, place.start(), found=shortened(place.group()), instead=instead)

    def _tag(self, tag: re.Match[str]) -> None:
        if not tag["end"]:
            raise self._refused(_TAG_NOT_CLOSED, tag.start(), found=shortened(tag.group()))
        inside = tag["inside"].removeprefix("-").removesuffix("-").strip()
        found = shortened(tag.group())
        word = (_WORD.match(inside) or [""])[0]
        rest = inside[len(word) :]
        if word in ("else", "endif") and rest:
            text = _ELSE_IF if rest.split()[:1] == ["if"] else _UNKNOWN_TAG
            raise self._refused(text, tag.start(), found=found)
        if word not in ("if", "elif", "else", "endif"):
            raise self._refused(_UNKNOWN_TAG, tag.start(), found=found)
        if word != "if" and not self._open:
            raise self._refused(_NO_IF, tag.start(), found=found)
        if word in ("elif", "else") and self._open[-1].test is None:
            raise self._refused(_AFTER_ELSE, tag.start(), found=found)
        self._marks.append(Mark(tag.start(), tag.end(), "condition"))
        test = self._test(rest, found, tag.start()) if word in ("if", "elif") else None
        if word == "if":
            self._begin(_Open(found, tag.start(), [], test, self._now))
        else:
            self._arm(test, ended=word == "endif")

    def _begin(self, opened: _Open) -> None:
        if len(self._open) == MAX_DEPTH:
            raise self._refused(_TOO_DEEP, opened.at, found=opened.found, limit=MAX_DEPTH)
        self._open.append(opened)
        self._now = []

    def _arm(self, test: Test | None, ended: bool) -> None:
        last = self._open[-1]
        last.arms.append((last.test, tuple(self._now)))
        last.test, self._now = test, []
        if ended:
            self._open.pop()
            self._now = last.before
            self._now.append(Choice(tuple(last.arms)))

    def _test(self, text: str, found: str, at: int) -> Test:
        groups: list[list[Term]] = [[]]
        position, count = 0, 0
        joined: re.Match[str] | None = None
        while count < MAX_TERMS and (term := _TERM.match(text, position)):
            if term["name"] in _SAYING or (term["no"] and term["sign"]):
                break
            groups[-1].append(_term(term))
            self._names.setdefault(term["name"])
            position, count = term.end(), count + 1
            joined = _JOINED.match(text, position)
            if joined is None:
                break
            position = joined.end()
            if joined["word"] == "or":
                groups.append([])
        if position < len(text) or joined is not None or not groups[-1]:
            raise self._refused(_BAD_TEST, at, found=found)
        return tuple(map(tuple, groups))

    def _refused(self, text: str, at: int, **values: object) -> TemplateProblem:
        line = line_of(self._source, at) if self._part == "html" else None
        return TemplateProblem(text, self._part, line, **values)


def _term(term: re.Match[str]) -> Term:
    text = term["text"][1:-1] if term["sign"] else None
    return Term(term["name"], bool(term["no"]) or term["sign"] == "!=", text)
