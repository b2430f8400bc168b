"""Every file of the corpus becomes a list or a sentence, and so do files too large to keep."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from mailroom.problems import Problem
from mailroom.recipients import Given, Sheet, check, read
from mailroom.rendering import Renderer

CORPUS = Path(__file__).parent / "corpus"
PLAIN = Renderer("Halo", "<p>Halo</p>")

# Of each list: kind, encoding or sheet, delimiter, row of the names, column of the addresses, numbers of its rows.
LISTS: dict[str, tuple[str, str | None, str | None, int, int, list[int]]] = {
    "good.xlsx": ("xlsx", "Pelanggan", None, 3, 1, [4, 5, 6, 8]),
    "good.xls": ("xls", "Pelanggan", None, 1, 1, [2, 3]),
    "good.ods": ("ods", "Pelanggan", None, 1, 1, [2, 4]),
    "utf8.csv": ("csv", "UTF-8", ";", 1, 0, [2, 3]),
    "utf8-bom.csv": ("csv", "UTF-8", ";", 1, 0, [2, 3]),
    "utf16-le.csv": ("csv", "UTF-16 LE", ";", 1, 0, [2, 3]),
    "utf16-be.csv": ("csv", "UTF-16 BE", ";", 1, 0, [2, 3]),
    "utf16-no-mark.csv": ("csv", "UTF-16 LE", ";", 1, 0, [2, 3]),
    "windows-1252.csv": ("csv", "Windows-1252", ";", 1, 0, [2, 3]),
    "comma.csv": ("csv", "UTF-8", ",", 1, 0, [2, 3]),
    "tab.tsv": ("csv", "UTF-8", "\t", 1, 0, [2, 3]),
    "sep-line.csv": ("csv", "UTF-8", ";", 1, 0, [2, 3]),
    "title-above.csv": ("csv", "UTF-8", ";", 3, 0, [4, 5]),
    "no-header.csv": ("csv", "UTF-8", ";", 0, 0, [1, 2]),
    "mixed-delimiters.csv": ("csv", "UTF-8", ";", 1, 0, [2, 3]),
    "email-twice.csv": ("csv", "UTF-8", ",", 1, 2, [2, 3]),
    "script-header.csv": ("csv", "UTF-8", ",", 1, 0, [2]),
    "formulas.csv": ("csv", "UTF-8", ",", 1, 0, [2, 3]),
    "quoted-breaks.csv": ("csv", "UTF-8", ",", 1, 0, [2, 3]),
    "faults.csv": ("csv", "UTF-8", ",", 1, 0, [2, 3, 4, 5, 6, 7, 8]),
}
SENTENCES = {
    "password.xlsx": "protected with a password",
    "truncated.xlsx": "This workbook is damaged",
    "picture.xlsx": "This is a PNG",
    "letter.xlsx": "This is a Word document",
    "packed.xlsx": "This is a ZIP file",
    "webpage.xls": "This is a web page",
    "xml2003.xls": "This is a web page",
    "only-names.csv": "no row below",
    "nothing.csv": "The list is empty",
    "blank.csv": "The list is empty",
    "nul-bytes.csv": "neither a workbook nor a text",
    "open-quote.csv": "The quotation marks in row 3",
}


def load(name: str) -> Sheet:
    return read(Given(name, (CORPUS / name).read_bytes()))


def test_every_file_of_the_corpus_is_spoken_of_here_and_in_its_readme() -> None:
    there = {path.name for path in CORPUS.iterdir() if path.is_file()} - {"README.md"}
    assert there == LISTS.keys() | SENTENCES.keys()
    readme = (CORPUS / "README.md").read_text()
    assert [name for name in there if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", LISTS)
def test_what_is_found_in_a_list(name: str) -> None:
    sheet = load(name)
    found = sheet.reading
    numbers = [row.number for row in check(sheet, PLAIN)]
    at = found.sheet or found.encoding
    assert (sheet.kind, at, found.delimiter, found.header_row, found.email, numbers) == LISTS[name]
    # A list that is read again as it was found to be read is read the same.
    again = read(sheet.given, found)
    assert (again.columns, again.reading, list(again.read())) == (sheet.columns, found, list(sheet.read()))


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_said_of_a_file_that_is_no_list(name: str) -> None:
    with pytest.raises(Problem, match=SENTENCES[name]):
        load(name)


@pytest.mark.parametrize(
    "name", [name for name in LISTS if (LISTS[name][0] == "csv" and "Réné" in name) or "utf" in name]
)
def test_letters_are_the_same_in_every_encoding(name: str) -> None:
    assert [cells[1] for _, cells in load(name).read()] == ["Réné – “Joko”", "Sri"]


def test_the_workbook_of_the_corpus_is_shown_as_in_excel() -> None:
    first = next(iter(load("good.xlsx").read()))[1]
    shown = [
        "Rp1.250.000",
        "23 November 2026",
        "1234567890123456",
        "12,5%",
        "TRUE",
        "09:30",
        "0812-3456-7890",
    ]
    assert first[2:] == shown


def test_every_kind_of_fault_stands_in_its_cell() -> None:
    renderer = Renderer("Untuk {{ nama }}", "<p>{{ total }}</p>")
    taken = {"dewi@contoh.id"}.intersection
    faults = {
        row.number: {key: str(fault) for key, fault in row.errors.items()}
        for row in check(load("faults.csv"), renderer, taken)
    }
    assert faults == {
        2: {"email": "No address"},
        3: {"email": "No @ in the address"},
        4: {"email": "Did you mean joko@gmail.com?"},
        5: {"nama": "Missing"},
        6: {"email": "Same as row 5"},
        7: {"email": "On the do-not-mail list", "total": "The spreadsheet shows an error here"},
        8: {"": "More cells than columns: lebih"},
    }


def test_names_of_columns_are_only_names_and_cells_only_text() -> None:
    assert load("script-header.csv").columns == ("email", "<script>alert(1)</script>", "nama")
    assert load("email-twice.csv").columns == ("Email", "Nama", "email (2)")
    renderer = Renderer("{{ nama }}", "<p>{{ nama }}</p>")
    joko, sri = check(load("formulas.csv"), renderer)
    assert (joko.errors, sri.errors) == ({}, {})
    assert renderer.render(joko.values).subject == "{{7*7}}"
    assert renderer.render(sri.values).html.startswith("<p>=HYPERLINK(&#34;")


ENDLESS: dict[str, tuple[Callable[[], bytes], str]] = {
    "50 MB": (lambda: b"email;nama\n" + b"a" * 50_000_000, "larger than 20 MB"),
    "one cell": (lambda: b"email;nama\n" + b"a" * 19_000_000, "Row 2 is longer than a row"),
    "one row": (lambda: b"email;nama\n" + b";" * 19_000_000, "Row 2 is longer than a row"),
    "one record": (lambda: b"email;nama\n" + b'"a\n";' * 3_800_000, "Row 2 is longer than a row"),
    "one open quote": (lambda: b'email;nama\n"' + b"a\n" * 9_000_000, "row 2 never ends"),
    "a million rows": (lambda: b"email\n" + b"a@b.id\n" * 1_000_000, "more than 100,000 rows"),
    "empty rows": (lambda: b"email\n" + b"\n" * 19_000_000 + b"a@b.id", "more than 100,000 rows"),
    "UTF-16": (lambda: b"\xff\xfe" + b"a\0" * 9_000_000, "longer than a row"),
    "no letters": (lambda: b"\x81\x8d" * 1000, "cannot be read as Windows-1252"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_texts_are_refused_with_what_to_do(name: str) -> None:
    make, words = ENDLESS[name]
    with pytest.raises(Problem, match=words):
        read(Given("daftar.csv", make()))


@pytest.mark.parametrize("name", ["one row", "one record"])
def test_a_row_without_end_does_not_fill_the_memory(name: str) -> None:
    data = ENDLESS[name][0]()
    tracemalloc.start()
    try:
        with pytest.raises(Problem):
            read(Given("daftar.csv", data))
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
