"""A CSV file as bytes, read record by record: what it is, how it is separated, and what makes it unreadable."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from mailroom.problems import Problem
from oca.words import N_

MAX_BYTES = 20_000_000
DELIMITERS = (",", ";", "\t")
BOM = b"\xef\xbb\xbf"

# A cell that starts with one of these is run as a formula by Excel
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# The spreadsheet's row number, counted from 1, and its cells.
Record = tuple[int, list[str]]

EMPTY = N_(
    "The list is empty. Choose a file that has the names of its columns in the first row, and rows below."
)

_SAMPLE = 20
_WORKBOOK = N_("This is an Excel workbook. In Excel choose Save as, take “CSV UTF-8”, and upload that file.")
_NOT_A_LIST = N_("This is a %(kind)s, not a list. Save the list as “CSV UTF-8” and upload that file.")
_NOT_UTF8 = N_(
    "The letters in this file cannot be read. In Excel choose Save as, take “CSV UTF-8” (not plain CSV), "
    "and upload that file."
)
_QUOTES = N_(
    'The quotation marks in row %(row)s do not match: one (") is opened and not closed, or stands inside a cell. '
    "Take the marks out of that row and upload the list again."
)
_ENDLESS = N_(
    'A cell in row %(row)s never ends, most likely because a quotation mark (") is opened there and not closed. '
    "Take it out and upload the list again."
)
_KINDS = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "GZIP"),
)


def refuse_other_kinds(data: bytes) -> None:
    """Raises Problem when the bytes are too many, nothing at all, or a file of another kind."""
    if len(data) > MAX_BYTES:
        raise Problem(N_("The list is larger than 20 MB. Split it into several files."))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Problem(_WORKBOOK)
    for start, kind in _KINDS:
        if data.startswith(start):
            raise Problem(_NOT_A_LIST, kind=kind)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        # UTF-16 (Excel's “Unicode text”), or no text at all.
        raise Problem(_NOT_UTF8)
    if not data.removeprefix(BOM).strip(b" \t\r\n,;"):
        raise Problem(EMPTY)


def records(data: bytes, delimiter: str) -> Iterator[Record]:
    """Every record that is not blank, read as it is asked for, so that a large file is never held twice.

    Blank records count for the numbers, because a spreadsheet shows them as empty rows.
    Raises Problem, with the row, where the file cannot be read.
    """
    # newline="" keeps line breaks inside quoted cells; only \n, \r\n and \r end a line, never U+2028 or \f.
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    number = 0
    try:
        # strict: a quotation mark that is never closed would otherwise swallow the rest of the file in silence.
        for number, cells in enumerate(csv.reader(text, delimiter=delimiter, strict=True), 1):
            if not is_blank(cells):
                yield number, cells
    except UnicodeDecodeError:
        raise Problem(_NOT_UTF8) from None
    except csv.Error as error:
        sentence = _ENDLESS if "limit" in str(error) else _QUOTES
        raise Problem(sentence, row=number + 1) from None


def is_blank(cells: list[str]) -> bool:
    """Whether nothing is written in any cell: a spreadsheet saves empty rows as `;;;`."""
    return not any(cell and not cell.isspace() for cell in cells)


def safe_cell(text: str) -> str:
    """The text for a file that a spreadsheet opens: never run as a formula, and read back by `plain_cell`."""
    return "'" + text if text.startswith(_FORMULA) else text


def plain_cell(text: str) -> str:
    """The text of a cell without the mark of `safe_cell`, so that a list downloaded from here can come back."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def find_delimiter(data: bytes, header_names: frozenset[str]) -> str:
    """The delimiter that makes the first records look most like a table.

    header_names: words for “email”, in lower case; a header that has one as a cell of its own decides.
    """
    return max(DELIMITERS, key=lambda delimiter: _fit(data, delimiter, header_names))


def _fit(data: bytes, delimiter: str, header_names: frozenset[str]) -> tuple[bool, int, int]:
    sample: list[list[str]] = []
    # What is unreadable with this delimiter may be readable with another; where it is not, reading says so again.
    with suppress(Problem):
        sample.extend(cells for _, cells in islice(records(data, delimiter), _SAMPLE))
    header, *rest = sample or [[]]
    named = any(cell.strip().lower() in header_names for cell in header)
    agree = sum(len(cells) == len(header) for cells in rest) if len(header) > 1 else 0
    return named, agree, len(header)
