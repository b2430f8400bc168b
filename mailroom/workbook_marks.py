"""What a cell of an .xlsx file looks like, which the reader of its values does not tell.

Read in the limited child process. The file's parts are those of Office Open XML (ECMA-376 part 1, 18.3 and 18.8).
"""

import re
import zipfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.etree import ElementTree

from mailroom.number_formats import BUILT_IN

# Cells of a list may be far apart, but not so far that the room between them fills the memory.
_MOST_ROOM = 6_000_000
_MOST_UNPACKED = 1_000_000_000
_MOST_STYLES = 50_000_000
_CHUNK = 1 << 18
_LONGEST_CELL = 1 << 17

# A cell in the order of attributes that Excel keeps, or else in any; one that closes itself is empty.
_CELL = re.compile(
    rb"<(?:\w+:)?c(?: r=\"([A-Z]{1,3})([0-9]{1,7})\"(?: s=\"([0-9]{1,5})\")?(?: t=\"([A-Za-z]{1,9})\")?"
    rb"|(\s[^<>]*[^<>/]))>"
)
_AT = re.compile(rb'\sr="([A-Z]{1,3})([0-9]{1,7})"')
_STYLE = re.compile(rb'\ss="([0-9]{1,5})"')
_KIND = re.compile(rb'\st="([A-Za-z]{1,9})"')
_ERROR = re.compile(rb"<(?:\w+:)?v>(#[^<]{1,12})")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


class TooLarge(Exception):
    """More than a list may be. why: `rows`, `far` for a cell far away from the others, `unpacked`."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


@dataclass
class Marks:
    """The cells of one sheet that have a format of their own, or show an error.

    codes: format codes. rows, columns, which: for each such cell its row and column from 1 and 0, and the place of its
    code in `codes`; errors: by row and column.
    """

    codes: list[str] = field(default_factory=list)
    rows: "array[int]" = field(default_factory=lambda: array("L"))
    columns: "array[int]" = field(default_factory=lambda: array("H"))
    which: "array[int]" = field(default_factory=lambda: array("H"))
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    _next: int = 0

    def of_row(self, number: int) -> dict[int, str]:
        """The format codes of a row's cells by column; to be asked for row by row, downwards."""
        found: dict[int, str] = {}
        while self._next < len(self.rows) and self.rows[self._next] <= number:
            if self.rows[self._next] == number:
                found[self.columns[self._next]] = self.codes[self.which[self._next]]
            self._next += 1
        return found


def marks(archive: zipfile.ZipFile, sheet: str, most_rows: int) -> Marks:
    """The marks of the sheet with this name. Raises TooLarge, and what `zipfile` and the XML parser raise."""
    if sum(part.file_size for part in archive.infolist()) > _MOST_UNPACKED:
        raise TooLarge("unpacked")
    by_style = _codes(archive)
    found = Marks(sorted(set(by_style.values())))
    which = {b"%d" % style: found.codes.index(code) for style, code in by_style.items()}
    path = _path(archive, sheet)
    if path is None:
        return found
    with archive.open(path) as part:
        _scan(part, which, found, most_rows)
    return found


def _scan(part: IO[bytes], which: dict[bytes, int], found: Marks, most_rows: int) -> None:
    columns: dict[bytes, int] = {}
    rows_seen, last, widest, first, row_text = 0, 0, 0, 0, b""
    for piece in _pieces(part):
        for cell in _CELL.finditer(piece):
            letters, digits, style, kind, attributes = cell.groups()
            if attributes:
                at, style, kind = (
                    _AT.search(attributes),
                    _first(_STYLE, attributes),
                    _first(_KIND, attributes),
                )
                if at is None:
                    continue
                letters, digits = at.groups()
            column = columns.get(letters)
            if column is None:
                column = columns[letters] = _column(letters)
                widest = max(widest, column + 1)
            if digits != row_text:
                row_text, row = digits, int(digits)
                rows_seen += 1
                first, last = first or row, max(last, row)
                if rows_seen > most_rows:
                    raise TooLarge("rows")
                if (last - first + 1) * widest > _MOST_ROOM:
                    raise TooLarge("far")
            if style in which:
                found.rows.append(int(digits))
                found.columns.append(column)
                found.which.append(which[style])
            if kind == b"e":
                text = _ERROR.search(piece, cell.end(), cell.end() + 1000)
                found.errors[int(digits), column] = text[1].decode("ascii", "replace") if text else "#N/A"


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    """The text in pieces of which none ends inside a tag."""
    rest = b""
    while chunk := part.read(_CHUNK):
        piece = rest + chunk
        end = piece.rfind(b"</")
        if end < 0:
            # So long without an end of anything is no cell.
            rest = piece[-_LONGEST_CELL:]
            continue
        rest = piece[end:]
        yield piece[:end]
    yield rest


def _first(pattern: re.Pattern[bytes], text: bytes) -> bytes | None:
    found = pattern.search(text)
    return found[1] if found else None


def _column(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column - 1


def _codes(archive: zipfile.ZipFile) -> dict[int, str]:
    """The format code of each style that has one."""
    root = _xml(archive, "xl/styles.xml")
    if root is None:
        return {}
    own = {
        int(one.get("numFmtId", "0")): one.get("formatCode", "")
        for one in root.iterfind("{*}numFmts/{*}numFmt")
        if one.get("numFmtId", "").isdigit()
    }
    styles = [one.get("numFmtId", "0") for one in root.iterfind("{*}cellXfs/{*}xf")][:65_000]
    ids = {style: int(text) for style, text in enumerate(styles) if text.isdigit()}
    codes = {style: own.get(number) or BUILT_IN.get(number, "") for style, number in ids.items()}
    return {style: code for style, code in codes.items() if code and code != "General"}


def _path(archive: zipfile.ZipFile, sheet: str) -> str | None:
    workbook, relations = _xml(archive, "xl/workbook.xml"), _xml(archive, "xl/_rels/workbook.xml.rels")
    if workbook is None or relations is None:
        return None
    targets = {one.get("Id"): one.get("Target", "") for one in relations}
    for one in workbook.iterfind("{*}sheets/{*}sheet"):
        if one.get("name") == sheet:
            target = targets.get(one.get(_RELATION) or one.get(_STRICT_RELATION), "")
            path = target[1:] if target.startswith("/") else "xl/" + target.removeprefix("./")
            return path if path in archive.NameToInfo else None
    return None


def _xml(archive: zipfile.ZipFile, path: str) -> ElementTree.Element | None:
    if path not in archive.NameToInfo:
        return None
    with archive.open(path) as part:
        text = part.read(_MOST_STYLES + 1)
    if len(text) > _MOST_STYLES or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        # No spreadsheet program writes entities; they are a way to make much of little.
        raise TooLarge("unpacked")
    return ElementTree.fromstring(text)  # noqa: S314 – in the limited process, without entities
