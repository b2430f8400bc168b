"""A list becomes rows with their faults, and nothing of it is lost on the way."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.attachments import safe_name
from mailroom.csv_files import plain_cell, safe_cell
from mailroom.problems import Problem
from mailroom.recipients import (
    WHOLE_ROW,
    Given,
    Reading,
    Row,
    Sheet,
    check,
    field_name,
    keys,
    one,
    pasted,
    places,
    read,
)
from mailroom.rendering import Renderer

NAMED = Renderer("Tagihan untuk {{ nama }}", "<p>Yth. {{ nama }}, {{ total }}</p>")
PLAIN = Renderer("Halo", "<p>Halo</p>")


def read_csv(data: bytes, reading: Reading | None = None) -> Sheet:
    return read(Given("daftar.csv", data), reading)


def rows(sheet: Sheet, renderer: Renderer = PLAIN) -> list[Row]:
    return list(check(sheet, renderer))


def faults(sheet: Sheet, renderer: Renderer = PLAIN) -> dict[int, dict[str, str]]:
    return {
        row.number: {key: str(fault) for key, fault in row.errors.items()}
        for row in check(sheet, renderer)
        if row.errors
    }


def refusal(data: bytes) -> str:
    with pytest.raises(Problem) as caught:
        read_csv(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "name"),
    [("Nama Pelanggan", "nama_pelanggan"), (" E-mail ", "e_mail"), ("TOTAL (Rp)", "total_rp"), ("—", "")],
)
def test_a_header_becomes_a_field_name(header: str, name: str) -> None:
    assert field_name(header) == name


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_with_any_delimiter_line_end_and_with_or_without_a_bom(
    delimiter: str, start: bytes, end: str
) -> None:
    lines = [["email", "Nama", "total"], ["joko@contoh.id", "Joko", "1"], ["sri@contoh.id", "Sri", "2"]]
    sheet = read_csv(start + end.join(delimiter.join(line) for line in lines).encode())
    assert sheet.reading == Reading("UTF-8", delimiter, header_row=1, email=0)
    assert (sheet.kind, sheet.columns) == ("csv", ("email", "Nama", "total"))
    assert [row.values["nama"] for row in rows(sheet, NAMED)] == ["Joko", "Sri"]


def test_a_comma_inside_names_does_not_hide_the_semicolons() -> None:
    sheet = read_csv(b'Nama, gelar;Surel\n"Budi, S.H.";budi@contoh.id\nSri, M.M.;sri@contoh.id\n')
    assert sheet.reading.delimiter == ";"
    assert [row.email for row in rows(sheet)] == ["budi@contoh.id", "sri@contoh.id"]


def test_rows_keep_the_numbers_a_spreadsheet_shows() -> None:
    sheet = read_csv(b'email;nama\na@contoh.id;"two\nlines"\n;;\n\nb@contoh.id;B\n')
    assert [row.number for row in rows(sheet)] == [2, 5]
    assert rows(sheet)[0].values["nama"] == "two\nlines"


def test_the_address_column_is_found_by_what_is_in_it() -> None:
    assert read_csv(b"nama,hubungi\nJoko,joko@contoh.id\n").email_at == 1
    assert read_csv(b"penerima,kontak\nJoko,joko@contoh.id\n").email_at == 1


def test_a_field_called_email_is_filled_from_the_address_column() -> None:
    renderer = Renderer("Halo", "{{ email }}")
    assert rows(read_csv(b"surel\njoko@contoh.id\n"), renderer)[0].values == {"email": "joko@contoh.id"}


def test_columns_find_their_fields_whatever_the_case() -> None:
    renderer = Renderer("{{ Nama_Pelanggan }}", "{{ nama_pelanggan }}")
    row = rows(read_csv(b"EMAIL,Nama Pelanggan,Kota\na@contoh.id,Sri,Solo\n"), renderer)[0]
    assert not row.errors
    assert row.values == {
        "Nama_Pelanggan": "Sri",
        "nama_pelanggan": "Sri",
        "EMAIL": "a@contoh.id",
        "Kota": "Solo",
    }


def test_every_fault_stands_in_its_cell() -> None:
    sheet = read_csv(
        "email;nama;total\n"
        "joko.contoh.id;Joko;1\n"
        ";Sri;2\n"
        "dewi@contoh.id;;3\n"
        "a@contoh.id;Agus\n"
        'b@contoh.id;"Budi\nBaik";5\n'
        " DEWI@contoh.id ;Dewi;6\n"
        "c@contoh.id;Cici;7;rest;more\n"
        "dua@contoh.id, tiga@contoh.id;Dua;8\n"
        "d@ contoh.id;Didi;9\n"
        "e@gmial.com;Eka;10\n"
        f"f@contoh.id;Fitri;{'9' * 10_001}\n"
        "g@contoh;Gita;12\n".encode()
    )
    assert faults(sheet, NAMED) == {
        2: {"email": "No @ in the address"},
        3: {"email": "No address"},
        4: {"nama": "Missing"},
        5: {"total": "Missing"},
        6: {"nama": "A line break or control character; it goes into the subject"},
        7: {"email": "Same as row 4"},
        8: {WHOLE_ROW: "More cells than columns: rest, more"},
        9: {"email": "More than one address; one row is one mail"},
        10: {"email": "An address has no spaces"},
        11: {"email": "Did you mean e@gmail.com?"},
        12: {"total": "Too long: 10001 characters; at most 10000"},
        13: {"email": "Not a valid address"},
    }


def test_rows_swallowed_by_a_quotation_mark_closed_too_late_are_not_lost_unseen() -> None:
    sheet = read_csv(
        b'email;nama\na@contoh.id;"Toko\nb@contoh.id;Budi\nc@contoh.id;Pipa 5"\nd@contoh.id;Didi\n'
    )
    assert "Other rows stand inside one cell" in faults(sheet)[2][WHOLE_ROW]
    assert [row.number for row in rows(sheet)] == [2, 3]


def test_a_line_break_in_a_value_for_the_body_is_fine() -> None:
    assert not faults(read_csv(b'email;nama;total\na@contoh.id;Sri;"1\n2"\n'), NAMED)


def test_what_the_renderer_refuses_is_a_fault_of_the_row() -> None:
    sheet = read_csv(f"email;nama;total\na@contoh.id;{'N' * 300};1\nb@contoh.id;Budi;2\n".encode())
    assert faults(sheet, NAMED) == {2: {WHOLE_ROW: "The subject is longer than 255 characters. Shorten it."}}


def test_the_first_of_two_equal_addresses_is_kept() -> None:
    assert faults(read_csv(b"email\na@contoh.id\nb@contoh.id\nA@CONTOH.ID\na@contoh.id\n")) == {
        4: {"email": "Same as row 2"},
        5: {"email": "Same as row 2"},
    }


def test_addresses_at_the_sandbox_domain_are_good() -> None:
    assert not faults(read_csv(b"email\ndelivered@sandbox.test\nbounced+1@sandbox.test\n"))


def test_a_field_without_a_column_is_missing_in_every_row_until_a_column_is_chosen() -> None:
    data = b"email,kota,panggilan\na@contoh.id,Solo,Sri\n"
    assert places(read_csv(data), NAMED.fields) == {"nama": None, "total": None}
    assert faults(read_csv(data), NAMED) == {2: {"nama": "Missing", "total": "Missing"}}
    chosen = read_csv(data, Reading(fields={"nama": 2, "total": 1}))
    assert rows(chosen, NAMED)[0].values == {"nama": "Sri", "total": "Solo", "email": "a@contoh.id"}


def test_a_list_without_addresses_has_no_good_row_until_their_column_is_chosen() -> None:
    sheet = read_csv(b"nama,kota\nJoko,Solo\nSri,Tegal\n")
    assert (sheet.email_at, sheet.reading.header_row) == (None, 1)
    assert faults(sheet) == {2: {"email": "No address"}, 3: {"email": "No address"}}


def test_a_column_that_was_not_chosen_does_not_fill_the_field_it_is_called_after() -> None:
    sheet = read_csv(b"email,nama,total\na@contoh.id,Sri,1\n", Reading(fields={"nama": None}))
    (row,) = rows(sheet, NAMED)
    assert {key: str(fault) for key, fault in row.errors.items()} == {"nama": "Missing"}
    assert row.values == {"email": "a@contoh.id", "nama (B)": "Sri", "total": "1"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n;;\n", "is empty"),
        ('""\n" "\n\u00a0\n'.encode(), "is empty"),
        (b"email;nama\n", "no row below"),
        (b"email;nama\n;;\n\n", "no row below"),
        (b"email;nama\na@contoh.id;S\0ri\n", "neither a workbook"),
        (b"PK\x03\x04anything", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1anything", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "This is a PNG"),
        (b"%PDF-1.7", "This is a PDF"),
        (b'email;nama\na@contoh.id;A\nb@contoh.id;"B\nc@contoh.id;C\n', "in row 3 do not match"),
        (b'email;nama\na@contoh.id;"Toko "Maju" Jaya"\n', "in row 2 do not match"),
        (b'email;nama\na@contoh.id;"' + b"x\n" * 70_000, "in row 2"),
        (b"email;" + b";".join(b"k%d" % n for n in range(100)) + b"\na@contoh.id\n", "has 101 columns"),
    ],
)
def test_a_file_that_cannot_be_a_list_says_what_to_do(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_too_many_rows_and_bytes_are_refused() -> None:
    assert "100,000 rows" in refusal(b"email\n" + b"a@contoh.id\n" * 100_001)
    assert "20 MB" in refusal(b"email\n" + b"a" * 20_000_000)
    assert rows(read_csv(b"email\n" + b"\n" * 200_000 + b"a@contoh.id"))[0].number == 200_002


def test_empty_columns_at_the_end_are_none_and_between_others_are_called_by_their_place() -> None:
    sheet = read_csv(b"email;;nama;;\na@contoh.id;x;Sri;;\n")
    assert sheet.columns == ("email", "B", "nama")
    assert not faults(sheet)


@pytest.mark.parametrize(
    "text",
    [
        "a@contoh.id\nb@contoh.id",
        "a@contoh.id, b@contoh.id;",
        " a@contoh.id\r\n\r\n\tb@contoh.id ",
        "Adi <a@contoh.id>; Budi Baik <b@contoh.id>",
        "Email\na@contoh.id\nb@contoh.id",
    ],
)
def test_pasted_addresses_are_found_however_they_are_separated(text: str) -> None:
    found = rows(pasted(text))
    assert [(row.number, row.email, row.errors) for row in found] == [
        (1, "a@contoh.id", {}),
        (2, "b@contoh.id", {}),
    ]


def test_pasted_cells_with_their_header_are_a_table() -> None:
    sheet = pasted("\nNama\tSurel\tTotal\nSri\tsri@contoh.id\t1.000\n")
    assert rows(sheet, NAMED)[0].values == {"nama": "Sri", "total": "1.000", "Surel": "sri@contoh.id"}


def test_pasting_nothing_is_said() -> None:
    with pytest.raises(Problem, match="at least one address"):
        pasted(" ;\n, ")


def test_one_recipient_is_a_list_of_one_row() -> None:
    (row,) = rows(one(" sri@contoh.id ", {"nama": "Sri", "total": "2", "email": "ignored"}), NAMED)
    assert (row.number, row.email, row.errors) == (1, "sri@contoh.id", {})
    assert row.values == {"nama": "Sri", "total": "2", "email": "sri@contoh.id"}


def test_a_downloaded_cell_is_no_formula_and_comes_back_as_it_was() -> None:
    for text in ("=1+1", "+62812", "-5", "@joko", "\t=1", "\r=1"):
        assert safe_cell(text) == "'" + text
        assert plain_cell(safe_cell(text)) == text
    assert safe_cell("Sri") == "Sri"
    assert plain_cell("'s-Hertogenbosch") == "'s-Hertogenbosch"
    assert rows(read_csv(b"email,hp\na@contoh.id,'+62812\n"))[0].values["hp"] == "+62812"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\sari\\tagihan.pdf", "tagihan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("tagi\r\nhan\u202efdp.exe", "tagihanfdp.exe"),
        ("..", "attachment"),
        ("", "attachment"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_an_attachments_name_is_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


CELL = st.text(st.sampled_from('ab@.,;"\t\n\r =\u2028\x0b'), max_size=8)


@given(
    st.binary(max_size=300)
    | st.lists(st.lists(CELL, max_size=4).map(";".join)).map("\n".join).map(str.encode)
)
def test_any_bytes_are_a_list_or_a_sentence(data: bytes) -> None:
    with contextlib.suppress(Problem):
        for row in check(read_csv(data), PLAIN):
            assert row.number > 0


@given(st.text(max_size=200))
def test_any_pasted_text_is_a_list_or_a_sentence(text: str) -> None:
    with contextlib.suppress(Problem):
        list(check(pasted(text), PLAIN))


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=30))
def test_good_and_bad_rows_together_are_the_rows_of_the_file(cells: list[tuple[str, str]]) -> None:
    quoted = [";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    blank = sum(not "".join(row).strip() for row in cells)
    data = "\n".join(["email;nama", *quoted]).encode()
    if blank == len(cells):
        assert "no row below" in refusal(data)
    else:
        assert len(rows(read_csv(data))) == len(cells) - blank


def test_the_columns_of_a_value_are_known() -> None:
    assert keys(read_csv(b"Surel,Nama,Kota\na@contoh.id,b,c\n"), ("nama",)) == {
        "nama": 1,
        "Surel": 0,
        "Kota": 2,
    }
