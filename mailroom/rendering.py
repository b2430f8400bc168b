"""One template made ready to fill: the preview and the sender fill it with the very same code.

Templates are read by Jinja (https://jinja.palletsprojects.com/en/stable/templates/), but only the nodes of
`ALLOWED` may stand in one: the sandbox stops a template from reaching the program, not from using up its
time and memory. To allow more, add the node here and its sentence below.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from mailroom.problems import Problem
from oca.words import N_

MAX_SUBJECT = 255  # characters, filled in
MAX_HTML_BYTES = 500_000  # UTF-8, as written and again filled in
MAX_FIELDS = 100
MAX_PLACES = 2_000  # where fields stand, in the subject and the body each
MAX_PLACE = 200  # characters from {{ to }}, unless it is a plain name
MAX_NAME = 60

ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# `{{#` is an open field with a wrong name, not a comment.
_TAG_OR_COMMENT = re.compile(r"(?<!\{)\{(?P<kind>[%#])[^\n]{0,40}")
_PLACE = re.compile(r"\{\{(?P<inside>.*?)(?P<end>\}\}|(?=\{\{)|\Z)", re.DOTALL)
_PLAIN = re.compile(r"[-+]?\s*(?!(?:[Tt]rue|[Ff]alse|[Nn]one|not)\b)[^\W\d]\w*\s*-?")
_WORD = re.compile(r"[^\W\d]\w*")

_NOT_A_FIELD = N_(
    "“%(found)s” is not a field. Between {{ and }} stands one name of letters, digits and _: %(instead)s."
)
_NOT_CLOSED = N_("A field is opened with {{ and never closed with }}. Write it like %(instead)s.")
_FIXED_TEXT = N_("“%(found)s” is the same in every mail. Write it without {{ and }}.")
_CHANGES_VALUE = N_(
    "“%(found)s” changes the value before it is filled in. "
    "Write %(instead)s and put the finished value into your list."
)
_TAG = N_(
    "“%(found)s” is a condition or a loop, and a template has fields only. "
    "Take it out; for two kinds of mail, make two templates."
)
_COMMENT = N_(
    "“%(found)s” opens a comment, and what is in it would be missing from the mail. "
    "Take it out; in styles, put a space between { and #."
)
_TOO_LARGE = N_("The mail is larger than %(limit)s kB. Put large pictures on your web site and link to them.")
_SUBJECT_TOO_LONG = N_("The subject is longer than %(limit)s characters. Shorten it.")


class TemplateProblem(Problem):
    """A template that cannot be kept or used. line: the line of the body it is about, from 1, or None."""

    def __init__(self, text: str, field: str, line: int | None = None, **values: object) -> None:
        super().__init__(text, field, **values)
        self.line = line


class FieldProblem(Problem):
    """A value that cannot be filled in. name: the field it was meant for."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, name, name=name)
        self.name = name


class MissingField(FieldProblem):
    """A field without a value: there is never an empty hole in a mail."""

    def __init__(self, name: str) -> None:
        super().__init__(N_("There is no value for “%(name)s”."), name)


@dataclass(frozen=True)
class Rendered:
    """A mail's subject and body with every field filled in."""

    subject: str
    html: str


class Renderer:
    """A template ready to be filled, any number of times.

    subject, html: as their author wrote them. Raises TemplateProblem for anything but text and fields.

    fields: the names of all fields in order of appearance, the subject first. subject_fields: those of the
    subject, whose values may hold no line break or other control character.
    """

    def __init__(self, subject: str, html: str) -> None:
        if control := _CONTROL.search(subject):
            raise _control_in_subject(control)
        if len(html.encode()) > MAX_HTML_BYTES:
            raise TemplateProblem(_TOO_LARGE, "html", limit=MAX_HTML_BYTES // 1000)
        self._subject = _Part(subject, "subject")
        self._html = _Part(html, "html")
        self.subject_fields = self._subject.fields
        self.fields = tuple(dict.fromkeys(self._subject.fields + self._html.fields))
        if len(self.fields) > MAX_FIELDS:
            raise TemplateProblem(
                N_("There are %(count)s different fields; a template may have %(limit)s."),
                "html",
                count=len(self.fields),
                limit=MAX_FIELDS,
            )
        if self._subject.text_size > MAX_SUBJECT:
            raise TemplateProblem(_SUBJECT_TOO_LONG, "subject", limit=MAX_SUBJECT)

    def render(self, values: Mapping[str, str]) -> Rendered:
        """The mail for one recipient; in the body every value is escaped, so it can never become HTML.

        values: by field name; more than the fields is fine. Raises MissingField for a field without a value
        or with a blank one, FieldProblem for a control character in the subject, Problem for a mail that
        became too large.
        """
        for name in self.fields:
            if not values.get(name, "").strip():
                raise MissingField(name)
        for name in self.subject_fields:
            if _CONTROL.search(values[name]):
                raise FieldProblem(
                    N_(
                        "“%(name)s” stands in the subject and has a line break or another invisible character in it."
                    ),
                    name,
                )
        if self._subject.size(values) > MAX_SUBJECT:
            raise Problem(_SUBJECT_TOO_LONG, "subject", limit=MAX_SUBJECT)
        # Measured before it is made: one long value in many places would fill the memory.
        if self._html.size(values) > MAX_HTML_BYTES:
            raise Problem(_TOO_LARGE, "html", limit=MAX_HTML_BYTES // 1000)
        html = self._html.fill(values)
        if len(html.encode()) > MAX_HTML_BYTES:
            raise Problem(_TOO_LARGE, "html", limit=MAX_HTML_BYTES // 1000)
        return Rendered(self._subject.fill(values), html)


def fields_of(subject: str, html: str) -> tuple[str, ...]:
    """The names of the fields in order of appearance, once each, the subject first.

    Raises TemplateProblem as Renderer does.
    """
    return Renderer(subject, html).fields


class _Part:
    """The subject or the body: parsed, checked and compiled."""

    def __init__(self, source: str, part: str) -> None:
        tree = _parse(source, part)
        places = list(tree.find_all(nodes.Name))
        self._count = Counter(place.name for place in places)
        self.fields = tuple(self._count)
        self.text_size = sum(len(text.data) for text in tree.find_all(nodes.TemplateData))
        # Neutral names: `self` and `range` mean something to Jinja, and Python takes “ﬁ” and “fi” for the same name.
        self._aliases = {name: f"field_{number}" for number, name in enumerate(self.fields)}
        for place in places:
            place.name = self._aliases[place.name]
        self._template: Template = _ENVIRONMENTS[part].from_string(tree)

    def size(self, values: Mapping[str, str]) -> int:
        """How many characters the part has at least when it is filled."""
        return self.text_size + sum(len(values[name]) * count for name, count in self._count.items())

    def fill(self, values: Mapping[str, str]) -> str:
        return self._template.render({alias: values[name] for name, alias in self._aliases.items()})


_JINJA = partial(SandboxedEnvironment, undefined=StrictUndefined, keep_trailing_newline=True)
_ENVIRONMENTS = {"subject": _JINJA(autoescape=False), "html": _JINJA(autoescape=True)}


def _parse(source: str, part: str) -> nodes.Template:
    if (count := source.count("{{")) > MAX_PLACES:
        raise TemplateProblem(
            N_("Fields stand in %(count)s places; a template may have %(limit)s."),
            part,
            count=count,
            limit=MAX_PLACES,
        )
    if found := _TAG_OR_COMMENT.search(source):
        raise _tag_or_comment(source, part, found)
    # Jinja takes seconds for a thousand filters in a row, and nobody means a field by that.
    if any(len(place.group()) > MAX_PLACE and not _is_field(place) for place in _PLACE.finditer(source)):
        raise _refusal(source, part, None)
    try:
        tree = _ENVIRONMENTS[part].parse(source)
    except (TemplateSyntaxError, RecursionError, ValueError):
        # Many brackets or digits make the parser give way with the latter two.
        raise _refusal(source, part, None) from None
    _check(tree, source, part)
    return tree


def _check(node: nodes.Node, source: str, part: str) -> None:
    if not isinstance(node, ALLOWED):
        raise _refusal(source, part, node)
    if isinstance(node, nodes.Name) and len(node.name) > MAX_NAME:
        raise TemplateProblem(
            N_("The field name “%(name)s…” is too long; it may have %(limit)s letters."),
            part,
            node.lineno if part == "html" else None,
            name=node.name[:20],
            limit=MAX_NAME,
        )
    for child in node.iter_child_nodes():
        _check(child, source, part)


def _control_in_subject(control: re.Match[str]) -> TemplateProblem:
    if control.group() in "\r\n":
        return TemplateProblem(N_("The subject has a line break in it. Write it on one line."), "subject")
    return TemplateProblem(
        N_("The subject has an invisible character at position %(at)s. Type it again."),
        "subject",
        at=control.start() + 1,
    )


def _tag_or_comment(source: str, part: str, found: re.Match[str]) -> TemplateProblem:
    text = _TAG if found["kind"] == "%" else _COMMENT
    shown = re.split(r"(?<=[%#]\})", found.group(), maxsplit=1)[0]
    return TemplateProblem(text, part, _line(source, part, found.start()), found=shown)


def _refusal(source: str, part: str, node: nodes.Node | None) -> TemplateProblem:
    place = next((place for place in _PLACE.finditer(source) if not _is_field(place)), None)
    if place is None:
        return TemplateProblem(_NOT_CLOSED, part, instead="{{ nama }}")
    words = [word for word in _WORD.findall(place["inside"][:MAX_NAME]) if _PLAIN.fullmatch(word)]
    if not place["end"]:
        text, words = _NOT_CLOSED, words[:1]
    elif isinstance(node, nodes.Const | nodes.TemplateData):
        text = _FIXED_TEXT
    elif isinstance(node, nodes.Filter | nodes.Call | nodes.CondExpr | nodes.Test):
        text, words = _CHANGES_VALUE, words[:1]
    else:
        text = _NOT_A_FIELD
    return TemplateProblem(
        text,
        part,
        _line(source, part, place.start()),
        found=_shortened(place.group()),
        instead="{{ " + ("_".join(words).lower() or "nama") + " }}",
    )


def _is_field(place: re.Match[str]) -> bool:
    return bool(place["end"] and _PLAIN.fullmatch(place["inside"]))


def _line(source: str, part: str, at: int) -> int | None:
    return source.count("\n", 0, at) + 1 if part == "html" else None


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
