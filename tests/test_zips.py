"""A zip is read file by file and believed in nothing; what cannot be used is a sentence that says what to do."""

import io
import struct
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom import attachments, zips
from mailroom.problems import Problem
from mailroom.zips import Zip

Files = Iterable[tuple[str | zipfile.ZipInfo, bytes]]


def zipped(files: Files, how: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in files:
            archive.writestr(name, content, how)
    return file


def read(files: Files) -> dict[str, bytes]:
    return dict(Zip(zipped(files)).files())


def refusal(file: io.BytesIO) -> str:
    with pytest.raises(Problem) as caught:
        for _file in Zip(file).files():
            pass
    assert caught.value.field == "files"
    return str(caught.value)


def test_the_files_come_out_as_they_went_in() -> None:
    files = {"tagihan-1.pdf": b"%PDF satu", "folder/tagihan-2.pdf": b"%PDF dua", "kosong.txt.pdf": b"x"}
    assert read(files.items()) == files


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/a.pdf", "abs/a.pdf"),
        ("a//b/./a.pdf", "a/b/a.pdf"),
        ("folder\\a.pdf", "folder/a.pdf"),
        ("..", "attachment"),
        ("\u202ea.pdf", "a.pdf"),
        ("x" * 300 + ".pdf", "x" * 300 + ".pdf"),
        ("Rp 1.000 <b>.pdf", "Rp 1.000 <b>.pdf"),
        ("tagihan é ünï 你好.pdf", "tagihan é ünï 你好.pdf"),
        (unicodedata.normalize("NFD", "café.pdf"), "café.pdf"),
    ],
)
def test_a_name_is_a_label_and_never_a_path(inside: str, name: str) -> None:
    assert read([(inside, b"x")]) == {name: b"x"}
    assert "/" not in attachments.safe_name(name)
    assert len(attachments.safe_name(name)) <= attachments.MAX_NAME


def test_a_name_ends_at_its_first_nul() -> None:
    file = zipped([("aXb.pdf", b"x")])
    assert dict(Zip(io.BytesIO(file.getvalue().replace(b"aXb", b"a\0b"))).files()) == {"a": b"x"}


@pytest.mark.parametrize(
    ("raw", "name"), [("café.pdf".encode("cp437"), "café.pdf"), ("café.pdf".encode(), "café.pdf")]
)
def test_names_that_do_not_say_their_encoding_are_read_as_macos_and_windows_write_them(
    raw: bytes, name: str
) -> None:
    plain = "x" * len(raw)
    file = zipped([(plain, b"x")]).getvalue().replace(plain.encode(), raw)
    assert dict(Zip(io.BytesIO(file)).files()) == {name: b"x"}


def test_what_operating_systems_leave_behind_is_no_file() -> None:
    junk = ["__MACOSX/._a.pdf", ".DS_Store", "folder/.DS_Store", "Thumbs.db", "folder/desktop.ini", "._a.pdf"]
    folder = zipfile.ZipInfo("folder/")
    link = zipfile.ZipInfo("link.pdf")
    link.external_attr = 0o120777 << 16
    files: list[tuple[str | zipfile.ZipInfo, bytes]] = [(name, b"x") for name in junk]
    assert read([*files, (folder, b""), (link, b"/etc/passwd"), ("a.pdf", b"x")]) == {"a.pdf": b"x"}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "There is no file in the zip."),
        ([(".DS_Store", b"x")], "There is no file in the zip."),
        ([("a.pdf", b"")], "“a.pdf” in the zip is empty."),
        ([("a.pdf", b"1"), ("A.PDF", b"2")], "The zip holds “A.PDF” twice."),
        ([("x/a.pdf", b"1"), ("../x/a.pdf", b"2")], "The zip holds “x/a.pdf” twice."),
        ([("a.pdf", b"x" * (attachments.MAX_BYTES + 1))], "“a.pdf” in the zip is larger than 10 MB."),
    ],
)
def test_what_is_in_the_way_is_named(files: list[tuple[str, bytes]], sentence: str) -> None:
    assert refusal(zipped(files)).startswith(sentence)


@pytest.mark.parametrize("content", [b"", b"PK", b"%PDF-1.4", b"PK\x05\x06" + b"\0" * 17, b"\x89PNG" * 50])
def test_what_is_no_zip_is_called_that(content: bytes) -> None:
    assert refusal(io.BytesIO(content)).startswith("This is not a zip file.")


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_could_take_any_memory_to_unpack_is_not_read(how: int) -> None:
    assert "packed in a way" in refusal(zipped([("a.pdf", b"x" * 100)], how))


def test_a_zip_with_a_password_is_refused() -> None:
    file = bytearray(zipped([("a.pdf", b"x" * 50)]).getvalue())
    at = file.index(b"PK\x01\x02")
    file[at + 8] |= 1
    assert "protected with a password" in refusal(io.BytesIO(bytes(file)))


@pytest.mark.parametrize("says", [1, 99])
def test_a_file_that_says_it_is_smaller_than_it_is_counts_as_damaged(says: int) -> None:
    file = bytearray(zipped([("a.pdf", b"x" * 100)]).getvalue())
    at = file.index(b"PK\x01\x02")
    file[at + 24 : at + 28] = struct.pack("<I", says)
    assert refusal(io.BytesIO(bytes(file))).startswith("“a.pdf” in the zip is damaged.")


def test_a_zip_that_was_cut_off_or_changed_is_damaged_or_none() -> None:
    whole = zipped([("a.pdf", bytes(range(256)) * 20)], zipfile.ZIP_STORED).getvalue()
    assert "not a zip" in refusal(io.BytesIO(whole[:-30]))
    assert "damaged" in refusal(io.BytesIO(whole[:100] + b"?" + whole[101:]))


def test_a_bomb_goes_off_nowhere() -> None:
    part = b"\0" * 9_900_000
    bomb = zipped((f"{n}.pdf", part) for n in range(10))
    assert bomb.seek(0, 2) < 200_000
    tracemalloc.start()
    sentence = refusal(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sentence.startswith("The zip unpacks to far more than it should.")
    assert peak < 40_000_000


def test_more_than_a_gigabyte_is_refused_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_TOTAL", 250)
    file = zipped((f"{n}.pdf", b"x" * 100) for n in range(3))
    assert refusal(file).startswith("The files in the zip are larger than 1 GB together.")


def test_too_many_files_are_refused_before_the_directory_is_taken_apart() -> None:
    # An empty name, no date, nothing: the smallest entry there can be, more often than there may be files.
    entry = b"PK\x01\x02" + b"\0" * 42
    count = zips.MAX_FILES + 1
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, count * len(entry), 0, 0)
    assert refusal(io.BytesIO(entry * count + end)).startswith("The zip holds more than 100,000 files.")


def test_a_directory_that_says_it_is_huge_is_not_taken_into_memory() -> None:
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 190_000_000, 0, 0)
    file = io.BytesIO(b"\0" * 190_000_000 + end)
    tracemalloc.start()
    assert refusal(file).startswith("The zip holds more than 100,000 files.")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_zip_of_more_than_200_mb_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_BYTES", 50)
    assert refusal(zipped([("a.pdf", b"x")])).startswith("The zip is larger than 200 MB.")


def _outcome(data: bytes) -> None:
    with suppress(Problem):
        for name, content in Zip(io.BytesIO(data)).files():
            assert name
            assert 0 < len(content) <= attachments.MAX_BYTES
            assert not any(part in ("", ".", "..") for part in name.split("/"))
            assert "\0" not in name


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_any_bytes_are_a_sentence_or_files(data: bytes, start: bytes) -> None:
    _outcome(start + data)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=40), st.binary(max_size=60)), max_size=4),
    st.lists(st.tuples(st.integers(min_value=0), st.integers(0, 255)), max_size=6),
)
def test_any_names_and_any_damage_are_a_sentence_or_files(
    files: list[tuple[str, bytes]], changes: list[tuple[int, int]]
) -> None:
    writable = [(name, content) for name, content in files if _can_be_written(name)]
    data = bytearray(zipped(dict(writable).items()).getvalue())
    for at, value in changes:
        data[at % len(data)] = value
    _outcome(bytes(data))


def _can_be_written(name: str) -> bool:
    try:
        # What writes the zip ends a name at a zero byte.
        return bool(name.partition("\0")[0].encode())
    except UnicodeEncodeError:
        return False
