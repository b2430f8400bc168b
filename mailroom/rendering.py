"""One template made ready to fill: the preview and the sender fill it with the very same code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import escape

from mailroom.filters import Unreadable
from mailroom.nodes import Body, Choice, Place, TemplateProblem, Term, Test, apply
from mailroom.problems import Problem
from mailroom.syntax import parse
from mailroom.unsubscribe import FIELD as UNSUBSCRIBE
from oca.words import N_

__all__ = ["FieldProblem", "MissingField", "Rendered", "Renderer", "TemplateProblem", "fields_of"]

MAX_SUBJECT = 255  # characters, filled in
MAX_HTML_BYTES = 500_000  # UTF-8, as written and again filled in
MAX_FIELDS = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_TOO_LARGE = N_("The mail is larger than %(limit)s kB. Put large pictures on your web site and link to them.")
_SUBJECT_TOO_LONG = N_("The subject is longer than %(limit)s characters. Shorten it.")
_LINK_IN_SUBJECT = N_("The unsubscribe link cannot stand in a subject. Put it at the end of the mail.")
_SUBJECT_EMPTY = N_(
    "The subject is empty for this recipient: none of its conditions holds. Add a case for all others."
)
_BREAK = N_("“%(name)s” stands in the subject and has a line break or another invisible character in it.")


class FieldProblem(Problem):
    """A value that cannot be filled in. name: the field it was meant for."""

    def __init__(self, text: str, name: str, **values: object) -> None:
        super().__init__(text, name, name=name, **values)
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

    subject, body: the subject as its author wrote it, and the HTML that is filled. Raises TemplateProblem for
    anything but text, fields and conditions (see `syntax`).

    fields: the names of all fields that a list fills, in order of appearance, the subject first. required: those
    without which no mail can be made; the others have a default or stand in a condition. subject_fields: those of
    the subject, whose values may hold no line break or other control character. uses_unsubscribe: whether
    `unsubscribe_url` is to be among the values, which is made for each mail; always_unsubscribe: and whether its
    link is in every mail.
    """

    def __init__(self, subject: str, body: str) -> None:
        if control := _CONTROL.search(subject):
            raise _control_in_subject(control)
        if len(body.encode()) > MAX_HTML_BYTES:
            raise TemplateProblem(_TOO_LARGE, "html", limit=MAX_HTML_BYTES // 1000)
        self._subject, self._body = parse(subject, "subject"), parse(body, "html")
        if UNSUBSCRIBE in self._subject.fields:
            raise TemplateProblem(_LINK_IN_SUBJECT, "subject")
        self.subject_fields = self._subject.fields
        together = dict.fromkeys(self._subject.fields + self._body.fields)
        self.fields = tuple(name for name in together if name != UNSUBSCRIBE)
        certain = self._subject.certain | self._body.certain
        self.required = tuple(name for name in self.fields if name in certain)
        self.uses_unsubscribe = UNSUBSCRIBE in together
        self.always_unsubscribe = UNSUBSCRIBE in certain
        self._check_sizes()

    def render(self, values: Mapping[str, str]) -> Rendered:
        """The mail for one recipient; in the body every value is escaped, so it can never become HTML.

        values: by field name; more than the fields is fine. Raises MissingField for a field that is needed and has
        no value or a blank one, FieldProblem for one that a filter cannot read or that brings a control character
        into the subject, Problem for a mail that became too large.
        """
        subject = self.subject(values)
        html = "".join(_pieces(self._body.body, values, escaped=True, limit=MAX_HTML_BYTES))
        # Bytes are counted only where they could matter: a character has at most four.
        if len(html) > MAX_HTML_BYTES // 4 and len(html.encode()) > MAX_HTML_BYTES:
            raise _too_large(escaped=True)
        return Rendered(subject, html)

    def subject(self, values: Mapping[str, str]) -> str:
        """The subject of that mail alone. Raises as `render()` does."""
        subject = "".join(_pieces(self._subject.body, values, escaped=False, limit=MAX_SUBJECT))
        if _CONTROL.search(subject):
            raise self._control_in_value(values)
        if not subject.strip():
            raise Problem(_SUBJECT_EMPTY, "subject")
        return subject

    def _check_sizes(self) -> None:
        if len(self.fields) > MAX_FIELDS:
            raise TemplateProblem(
                N_("There are %(count)s different fields; a template may have %(limit)s."),
                "html",
                count=len(self.fields),
                limit=MAX_FIELDS,
            )
        if sum(len(piece) for piece in self._subject.body if isinstance(piece, str)) > MAX_SUBJECT:
            raise TemplateProblem(_SUBJECT_TOO_LONG, "subject", limit=MAX_SUBJECT)

    def _control_in_value(self, values: Mapping[str, str]) -> FieldProblem:
        # A filter makes none, so it came with one of the values.
        name = next(name for name in self.subject_fields if _CONTROL.search(values.get(name, "")))
        return FieldProblem(_BREAK, name)


def fields_of(subject: str, body: str) -> tuple[str, ...]:
    """The names of the fields in order of appearance, once each, the subject first.

    Raises TemplateProblem as Renderer does.
    """
    return Renderer(subject, body).fields


def _pieces(body: Body, values: Mapping[str, str], escaped: bool, limit: int) -> list[str]:
    """The filled text in pieces, measured as they are made: a long value in many places would fill the memory."""
    made: list[str] = []
    size = _fill(body, values, escaped, limit, made, 0)
    if size > limit:
        raise _too_large(escaped)
    return made


def _fill(
    body: Body, values: Mapping[str, str], escaped: bool, limit: int, made: list[str], size: int
) -> int:
    """Adds the filled pieces to `made`, and gives the size of all; without a generator, for lists have many rows."""
    for piece in body:
        if isinstance(piece, str):
            made.append(piece)
            size += len(piece)
            continue
        if isinstance(piece, Choice):
            for test, arm in piece.arms:
                if test is None or _holds(test, values):
                    size = _fill(arm, values, escaped, limit, made, size)
                    break
            continue
        value = values.get(piece.name, "")
        if piece.steps or not value or value.isspace():
            value = _filled(piece, value)
        if len(value) > limit:
            raise _too_large(escaped)
        if escaped and not value.isalnum():
            value = escape(value)
        made.append(value)
        size += len(value)
        if size > limit:
            raise _too_large(escaped)
    return size


def _holds(test: Test, values: Mapping[str, str]) -> bool:
    return any(all(_is_so(term, values.get(term.name, "").strip()) for term in group) for group in test)


def _is_so(term: Term, value: str) -> bool:
    return (bool(value) if term.text is None else value == term.text) != term.no


def _filled(place: Place, value: str) -> str:
    try:
        filled = apply(value if value.strip() else None, place.steps)
    except Unreadable as unreadable:
        raise FieldProblem(unreadable.sentence.text, place.name, **dict(unreadable.sentence.values)) from None
    if filled is None:
        raise MissingField(place.name)
    return filled


def _too_large(escaped: bool) -> Problem:
    if escaped:
        return Problem(_TOO_LARGE, "html", limit=MAX_HTML_BYTES // 1000)
    return Problem(_SUBJECT_TOO_LONG, "subject", limit=MAX_SUBJECT)


def _control_in_subject(control: re.Match[str]) -> TemplateProblem:
    if control.group() in "\r\n":
        return TemplateProblem(N_("The subject has a line break in it. Write it on one line."), "subject")
    return TemplateProblem(
        N_("The subject has an invisible character at position %(at)s. Type it again."),
        "subject",
        at=control.start() + 1,
    )
