"""Tables as files for a spreadsheet, written while they are sent: CSV that Excel reads right, and workbooks."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from mailroom import reported_mails
from mailroom.csv_files import safe_cell
from mailroom.reported_mails import Selection
from mailroom.store import Store
from mailroom.xlsx_files import Cell, workbook

_CHUNK = 500
# Without it Excel takes the file for one in its own old encoding.
BOM = b"\xef\xbb\xbf"


def csv_file(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The bytes of the file, piece by piece; a cell that a spreadsheet would run as a formula begins with a quote."""
    yield BOM + _lines([names])
    left = iter(rows)
    while some := list(islice(left, _CHUNK)):
        yield _lines(some)


WAYS: Mapping[str, tuple[Callable[..., Iterator[bytes]], str]] = {
    "csv": (csv_file, "text/csv; charset=utf-8"),
    "xlsx": (workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def mail_rows(
    store: Store, selection: Selection, words: Mapping[str, str], zone: ZoneInfo
) -> Iterator[tuple[Cell, ...]]:
    """A row for each mail of the selection, read as they are asked for; its columns are `MAIL_COLUMNS` of the pages.

    words: what each state is called. zone: in which times are written.
    """
    local = _clock(zone)
    described = lru_cache(maxsize=10)(lambda batch_id: reported_mails.described(store, batch_id))
    for mail in reported_mails.walk(store, selection):
        batch = described(mail.batch_id)
        yield (
            local(mail.accepted_at),
            mail.email,
            mail.subject,
            words.get(mail.shown, mail.shown),
            local(mail.delivered_at),
            batch.template,
            batch.sender,
            batch.name,
            mail.row,
            batch.person,
            mail.gateway_id,
            mail.id,
        )


def _lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(
        [safe_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return text.getvalue().encode()


def _clock(zone: ZoneInfo) -> Callable[[str | None], str | None]:
    """Writes stored moments as `2026-11-23 16:41:07` in the zone."""

    # Most mails share their minute with others; a zone's offset is never a part of one.
    @lru_cache(maxsize=500)
    def minute(stored: str) -> str:
        return datetime.fromisoformat(stored + "Z").astimezone(zone).strftime("%Y-%m-%d %H:%M")

    return lambda stored: minute(stored[:16]) + stored[16:19] if stored else None
