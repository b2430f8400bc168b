"""Recipients: the rows of a list, each with its values and its faults. No row is ever dropped."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from mailroom.addresses import read_address
from mailroom.headers import field_name, letters
from mailroom.problems import Problem, Sentence, say
from mailroom.rendering import FieldProblem, Renderer
from mailroom.sheet_reading import Reading
from mailroom.sheets import ONE, PASTED, Given, Sheet, one, pasted, read
from oca.words import N_

__all__ = [
    "ONE", "PASTED", "WHOLE_ROW", "Given", "Reading", "Row", "Sheet",
    "check", "field_name", "keys", "one", "pasted", "places", "read",
]  # fmt: skip

MAX_VALUE = 10_000
# Rows whose addresses are looked for on the do-not-mail list by one question.
_ASKED_AT_ONCE = 500

MISSING = N_("Missing")
DUPLICATE = N_("Same as row %(row)s")
SUPPRESSED = N_("On the do-not-mail list")
TOO_LONG = N_("Too long: %(length)s characters; at most %(most)s")
BREAK_IN_SUBJECT = N_("A line break or control character; it goes into the subject")
SWALLOWED = N_("Other rows stand inside one cell: a quotation mark is opened there and closed too late")
EXTRA_CELLS = N_("More cells than columns: %(cells)s")
CELL_ERROR = N_("The spreadsheet shows an error here")
NO_FILE = N_("No file called “%(name)s” in the zip")
NO_FILE_NAMED = N_("No file is named for this row")
SEVERAL_FILES = N_("Several files in the zip are called “%(name)s”; write the folder in front of it")

# A fault that belongs to the row and not to one of its cells.
WHOLE_ROW = ""

# What the sender puts in for each mail, which no column can give.
_UNSUBSCRIBE = "unsubscribe_url"
_STAND_IN = "https://contoh.test/" + "x" * 150

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CELL_ERRORS = frozenset(
    (
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
    )
)
_FILE_COLUMNS = ("lampiran", "attachment", "file", "berkas", "dokumen", "nama_file", "nama_berkas")


@dataclass(frozen=True)
class Row:
    """One row of a list with all its faults.

    number: the row as a spreadsheet counts it. email: as it is written to when good, as it was given when not. values:
    by template field, or by column where no field asks for it; blank ones are left out. errors: by the same keys, and
    under WHOLE_ROW what is wrong with the row itself; empty when it can be sent. attachment_id: of the file it names.
    """

    number: int
    email: str
    values: dict[str, str]
    errors: dict[str, Sentence]
    attachment_id: int | None = None


def places(sheet: Sheet, fields: Sequence[str]) -> dict[str, int | None]:
    """In which column, from 0, each template field finds its value: as chosen, else by name; None where none does."""
    by_name: dict[str, int | None] = {}
    for at, column in enumerate(sheet.columns):
        by_name.setdefault(field_name(column), at)
    if sheet.email_at is not None:
        by_name["email"] = sheet.email_at
    chosen = {
        name: at if at is None or at < len(sheet.columns) else None
        for name, at in sheet.reading.fields.items()
    }
    return {name: chosen[name] if name in chosen else by_name.get(field_name(name)) for name in fields}


def keys(sheet: Sheet, fields: Sequence[str]) -> dict[str, int]:
    """Under which key each value of a row is kept, and in which column (from 0) it stands.

    fields: of the template; one without a column has no key. Every column has one: its field's, or its own name.
    """
    used = {name: at for name, at in places(sheet, fields).items() if at is not None}
    taken = {*fields, _UNSUBSCRIBE, WHOLE_ROW}
    # A column nobody asked for must not fill a field of the same name.
    own = {
        f"{column} ({letters(at)})" if column in taken else column: at
        for at, column in enumerate(sheet.columns)
        if at not in used.values()
    }
    return used | own


def attachment_at(sheet: Sheet, files: Mapping[str, int]) -> int | None:
    """The column that names each row's file: as chosen, else where such names stand, else by its name; or None.

    files: the names of the files there are.
    """
    if sheet.reading.attachment is not None:
        return sheet.reading.attachment if sheet.reading.attachment < len(sheet.columns) else None
    known = _by_any_name(files)
    hits = [sum(_plain_name(cell) in known for cell in cells if cell) for cells in sheet.samples]
    if any(hits):
        return hits.index(max(hits))
    return next((at for at, column in enumerate(sheet.columns) if field_name(column) in _FILE_COLUMNS), None)


def check(
    sheet: Sheet,
    renderer: Renderer,
    suppressed: Callable[[Sequence[str]], set[str]] = lambda _emails: set(),
    files: Mapping[str, int] | None = None,
    *,
    may_lack_file: bool = False,
) -> Iterator[Row]:
    """Every row of the sheet with its faults, in order, checked as it is asked for.

    renderer: of the template the rows are for. suppressed: which of some addresses are on the do-not-mail list.
    files: the files there are for single rows, by name, with the ids they are kept under; may_lack_file: whether a
    row that names none is good all the same.
    """
    return _Check(sheet, renderer, suppressed, files, may_lack_file).rows()


class _Check:
    """What is known about the list while its rows are gone through."""

    def __init__(
        self,
        sheet: Sheet,
        renderer: Renderer,
        suppressed: Callable[[Sequence[str]], set[str]],
        files: Mapping[str, int] | None,
        may_lack_file: bool,
    ) -> None:
        self._sheet, self._renderer, self._suppressed = sheet, renderer, suppressed
        self._required = frozenset(renderer.required)
        self._places = keys(sheet, renderer.fields)
        self._width = len(sheet.columns)
        self._email_at = sheet.email_at
        self._email_key = self._key_of(sheet.email_at) or "email"
        self._files = None if files is None else _by_any_name(files)
        self._file_at = None if files is None else attachment_at(sheet, files)
        self._may_lack_file = may_lack_file
        self._kept: dict[str, int] = {}

    def rows(self) -> Iterator[Row]:
        duplicates = self._sheet.reading.duplicates
        if duplicates == "last":
            for number, cells in self._sheet.read():
                self._kept[self._address(cells)[0].casefold()] = number
        left = self._sheet.read()
        while some := [
            (number, cells, *self._address(cells)) for number, cells in islice(left, _ASKED_AT_ONCE)
        ]:
            suppressed = self._suppressed([email for _, _, email, _ in some])
            for number, cells, email, fault in some:
                if not fault and duplicates != "all":
                    kept = self._kept.setdefault(email.casefold(), number)
                    fault = say(DUPLICATE, row=kept) if kept != number else None
                if fault is None and email in suppressed:
                    fault = say(SUPPRESSED)
                yield self._row(number, cells, email, fault)

    def _row(self, number: int, cells: list[str], email: str, fault: Sentence | None) -> Row:
        values = {
            key: value for key, at in self._places.items() if at < len(cells) and (value := cells[at].strip())
        }
        errors = self._cell_faults(values)
        if fault:
            errors[self._email_key] = fault
        self._row_faults(cells, errors)
        attachment_id = self._attachment(cells, errors)
        if not errors:
            errors = self._rendering_fault(values)
        return Row(number, email, values, errors, attachment_id)

    def _address(self, cells: list[str]) -> tuple[str, Sentence | None]:
        at = self._email_at
        return read_address(cells[at] if at is not None and at < len(cells) else "")

    def _cell_faults(self, values: dict[str, str]) -> dict[str, Sentence]:
        errors: dict[str, Sentence] = {}
        # Columns the template does not use may hold anything.
        for name in self._renderer.fields:
            value = values.get(name, "")
            if not value:
                if name in self._required:
                    errors[name] = say(MISSING)
            elif len(value) > MAX_VALUE:
                errors[name] = say(TOO_LONG, length=len(value), most=MAX_VALUE)
            elif value in _CELL_ERRORS:
                errors[name] = say(CELL_ERROR)
            elif name in self._renderer.subject_fields and _CONTROL.search(value):
                errors[name] = say(BREAK_IN_SUBJECT)
        return errors

    def _row_faults(self, cells: list[str], errors: dict[str, Sentence]) -> None:
        delimiter = self._sheet.reading.delimiter
        if delimiter and any("\n" in cell and _holds_rows(cell, delimiter) for cell in cells):
            errors[WHOLE_ROW] = say(SWALLOWED)
        if len(cells) > self._width:
            extra = [cell.strip() for cell in cells[self._width :] if cell.strip()]
            if extra:
                errors[WHOLE_ROW] = say(EXTRA_CELLS, cells=", ".join(extra)[:200])

    def _attachment(self, cells: list[str], errors: dict[str, Sentence]) -> int | None:
        if self._files is None:
            return None
        at = self._file_at
        name = cells[at].strip() if at is not None and at < len(cells) else ""
        if not name and self._may_lack_file:
            return None
        found = self._files.get(_whole_name(name)) or self._files.get(_plain_name(name))
        if not found:
            text = NO_FILE if found is None else SEVERAL_FILES
            fault = say(text, name=name[:200]) if name else say(NO_FILE_NAMED)
            errors.setdefault(self._key_of(at) or WHOLE_ROW, fault)
        return found or None

    def _rendering_fault(self, values: dict[str, str]) -> dict[str, Sentence]:
        # The same code that will render the row for sending has the last word on what a good row is.
        try:
            self._renderer.render({**values, _UNSUBSCRIBE: _STAND_IN})
        except FieldProblem as problem:
            return {problem.name: problem.sentence}
        except Problem as problem:
            return {WHOLE_ROW: problem.sentence}
        return {}

    def _key_of(self, column: int | None) -> str:
        return next((key for key, at in self._places.items() if at == column), "")


def _holds_rows(cell: str, delimiter: str) -> bool:
    # A mark that is closed rows later makes a cell that is well-formed, and those rows would go missing unseen.
    return any("@" in line and delimiter in line for line in cell.split("\n")[1:])


def _whole_name(name: str) -> str:
    # Written on a Mac, one letter with its accent may be two characters.
    return unicodedata.normalize("NFC", name.strip()).replace("\\", "/").casefold()


def _plain_name(name: str) -> str:
    return _whole_name(name).rpartition("/")[2]


def _by_any_name(files: Mapping[str, int]) -> dict[str, int]:
    """The files by their whole names and without their folders, where that fits only one of them; 0 for several."""
    plain: dict[str, int] = {}
    for name, file_id in files.items():
        if plain.setdefault(_plain_name(name), file_id) != file_id:
            plain[_plain_name(name)] = 0
    return plain | {_whole_name(name): file_id for name, file_id in files.items()}
