"""A template leaves as a file and comes back as it was; two versions are compared line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.comparison import Change, changes
from mailroom.compiling import Kind
from mailroom.email_templates import Version
from mailroom.rendering import TemplateProblem
from mailroom.template_files import Imported, export, imported


def version(
    html: str, subject: str = "Tagihan", kind: Kind = "html", marketing: bool = False, name: str = "A"
) -> Version:
    return Version(1, 1, name, 1, subject, kind, html, None, marketing, (), "2026-11-23T05:00:00.000Z", 1)


_LINE = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1)


@given(
    _LINE,
    _LINE,
    st.sampled_from(["html", "mjml"]),
    st.booleans(),
    st.text().map(lambda text: "x" + text.replace("\r", "")),
)
def test_what_is_exported_comes_back_to_the_letter(
    name: str, subject: str, kind: Kind, marketing: bool, html: str
) -> None:
    html = html.replace("\x00", "")
    text = export(version(html, subject, kind, marketing, name))
    assert imported(text) == Imported(name, subject, kind, marketing, html)


def test_a_file_from_windows_is_the_same_file() -> None:
    text = export(version("a\n---\nb\n", "Halo: {{ nama }}"))
    assert imported("\ufeff" + text.replace("\n", "\r\n")) == imported(text)
    assert imported(text).html == "a\n---\nb\n"


def test_a_file_of_html_or_mjml_alone_will_do() -> None:
    assert imported("<p>Halo</p>") == Imported("", "", "html", False, "<p>Halo</p>")
    assert imported("\n<!-- x -->\n<mjml></mjml>").kind == "mjml"
    assert imported("---\nname: A\n---\n<p>").subject == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no text"),
        (" \n ", "holds no text"),
        ("a\x00b", "holds no text"),
        ("---\nname: A\n<p>", "a line “---” is missing"),
        ("---\nname: A\nkind: pdf\n---\n<p>", "Line 3 of the file, “kind: pdf”"),
        ("---\nmarketing: perhaps\n---\n<p>", "Line 2 of the file"),
        ("---\nrubbish\n---\n<p>", "Line 2 of the file, “rubbish”"),
        ("x" * 1_000_001, "larger than 1000 kB"),
    ],
)
def test_what_is_no_template_is_refused_beside_the_file(text: str, words: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        imported(text)
    assert refused.value.field == "file"
    assert words in str(refused.value)


def test_a_comparison_shows_what_changed_with_its_line_numbers_and_what_is_around_it() -> None:
    before = "\n".join(str(n) for n in range(1, 21))
    after = before.replace("10\n", "sepuluh\n").replace("20", "20\nakhir")
    made = changes(version(before), version(after, subject="Tagihan baru", kind="mjml"))
    assert made[:4] == [
        Change("-", "html", "kind"), Change("+", "mjml", "kind"),
        Change("-", "Tagihan", "subject"), Change("+", "Tagihan baru", "subject"),
    ]  # fmt: skip
    assert Change("-", "10", "html", old=10) in made
    assert Change("+", "sepuluh", "html", new=10) in made
    assert Change(" ", "13", "html", old=13, new=13) in made
    assert [line.text for line in made].count("14") == 0
    assert Change("…", "") in made
    assert made[-1] == Change("+", "akhir", "html", new=21)


def test_two_versions_that_are_the_same_have_nothing_to_compare() -> None:
    assert changes(version("a\nb"), version("a\nb")) == []
