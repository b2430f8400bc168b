"""Reads one workbook in a process of its own, and writes its rows line by line; started by `workbooks`.

Input: a line of JSON with the sheet wanted, then the file. Output, as JSON in UTF-8: a line that says what was found,
a line for each row that is not blank, and a last line that says how it ended.
"""

import datetime
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from mailroom import limited
from mailroom.number_formats import plain, shown
from mailroom.workbook_marks import Marks, TooLarge, marks

MOST_ROWS = 100_100
MOST_TEXT = 150_000_000
MOST_CELL = 40_000  # characters; Excel's own limit is 32,767
MOST_COLUMNS = 1_000
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

Cell = float | str | bool | datetime.date | datetime.time | datetime.timedelta


class Refused(Exception):
    """The workbook cannot be read. Its text is the word for why that `workbooks` knows."""


def main() -> None:
    limited.confine()
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n", write_through=False)
    try:
        wanted = json.loads(sys.stdin.buffer.readline())
        for line in answers(sys.stdin.buffer.read(), wanted):
            out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    except Refused as refused:
        out.write(json.dumps({"refused": str(refused)}) + "\n")
    except TooLarge as large:
        out.write(json.dumps({"refused": large.why}) + "\n")
    except MemoryError:
        out.write(json.dumps({"refused": "memory"}) + "\n")
    out.flush()


def answers(data: bytes, wanted: str | None) -> Iterator[object]:
    """What is written for a file, line by line. wanted: the name of a sheet, or None for the first one with rows."""
    archive, kind = _opened(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [one.name for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        if wanted is not None and wanted not in sheets:
            raise Refused("sheet")
        visible = [
            one.name
            for one in workbook.sheets_metadata
            if one.visible == SheetVisibleEnum.Visible and one.name in sheets
        ]
        for name in [wanted] if wanted is not None else visible or sheets:
            look = marks(archive, name, MOST_ROWS) if kind == "xlsx" and archive else Marks()
            sheet = workbook.get_sheet_by_name(name)
            if sheet.start is not None:
                break
        else:
            raise Refused("empty")
        yield {"kind": kind, "sheet": name, "sheets": sheets}
        yield from _rows(sheet, look)
    except PasswordError:
        raise Refused("password") from None
    except (CalamineError, ParseError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError,
            ValueError, LookupError):  # fmt: skip
        # Any of these from the libraries means that the file does not keep to its own format.
        raise Refused("damaged") from None


def _opened(data: bytes) -> tuple[zipfile.ZipFile | None, str]:
    """The zip inside the file, if it is one, and which kind of workbook it is."""
    if not data.startswith(b"PK"):
        if _ENCRYPTED in data:
            raise Refused("password")
        return None, "xls"
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = set(archive.namelist())
        if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
            return archive, "xlsx"
        if "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:200]:
            if any(part.file_size > MOST_TEXT * 4 for part in archive.infolist()):
                raise Refused("unpacked")
            return archive, "ods"
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise Refused("damaged") from None
    for start, kind in (("word/", "docx"), ("ppt/", "pptx"), ("Index/", "numbers")):
        if any(name.startswith(start) for name in names):
            raise Refused(kind)
    raise Refused("zip")


def _rows(sheet: CalamineSheet, look: Marks) -> Iterator[object]:
    left = sheet.start[1] if sheet.start else 0
    if sheet.width > MOST_COLUMNS:
        raise Refused("far")
    total, size = 0, 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        codes = look.of_row(number)
        texts = [""] * left + [
            _text(cell, codes.get(at), number, at, look) for at, cell in enumerate(cells, left)
        ]
        while texts and not texts[-1]:
            texts.pop()
        if not texts or not "".join(texts).strip():
            continue
        total += 1
        size += sum(map(len, texts))
        if total > MOST_ROWS:
            raise Refused("rows")
        if size > MOST_TEXT:
            raise Refused("unpacked")
        yield [number, texts]
    yield {"total": total}


def _text(cell: Cell, code: str | None, number: int, at: int, look: Marks) -> str:
    if isinstance(cell, str):
        if not cell and look.errors:
            return look.errors.get((number, at), "")
        return cell if len(cell) <= MOST_CELL else cell[:MOST_CELL]
    return shown(cell, code) if code else plain(cell)


if __name__ == "__main__":
    main()
