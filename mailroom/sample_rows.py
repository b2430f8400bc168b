"""Real rows to look at a template with: of the last batch sent with it, or of a list that somebody is about to send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mailroom.store import Store


@dataclass(frozen=True)
class Source:
    """Where rows can come from. key: for forms, such as `batch-12`; name: of the batch or draft."""

    key: str
    kind: Literal["batch", "draft"]
    name: str
    rows: int


@dataclass(frozen=True)
class SampleRow:
    """One row, as the list has it. number: as the spreadsheet counts; before, after: its neighbours, or None."""

    number: int
    email: str
    values: Mapping[str, str]
    before: int | None
    after: int | None


def sources(store: Store, template_id: int | None, user_id: int) -> list[Source]:
    """Where rows for this template can come from: its last batch, and this person's newest draft of any template."""
    return [
        Source(f"{row['kind']}-{row['id']}", row["kind"], row["name"], row["size"])
        for row in store.read().query(_SOURCES, {"template": template_id, "user": user_id})
    ]


def row(store: Store, source: Source, number: int) -> SampleRow | None:
    """The row with that number, or else the next one, or else the first; None when the source has no rows.

    source: one that `sources` gave for this person.
    """
    # Both names come from this module, never from a form.
    table, column = {"batch": ("mails", "batch_id"), "draft": ("draft_rows", "draft_id")}[source.kind]
    # Each look-up goes by the index: a list may have 100,000 rows, and this is asked at every keystroke.
    query = f"""
        SELECT row, email, fields,
            (SELECT max(row) FROM {table} b WHERE b.{column} = :id AND b.row < r.row) AS before,
            (SELECT min(row) FROM {table} a WHERE a.{column} = :id AND a.row > r.row) AS after
        FROM {table} r WHERE r.{column} = :id AND r.row = coalesce(
            (SELECT min(row) FROM {table} n WHERE n.{column} = :id AND n.row >= :number),
            (SELECT min(row) FROM {table} f WHERE f.{column} = :id))
    """  # noqa: S608
    found = next(store.read().query(query, {"id": source.key.partition("-")[2], "number": number}), None)
    if found is None:
        return None
    return SampleRow(
        found["row"], found["email"], json.loads(found["fields"]), found["before"], found["after"]
    )


_SOURCES = """
    SELECT * FROM (
        SELECT 'batch' AS kind, b.id, b.name, b.size FROM batches b
            JOIN template_versions v ON v.id = b.template_version_id
            WHERE v.template_id = :template AND b.kind = 'batch' ORDER BY b.id DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (
        SELECT 'draft', d.id, d.name, (SELECT count(*) FROM draft_rows r WHERE r.draft_id = d.id) FROM drafts d
            WHERE d.created_by = :user ORDER BY d.created_at DESC, d.id LIMIT 1)
"""
