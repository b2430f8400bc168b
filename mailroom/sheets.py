"""A list of recipients as it was given – a file, pasted text, one address – made into columns and rows."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from typing import Literal

from mailroom import csv_files, texts, workbooks
from mailroom.csv_files import MAX_ROWS, TOO_MANY_ROWS, Record, plain_cell
from mailroom.headers import find_email, find_header, holds_address, letters, named, says_email
from mailroom.problems import Problem
from mailroom.sheet_reading import Reading
from oca.words import N_

PASTED = N_("pasted list")
ONE = N_("one address")

Way = Literal["file", "pasted", "one"]
Kind = Literal["csv", "xlsx", "xls", "ods", "pasted", "one"]

_LOOK_AT = 100
_SHOWN = 5
_NO_ROWS = N_("The list has the names of the columns and no row below them.")
_NO_SUCH_ROW = N_("The list has no row %(row)s with names in it. Choose another one.")
_NO_SUCH_COLUMN = N_("The list has no column %(column)s. Choose another one for the addresses.")
_BETWEEN_ADDRESSES = re.compile(r"[\r\n,;\t]+")
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True)
class Given:
    """A list as it was given. name: of the file, or PASTED or ONE. content: its bytes; of a text in UTF-8."""

    name: str
    content: bytes = field(repr=False)
    way: Way = "file"


@dataclass(frozen=True)
class Sheet:
    """A list not yet checked: what its columns are called, and a way to read it row by row, as often as needed.

    reading: how it is read, filled in with what was found. sheets: the names of all sheets of a workbook. samples: the
    cells of the first rows, for each column. read: every row that is not blank, with its number in the spreadsheet.
    """

    given: Given
    reading: Reading
    kind: Kind
    columns: tuple[str, ...]
    read: Callable[[], Iterator[Record]] = field(repr=False)
    samples: tuple[tuple[str, ...], ...] = ()
    sheets: tuple[str, ...] = ()

    @property
    def email_at(self) -> int | None:
        """The column of the addresses, from 0; None when there is none to be seen."""
        return self.reading.email


@dataclass(frozen=True)
class Table:
    """Rows as they stand in a file, titles and names of columns and all. total: how many there are, or a few more."""

    kind: Kind
    reading: Reading
    rows: Callable[[], Iterator[Record]]
    total: int
    sheets: tuple[str, ...] = ()


def read(given: Given, reading: Reading | None = None) -> Sheet:
    """The list, read as `reading` says, and where it says nothing as the list itself suggests.

    given: at most 20 MB, 100,000 rows and 100 columns. Raises Problem, saying what to do, for what cannot be read as a
    list to its very end, and beside a part of the reading that does not fit the list.
    """
    reading = reading or Reading()
    if given.way == "one":
        return _one(given, reading)
    if len(given.content) > texts.MAX_BYTES:
        raise Problem(texts.TOO_LARGE)
    if given.way == "pasted" and not _is_table(given, reading):
        return _addresses(given, reading)
    if given.way == "file" and workbooks.is_workbook(given.content):
        return _laid_out(given, _workbook_table(given, reading))
    return _laid_out(given, _text_table(given, reading))


def one(email: str, values: Mapping[str, str]) -> Sheet:
    """A list of one recipient. values: by template field."""
    content = json.dumps({"email": email, "values": dict(values)}).encode()
    return read(Given(ONE, content, "one"))


def pasted(text: str, reading: Reading | None = None) -> Sheet:
    """The list somebody pasted: cells copied from a spreadsheet, or only addresses.

    Addresses stand on lines of their own or between commas and semicolons; of `Name <address>` the address counts.
    """
    return read(Given(PASTED, text.encode("utf-8", "replace"), "pasted"), reading)


def _workbook_table(given: Given, reading: Reading) -> Table:
    book = workbooks.read(given.content, reading.sheet)
    reading = replace(reading, encoding=None, delimiter=None, sheet=book.sheet)
    return Table(book.kind, reading, book.rows, book.total, book.sheets)


def _text_table(given: Given, reading: Reading) -> Table:
    data = given.content
    texts.refuse_other_kinds(data)
    encoding = "UTF-8" if given.way == "pasted" else reading.encoding or texts.find_encoding(data)
    delimiter = reading.delimiter or csv_files.find_delimiter(data, encoding, says_email)

    def rows() -> Iterator[Record]:
        for number, cells in csv_files.records(data, encoding, delimiter):
            yield number, [plain_cell(cell) for cell in cells]

    total = csv_files.count(lambda: csv_files.records(data, encoding, delimiter))
    kind: Kind = "pasted" if given.way == "pasted" else "csv"
    return Table(kind, replace(reading, encoding=encoding, delimiter=delimiter, sheet=None), rows, total)


def _laid_out(given: Given, table: Table) -> Sheet:
    """The table with its columns named and the addresses found."""
    sample = list(islice(table.rows(), _LOOK_AT))
    if not sample:
        raise Problem(texts.EMPTY)
    reading = table.reading
    header_row = find_header(sample) if reading.header_row is None else reading.header_row
    columns = _columns(table, header_row, sample)

    def below() -> Iterator[Record]:
        return (row for row in table.rows() if row[0] > header_row)

    above = sum(1 for _ in takewhile(lambda row: row[0] <= header_row, table.rows())) if header_row else 0
    first = [cells for _, cells in islice(below(), _LOOK_AT)]
    if not first:
        raise Problem(_NO_ROWS)
    if table.total - above > MAX_ROWS:
        raise Problem(TOO_MANY_ROWS)
    email = find_email(columns, first) if reading.email is None else reading.email
    if email is not None and email >= len(columns):
        raise Problem(_NO_SUCH_COLUMN, "email", column=letters(email))
    samples = tuple(
        tuple(cells[at].strip() if at < len(cells) else "" for cells in first[:_SHOWN])
        for at in range(len(columns))
    )
    reading = replace(reading, header_row=header_row, email=email)
    return Sheet(given, reading, table.kind, columns, below, samples, table.sheets)


def _columns(table: Table, header_row: int, sample: list[Record]) -> tuple[str, ...]:
    if not header_row:
        return named([letters(at) for at in range(max(len(cells) for _, cells in sample))])
    header = next((cells for number, cells in table.rows() if number == header_row), [])
    if not any(cell.strip() for cell in header):
        raise Problem(_NO_SUCH_ROW, "header_row", row=header_row)
    return named(header)


def _is_table(given: Given, reading: Reading) -> bool:
    """Whether a pasted text is cells of a spreadsheet, and not only addresses with something between them."""
    if reading.delimiter:
        return True
    lines = [line.strip() for line in given.content.decode("utf-8", "replace").splitlines()[:200]]
    lines = [line for line in lines if line][:20]
    for delimiter in csv_files.DELIMITERS:
        cells = [line.split(delimiter) for line in lines]
        if any(len(row) > 1 and any(says_email(cell.strip(' "')) for cell in row) for row in cells):
            return True
        # In each line one address and something else.
        addresses = [sum(holds_address([cell]) for cell in row) for row in cells]
        if cells and set(addresses) == {1} and len(set(map(len, cells))) == 1 and len(cells[0]) > 1:
            return bool(all(cell.strip() for row in cells for cell in row[:2]))
    return False


def _addresses(given: Given, reading: Reading) -> Sheet:
    parts = _BETWEEN_ADDRESSES.split(given.content.decode("utf-8", "replace"))
    found = [part.strip() for part in parts if part.strip()]
    if found and says_email(found[0]) and "@" not in found[0]:
        found = found[1:]
    if not found:
        raise Problem(N_("Paste at least one address."))
    if len(found) > MAX_ROWS:
        raise Problem(TOO_MANY_ROWS)
    shown = tuple(map(_bare, found[:_SHOWN]))
    reading = replace(reading, encoding=None, sheet=None, header_row=0, email=0)
    return Sheet(
        given,
        reading,
        "pasted",
        ("email",),
        lambda: ((n, [_bare(x)]) for n, x in enumerate(found, 1)),
        (shown,),
    )


def _one(given: Given, reading: Reading) -> Sheet:
    kept = json.loads(given.content)
    values = {name: value for name, value in kept["values"].items() if name.casefold() != "email"}
    cells = [kept["email"], *values.values()]
    reading = replace(reading, encoding=None, delimiter=None, sheet=None, header_row=0, email=0)
    samples = tuple((cell,) for cell in cells)
    return Sheet(given, reading, "one", ("email", *values), lambda: iter([(1, cells)]), samples)


def _bare(part: str) -> str:
    found = _IN_BRACKETS.search(part)
    return found.group(1) if found else part
