"""An Excel workbook with one sheet, written while it is sent: nothing of it is kept but the row at hand.

The parts a workbook needs are those of ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/.
Text stands in the cells as text, so nothing in it is ever run as a formula.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from xml.sax.saxutils import escape

# What a sheet holds, the line of names included, and a cell.
MOST_ROWS = 1_048_576
_LONGEST = 32_767

Cell = str | int | float | None

_CHUNK = 1000
# XML has no such characters, not even escaped (https://www.w3.org/TR/xml/#charsets).
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Mailroom" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # Two formats of cells: as they are, and bold for the names of the columns.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="2"><fill/><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/>'
    '</borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf fontId="1" applyFont="1"/>'
    "</cellXfs></styleSheet>",
}
_SHEET = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
)


def workbook(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The bytes of the workbook, piece by piece; rows beyond what a sheet holds are left out.

    names: of the columns. rows: text, numbers, or None for an empty cell.
    """
    out = _Out()
    # Level 1: half the time of the usual level for files a little larger.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, text in _PARTS.items():
            book.writestr(name, _HEAD + text)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            widths = "".join(f'<col min="{n}" max="{n}" width="18"/>' for n in range(1, len(names) + 1))
            sheet.write(f"{_HEAD}{_SHEET}<cols>{widths}</cols><sheetData>".encode())
            sheet.write(_row(names, ' s="1"').encode())
            left = islice(rows, MOST_ROWS - 1)
            while some := "".join(_row(row) for row in islice(left, _CHUNK)):
                sheet.write(some.encode())
                yield out.taken()
            sheet.write(b"</sheetData></worksheet>")
    yield out.taken()


def _row(cells: Sequence[Cell], style: str = "") -> str:
    return f"<row>{''.join([_cell(cell, style) for cell in cells])}</row>"


def _cell(cell: Cell, style: str) -> str:
    if cell is None or cell == "":
        return "<c/>"
    if isinstance(cell, str):
        text = escape(_NO_XML.sub("", cell[:_LONGEST]))
        return f'<c{style} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f"<c{style}><v>{cell}</v></c>"


class _Out:
    """Where the archive is written to: bytes to be taken on, with no way back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Asked for by zipfile."""

    def close(self) -> None:
        """Asked for by zipfile."""

    def taken(self) -> bytes:
        """What was written since the last call."""
        pieces, self._pieces = b"".join(self._pieces), []
        return pieces
