"""Filters write numbers, money, dates and names as Indonesians do, and refuse what could mean two things."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.filters import FILTERS, Unreadable, number, rupiah, tanggal, title


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("1250000", "1.250.000"),
        ("1.250.000", "1.250.000"),
        ("1,250,000", "1.250.000"),
        ("1,250,000.50", "1.250.000,50"),
        ("1.250.000,50", "1.250.000,50"),
        ("1250000.5", "1.250.000,5"),
        ("1250000,5", "1.250.000,5"),
        ("1.250", "1.250"),
        ("1,250", "1.250"),
        ("12,5", "12,5"),
        ("0.5", "0,5"),
        ("0,500", "0,500"),
        ("1250.000", "1.250"),
        ("3.14159", "3,14159"),
        ("0", "0"),
        ("-1250", "-1.250"),
        (" 7 ", "7"),
    ],
)
def test_a_number_is_grouped_by_points(value: str, made: str) -> None:
    assert number(value) == made


@pytest.mark.parametrize(
    "value",
    ["", "abc", "12x", "1.25.000", "1.2.3", "1,250.000.000", "0812345678", "00", "1e6", "١٢", "²", "--1", "1-", "1.",
     ".5", "1 250", "9" * 16, "9" * 10_000, "NaN", "1.250,000,000"],
)  # fmt: skip
def test_what_is_no_number_or_could_be_two_is_refused(value: str) -> None:
    with pytest.raises(Unreadable):
        number(value)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("1250000", "Rp 1.250.000"),
        ("1.250.000", "Rp 1.250.000"),
        ("1,250,000.50", "Rp 1.250.000,50"),
        ("Rp 1.250.000", "Rp 1.250.000"),
        ("Rp1.250.000,-", "Rp 1.250.000"),
        ("Rp. 1.250.000,00", "Rp 1.250.000"),
        ("rp\u00a01250000", "Rp 1.250.000"),
        ("IDR 1250000", "Rp 1.250.000"),
        ("1250000.5", "Rp 1.250.000,50"),
        ("-1250000", "-Rp 1.250.000"),
        ("-Rp 50.000", "-Rp 50.000"),
        ("Rp -50.000", "-Rp 50.000"),
        ("0", "Rp 0"),
        ("1250000.500", "Rp 1.250.000,50"),
    ],
)
def test_money_has_its_sign_and_a_space_that_does_not_break(value: str, made: str) -> None:
    assert rupiah(value) == made.replace("Rp ", "Rp\u00a0")


@pytest.mark.parametrize(
    "value",
    ["12x", "gratis", "Rp", "$5", "5 USD", "1250000.555", "-Rp -5", "1.25.000", "0812", "5 juta", "1/2"],
)
def test_what_is_no_amount_of_money_is_refused(value: str) -> None:
    with pytest.raises(Unreadable, match="no amount of money; write digits such as 1250000"):
        rupiah(value)


@pytest.mark.parametrize(
    "value",
    ["2026-11-23", "23/11/2026", "23-11-2026", "23.11.2026", "2026-11-23 10:00", "2026-11-23T10:00:00.000",
     "23 Nov 2026", "23 November 2026", "23-Nov-2026", "23 nop 2026", " 23 NOVEMBER 2026 ", "23/11/2026 00:00:00"],
)  # fmt: skip
def test_a_date_is_written_out(value: str) -> None:
    assert tanggal(value) == "23 November 2026"


@pytest.mark.parametrize(
    ("value", "made"),
    [("1/2/2026", "1 Februari 2026"), ("17 Agt 1945", "17 Agustus 1945"), ("05-10-2026", "5 Oktober 2026"),
     ("29 Feb 2028", "29 Februari 2028"), ("1 May 2026", "1 Mei 2026"), ("8 Aug 2026", "8 Agustus 2026")],
)  # fmt: skip
def test_months_are_named_in_indonesian_and_the_day_comes_first(value: str, made: str) -> None:
    assert tanggal(value) == made


@pytest.mark.parametrize(
    "value",
    [
        "11/23/2026",
        "30 Feb 2026",
        "2026-13-01",
        "46349",
        "kemarin",
        "23/11/26",
        "23 Xyz 2026",
        "2026",
        "٢٣/١١/٢٠٢٦",
    ],
)
def test_what_no_calendar_has_is_refused(value: str) -> None:
    with pytest.raises(Unreadable, match="is no date"):
        tanggal(value)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("SITI AMINAH", "Siti Aminah"),
        ("siti aminah", "Siti Aminah"),
        ("pt maju jaya", "PT Maju Jaya"),
        ("PT MAJU JAYA tbk", "PT Maju Jaya Tbk"),
        ("h. ahmad s.h.", "H. Ahmad S.H."),
        ("anak-anak", "Anak-Anak"),
        ("paku buwono iv", "Paku Buwono IV"),
        ("jl. merdeka rt 05/rw 03", "Jl. Merdeka RT 05/RW 03"),
    ],
)
def test_names_begin_with_capitals(value: str, made: str) -> None:
    assert title(value) == made


@given(st.text(), st.sampled_from(sorted(FILTERS)))
def test_any_value_is_read_or_refused(value: str, name: str) -> None:
    try:
        assert isinstance(FILTERS[name](value), str)
    except Unreadable:
        return


@given(st.integers(-(10**14), 10**14))
def test_every_whole_number_comes_back_the_same(value: int) -> None:
    assert int(number(str(value)).replace(".", "")) == value
    assert number(number(str(value))) == number(str(value))


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)))
def test_every_date_comes_back_the_same(value: date) -> None:
    assert tanggal(tanggal(str(value))) == tanggal(str(value))
