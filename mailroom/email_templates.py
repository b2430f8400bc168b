"""The team's templates: every save is a version, and a version never changes.

Not to be confused with `templates/`, the pages of the program.
"""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from mailroom import activity, compiling, deeds, library_deeds, mail_lint
from mailroom.compiling import Kind
from mailroom.problems import Problem
from mailroom.rendering import (
    FieldProblem,
    MissingField,
    Rendered,
    Renderer,
    TemplateProblem,
    fields_of,
)
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

__all__ = [
    "FieldProblem",
    "Kind",
    "MissingField",
    "NoSuchTemplate",
    "Rendered",
    "Renderer",
    "Saved",
    "Summary",
    "TemplateProblem",
    "Usage",
    "Version",
    "all_templates",
    "fields_of",
    "free_name",
    "latest",
    "own_version",
    "remove",
    "removed_templates",
    "restore",
    "save",
    "usage",
    "version",
    "versions",
]

MAX_TEMPLATE_NAME = 100


class NoSuchTemplate(LookupError):
    """There is no template or version with that number."""


@dataclass(frozen=True)
class Version:
    """One saved state of a template.

    number: counted from 1 within its template. html: as its author wrote it, HTML or MJML as `kind` says; compiled:
    the HTML made of it, or None where it is filled as it was written. fields: in order of appearance, the subject
    first. marketing: whether the template, in all its versions, is for mails that one can unsubscribe from.
    hidden: whether it is the program's own, which nobody of the team writes or sends with.
    """

    id: int
    template_id: int
    template_name: str
    number: int
    subject: str
    kind: Kind
    html: str
    compiled: str | None
    marketing: bool
    fields: tuple[str, ...]
    created_at: str
    created_by: int
    hidden: bool = False

    @property
    def body(self) -> str:
        """The HTML that is filled."""
        return self.html if self.compiled is None else self.compiled


@dataclass(frozen=True)
class Summary:
    """A template as a list shows it: its newest version, and when a batch last used any of them."""

    id: int
    name: str
    number: int
    version_id: int
    subject: str
    kind: Kind
    marketing: bool
    fields: tuple[str, ...]
    created_at: str
    changed_at: str
    last_used_at: str | None


@dataclass(frozen=True)
class Saved:
    """A version as a list shows it; author: the name of the person who saved it."""

    id: int
    number: int
    subject: str
    created_at: str
    author: str


@dataclass(frozen=True)
class Usage:
    """How much hangs on a template."""

    versions: int
    batches: int
    mails: int


def save(
    store: Store,
    template_id: int | None,
    name: str,
    subject: str,
    html: str,
    user_id: int,
    now: datetime,
    *,
    kind: Kind = "html",
    marketing: bool = False,
) -> Version:
    """The newest version after saving; the same subject, kind and body as before make no new one.

    template_id: None for a new template. Raises TemplateProblem (field "name", "subject" or "html") for what
    cannot be kept, NoSuchTemplate for a template that is unknown or removed.
    """
    name, subject, html = _name(name), subject.strip(), _lines(html)
    if not subject:
        raise TemplateProblem(N_("Write a subject."), "subject")
    if not html.strip():
        raise TemplateProblem(N_("Write the mail."), "html")
    compiled = compiling.compiled(kind, html)
    renderer = Renderer(subject, html if compiled is None else compiled)
    if marketing and not renderer.always_unsubscribe:
        raise TemplateProblem(mail_lint.NO_UNSUBSCRIBE, "html")
    with store.write() as db:
        before = _versions(db, "t.id = ?", template_id or 0, limit=1)
        if template_id is None:
            template_id = _add(db, name, marketing, now)
        else:
            _change(db, template_id, name, marketing)
        _add_version(db, template_id, _Content(subject, kind, html, compiled, renderer.fields), user_id, now)
        saved = _versions(db, "t.id = ?", template_id, limit=1)[0]
        if [saved] != before:
            deed = library_deeds.TemplateSaved(template_id, name, saved.number, int(marketing))
            activity.note(db, deed, now, user_id)
        return saved


def own_version(db: Database, name: str, subject: str, html: str, user_id: int, now: datetime) -> int:
    """The id of the version of one of the program's own templates that has this subject and body, made if need be.

    name: what that template is called when it is made; with a number where a template of the team has that name.
    """
    row = db.execute(
        "SELECT id FROM templates WHERE hidden AND (name = :name OR name LIKE :name || ' %')", {"name": name}
    ).fetchone()
    if row is None:
        template_id = _add(db, _free_name(db, name), False, now)
        db.execute("UPDATE templates SET hidden = 1 WHERE id = ?", [template_id])
    else:
        template_id = int(row[0])
    content = _Content(subject, "html", html, None, Renderer(subject, html).fields)
    _add_version(db, template_id, content, user_id, now)
    return _versions(db, "t.id = ?", template_id, limit=1)[0].id


def version(store: Store, version_id: int) -> Version:
    """The version with that id, of a removed template too. Raises NoSuchTemplate."""
    found = _versions(store.read(), "v.id = ?", version_id)
    if not found:
        raise NoSuchTemplate(version_id)
    return found[0]


def latest(store: Store, template_id: int) -> Version | None:
    """The newest version of a template that can be used; None when it is unknown or removed."""
    found = _versions(
        store.read(), "t.id = ? AND t.removed_at IS NULL AND NOT t.hidden", template_id, limit=1
    )
    return found[0] if found else None


def versions(store: Store, template_id: int) -> list[Saved]:
    """When and by whom each version was saved, the newest first; of a removed template too."""
    rows = store.read().execute(
        "SELECT v.id, v.number, v.subject, v.created_at, u.name AS author FROM template_versions v "
        "JOIN users u ON u.id = v.created_by WHERE v.template_id = ? ORDER BY v.number DESC",
        [template_id],
    )
    return [Saved(**dict(row)) for row in rows]


def all_templates(store: Store) -> list[Summary]:
    """The templates that can be used, by name."""
    return _summaries(store, removed=False)


def removed_templates(store: Store) -> list[Summary]:
    """The templates that were removed and can be brought back, by name."""
    return _summaries(store, removed=True)


def usage(store: Store, template_id: int) -> Usage:
    """How many versions the template has, and how many batches and mails were made with them."""
    row = store.read().execute(
        "SELECT count(DISTINCT v.id), count(b.id), coalesce(sum(b.size), 0) FROM template_versions v "
        "LEFT JOIN batches b ON b.template_version_id = v.id WHERE v.template_id = ?",
        [template_id],
    )
    return Usage(*row.fetchone())


def free_name(store: Store, name: str) -> str:
    """The name, or the name with the first number from 2 that no template has, not even a removed one."""
    return _free_name(store.read(), name)


def _free_name(db: Database, name: str) -> str:
    rows = db.execute("SELECT name FROM templates WHERE name LIKE ? || '%'", [name])
    taken = {str(row[0]).casefold() for row in rows}
    names = (name if n == 1 else f"{name} {n}" for n in range(1, len(taken) + 2))
    return next(one for one in names if one.casefold() not in taken)


def remove(store: Store, template_id: int, now: datetime) -> None:
    """Takes the template out of the lists; batches keep the version they were made with."""
    with store.write() as db:
        row = db.execute(
            "UPDATE templates SET removed_at = ? WHERE id = ? AND removed_at IS NULL RETURNING name",
            [iso(now), template_id],
        ).fetchone()
        if row:
            activity.note(db, deeds.TemplateRemoved(row["name"]), now)


def restore(store: Store, template_id: int) -> None:
    """Puts a removed template back into the lists."""
    with store.write() as db:
        row = db.execute(
            "UPDATE templates SET removed_at = NULL WHERE id = ? AND removed_at IS NOT NULL RETURNING name",
            [template_id],
        ).fetchone()
        if row:
            activity.note(db, deeds.TemplateRestored(row["name"]))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise TemplateProblem(N_("Give the template a name."), "name")
    if len(name) > MAX_TEMPLATE_NAME or not name.isprintable():
        raise TemplateProblem(
            N_("A name has at most %(limit)s visible characters."), "name", limit=MAX_TEMPLATE_NAME
        )
    return name


def _lines(html: str) -> str:
    # A browser sends every line end as CR LF, so without this the text would differ from what was saved.
    return html.replace("\r\n", "\n").replace("\r", "\n")


def _add(db: Database, name: str, marketing: bool, now: datetime) -> int:
    try:
        added = db.execute(
            "INSERT INTO templates (name, marketing, created_at) VALUES (?, ?, ?)",
            [name, marketing, iso(now)],
        )
    except sqlite3.IntegrityError:
        raise _taken(db, name) from None
    return int(added.lastrowid or 0)


def _change(db: Database, template_id: int, name: str, marketing: bool) -> None:
    try:
        changed = db.execute(
            "UPDATE templates SET name = ?, marketing = ? WHERE id = ? AND removed_at IS NULL AND NOT hidden",
            [name, marketing, template_id],
        )
    except sqlite3.IntegrityError:
        raise _taken(db, name) from None
    if not changed.rowcount:
        raise NoSuchTemplate(template_id)


def _taken(db: Database, name: str) -> Problem:
    (removed_at,) = db.execute("SELECT removed_at FROM templates WHERE name = ?", [name]).fetchone()
    if removed_at:
        text = N_("A removed template has this name. Bring that one back, or choose another name.")
    else:
        text = N_("Another template has this name. Choose another one.")
    return TemplateProblem(text, "name")


@dataclass(frozen=True)
class _Content:
    """What a version holds; two with the same content are the same version."""

    subject: str
    kind: Kind
    html: str
    compiled: str | None
    fields: tuple[str, ...]


def _add_version(db: Database, template_id: int, content: _Content, user_id: int, now: datetime) -> None:
    newest = _versions(db, "t.id = ?", template_id, limit=1)
    if newest and all(
        getattr(newest[0], part) == getattr(content, part) for part in ("subject", "kind", "html")
    ):
        return
    number = newest[0].number + 1 if newest else 1
    db.execute(
        "INSERT INTO template_versions (template_id, number, subject, kind, html, compiled, fields, created_at, "
        "created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [template_id, number, content.subject, content.kind, content.html, content.compiled,
         json.dumps(content.fields), iso(now), user_id],
    )  # fmt: skip


def _versions(db: Database, where: str, value: int, limit: int = -1) -> list[Version]:
    rows = db.execute(f"{_SELECT_VERSION} WHERE {where} ORDER BY v.number DESC LIMIT ?", [value, limit])
    return [Version(**_read(dict(row))) for row in rows]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    row |= {name: bool(row[name]) for name in ("marketing", "hidden") if name in row}
    return {**row, "fields": tuple(json.loads(row["fields"]))}


_SELECT_VERSION = """
    SELECT v.id, v.template_id, t.name AS template_name, v.number, v.subject, v.kind, v.html, v.compiled, t.marketing,
        v.fields, v.created_at, v.created_by, t.hidden
    FROM template_versions v JOIN templates t ON t.id = v.template_id
"""


def _summaries(store: Store, *, removed: bool) -> list[Summary]:
    rows = store.read().execute(_SELECT_SUMMARIES, [removed])
    return [Summary(**_read(dict(row))) for row in rows]


_SELECT_SUMMARIES = """
    SELECT t.id, t.name, v.number, v.id AS version_id, v.subject, v.kind, t.marketing, v.fields, t.created_at,
        v.created_at AS changed_at,
        -- Of each version the last batch, which an index has: a year has thousands.
        (SELECT max((SELECT b.created_at FROM batches b WHERE b.template_version_id = u.id ORDER BY b.id DESC LIMIT 1))
            FROM template_versions u WHERE u.template_id = t.id) AS last_used_at
    FROM templates t JOIN template_versions v ON v.template_id = t.id
        AND v.number = (SELECT max(number) FROM template_versions WHERE template_id = t.id)
    WHERE (t.removed_at IS NOT NULL) = ? AND NOT t.hidden
    ORDER BY t.name COLLATE NOCASE
"""
