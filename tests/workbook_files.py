"""Workbooks made by hand: ordinary ones, and such as no spreadsheet program would ever write."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

_HIDDEN = ' state="hidden"'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


class Look(NamedTuple):
    """A number and the format it is shown in."""

    value: float
    code: str


class Error(NamedTuple):
    """An error as a formula leaves it."""

    text: str


Cell = str | int | float | bool | Look | Error | None


def xlsx(rows: Iterable[Sequence[Cell]], **more: Iterable[Sequence[Cell]]) -> bytes:
    """An .xlsx file: `rows` on its first sheet, called Sheet1, and a sheet for each of `more`."""
    codes: list[str] = []
    sheets = {name: _sheet(cells, codes) for name, cells in {"Sheet1": rows, **more}.items()}
    return packed_xlsx(sheets, codes)


def packed_xlsx(sheets: Mapping[str, str], codes: Sequence[str] = (), hidden: Sequence[str] = ()) -> bytes:
    """An .xlsx file of sheets that are XML already. codes: the formats of the styles from 1 on."""
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="r{n}"{_HIDDEN * (name in hidden)}/>'
        for n, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    formats = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode={quoteattr(code)}/>' for n, code in enumerate(codes)
    )
    styles = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(len(codes)))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts>{formats}</numFmts>'
        f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
    }
    for n, sheet in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
        )
    return zipped(parts)


def zipped(parts: Mapping[str, str]) -> bytes:
    """A zip of these texts by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def ods(rows: Iterable[Sequence[str | float | None]]) -> bytes:
    """An .ods file with these rows on its only sheet."""
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    body = "".join(
        "<table:table-row>" + "".join(map(_ods_cell, cells)) + "</table:table-row>"
        if cells
        else "<table:table-row/>"
        for cells in rows
    )
    content = (
        f'<office:document-content xmlns:office="{office}office:1.0" xmlns:table="{office}table:1.0" '
        f'xmlns:text="{office}text:1.0" office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Sheet1">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    manifest = f'<manifest:manifest xmlns:manifest="{office}manifest:1.0"/>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def far_corner() -> bytes:
    """One kilobyte of .xlsx with a cell in the first corner and one in the last."""
    return packed_xlsx(
        {"S": _row(1, ["email"], []) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'}
    )


def bomb(megabytes: int = 200) -> bytes:
    """A small .xlsx file whose only sheet is very large when it is unpacked."""
    row = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>' + "a" * 30_000 + "</t></is></c></row>"
    return packed_xlsx({"S": "".join(row.format(n) for n in range(1, megabytes * 33))})


def many_rows(count: int) -> bytes:
    """An .xlsx file with this many rows of one address each."""
    row = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>a{0}@contoh.id</t></is></c></row>'
    return packed_xlsx({"S": "".join(row.format(n) for n in range(1, count + 1))})


def entities() -> bytes:
    """An .xlsx file whose styles grow a billionfold if their entities are followed."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE s [<!ENTITY e0 "aaaaaaaaaa">{levels}]>'
    return zipped(
        {
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/styles.xml": doctype + f'<styleSheet xmlns="{_MAIN}">&e9;</styleSheet>',
            "xl/worksheets/sheet1.xml": doctype
            + f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&e9;</t></is></c></row>'
            "</sheetData></worksheet>",
        }
    )


def _sheet(rows: Iterable[Sequence[Cell]], codes: list[str]) -> str:
    return "".join(_row(number, cells, codes) for number, cells in enumerate(rows, 1) if cells)


def _row(number: int, cells: Sequence[Cell], codes: list[str]) -> str:
    inside = "".join(_cell(f"{_letters(at)}{number}", cell, codes) for at, cell in enumerate(cells))
    return f'<row r="{number}">{inside}</row>'


def _cell(at: str, cell: Cell, codes: list[str]) -> str:
    if cell is None:
        return f'<c r="{at}" s="0"/>'
    if isinstance(cell, Error):
        return f'<c r="{at}" t="e"><v>{cell.text}</v></c>'
    if isinstance(cell, Look):
        if cell.code not in codes:
            codes.append(cell.code)
        return f'<c r="{at}" s="{codes.index(cell.code) + 1}"><v>{cell.value!r}</v></c>'
    if isinstance(cell, bool):
        return f'<c r="{at}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, str):
        return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{_text(cell)}</t></is></c>'
    return f'<c r="{at}"><v>{cell!r}</v></c>'


def _letters(at: int) -> str:
    return (chr(64 + at // 26) if at >= 26 else "") + chr(65 + at % 26)


def _text(text: str) -> str:
    return escape(text, {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})


def _ods_cell(cell: str | float | None) -> str:
    if cell is None:
        return "<table:table-cell/>"
    kind = 'string"' if isinstance(cell, str) else f'float" office:value="{cell!r}"'
    return (
        f'<table:table-cell office:value-type="{kind}><text:p>{escape(str(cell))}</text:p></table:table-cell>'
    )
