"""Real rows to look at a template with: of its last batch, of a list about to be sent to, of a saved list."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from threading import Lock
from typing import Literal

from mailroom import lists, recipients
from mailroom.headers import field_name
from mailroom.lists import SavedList
from mailroom.sheets import Given, Sheet
from mailroom.store import Store

MOST_ROWS = 200  # of a saved list, from its top
_MOST_LISTS = 4  # whose first rows stay in memory


@dataclass(frozen=True)
class Source:
    """Where rows can come from. key: for forms, such as `batch-12`; name: of the batch, draft or list."""

    key: str
    kind: Literal["batch", "draft", "list"]
    name: str

    @property
    def id(self) -> str:
        """Of the batch, draft or list."""
        return self.key.partition("-")[2]


@dataclass(frozen=True)
class SampleRow:
    """One row. number: as the spreadsheet counts. values: by field. before, after: its neighbours, or None."""

    number: int
    email: str
    values: Mapping[str, str]
    before: int | None
    after: int | None


def sources(store: Store, template_id: int | None, user_id: int) -> list[Source]:
    """Where rows can come from: the template's last batch, this person's newest draft, every saved list."""
    found = store.read().query(_SOURCES, {"template": template_id, "user": user_id})
    made = [Source(f"{row['kind']}-{row['id']}", row["kind"], row["name"]) for row in found]
    return made + [Source(f"list-{one.id}", "list", one.name) for one in lists.all_lists(store)]


def row(store: Store, source: Source, number: int, fields: Iterable[str]) -> SampleRow | None:
    """The row with that number, or else the next one, or else the first; None when there is no row.

    source: one that `sources` gave for this person. fields: of the template. Raises Problem when a saved list can no
    longer be read.
    """
    if source.kind == "list":
        return _row_of_list(store, lists.get(store, int(source.id)), number, tuple(fields))
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
    found = next(store.read().query(query, {"id": source.id, "number": number}), None)
    if found is None:
        return None
    # A draft of another template keeps a column under its own name.
    by_name = {field_name(key): str(value) for key, value in json.loads(found["fields"]).items()}
    values = {name: by_name.get(field_name(name), "") for name in fields}
    return SampleRow(found["row"], found["email"], values, found["before"], found["after"])


_SOURCES = """
    SELECT * FROM (
        SELECT 'batch' AS kind, b.id, b.name FROM batches b
            JOIN template_versions v ON v.id = b.template_version_id
            WHERE v.template_id = :template AND b.kind = 'batch' AND b.forgotten < b.size
            ORDER BY b.id DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (
        SELECT 'draft', id, name FROM drafts
            WHERE created_by = :user AND total IS NOT NULL ORDER BY created_at DESC, id LIMIT 1)
"""


def _row_of_list(store: Store, saved: SavedList, number: int, fields: tuple[str, ...]) -> SampleRow | None:
    sheet = _TOPS.of(store, saved)
    rows = list(sheet.read())
    at = next((at for at, (there, _) in enumerate(rows) if there >= number), 0)
    if not rows:
        return None
    there, cells = rows[at]
    values = {
        name: cells[column].strip()
        for name, column in recipients.places(sheet, fields).items()
        if column is not None and column < len(cells)
    }
    email = cells[sheet.email_at] if sheet.email_at is not None and sheet.email_at < len(cells) else ""
    neighbours = (rows[n][0] if 0 <= n < len(rows) else None for n in (at - 1, at + 1))
    return SampleRow(there, email, values, *neighbours)


class _Tops:
    """The first rows of the lists that were looked at last: a workbook takes a second to read, a keystroke has less."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int, str], Sheet] = OrderedDict()

    def of(self, store: Store, saved: SavedList) -> Sheet:
        """The list with no more than its first rows."""
        key = (str(store.path), saved.source_id, saved.reading.to_json())
        with self._lock:
            if sheet := self._kept.get(key):
                self._kept.move_to_end(key)
                return sheet
        # Read without the lock: it may take seconds, and is no matter of whoever looks at another list.
        sheet = _top(recipients.read(lists.given(store, saved), saved.reading))
        with self._lock:
            self._kept[key] = sheet
            while len(self._kept) > _MOST_LISTS:
                self._kept.popitem(last=False)
        return sheet


def _top(sheet: Sheet) -> Sheet:
    rows = list(islice(sheet.read(), MOST_ROWS))
    return replace(sheet, given=Given(sheet.given.name, b""), read=lambda: iter(rows))


_TOPS = _Tops()
