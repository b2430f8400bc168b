"""What stands in the template editor, and the mail it makes: filled by the same code that fills it for sending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, cast

from flask import current_app, request

from mailroom import compiling, mail_lint, sample_rows, unsubscribe
from mailroom.email_templates import FieldProblem, Kind, Rendered, Renderer, TemplateProblem, Version
from mailroom.mail_lint import Note
from mailroom.problems import Problem, Sentence
from mailroom.rendering import MAX_FIELDS
from mailroom.sample_rows import SampleRow, Source
from views.access import may
from views.here import me, service, whole
from views.mail_frame import Previews

SAMPLE = "sample-"  # in front of a field's name, in the names of the form's sample values
OPTIONAL = "?"  # behind a field's name, where the page says which fields it shows
MOST_NOTES = 50


@dataclass(frozen=True)
class Typed:
    """What stands in the editor.

    base: the number of the version it was opened at, 0 for a new template. shown: the fields whose sample values the
    page has inputs for. samples: every sample value typed so far, also of fields gone meanwhile. source, row: the key
    of where a real row is taken from, or "", and its number. key: of the mail that stands in the frame.
    """

    name: str
    subject: str
    html: str
    kind: Kind = "html"
    marketing: bool = False
    base: int = 0
    shown: tuple[str, ...] = ()
    samples: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    row: int = 0
    width: Literal["desk", "phone"] = "desk"
    scheme: Literal["light", "dark"] = "light"
    key: str = ""


@dataclass(frozen=True)
class Preview:
    """The mail as it would arrive, and what is the matter with it.

    fields, optional: those of the mail, or the last known ones when there is a problem. key: for the frame, or "";
    stale: whether the frame shows the mail of a moment ago, because `problem` is in the way. faults: of the row or the
    typed samples. dark: whether the mail has styles of its own for dark screens.
    """

    fields: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    subject: str = ""
    key: str = ""
    problem: Problem | None = None
    stale: bool = False
    faults: tuple[Sentence, ...] = ()
    notes: tuple[Note, ...] = ()
    row: SampleRow | None = None
    dark: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        """The fields as the form says which it shows."""
        return tuple(name + OPTIONAL if name in self.optional else name for name in self.fields)


def typed() -> Typed:
    """What stands in the form of this request."""
    form = request.form
    samples = {name.removeprefix(SAMPLE): form[name] for name in form if name.startswith(SAMPLE)}
    return Typed(
        name=form.get("name", ""),
        subject=form.get("subject", "").strip(),
        html=form.get("html", ""),
        kind="mjml" if form.get("kind") == "mjml" else "html",
        marketing="marketing" in form,
        base=form.get("base", 0, type=whole),
        shown=tuple(islice((name for name in form.get("fields", "").split() if _is_field(name)), MAX_FIELDS)),
        samples=dict(islice(((n, v) for n, v in samples.items() if n.isidentifier()), 2 * MAX_FIELDS)),
        source=form.get("source", ""),
        row=form.get("go", form.get("row", 0, type=whole), type=whole),
        width="phone" if form.get("width") == "phone" else "desk",
        scheme="dark" if form.get("scheme") == "dark" else "light",
        key=form.get("key", ""),
    )


def of_version(version: Version) -> Typed:
    """A saved version as the editor shows it."""
    return Typed(
        version.template_name, version.subject, version.html, version.kind, version.marketing, version.number
    )


def sources(template_id: int | None) -> list[Source]:
    """Where this person can take real rows from: lists only where they may see lists."""
    found = sample_rows.sources(service().store, template_id, me().id)
    return [one for one in found if one.kind == "batch" or may("lists.one")]


def sample_row(typed: Typed, template_id: int | None, fields: Sequence[str]) -> SampleRow | None:
    """The real row that was chosen, or None when the mail is filled with what was typed. Raises Problem."""
    source = next((one for one in sources(template_id) if one.key == typed.source), None)
    try:
        return sample_rows.row(service().store, source, typed.row, fields) if source else None
    except LookupError:
        # Removed by somebody else in this very moment: the next look no longer offers it.
        return None


def preview(typed: Typed, template_id: int | None = None) -> Preview:
    """The mail as it stands in the editor, kept for the frame."""
    body: str | None = None
    try:
        compiled = compiling.compiled(typed.kind, typed.html)
        body = typed.html if compiled is None else compiled
        renderer = Renderer(typed.subject, body)
    except TemplateProblem as problem:
        return _broken(typed, problem, _notes(typed, body))
    fields, optional = renderer.fields, frozenset(renderer.fields) - frozenset(renderer.required)
    row = None
    try:
        row = sample_row(typed, template_id, fields)
        rendered, faults = _filled(renderer, row.values if row else typed.samples)
    except Problem as problem:
        broken = _broken(typed, problem, _notes(typed, body))
        return replace(broken, fields=fields, optional=optional, row=row)
    return Preview(
        fields,
        optional,
        rendered.subject,
        previews().keep(me().id, rendered.html),
        faults=tuple(fault.sentence for fault in faults if row or typed.samples.get(fault.name, "").strip()),
        notes=_notes(typed, body),
        row=row,
        dark="prefers-color-scheme" in rendered.html,
    )


def previews() -> Previews:
    """The mails that are being written."""
    return cast(Previews, current_app.extensions["mailroom_previews"])


def _is_field(shown: str) -> bool:
    return shown.removesuffix(OPTIONAL).isidentifier()


def _notes(typed: Typed, body: str | None) -> tuple[Note, ...]:
    found = mail_lint.notes(typed.kind, typed.subject, typed.html, body, typed.marketing)
    return tuple(found[:MOST_NOTES])


def _broken(typed: Typed, problem: Problem, notes: tuple[Note, ...]) -> Preview:
    """What the page shows while the template cannot be filled: the mail of a moment ago stays in the frame."""
    stale = previews().find(me().id, typed.key) is not None
    return Preview(
        tuple(name.removesuffix(OPTIONAL) for name in typed.shown),
        frozenset(name.removesuffix(OPTIONAL) for name in typed.shown if name.endswith(OPTIONAL)),
        key=typed.key if stale else "",
        problem=problem,
        stale=stale,
        # What is in the way stands above them already.
        notes=tuple(note for note in notes if note.sentence != problem.sentence),
    )


def _filled(renderer: Renderer, given: Mapping[str, str]) -> tuple[Rendered, list[FieldProblem]]:
    """The mail, with a stand-in for each value that is missing or cannot be used, and what was the matter with it.

    Raises Problem for what no stand-in mends.
    """
    values = dict(given) | {unsubscribe.FIELD: unsubscribe.EXAMPLE}
    faults: list[FieldProblem] = []
    # First a field's own name between marks; then what the filters for money and for dates can read.
    stand_ins = {name: iter((f"‹{name}›", "1250000", "2026-11-23")) for name in renderer.fields}
    while True:
        try:
            return renderer.render(values), faults
        except FieldProblem as problem:
            stand_in = next(stand_ins.get(problem.name, iter(())), None)
            if stand_in is None:
                raise
            if problem.name not in {fault.name for fault in faults}:
                faults.append(problem)
            values[problem.name] = stand_in
