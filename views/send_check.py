"""What the check page shows of a draft: the rows with faults, one mail as it will arrive, all of it in numbers."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import request

from mailroom import (
    attachments,
    draft_rows,
    drafts,
    email_templates,
    identities,
    lists,
    progress,
    recipients,
    row_files,
    tokens,
)
from mailroom.csv_files import safe_cell
from mailroom.drafts import Draft
from mailroom.recipients import Row
from mailroom.rendering import Renderer
from views.here import service, whole
from views.words import said

BAD_ROWS = 100


def facts(draft: Draft) -> dict[str, Any]:
    """The draft with its template, sender, token, how long it will take, and the batch it would repeat.

    dead_links: whether it has unsubscribe links that recipients could not open.
    """
    store, now, settings = service().store, service().clock(), service().settings
    version = email_templates.version(store, draft.template_version_id)
    token = tokens.get(store, draft.token_id, now)
    per_second = service().clients.pace(token.id).per_second
    return {
        "draft": draft,
        "version": version,
        "sender": identities.get(store, draft.sender_id),
        "token": token,
        "estimate": progress.estimate(store, token.id, draft.good, per_second, now),
        "earlier": drafts.same_content(store, draft, now),
        "dead_links": settings.only_here
        and not settings.sandbox
        and Renderer(version.subject, version.body).uses_unsubscribe,
        "files": row_files.of(store, draft.id),
    }


def to_do(draft: Draft) -> dict[str, Any]:
    """The kinds of faults, counted; the first rows that have some; and the saved list they came from."""
    store = service().store
    return {
        "todo": draft_rows.faults(store, draft.id, draft.layout.unfilled),
        "saved": lists.of_source(store, draft.source_id),
        "to_mend": draft_rows.to_mend(store, draft.id),
    } | bad_rows(draft)


def bad_rows(draft: Draft) -> dict[str, Any]:
    """Some rows with faults: those after the one the address names."""
    after = request.args.get("after", 0, type=whole)
    found = list(drafts.bad_rows(service().store, draft.id, after, BAD_ROWS + 1))
    return {
        "bad": found[:BAD_ROWS],
        "more": len(found) > BAD_ROWS,
        "after": after,
        "suppressed": recipients.SUPPRESSED,
    }


def arrival(draft: Draft) -> dict[str, Any]:
    """The good row the address names, or the first one, with its neighbours; nothing when no row is good."""
    store, number = service().store, request.args.get("row", 0, type=whole)
    first = drafts.neighbours(store, draft.id, 0)[1]
    found = drafts.render_row(store, draft, number) or (first and drafts.render_row(store, draft, first))
    if not found:
        return {"row": None}
    row, rendered = found
    before, after = drafts.neighbours(store, draft.id, row.number)
    return {
        "row": row,
        "attached": attached(draft, row),
        "rendered": rendered,
        "previous": before,
        "next": after,
        "phone": request.args.get("width") == "phone",
        "sender": identities.get(store, draft.sender_id),
    }


def attached(draft: Draft, row: Row) -> attachments.About | None:
    """What goes with a row: its own file, or the one for all."""
    kept = row.attachment_id or draft.attachment_id
    return attachments.about(service().store, kept) if kept else None


def others(draft: Draft) -> Iterator[str]:
    """The rows to mend as the lines of a CSV file: the columns of the list, and one that says what is wrong."""
    columns = [(name, key) for name, key in draft.layout.columns if name != "error"]
    yield "\ufeff" + _line(draft, [*(name for name, _key in columns), "error"])
    for row in drafts.rows_to_mend(service().store, draft.id):
        yield _line(draft, [*(row.values.get(key, "") for _name, key in columns), _faults(draft, row)])


def _line(draft: Draft, cells: list[str]) -> str:
    # A workbook has no delimiter; Excel in Indonesia takes semicolons.
    delimiter = draft.reading.delimiter or (";" if draft.layout.sheets else ",")
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter).writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()


def _faults(draft: Draft, row: Row) -> str:
    names = {key: name + ": " for name, key in draft.layout.columns}
    return "; ".join(
        names.get(key, f"{key}: " if key else "") + said(fault) for key, fault in row.errors.items()
    )
