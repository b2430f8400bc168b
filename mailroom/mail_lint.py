"""What an author should look at before a mail goes out, with its line. It keeps no mail from being sent."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from mailroom import gallery, lint_fields, lint_tags
from mailroom.compiling import Kind, flattened
from mailroom.lint_fields import Finding, Level
from mailroom.markup import Part, scan
from mailroom.mjml_check import check
from mailroom.nodes import Parsed, TemplateProblem, line_of
from mailroom.problems import Sentence, say
from mailroom.rendering import Renderer
from mailroom.syntax import parse
from mailroom.unsubscribe import FIELD
from oca.words import N_

CLIPPED = 102_000  # bytes, from which Gmail shows the rest on a page of its own
MAX_NOTES = 50

NO_UNSUBSCRIBE = N_(
    "A marketing mail needs a way out for everybody who gets it. Add a link to {{ unsubscribe_url }}, outside of "
    'any condition: <a href="{{ unsubscribe_url }}">Berhenti berlangganan</a>.'
)
_CLIPPED = N_(
    "The mail has %(size)s kB. Gmail shows the first %(limit)s kB and hides the rest behind a link. Shorten it."
)
_PLACEHOLDER = N_("“%(words)s” still stands here, as in the mail you started from. Write your own.")


@dataclass(frozen=True)
class Note:
    """One thing to look at. line: of the text in the field, from 1, or None; field: "subject" or "html"."""

    line: int | None
    level: Level
    sentence: Sentence
    field: Literal["subject", "html"] = "html"


def notes(kind: Kind, subject: str, html: str, body: str | None, marketing: bool) -> list[Note]:
    """What to look at in a mail as it is being written, errors first, then by line; at most `MAX_NOTES`.

    subject, html: as typed; body: the HTML that is filled, or None where none could be made. Any text will do.
    """
    made = [*_refusals(subject, html), *_of_subject(subject), *_of_html(kind, html)]
    if body is not None and (size := len(body.encode(errors="replace"))) > CLIPPED:
        made.append(Note(None, "warn", say(_CLIPPED, size=size // 1000, limit=CLIPPED // 1000)))
    made += _placeholders(html)
    if marketing and _no_way_out(body if body is not None else html):
        made.append(Note(None, "error", say(NO_UNSUBSCRIBE)))
    made.sort(key=lambda note: (note.level != "error", note.field != "subject", note.line or 0))
    return list(dict.fromkeys(made))[:MAX_NOTES]


def _placeholders(html: str) -> Iterator[Note]:
    for words in gallery.PLACEHOLDERS:
        at = html.find(words)
        if at >= 0:
            yield Note(line_of(html, at), "warn", say(_PLACEHOLDER, words=words))


def _refusals(subject: str, html: str) -> Iterator[Note]:
    """What keeps the mail from being saved, as far as it can be known without compiling it."""
    for given in ((subject, ""), ("-", html)):
        try:
            Renderer(*given)
        except TemplateProblem as problem:
            field: Literal["subject", "html"] = "subject" if problem.field == "subject" else "html"
            yield Note(problem.line, "error", problem.sentence, field)


def _of_subject(subject: str) -> Iterator[Note]:
    parsed = _parsed(subject, "subject")
    known = parsed.fields if parsed else ()
    for level, _at, sentence in islice(lint_fields.almost(lint_fields.flat(subject), known), MAX_NOTES):
        yield Note(None, level, sentence, "subject")


def _of_html(kind: Kind, html: str) -> Iterator[Note]:
    parsed = _parsed(html, "html")
    flat = flattened(html, parsed.marks) if parsed else lint_fields.flat(html)
    parts = list(scan(flat))
    if kind == "mjml" and html.strip():
        try:
            check(flat, parts)
        except TemplateProblem as problem:
            yield Note(problem.line, "error", problem.sentence)
    starts = [at for at, letter in enumerate(html) if letter == "\n"]
    for findings in _findings(html, flat, parts, parsed):
        for level, at, sentence in islice(findings, MAX_NOTES):
            yield Note(bisect_right(starts, at - 1) + 1, level, sentence)


def _findings(html: str, flat: str, parts: list[Part], parsed: Parsed | None) -> Iterator[Iterator[Finding]]:
    yield lint_fields.almost(lint_fields.without_raw(flat, parts), parsed.fields if parsed else ())
    if parsed:
        yield lint_fields.alike(html, parsed)
        yield lint_fields.in_tags(html, parts, parsed)
    yield lint_tags.tags(html, parts)
    if parsed and not any(mark.kind == "condition" for mark in parsed.marks):
        # With conditions, two tags may open what one closes.
        yield lint_tags.unclosed(parts)


def _parsed(text: str, part: str) -> Parsed | None:
    try:
        return parse(text, part)
    except TemplateProblem:
        return None


def _no_way_out(body: str) -> bool:
    parsed = _parsed(body, "html")
    return FIELD not in (parsed.certain if parsed else body)
