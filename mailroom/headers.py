"""Which row of a list holds the names of its columns, what they are called, and which of them has the addresses."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from mailroom.csv_files import Record
from mailroom.problems import Problem
from oca.words import N_

MAX_COLUMNS = 100
MAX_HEADER = 100

# The names of columns stand among the first rows that are not blank, if anywhere.
_TITLES = 15

# Headers that say “addresses are here”, as `field_name` writes them; the first that is found wins.
EMAIL_HEADERS = (
    "email", "e_mail", "alamat_email", "email_address", "alamat_e_mail", "surel", "alamat_surel", "mail",
    "email_pelanggan", "penerima", "kepada", "to",
)  # fmt: skip
_ADDRESS = re.compile(r"\S@\S")
_LETTER = re.compile(r"[^\W\d_]")
_COPY = re.compile(r" \(\d+\)$")


def field_name(header: str) -> str:
    """The name of the template field that a column fills: `Nama Pelanggan` fills `nama_pelanggan`."""
    return re.sub(r"\W+", "_", unicodedata.normalize("NFKC", header).casefold()).strip("_")


def letters(column: int) -> str:
    """What a spreadsheet calls a column: 0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def says_email(cell: str) -> bool:
    """Whether the cell is the name of a column of addresses."""
    return field_name(cell) in EMAIL_HEADERS


def holds_address(cells: Sequence[str]) -> bool:
    """Whether something like an address stands in one of the cells."""
    return any("@" in cell and _ADDRESS.search(cell) for cell in cells)


def find_header(sample: Sequence[Record]) -> int:
    """The number of the row with the names of the columns, or 0 when the list has addresses from its first row on.

    sample: the first rows that are not blank. A title above the names fills fewer cells than they do.
    """
    above = list(takewhile(lambda row: not _is_row(row[1]), sample[:_TITLES]))
    for number, cells in above:
        if any(says_email(cell) for cell in cells):
            return number
    # Without such a name, whatever has an address may be a row, and no row may be taken for a title.
    above = list(takewhile(lambda row: not holds_address(row[1]), above))
    if not above:
        return 0
    filled = [sum(bool(cell.strip()) for cell in cells) for _, cells in above]
    usual = max(_width(cells) for _, cells in sample)
    for (number, cells), count in zip(above, filled, strict=True):
        if 2 * count > usual and all(_LETTER.search(cell) for cell in cells if cell.strip()):
            return number
    return above[filled.index(max(filled))][0]


def named(header: Sequence[str]) -> tuple[str, ...]:
    """The columns' names, no two of them alike; one without a name is called by its letter, those at the end are none.

    Raises Problem for more than 100 columns.
    """
    names = [" ".join(cell.split()) for cell in header]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise Problem(
            N_("The list has %(count)s columns; at most %(most)s can be read. Take out those no mail needs."),
            count=len(names),
            most=MAX_COLUMNS,
        )
    taken: set[str] = set()
    return tuple(
        _own(name[:MAX_HEADER] if field_name(name) else letters(at), taken) for at, name in enumerate(names)
    )


def find_email(columns: Sequence[str], sample: Sequence[Sequence[str]]) -> int | None:
    """The column of the addresses, from 0, or None when neither a name nor what is in it says so."""
    counts = Counter(
        at for cells in sample for at in range(min(len(cells), len(columns))) if "@" in cells[at]
    )
    plain = [field_name(_COPY.sub("", column)) for column in columns]
    by_name = [at for name in EMAIL_HEADERS for at, found in enumerate(plain) if found == name]
    # A column called “penerima” may hold people's names, with the addresses in another.
    filled = [at for at in by_name if counts[at]]
    looks_like = [at for at, _ in counts.most_common(1)]
    return next(iter(filled + looks_like + by_name), None)


def _is_row(cells: Sequence[str]) -> bool:
    # “Questions to: cs@contoh.id” alone in a row is part of the title.
    filled = [cell.strip() for cell in cells if cell.strip()]
    return holds_address(filled) and not (len(filled) == 1 < len(cells) and " " in filled[0])


def _width(cells: Sequence[str]) -> int:
    return max((at for at, cell in enumerate(cells, 1) if cell.strip()), default=0)


def _own(name: str, taken: set[str]) -> str:
    own, copy = name, 1
    while field_name(own) in taken:
        copy += 1
        own = f"{name} ({copy})"
    taken.add(field_name(own))
    return own
