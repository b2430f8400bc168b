"""A text file as bytes: in which encoding it was written, and what other kind of file it may be instead."""

import codecs
import io
import re

from mailroom.problems import Problem
from oca.words import N_

MAX_BYTES = 20_000_000
BOM = b"\xef\xbb\xbf"

# By the name that people see, what Python calls it. The last one fits nearly any bytes, so it is shown and correctable.
_CODECS = {
    "UTF-8": "utf-8-sig",
    "UTF-16 LE": "utf-16-le",
    "UTF-16 BE": "utf-16-be",
    "Windows-1252": "cp1252",
}
ENCODINGS = tuple(_CODECS)

EMPTY = N_(
    "The list is empty. Choose a file that has the names of its columns in the first row, and rows below."
)
TOO_LARGE = N_("The list is larger than 20 MB. Split it into several files.")
UNREADABLE = N_(
    "The letters in this file cannot be read as %(encoding)s. In Excel choose Save as, take “CSV UTF-8”, "
    "and upload that file."
)
_NO_TEXT = N_(
    "This is neither a workbook nor a text, or it is damaged. Open the list in Excel, choose Save as “Excel Workbook "
    "(.xlsx)”, and upload that file."
)
_WEB_PAGE = N_(
    "This is a web page under the name of a list. Open it in Excel, choose Save as “Excel Workbook (.xlsx)”, and "
    "upload that file."
)
_NOT_A_LIST = N_("This is a %(kind)s, not a list. Choose the workbook or the CSV file with the recipients.")
_KINDS = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "GZIP"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"{\\rtf", "RTF"),
    (b"MZ\x90", "EXE"),
    (b"SQLite format 3\0", "SQLite"),
)
# What no keyboard puts into a text: control characters but tab, line ends, form feed and the end mark of old systems.
_NOT_TYPED = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
# Many programs “export to Excel” by writing a web page, or the XML of Excel 2003.
_PAGE = re.compile(rb"\s*<(?:!doctype|html|head|meta|body|table|style|\?xml)\b", re.IGNORECASE)
_CHUNK = 1 << 16
_LOOK_AT = 4096


def refuse_other_kinds(data: bytes) -> None:
    """Raises Problem when the bytes are nothing at all, or known to be a file of another kind."""
    for start, kind in _KINDS:
        if data.startswith(start):
            raise Problem(_NOT_A_LIST, kind=kind)
    if _PAGE.match(data.removeprefix(BOM)[:1000]):
        raise Problem(_WEB_PAGE)
    if not data.removeprefix(BOM).strip(b" \t\r\n,;\0"):
        raise Problem(EMPTY)


def find_encoding(data: bytes) -> str:
    """The name of the encoding the text is in, one of ENCODINGS. Raises Problem for what is no text."""
    if data.startswith(codecs.BOM_UTF16_LE):
        return "UTF-16 LE"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "UTF-16 BE"
    if b"\0" in data:
        return _utf16_without_mark(data)
    if _is_utf8(data):
        return "UTF-8"
    if _NOT_TYPED.search(data[:_LOOK_AT]):
        raise Problem(_NO_TEXT)
    return "Windows-1252"


def opened(data: bytes, encoding: str) -> io.TextIOWrapper:
    """The text, to be read as it is needed; its line ends are left as they are.

    encoding: one of ENCODINGS. Reading raises UnicodeDecodeError where the bytes do not fit it.
    """
    if encoding.startswith("UTF-16"):
        data = data.removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)
    return io.TextIOWrapper(io.BytesIO(data), encoding=_CODECS[encoding], newline="")


def _utf16_without_mark(data: bytes) -> str:
    # Of Latin letters one byte of each pair is zero, and always the same one.
    first, second = data[:_LOOK_AT:2].count(0), data[1:_LOOK_AT:2].count(0)
    half = min(len(data), _LOOK_AT) / 2
    if len(data) % 2 == 0 and max(first, second) > 0.4 * half and min(first, second) < 0.05 * half:
        return "UTF-16 BE" if first > second else "UTF-16 LE"
    raise Problem(_NO_TEXT)


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # Piece by piece: a file of 20 MB would else stand in memory a second time.
        for at in range(0, len(data), _CHUNK):
            decoder.decode(data[at : at + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
