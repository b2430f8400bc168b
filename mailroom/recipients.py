"""Recipients: a file, a pasted list or one address becomes rows, each with its faults. No row is ever dropped."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailroom.addresses import read_address
from mailroom.csv_files import (
    BOM,
    DELIMITERS,
    EMPTY,
    Record,
    find_delimiter,
    plain_cell,
    records,
    refuse_other_kinds,
)
from mailroom.problems import Problem, Sentence, say
from mailroom.rendering import Renderer
from oca.words import N_

MAX_ROWS = 100_000
MAX_COLUMNS = 100
MAX_VALUE = 10_000
MAX_HEADER = 100

MISSING = N_("Missing")
DUPLICATE = N_("Same as row %(row)s")
TOO_LONG = N_("Too long: %(length)s characters; at most %(most)s")
BREAK_IN_SUBJECT = N_("A line break or control character; it goes into the subject")
SWALLOWED = N_("Other rows stand inside one cell: a quotation mark is opened there and closed too late")
EXTRA_CELLS = N_("More cells than columns: %(cells)s")

# A fault that belongs to the row and not to one of its cells.
WHOLE_ROW = ""

# Headers that say “addresses are here”, as `field_name` writes them; the first that is found wins.
_EMAIL_HEADERS = (
    "email", "e_mail", "alamat_email", "email_address", "alamat_e_mail", "surel", "alamat_surel", "mail",
    "email_pelanggan", "penerima", "kepada", "to",
)  # fmt: skip
_HEADER_WORDS = (
    frozenset(_EMAIL_HEADERS)
    | {name.replace("_", "-") for name in _EMAIL_HEADERS}
    | {name.replace("_", " ") for name in _EMAIL_HEADERS}
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BETWEEN_ADDRESSES = re.compile(r"[\r\n,;\t]+")
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True)
class Sheet:
    """A list as it was given, not yet checked: what its columns are called, and a way to read it row by row.

    email_column: the column that holds the addresses. delimiter, encoding: found in the file, "" for other lists.
    """

    columns: tuple[str, ...]
    email_column: str
    read: Callable[[], Iterator[Record]] = field(repr=False)
    delimiter: str = ""
    encoding: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a list with all its faults.

    number: the row as a spreadsheet counts it, the header being row 1. email: as it is written to when good, as it
    was given when not. values: by template field, or by column where no field asks for it; blank ones are left out.
    errors: by the same keys, and under WHOLE_ROW what is wrong with the row itself; empty when it can be sent.
    attachment_id: the file that goes with this row alone, or None.
    """

    number: int
    email: str
    values: dict[str, str]
    errors: dict[str, Sentence]
    attachment_id: int | None = None


def field_name(header: str) -> str:
    """The name of the template field that a column fills: `Nama Pelanggan` fills `nama_pelanggan`."""
    return re.sub(r"\W+", "_", unicodedata.normalize("NFKC", header).casefold()).strip("_")


def read_csv(data: bytes) -> Sheet:
    """The list in a CSV file in UTF-8, with commas, semicolons or tabs between the cells.

    data: the whole file, at most 20 MB and 100,000 rows. Raises Problem, saying what to do, for anything that
    cannot be read as such a list to its very end.
    """
    refuse_other_kinds(data)
    delimiter = find_delimiter(data, _HEADER_WORDS)
    everything = records(data, delimiter)
    header_row, header = next(everything, (0, []))
    columns = _named(header)
    counts: Counter[int] = Counter()
    total = 0
    for total, (_, cells) in enumerate(everything, 1):
        if total > MAX_ROWS:
            raise Problem(N_("The list has more than 100,000 rows. Split it into several files."))
        if total <= 100:
            counts.update(index for index, cell in enumerate(cells[: len(columns)]) if "@" in cell)
    if not total:
        raise Problem(N_("The list has the names of the columns and no row below them."))
    return Sheet(
        columns,
        _email_column(columns, counts),
        lambda: (
            (number, [plain_cell(cell) for cell in cells])
            for number, cells in records(data, delimiter)
            if number > header_row
        ),
        delimiter,
        "UTF-8 (BOM)" if data.startswith(BOM) else "UTF-8",
    )


def read_pasted(text: str) -> Sheet:
    """The list somebody pasted: cells copied from a spreadsheet with their header, or only addresses.

    Addresses stand on lines of their own or between commas and semicolons; of `Name <address>` the address counts.
    """
    first = text.lstrip().partition("\n")[0].strip()
    if any(_has_email(first.split(delimiter)) for delimiter in DELIMITERS if delimiter in first):
        return read_csv(text.lstrip("\r\n").encode("utf-8", "replace"))
    found = [part.strip() for part in _BETWEEN_ADDRESSES.split(text) if part.strip()]
    if found and field_name(found[0]) in _EMAIL_HEADERS and "@" not in found[0]:
        found = found[1:]
    if not found:
        raise Problem(N_("Paste at least one address."))
    if len(found) > MAX_ROWS:
        raise Problem(N_("The list has more than 100,000 rows. Split it into several files."))
    return Sheet(("email",), "email", lambda: ((n, [_bare(part)]) for n, part in enumerate(found, 1)))


def one(email: str, values: Mapping[str, str]) -> Sheet:
    """A list of one recipient. values: by template field."""
    named = {name: value for name, value in values.items() if field_name(name) != "email"}
    cells = [email, *named.values()]
    return Sheet(("email", *named), "email", lambda: iter([(1, cells)]))


def keys(sheet: Sheet, fields: Sequence[str]) -> dict[str, int]:
    """Under which key each value of a row is kept, and in which column (from 0) it stands.

    fields: what the template needs. Raises Problem when no column has one of them.
    """
    at = {field_name(column): index for index, column in enumerate(sheet.columns)}
    at.setdefault("email", sheet.columns.index(sheet.email_column))
    missing = [name for name in fields if field_name(name) not in at]
    if missing:
        raise Problem(
            N_(
                "The template needs %(missing)s, and no column is called that. The columns found are: %(columns)s. "
                "Rename a column, or add one."
            ),
            missing=", ".join(missing),
            columns=", ".join(sheet.columns),
        )
    used = {name: at[field_name(name)] for name in fields}
    return used | {name: n for n, name in enumerate(sheet.columns) if n not in used.values()}


def check(sheet: Sheet, renderer: Renderer) -> Iterator[Row]:
    """Every row of the sheet with its faults, in order, checked as it is asked for.

    renderer: of the template the rows are for. Raises Problem at once when a field it needs has no column.
    """
    return _checked(sheet, renderer, keys(sheet, renderer.fields))


def _checked(sheet: Sheet, renderer: Renderer, places: dict[str, int]) -> Iterator[Row]:
    email_at = sheet.columns.index(sheet.email_column)
    email_key = next(key for key, index in places.items() if index == email_at)
    seen: dict[str, int] = {}
    for number, cells in sheet.read():
        values = {key: cells[n].strip() for key, n in places.items() if n < len(cells) and cells[n].strip()}
        email, fault = read_address(cells[email_at] if email_at < len(cells) else "")
        errors = _cell_faults(values, renderer)
        if fault or number != (first := seen.setdefault(email.casefold(), number)):
            errors[email_key] = fault or say(DUPLICATE, row=first)
        if sheet.delimiter and any(_holds_rows(cell, sheet.delimiter) for cell in cells):
            errors[WHOLE_ROW] = say(SWALLOWED)
        extra = [cell.strip() for cell in cells[len(sheet.columns) :] if cell.strip()]
        if extra:
            errors[WHOLE_ROW] = say(EXTRA_CELLS, cells=", ".join(extra)[:200])
        if not errors:
            errors = _rendering_fault(values, renderer)
        yield Row(number, email, values, errors)


def _holds_rows(cell: str, delimiter: str) -> bool:
    # A mark that is closed rows later makes a cell that is well-formed, and those rows would go missing unseen.
    return "\n" in cell and any("@" in line and delimiter in line for line in cell.split("\n")[1:])


def _cell_faults(values: dict[str, str], renderer: Renderer) -> dict[str, Sentence]:
    errors: dict[str, Sentence] = {}
    # Columns the template does not use may hold anything.
    for name in renderer.fields:
        value = values.get(name, "")
        if not value:
            errors[name] = say(MISSING)
        elif len(value) > MAX_VALUE:
            errors[name] = say(TOO_LONG, length=len(value), most=MAX_VALUE)
        elif name in renderer.subject_fields and _CONTROL.search(value):
            errors[name] = say(BREAK_IN_SUBJECT)
    return errors


def _rendering_fault(values: dict[str, str], renderer: Renderer) -> dict[str, Sentence]:
    # The same code that will render the row for sending has the last word on what a good row is.
    try:
        renderer.render(values)
    except Problem as problem:
        return {WHOLE_ROW: problem.sentence}
    return {}


def _named(header: list[str]) -> tuple[str, ...]:
    """The columns' names; one without a name between others is called by its place, those at the end are none."""
    names = [" ".join(cell.split()) for cell in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Problem(EMPTY)
    if any(re.search(r"\S@\S", name) for name in names):
        raise Problem(
            N_(
                "The first row must hold the names of the columns, such as email and nama; it already holds an address."
            )
        )
    if len(names) > MAX_COLUMNS or any(len(name) > MAX_HEADER for name in names):
        raise Problem(
            N_("The first row holds more than 100 columns, or a name of more than 100 letters. Shorten it.")
        )
    names = [name if field_name(name) else f"#{place}" for place, name in enumerate(names, 1)]
    twice = [name for name, n in Counter(map(field_name, names)).items() if n > 1]
    if twice:
        raise Problem(N_("Two columns are called %(name)s. Rename one of them."), name=", ".join(twice))
    return tuple(names)


def _email_column(columns: tuple[str, ...], counts: Counter[int]) -> str:
    by_name = {field_name(column): column for column in columns}
    named = [by_name[name] for name in _EMAIL_HEADERS if name in by_name]
    # A column called “penerima” may hold people's names, with the addresses in another.
    filled = [column for column in named if counts[columns.index(column)]]
    looks_like = [columns[index] for index, _ in counts.most_common(1)]
    found = filled + looks_like + named
    if not found:
        raise Problem(
            N_("No column holds email addresses. The columns found are: %(columns)s."),
            columns=", ".join(columns),
        )
    return found[0]


def _has_email(names: list[str]) -> bool:
    return any(field_name(name.strip(' "')) in _EMAIL_HEADERS for name in names)


def _bare(part: str) -> str:
    found = _IN_BRACKETS.search(part)
    return found.group(1) if found else part
