"""Drafts: what a sender has put together and not yet queued, with every row of the list and its faults.

A draft never changes: to mend a list, or to read it another way, is to make a new draft. Its id is random, and is
also the one-time key of the form that queues it. Its rows come in small portions; until the last is in, nobody sees it.
"""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import (
    attachments,
    draft_rows,
    email_templates,
    recipients,
    row_files,
    sources,
    suppressions,
    unsubscribe,
)
from mailroom.email_templates import Version
from mailroom.layouts import Layout
from mailroom.problems import Problem
from mailroom.recipients import Reading, Row, Sheet
from mailroom.rendering import Rendered, Renderer
from mailroom.store import Store
from mailroom.times import iso
from mailroom.zips import Zip
from oca.words import N_

KEPT_DAYS = 7
MAX_NAME = 120
# A draft whose rows are not all in after an hour was left by a program that stopped meanwhile.
MAKING_HOURS = 1
# How far back “the same list went out already” looks.
REPEAT_DAYS = 7


@dataclass(frozen=True)
class Setup:
    """What a draft is made of besides its rows.

    source: the file's name, or a word for where the rows came from. attachment: its name and content, the id of
    one that is kept, or None. files: one for each row, out of a zip or of an earlier draft by its id, or None.
    """

    name: str
    version: Version
    sender_id: int
    token_id: int
    source: str
    attachment: tuple[str, bytes] | int | None = None
    files: Zip | str | None = None


@dataclass(frozen=True)
class Draft:
    """A draft as its pages show it.

    source_id: of the list as it was given; None for a draft from before lists were kept. reading: how it was read,
    all filled in. content_sha256: of what its good rows say. good, total: rows. attachment_size: in bytes.
    """

    id: str
    name: str
    created_at: str
    created_by: int
    template_version_id: int
    sender_id: int
    token_id: int
    attachment_id: int | None
    attachment_name: str | None
    attachment_size: int | None
    source: str
    source_id: int | None
    layout: Layout
    reading: Reading
    content_sha256: str
    good: int
    total: int

    @property
    def bad(self) -> int:
        """Rows that cannot be sent as they are."""
        return self.total - self.good


@dataclass(frozen=True)
class Earlier:
    """A batch that had the same content: same template, same recipients, same values."""

    id: int
    name: str
    created_at: str
    size: int


def create(store: Store, user_id: int, setup: Setup, sheet: Sheet, now: datetime) -> str:
    """The id of a new draft that holds every row of the sheet, good or not.

    Raises Problem beside `name`, `attachment` or `files`, or beside no field when the sheet cannot be read to its end.
    """
    draft_id = secrets.token_urlsafe(16)
    name = named(setup.name)
    renderer = Renderer(setup.version.subject, setup.version.body)
    content = draft_rows.Content(setup.version.template_id, renderer.fields)
    with store.write() as db:
        _begin(db, draft_id, user_id, name, setup, sheet, renderer, now)
    try:
        files = row_files.taken(store, draft_id, setup.files)
        if files is not None:
            at = recipients.attachment_at(sheet, files)
            sheet = replace(sheet, reading=replace(sheet.reading, attachment=at))
        lack = sheet.reading.may_lack_file
        rows = recipients.check(sheet, renderer, suppressions.among(store), files, may_lack_file=lack)
        draft_rows.put(store, draft_id, rows, content)
        with store.write() as db:
            row_files.mark_used(db, draft_id)
            reading, layout = sheet.reading.to_json(), Layout.of(sheet, renderer).to_json()
            db.execute(
                "UPDATE drafts SET good = ?, total = ?, content_sha256 = ?, reading = ?, columns = ? WHERE id = ?",
                [content.good, content.total, content.sha256(), reading, layout, draft_id],
            )
    except BaseException:
        # What cannot be written now is tidied away later.
        with suppress(Exception):
            remove(store, draft_id)
        raise
    return draft_id


def read_again(store: Store, draft: Draft, reading: Reading, user_id: int, now: datetime) -> str:
    """The id of a new draft like this one, of the same list read another way.

    Raises Problem when the list cannot be read like that, LookupError when it is not kept.
    """
    sheet = recipients.read(sources.get(store, draft.source_id or 0), reading)
    version = email_templates.version(store, draft.template_version_id)
    setup = Setup(draft.name, version, draft.sender_id, draft.token_id, draft.source, draft.attachment_id,
                  draft.id if row_files.any_of(store, draft.id) else None)  # fmt: skip
    return create(store, user_id, setup, sheet, now)


def named(name: str) -> str:
    """The batch's name as it is kept. Raises Problem beside `name` when it cannot be one."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Problem(N_("Name the batch in 1 to %(most)s letters."), field="name", most=MAX_NAME)
    return name


def get(store: Store, draft_id: str, user_id: int) -> Draft:
    """The draft, for the person who made it. Raises LookupError for anybody else, and when there is none."""
    row = next(
        store.read().query(
            "SELECT d.id, d.name, d.created_at, d.created_by, d.template_version_id, d.sender_id, d.token_id, "
            "d.attachment_id, a.filename AS attachment_name, a.size AS attachment_size, d.source, d.source_id, "
            "d.columns AS layout, d.reading, d.content_sha256, d.good, d.total FROM drafts d "
            "LEFT JOIN attachments a ON a.id = d.attachment_id "
            "WHERE d.id = ? AND d.created_by = ? AND d.total IS NOT NULL",
            [draft_id, user_id],
        ),
        None,
    )
    if row is None:
        raise LookupError("no such draft")
    return Draft(
        **{**row, "layout": Layout.from_json(row["layout"]), "reading": Reading.from_json(row["reading"])}
    )


def same_content(store: Store, draft: Draft, now: datetime) -> Earlier | None:
    """The newest batch of the last days that had the same content as this draft, and sent some of it or still will."""
    row = next(
        store.read().query(
            "SELECT b.id, b.name, b.created_at, b.size FROM batches b WHERE b.content_sha256 = ? "
            "AND b.content_sha256 <> '' AND b.form_key <> ? AND b.kind = 'batch' AND b.created_at >= ? "
            "AND EXISTS (SELECT 1 FROM batch_counts c WHERE c.batch_id = b.id AND c.n > 0 "
            "AND c.shown NOT IN ('cancelled', 'skipped', 'rejected', 'gave_up')) ORDER BY b.id DESC LIMIT 1",
            [draft.content_sha256, draft.id, iso(now - timedelta(days=REPEAT_DAYS))],
        ),
        None,
    )
    return Earlier(**row) if row else None


def good_rows(store: Store, draft_id: str) -> Iterator[Row]:
    """The rows that can be sent, in order, read as they are asked for."""
    return draft_rows.select(store, "draft_id = ? AND errors = '{}' ORDER BY row", [draft_id])


def bad_rows(store: Store, draft_id: str, after: int = 0, limit: int = -1) -> Iterator[Row]:
    """The rows with faults that follow row number `after`, in order; all of them without a limit."""
    where = "draft_id = ? AND errors <> '{}' AND row > ? ORDER BY row LIMIT ?"
    return draft_rows.select(store, where, [draft_id, after, limit])


def rows_to_mend(store: Store, draft_id: str) -> Iterator[Row]:
    """The rows with faults without those that only repeat an address: uploaded alone, they would be good."""
    where = f"{draft_rows.TO_MEND} ORDER BY row"
    return draft_rows.select(store, where, [draft_id, recipients.DUPLICATE])


def row(store: Store, draft_id: str, number: int) -> Row | None:
    """One row by its number, or None."""
    return next(draft_rows.select(store, "draft_id = ? AND row = ?", [draft_id, number]), None)


def attached(store: Store, draft: Draft, number: int) -> int | None:
    """The attachment that goes with a row: its own, or the one for all; None without, or when there is no such row."""
    found = row(store, draft.id, number)
    return (found.attachment_id or draft.attachment_id) if found else None


def neighbours(store: Store, draft_id: str, number: int) -> tuple[int | None, int | None]:
    """The numbers of the good rows before and after a row; None where there is none."""
    found = next(
        store.read().query(
            "SELECT (SELECT max(row) FROM draft_rows WHERE draft_id = :id AND row < :n AND errors = '{}') AS before, "
            "(SELECT min(row) FROM draft_rows WHERE draft_id = :id AND row > :n AND errors = '{}') AS after",
            {"id": draft_id, "n": number},
        )
    )
    return found["before"], found["after"]


def render_row(store: Store, draft: Draft, number: int) -> tuple[Row, Rendered] | None:
    """A good row and its mail, made by the same code that makes it for sending; None when the row is not good."""
    found = row(store, draft.id, number)
    if found is None or found.errors:
        return None
    version = email_templates.version(store, draft.template_version_id)
    values = {**found.values, unsubscribe.FIELD: unsubscribe.EXAMPLE}
    return found, Renderer(version.subject, version.body).render(values)


def discard(store: Store, draft_id: str, user_id: int) -> bool:
    """Whether the person had such a draft, which is gone now; a batch made of it stays as it is."""
    try:
        get(store, draft_id, user_id)
    except LookupError:
        return False
    remove(store, draft_id)
    # A zip may have held thousands; whoever waits for the page need not wait for all of them.
    attachments.forget_unused(store, most=4)
    return True


def remove(store: Store, draft_id: str) -> bool:
    """Whether there was such a draft, whoever made it, which is gone now with the list it was made of."""
    with store.write() as db:
        row = next(db.query("SELECT source_id FROM drafts WHERE id = ?", [draft_id]), None)
        db.execute("DELETE FROM drafts WHERE id = ?", [draft_id])
        if row:
            sources.forget(db, row["source_id"])
    return row is not None


def tidy(store: Store, now: datetime) -> int:
    """How many drafts were older than a week, or never got all their rows, and are gone now.

    A batch holds its own copy of what was sent. What waits for a second person stays, however long that takes.
    """
    old, left = iso(now - timedelta(days=KEPT_DAYS)), iso(now - timedelta(hours=MAKING_HOURS))
    found = store.read().query(
        "SELECT id FROM drafts WHERE (created_at < ? OR total IS NULL AND created_at < ?) "
        "AND id NOT IN (SELECT draft_id FROM approvals WHERE decision = '')",
        [old, left],
    )
    # One at a time: the rows of many long lists would hold up the sender.
    gone = sum(remove(store, row["id"]) for row in list(found))
    with store.write() as db:
        sources.forget_unused(db, now)
    attachments.forget_unused(store)
    return gone


def _begin(
    db: Database,
    draft_id: str,
    user_id: int,
    name: str,
    setup: Setup,
    sheet: Sheet,
    renderer: Renderer,
    now: datetime,
) -> None:
    kept = setup.attachment
    db.table("drafts").insert(
        {
            "id": draft_id,
            "created_by": user_id,
            "created_at": iso(now),
            "name": name,
            "template_version_id": setup.version.id,
            "sender_id": setup.sender_id,
            "token_id": setup.token_id,
            "attachment_id": attachments.keep(db, *kept) if isinstance(kept, tuple) else kept,
            "source": setup.source,
            "source_id": sources.keep(db, sheet.given, now),
            "reading": sheet.reading.to_json(),
            "columns": Layout.of(sheet, renderer).to_json(),
        }
    )
