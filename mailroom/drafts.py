"""Drafts: what a sender has put together and not yet queued, with every row of the list and its faults.

A draft never changes: to mend a list is to make a new draft. Its id is random, and is also the one-time key of
the form that queues it.
"""

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom import addresses, attachments, recipients
from mailroom.email_templates import Version
from mailroom.problems import Problem, Sentence
from mailroom.recipients import Row, Sheet
from mailroom.rendering import Rendered, Renderer
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

KEPT_DAYS = 7
MAX_NAME = 120

# What to do about a fault, by its sentence; any other is a matter of the whole row.
_KINDS = {
    addresses.NO_ADDRESS: "address",
    addresses.NO_AT: "address",
    addresses.SEVERAL: "address",
    addresses.SPACES: "address",
    addresses.NOT_VALID: "address",
    addresses.DID_YOU_MEAN: "address",
    recipients.MISSING: "missing",
    recipients.DUPLICATE: "duplicate",
    recipients.BREAK_IN_SUBJECT: "break",
    recipients.TOO_LONG: "long",
}


@dataclass(frozen=True)
class Setup:
    """What a draft is made of besides its rows.

    source: the file's name, or a word for where the rows came from. attachment: its name and content, or None.
    """

    name: str
    version: Version
    sender_id: int
    token_id: int
    source: str
    attachment: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class Draft:
    """A draft as its pages show it.

    columns: each column's name as in the list, with the key of its values in a `Row`; shown: those of them that
    matter for sending, which are the address and what the template needs. delimiter, encoding: of the file, or "".
    good, total: rows. attachment_size: in bytes.
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
    columns: tuple[tuple[str, str], ...]
    shown: tuple[tuple[str, str], ...]
    delimiter: str
    encoding: str
    good: int
    total: int

    @property
    def bad(self) -> int:
        """Rows that cannot be sent as they are."""
        return self.total - self.good


@dataclass(frozen=True)
class Fault:
    """How many rows have one kind of fault.

    kind: address, missing, duplicate, break, long or row. key: the field or column it is about, where that matters.
    """

    kind: str
    key: str
    rows: int


def create(store: Store, user_id: int, setup: Setup, sheet: Sheet, now: datetime) -> str:
    """The id of a new draft that holds every row of the sheet, good or not.

    Raises Problem beside `name` or `attachment`.
    """
    draft_id = secrets.token_urlsafe(16)
    name = named(setup.name)
    renderer = Renderer(setup.version.subject, setup.version.body)
    # Checked before the lock is taken: a long list takes seconds, and the sender writes through the same lock.
    rows = [_packed(draft_id, row) for row in recipients.check(sheet, renderer)]
    with store.write() as db:
        attachment_id = attachments.keep(db, *setup.attachment) if setup.attachment else None
        db.execute(
            "INSERT INTO drafts (id, created_by, created_at, name, template_version_id, sender_id, token_id, "
            "attachment_id, source, columns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [draft_id, user_id, iso(now), name, setup.version.id, setup.sender_id, setup.token_id, attachment_id,
             setup.source, json.dumps(_shape(sheet, renderer), ensure_ascii=False)],
        )  # fmt: skip
        db.conn.executemany(
            "INSERT INTO draft_rows (draft_id, row, email, fields, errors) VALUES (?, ?, ?, ?, ?)", rows
        )
    return draft_id


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
            "d.attachment_id, a.filename AS attachment_name, a.size AS attachment_size, d.source, d.columns, "
            "(SELECT count(*) FROM draft_rows WHERE draft_id = d.id AND errors = '{}') AS good, "
            "(SELECT count(*) FROM draft_rows WHERE draft_id = d.id) AS total "
            "FROM drafts d LEFT JOIN attachments a ON a.id = d.attachment_id WHERE d.id = ? AND d.created_by = ?",
            [draft_id, user_id],
        ),
        None,
    )
    if row is None:
        raise LookupError("no such draft")
    shape = json.loads(row["columns"])
    columns, shown = (tuple((name, key) for name, key in shape[part]) for part in ("columns", "shown"))
    return Draft(**{**row, **shape, "columns": columns, "shown": shown})


def faults(store: Store, draft_id: str) -> list[Fault]:
    """What is wrong with the draft's rows, counted by kind, the most urgent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in store.read().query(
        "SELECT e.key, json_extract(e.value, '$.text') AS text, count(*) AS n "
        "FROM draft_rows r, json_each(r.errors) e WHERE r.draft_id = ? AND r.errors <> '{}' GROUP BY 1, 2",
        [draft_id],
    ):
        kind = _KINDS.get(row["text"], "row")
        counts[kind, row["key"] if kind in ("missing", "break", "long") else ""] += row["n"]
    order = [*dict.fromkeys(_KINDS.values()), "row"]
    return [
        Fault(*at, n) for at, n in sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0]))
    ]


def good_rows(store: Store, draft_id: str) -> Iterator[Row]:
    """The rows that can be sent, in order, read as they are asked for."""
    return _rows(store, "draft_id = ? AND errors = '{}' ORDER BY row", [draft_id])


def bad_rows(store: Store, draft_id: str, after: int = 0, limit: int = -1) -> Iterator[Row]:
    """The rows with faults that follow row number `after`, in order; all of them without a limit."""
    return _rows(
        store, "draft_id = ? AND errors <> '{}' AND row > ? ORDER BY row LIMIT ?", [draft_id, after, limit]
    )


def row(store: Store, draft_id: str, number: int) -> Row | None:
    """One row by its number, or None."""
    return next(_rows(store, "draft_id = ? AND row = ?", [draft_id, number]), None)


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
    query = "SELECT subject, coalesce(compiled, html) AS body FROM template_versions WHERE id = ?"
    version = next(store.read().query(query, [draft.template_version_id]))
    return found, Renderer(version["subject"], version["body"]).render(found.values)


def discard(store: Store, draft_id: str, user_id: int) -> bool:
    """Whether the person had such a draft, which is gone now; a batch made of it stays as it is."""
    with store.write() as db:
        gone = db.execute("DELETE FROM drafts WHERE id = ? AND created_by = ?", [draft_id, user_id]).rowcount
    attachments.forget_unused(store)
    return gone == 1


def tidy(store: Store, now: datetime) -> int:
    """How many drafts were older than a week and are gone now. A batch holds its own copy of what was sent.

    What waits for a second person stays, however long that takes.
    """
    waits = "SELECT draft_id FROM approvals WHERE decision = ''"
    with store.write() as db:
        old = iso(now - timedelta(days=KEPT_DAYS))
        gone = db.execute(f"DELETE FROM drafts WHERE created_at < ? AND id NOT IN ({waits})", [old]).rowcount  # noqa: S608
    attachments.forget_unused(store)
    return gone


def _shape(sheet: Sheet, renderer: Renderer) -> dict[str, object]:
    first_key: dict[int, str] = {}
    for key, index in recipients.keys(sheet, renderer.fields).items():
        first_key.setdefault(index, key)
    columns = [(column, first_key[index]) for index, column in enumerate(sheet.columns)]
    shown = [one for at, one in enumerate(columns) if at == sheet.email_at or one[1] in renderer.fields]
    delimiter, encoding = sheet.reading.delimiter or "", sheet.reading.encoding or ""
    return {"columns": columns, "shown": shown, "delimiter": delimiter, "encoding": encoding}


def _packed(draft_id: str, row: Row) -> tuple[str, int, str, str, str]:
    errors = {key: {"text": said.text, "values": dict(said.values)} for key, said in row.errors.items()}
    fields = json.dumps(row.values, ensure_ascii=False)
    return draft_id, row.number, row.email, fields, json.dumps(errors, ensure_ascii=False)


def _rows(store: Store, where: str, parameters: list[object]) -> Iterator[Row]:
    # `where` is one of the constants above; what it compares with is always a parameter.
    query = "SELECT row, email, fields, errors FROM draft_rows WHERE " + where  # noqa: S608
    found = store.read().query(query, parameters)
    return (
        Row(line["row"], line["email"], json.loads(line["fields"]), _sentences(json.loads(line["errors"])))
        for line in found
    )


def _sentences(errors: dict[str, dict[str, object]]) -> dict[str, Sentence]:
    return {
        key: Sentence(str(error["text"]), tuple(dict(error["values"]).items()))  # type: ignore[call-overload]
        for key, error in errors.items()
    }
