"""A CSV file as bytes, read record by record: how it is separated, and what makes it unreadable."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

from mailroom.problems import Problem
from mailroom.texts import UNREADABLE, opened
from oca.words import N_

DELIMITERS = (",", ";", "\t")
MAX_ROWS = 100_000

# A cell that starts with one of these is run as a formula by Excel
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# The spreadsheet's row number, counted from 1, and its cells.
Record = tuple[int, list[str]]

TOO_MANY_ROWS = N_("The list has more than 100,000 rows. Split it into several files.")

# As many rows as Excel has; those that are blank count here, and would be gone through one by one.
LAST_ROW = 1_048_576
# Rows above the names of the columns do not count as rows of the list.
MARGIN = 100

_SAMPLE = 20
# Characters of one record: all the columns there may be, each filled to the brim. More would only fill the memory.
_MAX_RECORD = 1_000_000
_SEP = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_QUOTES = N_(
    'The quotation marks in row %(row)s do not match: one (") is opened and not closed, or stands inside a cell. '
    "Take the marks out of that row and upload the list again."
)
_ENDLESS = N_(
    'A cell in row %(row)s never ends, most likely because a quotation mark (") is opened there and not closed. '
    "Take it out and upload the list again."
)
_LONG_RECORD = N_(
    "Row %(row)s is longer than a row of a list can be. Open the file, see that each recipient stands on a line of "
    "its own, and upload it again."
)


def records(data: bytes, encoding: str, delimiter: str) -> Iterator[Record]:
    """Every record that is not blank, read as it is asked for, so that a large file is never held twice.

    Blank records count for the numbers, because a spreadsheet shows them as empty rows; the line `sep=;` does not.
    Raises Problem, with the row, where the file cannot be read.
    """
    text = opened(data, encoding)
    number = 0
    try:
        if not _SEP.fullmatch(text.readline(_MAX_RECORD)):
            text = opened(data, encoding)
        lines = _Lines(text)
        # strict: a quotation mark that is never closed would otherwise swallow the rest of the file in silence.
        for number, cells in enumerate(csv.reader(lines, delimiter=delimiter, strict=True), 1):
            lines.number, lines.left = number, _MAX_RECORD
            if not is_blank(cells):
                yield number, cells
            elif number > LAST_ROW:
                raise Problem(TOO_MANY_ROWS)
    except UnicodeDecodeError:
        raise Problem(UNREADABLE, encoding=encoding) from None
    except csv.Error as error:
        sentence = _ENDLESS if "limit" in str(error) else _QUOTES
        raise Problem(sentence, row=number + 1) from None


def count(rows: Callable[[], Iterator[Record]]) -> int:
    """How many rows there are. Raises Problem where they cannot be read, and when they are far too many."""
    total = 0
    for total, _ in enumerate(rows(), 1):
        if total > MAX_ROWS + MARGIN:
            raise Problem(TOO_MANY_ROWS)
    return total


def is_blank(cells: list[str]) -> bool:
    """Whether nothing is written in any cell: a spreadsheet saves empty rows as `;;;`."""
    return not any(cell and not cell.isspace() for cell in cells)


def safe_cell(text: str) -> str:
    """The text for a file that a spreadsheet opens: never run as a formula, and read back by `plain_cell`."""
    return "'" + text if text.startswith(_FORMULA) else text


def plain_cell(text: str) -> str:
    """The text of a cell without the mark of `safe_cell`, so that a list downloaded from here can come back."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def find_delimiter(data: bytes, encoding: str, says_email: Callable[[str], bool]) -> str:
    """The delimiter that makes the first records look most like a table.

    says_email: whether a cell is the name of a column of addresses; a row with one as a cell of its own decides.
    """
    with suppress(UnicodeDecodeError):
        wanted = _SEP.fullmatch(opened(data, encoding).readline(100))
        if wanted and wanted[1] in DELIMITERS:
            return wanted[1]
    return max(DELIMITERS, key=lambda delimiter: _fit(data, encoding, delimiter, says_email))


class _Lines:
    """The lines of a text for csv.reader, as long as no record grows beyond all measure."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number, self.left = 0, _MAX_RECORD

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(self.left + 1):
            self.left -= len(line)
            if self.left < 0:
                raise Problem(_LONG_RECORD, row=self.number + 1)
            yield line


def _fit(
    data: bytes, encoding: str, delimiter: str, says_email: Callable[[str], bool]
) -> tuple[bool, int, int]:
    sample: list[list[str]] = []
    # What is unreadable with this delimiter may be readable with another; where it is not, reading says so again.
    with suppress(Problem):
        sample.extend(cells for _, cells in islice(records(data, encoding, delimiter), _SAMPLE))
    named = any(says_email(cell) for cells in sample for cell in cells if len(cell) < 100)
    widths = Counter(len(cells) for cells in sample if len(cells) > 1)
    width, agree = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return named, agree, width
