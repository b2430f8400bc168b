"""How a list is read is found, shown and corrected; a list in any dress is the same list."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.problems import Problem
from mailroom.recipients import (
    ONE,
    PASTED,
    Given,
    Reading,
    Row,
    Sheet,
    attachment_at,
    check,
    one,
    pasted,
    read,
)
from mailroom.rendering import Renderer

PLAIN = Renderer("Halo", "<p>Halo</p>")
CODECS = {"UTF-8": "utf-8", "UTF-16 LE": "utf-16-le", "UTF-16 BE": "utf-16-be", "Windows-1252": "cp1252"}


def text(data: bytes, reading: Reading | None = None) -> Sheet:
    return read(Given("daftar.csv", data), reading)


def rows(sheet: Sheet, renderer: Renderer = PLAIN) -> list[Row]:
    return list(check(sheet, renderer))


def faults(sheet: Sheet) -> dict[int, str]:
    return {row.number: "; ".join(map(str, row.errors.values())) for row in check(sheet, PLAIN) if row.errors}


def test_a_wrong_guess_can_be_corrected() -> None:
    data = "Laporan;ke: a@contoh.id\nNama;Surel\nRené;rene@contoh.id\n".encode("cp1252")
    wrong = text(data)
    assert wrong.reading.header_row == 0
    right = text(data, replace(wrong.reading, header_row=2, email=1))
    assert right.columns == ("Nama", "Surel")
    assert [(row.number, row.email, row.values["Nama"]) for row in rows(right)] == [
        (3, "rene@contoh.id", "René")
    ]
    with pytest.raises(Problem, match="cannot be read as UTF-8"):
        text(data, Reading(encoding="UTF-8"))


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b"Daftar Pelanggan;;\nTanya: cs@contoh.id;;\n;;\nNama;Surel;Kota\nSri;sri@contoh.id;Solo\n", 4),
        (b"Per 23/11/2026;;\nNama;Hubungi;Kota\nSri;;Solo\nJoko;joko@contoh.id;Tegal\n", 2),
        (b"Nama;Kota\nSri;Solo\n", 1),
        (b"a@contoh.id\nbad\nb@contoh.id\n", 0),
        (b"a@contoh.id;;\nemail;nama;kota\nb@contoh.id;B;Solo\n", 0),
        (b"Budi <a@contoh.id>\nemail\nb@contoh.id\n", 0),
    ],
)
def test_titles_are_above_the_names_and_no_row_is_taken_for_one(data: bytes, row: int) -> None:
    sheet = text(data)
    assert sheet.reading.header_row == row
    below = sum(1 for line in data.splitlines()[row:] if line.strip(b";"))
    assert len(rows(sheet)) == below


def test_another_delimiter_can_be_chosen() -> None:
    sheet = text(b"email;nama,gelar\na@contoh.id;Budi,S.H.\n", Reading(delimiter=","))
    assert sheet.columns == ("email;nama", "gelar")


@pytest.mark.parametrize(
    ("reading", "part"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"delimiter": "|"}, "delimiter"),
        ({"header_row": -1}, "header_row"),
        ({"header_row": True}, "header_row"),
        ({"email": 100}, "email"),
        ({"email": "0"}, "email"),
        ({"fields": {"nama": 1.5}}, "fields"),
        ({"fields": ["nama"]}, "fields"),
        ({"attachment": -1}, "attachment"),
        ({"duplicates": "some"}, "duplicates"),
        ({"sheet": ""}, "sheet"),
    ],
)
def test_a_reading_that_cannot_be_is_refused_beside_its_part(reading: dict[str, object], part: str) -> None:
    with pytest.raises(Problem) as caught:
        Reading(**reading)  # type: ignore[arg-type]
    assert caught.value.field == part


@pytest.mark.parametrize("kept", ["", "[]", "null", "7", '{"email": "x"}', '{"colour": 1}', "[" * 100_000])
def test_a_kept_reading_that_was_spoilt_is_a_sentence(kept: str) -> None:
    with pytest.raises(Problem):
        Reading.from_json(kept)


@given(
    st.builds(
        Reading,
        st.sampled_from([None, *CODECS]),
        st.sampled_from([None, ",", ";", "\t"]),
        st.none() | st.text(min_size=1, max_size=31),
        st.none() | st.integers(0, 1000),
        st.none() | st.integers(0, 99),
        st.dictionaries(st.text(min_size=1, max_size=9), st.none() | st.integers(0, 99), max_size=4),
        st.none() | st.integers(0, 99),
        st.booleans(),
        st.sampled_from(["first", "last", "all"]),
    )
)
def test_a_reading_comes_back_as_it_was_kept(reading: Reading) -> None:
    assert Reading.from_json(reading.to_json()) == reading


@pytest.mark.parametrize(
    ("reading", "part"), [(Reading(header_row=9), "header_row"), (Reading(email=7), "email")]
)
def test_a_row_or_column_that_is_not_there_is_said_beside_its_part(reading: Reading, part: str) -> None:
    with pytest.raises(Problem) as caught:
        text(b"email,nama\na@contoh.id,A\n", reading)
    assert caught.value.field == part


def test_the_first_the_last_or_all_of_several_rows_with_one_address_are_kept() -> None:
    data = b"email\na@contoh.id\nb@contoh.id\n A@CONTOH.ID \nbad\nbad\na@contoh.id\n"
    bad = {5: "No @ in the address", 6: "No @ in the address"}
    assert faults(text(data)) == {4: "Same as row 2", 7: "Same as row 2"} | bad
    assert faults(text(data, Reading(duplicates="last"))) == {2: "Same as row 7", 4: "Same as row 7"} | bad
    assert faults(text(data, Reading(duplicates="all"))) == bad


def test_each_row_finds_its_file_whatever_the_case_and_folder() -> None:
    files = {"Tagihan/Sri.pdf": 1, "tagihan/joko.PDF": 2, "a/sama.pdf": 3, "b/sama.pdf": 4}
    data = (
        b"email,lampiran\na@contoh.id,sri.pdf\nb@contoh.id,TAGIHAN\\JOKO.pdf\nc@contoh.id,b/sama.pdf\n"
        b"d@contoh.id,sama.pdf\ne@contoh.id,tidak.pdf\nf@contoh.id,\n"
    )
    sheet = text(data)
    assert attachment_at(sheet, files) == 1
    found = list(check(sheet, PLAIN, files=files))
    assert [row.attachment_id for row in found] == [1, 2, 4, None, None, None]
    assert [str(row.errors.get("lampiran", "")) for row in found[3:]] == [
        "Several files in the zip are called “sama.pdf”; write the folder in front of it",
        "No file called “tidak.pdf” in the zip",
        "No file is named for this row",
    ]
    lenient = list(check(sheet, PLAIN, files=files, may_lack_file=True))
    assert [bool(row.errors) for row in lenient] == [False, False, False, True, True, False]
    elsewhere = text(data, Reading(attachment=0))
    assert all("No file called" in str(row.errors["email"]) for row in check(elsewhere, PLAIN, files=files))


def test_pasted_cells_without_a_header_are_a_table_too() -> None:
    sheet = pasted("Sri\tsri@contoh.id\nJoko\tjoko@contoh.id\n")
    assert (sheet.columns, sheet.email_at, sheet.reading.header_row) == (("A", "B"), 1, 0)
    assert [row.email for row in rows(sheet)] == ["sri@contoh.id", "joko@contoh.id"]


@pytest.mark.parametrize(
    "sheet",
    [
        one("sri@contoh.id", {"nama": "Sri\n=1+1", "total": "'5"}),
        pasted("a@contoh.id, Budi <b@contoh.id>"),
        pasted("Nama\tSurel\nSri\tsri@contoh.id\n"),
    ],
)
def test_what_was_typed_is_kept_and_read_again(sheet: Sheet) -> None:
    assert sheet.given.name in (ONE, PASTED)
    again = read(sheet.given, sheet.reading)
    assert (list(again.read()), again.columns, again.reading) == (
        list(sheet.read()),
        sheet.columns,
        sheet.reading,
    )
    assert not faults(again)


def test_the_samples_show_what_stands_in_each_column() -> None:
    sheet = text(b"email,nama\n" + b"".join(b"a%d@contoh.id,\n" % n for n in range(9)))
    assert [len(cells) for cells in sheet.samples] == [5, 5]
    assert sheet.samples[0][:2] == ("a0@contoh.id", "a1@contoh.id")


LETTERS = st.text(st.sampled_from('abcXYZ 0159-.,;\t"éß–“\n'), max_size=10)
TABLES = st.lists(st.lists(LETTERS, min_size=3, max_size=3), min_size=1, max_size=12)


@given(
    TABLES,
    st.sampled_from([*CODECS]),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_comes_back_as_it_was_written(
    table: list[list[str]], encoding: str, delimiter: str, marked: bool, end: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(["email", "nama", "kota"])
    writer.writerows(table)
    mark = "\ufeff" if marked and encoding != "Windows-1252" else ""
    data = (mark + out.getvalue()).encode(CODECS[encoding])
    kept = [(n, cells) for n, cells in enumerate(table, 2) if "".join(cells).strip()]
    if not kept:
        with pytest.raises(Problem, match="no row below"):
            text(data)
        return
    sheet = text(data)
    assert list(sheet.read()) == kept
    # Accepted and rejected together are the rows of the file.
    assert [row.number for row in check(sheet, PLAIN)] == [number for number, _ in kept]


@given(
    st.binary(max_size=200),
    st.sampled_from([None, *CODECS]),
    st.integers(0, 9),
    st.sampled_from(["first", "last", "all"]),
)
def test_any_bytes_read_in_any_way_are_a_list_or_a_sentence(
    data: bytes, encoding: str | None, row: int, duplicates: str
) -> None:
    try:
        sheet = text(data, Reading(encoding, header_row=row, duplicates=duplicates))  # type: ignore[arg-type]
        assert len(rows(sheet)) == sum(1 for _ in sheet.read()) > 0
    except Problem:
        return
