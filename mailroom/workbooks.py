"""Workbooks – XLSX, XLS, ODS – as rows of text, read by a process of its own that may take little and hurts nobody."""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal, cast

from mailroom.csv_files import TOO_MANY_ROWS, Record
from mailroom.limited import ChildFailed, Limits, running
from mailroom.problems import Problem
from mailroom.texts import EMPTY
from oca.words import N_

_LIMITS = Limits(memory=300_000_000, cpu=30, wall=60.0)
_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_CHUNK = 1 << 16

_TOO_MUCH = N_(
    "This workbook needs too much memory. Perhaps one cell stands far away from the others: copy the rows of the list "
    "into a new workbook, or save it as “CSV UTF-8”, and upload that."
)
_TOO_SLOW = N_(
    "Reading this workbook took too long. Copy the rows of the list into a new workbook, or save it as “CSV UTF-8”, "
    "and upload that."
)
_DAMAGED = N_(
    "This workbook is damaged. Open it in Excel, save it under another name or as “CSV UTF-8”, and upload that."
)
_NO_WORKBOOK = N_("This is a %(kind)s, not a list. Choose the workbook or the CSV file with the recipients.")
_REFUSALS = {
    "password": N_(
        "This workbook is protected with a password. Save it without one, or as “CSV UTF-8”, and upload that."
    ),
    "empty": EMPTY,
    "rows": TOO_MANY_ROWS,
    "far": _TOO_MUCH,
    "memory": _TOO_MUCH,
    "unpacked": N_(
        "This workbook holds far more than a list of recipients. Copy the rows of the list into a new workbook, "
        "and upload that."
    ),
    "damaged": _DAMAGED,
}
_KINDS = {
    "docx": "Word document",
    "pptx": "PowerPoint presentation",
    "numbers": "Numbers file",
    "zip": "ZIP file",
}


@dataclass(frozen=True)
class Workbook:
    """One sheet of a workbook. sheets: the names of all it has. total: its rows that are not blank."""

    kind: Literal["xlsx", "xls", "ods"]
    sheet: str
    sheets: tuple[str, ...]
    total: int
    _spool: "_Spool"

    def rows(self) -> Iterator[Record]:
        """Every row that is not blank, with its number in the spreadsheet and its cells as the sheet shows them."""
        for line in self._spool.lines():
            number, cells = json.loads(line)
            yield number, cells


def is_workbook(data: bytes) -> bool:
    """Whether the bytes begin as those of a workbook do, whatever the file is called."""
    return data.startswith(_STARTS)


def read(data: bytes, sheet: str | None = None) -> Workbook:
    """A sheet of the workbook: the one called so, or the first visible one that has rows.

    Raises Problem, saying what to do, for a file that is damaged, protected, something else or too much.
    """
    spool = _Spool()
    try:
        with running("mailroom.workbook_child", json.dumps(sheet).encode() + b"\n" + data, _LIMITS) as output:
            first = _line(output.readline(1_000_000))
            last = _line(spool.keep(output)) if "kind" in first else first
    except ChildFailed as failed:
        raise Problem(_TOO_SLOW if failed.late else _TOO_MUCH) from None
    if "total" not in last:
        raise _refusal(str(last.get("refused", "damaged")))
    return Workbook(
        cast(Literal["xlsx", "xls", "ods"], first["kind"]),
        str(first["sheet"]),
        tuple(map(str, cast(list[object], first["sheets"]))),
        int(cast(int, last["total"])),
        spool,
    )


def _refusal(why: str) -> Problem:
    if why in _KINDS:
        return Problem(_NO_WORKBOOK, kind=_KINDS[why])
    if why == "sheet":
        return Problem(N_("The workbook has no sheet of that name. Choose another one."), "sheet")
    return Problem(_REFUSALS.get(why, _DAMAGED))


def _line(text: bytes) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class _Spool:
    """Rows on the disk instead of in the memory, gone from there with this object."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 – kept open as long as the rows may be wanted
        self._size = 0

    def keep(self, output: IO[bytes]) -> bytes:
        """Keeps every line but the last, and gives that one."""
        rest = b""
        while chunk := output.read(_CHUNK):
            rest += chunk
            # The last line may be whole or not yet: what is kept ends before it either way.
            end = rest.rfind(b"\n", 0, -1) + 1
            self._file.write(rest[:end])
            self._size += end
            rest = rest[end:]
        self._file.flush()
        return rest

    def lines(self) -> Iterator[bytes]:
        """The lines kept, from the first on; any number of readers may be at different ones."""
        at, rest = 0, b""
        while chunk := os.pread(self._file.fileno(), _CHUNK, at):
            at += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole

    def __del__(self) -> None:
        self._file.close()
