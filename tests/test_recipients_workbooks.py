"""Workbooks: rows arrive as the sheet shows them, and what a stranger made harms only the process that reads it."""

import contextlib
import datetime
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom.number_formats import plain, shown
from mailroom.problems import Problem
from mailroom.recipients import Given, Reading, Sheet, check, read
from mailroom.rendering import Renderer
from tests import workbook_files
from tests.workbook_files import Cell, Error, Look, ods, packed_xlsx, xlsx

PLAIN = Renderer("Halo", "<p>Halo</p>")
NAMED = Renderer("Halo {{ nama }}", "<p>Halo</p>")


def book(data: bytes, reading: Reading | None = None) -> Sheet:
    return read(Given("daftar.xlsx", data), reading)


def refusal(data: bytes) -> str:
    with pytest.raises(Problem) as caught:
        book(data)
    return str(caught.value)


def test_cells_arrive_as_the_sheet_shows_them() -> None:
    serial = 46349.40625  # 23 November 2026, 09:45
    cells: dict[Cell, str] = {
        1.0: "1",
        0.1 + 0.2: "0,3",
        1e20: "100000000000000000000",
        "1234567890123456": "1234567890123456",
        Look(1250000, "#,##0"): "1.250.000",
        Look(1250000.5, '"Rp"#,##0.00'): "Rp1.250.000,50",
        Look(0.125, "0.0%"): "12,5%",
        Look(81234567890, "0000-0000-0000"): "0812-3456-7890",
        Look(serial, "dd mmmm yyyy"): "23 November 2026",
        Look(serial, "dd/mm/yyyy hh:mm"): "23/11/2026 09:45",
        Look(0.40625, "hh:mm"): "09:45",
        Look(1.5, "[h]:mm"): "36:00",
        Error("#REF!"): "#REF!",
    }
    (row,) = book(xlsx([["email"] + [f"k{n}" for n, _ in enumerate(cells)], ["a@contoh.id", *cells]])).read()
    assert row == (2, ["a@contoh.id", *cells.values()])


DAY = datetime.datetime(2026, 3, 5, 14, 5, 9)  # noqa: DTZ001 – a spreadsheet knows no zones


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (2.5, "0", "3"),
        (-1250.0, "#,##0;[Red](#,##0)", "(1.250)"),
        (-0.2, "0", "0"),
        (0.0, '_-"Rp"* #,##0_-;-"Rp"* #,##0_-;_-"Rp"* "-"_-;_-@_-', "Rp-"),
        (1234567.0, '#,##0,"rb"', "1.235rb"),
        (12.0, '0" orang"', "12 orang"),
        (1500000.0, '[$Rp-421]\\ #,##0', "Rp 1.500.000"),
        (DAY, "[$-421]dddd, d mmmm yyyy;@", "Kamis, 5 Maret 2026"),
        (DAY, "[$-409]mmm d, yyyy", "Mar 5, 2026"),
        (DAY, "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "05 Maret 2026"),
        (DAY, "h:mm:ss AM/PM", "2:05:09 PM"),
        (DAY, "mm/yy", "03/26"),
        (DAY, "yyyy-mm-dd", "2026-03-05"),
        # What is beyond the module comes in its plain form.
        (0.5, "# ?/?", "0,5"),
        (7.0, "[>5]0;0.0", "7"),
        (7.0, "General", "7"),
        (True, "0.00", "TRUE"),
    ],
)  # fmt: skip
def test_a_format_is_followed_or_left_alone(value: float | datetime.datetime, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_without_a_format_dates_are_day_first_and_times_short() -> None:
    values = (DAY, DAY.date(), DAY.time(), datetime.timedelta(hours=30), 1 / 4, -2.0, 1.5e-7)
    expected = ["05/03/2026 14:05:09", "05/03/2026", "14:05:09", "30:00", "0,25", "-2", "0,00000015"]
    assert [plain(value) for value in values] == expected


@given(
    st.floats() | st.integers(-(10**15), 10**15) | st.datetimes() | st.times() | st.timedeltas(),
    st.text(st.sampled_from('0#?.,%;"\\_*@dmyhsAP/[]$-421Eeneral <>(x'), max_size=14),
)
def test_any_format_gives_a_text(value: float, code: str) -> None:
    assert isinstance(shown(value, code), str)


def test_an_error_is_a_fault_only_where_the_field_is_used() -> None:
    sheet = book(
        xlsx(
            [
                ["email", "nama", "kota"],
                ["a@contoh.id", Error("#N/A"), "Solo"],
                ["b@contoh.id", "B", Error("#N/A")],
            ]
        )
    )
    faults = [{key: str(fault) for key, fault in row.errors.items()} for row in check(sheet, NAMED)]
    assert faults == [{"nama": "The spreadsheet shows an error here"}, {}]


def test_the_first_visible_sheet_with_rows_is_read_and_another_can_be_chosen() -> None:
    one = '<row r="4"><c r="C4" t="inlineStr"><is><t>{}</t></is></c></row>'
    rows = one.format("email") + one.format("a@contoh.id").replace("4", "5")
    other = one.format("email") + one.format("b@contoh.id").replace("4", "9")
    data = packed_xlsx({"Rahasia": other, "Kosong": "", "Ini": rows, "Itu": other}, hidden=["Rahasia"])
    sheet = book(data)
    assert (sheet.reading.sheet, sheet.sheets) == ("Ini", ("Rahasia", "Kosong", "Ini", "Itu"))
    assert [(row.number, row.email) for row in check(sheet, PLAIN)] == [(5, "a@contoh.id")]
    chosen = book(data, Reading(sheet="Itu"))
    assert [(row.number, row.email) for row in check(chosen, PLAIN)] == [(9, "b@contoh.id")]
    with pytest.raises(Problem) as caught:
        book(data, Reading(sheet="Mana"))
    assert caught.value.field == "sheet"


def test_formatted_cells_without_a_value_are_no_rows() -> None:
    empty = [[None] * 3] * 500
    sheet = book(
        xlsx([["email", "nama", None], ["a@contoh.id", "A", None], *empty, ["b@contoh.id", "B", None]])
    )
    assert [number for number, _ in sheet.read()] == [2, 503]


def test_rows_can_be_read_again_and_by_two_at_once() -> None:
    sheet = book(xlsx([["email"], *([f"a{n}@contoh.id"] for n in range(300))]))
    pairs = list(zip(sheet.read(), sheet.read(), strict=True))
    assert len(pairs) == 300
    assert all(one == other for one, other in pairs)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (workbook_files.far_corner, "one cell stands far away"),
        (workbook_files.bomb, "holds far more than a list"),
        (workbook_files.entities, "damaged"),
        (lambda: xlsx([]), "list is empty"),
        (lambda: xlsx([["email"]]), "no row below"),
        (lambda: xlsx([["a"] * 101, ["b"] * 101]), "101 columns"),
        (lambda: ods([["email"] + [None] * 3]), "no row below"),
        (lambda: b"PK\x05\x06" + bytes(18), "This is a ZIP file"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "damaged"),
    ],
)  # fmt: skip
def test_a_hostile_or_useless_workbook_is_refused_in_a_sentence(make: object, words: str) -> None:
    assert callable(make)
    data = make()
    assert len(data) < 20_000_000
    assert words.lower() in refusal(data).lower()


def test_a_million_rows_are_refused_quickly() -> None:
    data = workbook_files.many_rows(1_000_000)
    assert "more than 100,000 rows" in refusal(data)


def test_a_reader_that_met_such_a_file_without_a_look_beforehand_is_ended_by_the_limit() -> None:
    child = (
        "import io, sys, python_calamine; from mailroom import limited; data = sys.stdin.buffer.read(); "
        "limited.confine(); python_calamine.load_workbook(io.BytesIO(data)).get_sheet_by_index(0)"
    )
    command = [sys.executable, "-c", child, "400000000", "20"]
    done = subprocess.run(command, input=workbook_files.far_corner(), capture_output=True, check=False)
    assert done.returncode < 0


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)
TABLE = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TABLE, st.sampled_from([xlsx, ods]))
def test_any_table_comes_back_from_a_workbook_as_it_went_in(table: list[list[str]], make: object) -> None:
    assert callable(make)
    rows = [(n, cells) for n, cells in enumerate(table, 2) if "".join(cells).strip()]
    data = make([["email", "nama", "kota"], *table])
    if not rows:
        assert "no row below" in refusal(data)
        return
    found = [(number, cells + [""] * (3 - len(cells))) for number, cells in book(data).read()]
    assert found == rows


STARTS = [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]


@settings(max_examples=12, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(STARTS), st.integers(0, 3000))
def test_any_bytes_are_a_workbook_or_a_sentence(junk: bytes, start: bytes, at: int) -> None:
    good = xlsx([["email"], ["a@contoh.id"]])
    for data in (start + junk, good[:at] + junk + good[at + len(junk) :]):
        with contextlib.suppress(Problem):
            assert list(check(book(data), PLAIN))
