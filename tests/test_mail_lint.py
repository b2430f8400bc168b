"""What an author is told to look at, with the line; and that any text at all can be looked through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.compiling import Kind, compiled
from mailroom.mail_lint import MAX_NOTES, Note, notes
from mailroom.starter import HTML, SUBJECT

FINE = (
    '<p>Yth. {{ nama }}</p>\n<a href="https://contoh.id">x</a> <img src="https://contoh.id/a.png" alt="Logo">'
)


def looked(html: str, kind: Kind = "html", subject: str = "Halo", marketing: bool = False) -> list[Note]:
    return notes(kind, subject, html, html, marketing)


def only(
    html: str, kind: Kind = "html", subject: str = "Halo", marketing: bool = False
) -> tuple[int | None, str, str]:
    """The one note there is: its line, level and words."""
    (note,) = looked(html, kind, subject, marketing)
    return note.line, note.level, str(note.sentence)


@pytest.mark.parametrize(
    "html",
    [
        FINE,
        "",
        HTML,
        '<a href="{{ tautan }}">x</a><a href="mailto:a@b.id">x</a><a href="tel:+62">x</a><a href="#isi">x</a>',
        '<a href="http://contoh.id/?a={{ b }}">x</a>',
        '<img src="{{ gambar }}" alt="">',
        "<style>p{color}[nama]{x:y}</style><!-- {nama} [nama] --><p>[PENTING] 100% {{ a }} {{ b }}</p>",
        "<ul><li>a<li>b</ul><p>a<p>b<br><table><tr><td>x</table>",
        "{% if a %}<b>{% else %}<b class='x'>{% endif %}{{ a }}</b>",
        "{{ alamat1 }}{{ alamat2 }}{{ kota }}{{ nota }}{{ hari }}{{ jam }}",
        "<p>a < b & c > d</p>",
    ],
)
def test_a_mail_that_is_fine_has_no_notes(html: str) -> None:
    assert looked(html) == []


def test_the_starter_has_nothing_to_mend() -> None:
    assert looked(HTML, subject=SUBJECT) == []


@pytest.mark.parametrize(
    ("found", "instead"),
    [("{nama}", "{{ nama }}"), ("${bulan}", "{{ bulan }}"), ("[nama]", "{{ nama }}"), ("[Nama]", "{{ Nama }}"),
     ("%nama%", "{{ nama }}"), ("«jumlah»", "{{ jumlah }}"), ("{ kode }", "{{ kode }}"),
     ("[kode_khusus]", "{{ kode_khusus }}")],
)  # fmt: skip
def test_what_only_looks_like_a_field_is_pointed_out(found: str, instead: str) -> None:
    line, level, words = only(f"<p>\n\nYth. {found} {{{{ kode_khusus }}}}</p>")
    assert (line, level) == (3, "warn")
    assert f"“{found}” looks like a field" in words
    assert instead in words
    assert [note.field for note in looked("x", subject=f"Untuk {found} {{{{ kode_khusus }}}}")] == ["subject"]


@pytest.mark.parametrize(
    ("html", "line", "words"),
    [
        (
            "{{ nama }}{{ nama }}\n{{ Nama }}",
            2,
            "“Nama” differs from the field “nama” only in small and capital",
        ),
        ("{{ nama }}{{ nama }}\n{{ namaa }}", 2, "“namaa” differs from the field “nama” by one letter"),
        ("{{ total }}\n{{ totsl }}", 2, "“totsl” differs from the field “total”"),
        ("{% if nma %}x{% endif %}\n{{ nama }}{{ nama }}", 1, "“nma” differs from the field “nama”"),
    ],
)
def test_a_field_that_is_nearly_another_is_pointed_out_where_it_stands(
    html: str, line: int, words: str
) -> None:
    assert only(html)[0] == line
    assert words in only(html)[2]


@pytest.mark.parametrize(
    ("html", "level", "words"),
    [
        ('<img src="http://x.id/a.png" alt="">', "warn", "does not begin with https://"),
        ('<img src="logo.png" alt="">', "warn", "does not begin with https://"),
        ('<img src="data:image/png;base64,xxxx" alt="">', "warn", "does not begin with https://"),
        ('<img alt="">', "warn", "has no address"),
        ('<img src="https://x.id/a.png">', "warn", "has no alt text"),
        ('<a href="javascript:alert(1)">x</a>', "error", "is blocked by mail programs"),
        ('<a href=" JAVA\nSCRIPT:x">x</a>', "error", "is blocked by mail programs"),
        ('<a href="&#106;avascript&colon;x">x</a>', "error", "is blocked by mail programs"),
        ('<a href="ftp://x.id">x</a>', "warn", "Use https://, mailto: or tel:"),
        ('<a href="www.contoh.id">x</a>', "warn", "no complete address"),
        ('<a href="">x</a>', "warn", "leads nowhere"),
        ('<a href="#">x</a>', "warn", "leads nowhere"),
        ("<a href=#>x</a>", "warn", "leads nowhere"),
        ("<script>if (a < b) { nama }</script>", "error", "remove <script>"),
        ("<form></form>", "warn", "drop <form>"),
        ('<iframe src="x"></iframe>', "warn", "drop <iframe>"),
        ('<link rel="stylesheet" href="x.css">', "warn", "do not load a style sheet"),
        ('<p onclick="x()">x</p>', "warn", "“onclick”"),
        ("<p title={{ nama }}>x</p>", "error", "without quotes"),
        ("<p {{ nama }}>x</p>", "error", "without quotes"),
        ("<b>x", "warn", "<b> is not closed"),
        ("x</div>", "warn", "</div> closes nothing"),
        ("<b><i>x</b>", "warn", "<i> is not closed"),
        ('<p title="x>y', "error", "is never closed with >"),
        ("{{ nama", "error", "never closed with }}"),
        ("{{ a b }}", "error", "is not a field"),
        ("{% if a %}", "error", "has no {% endif %}"),
    ],
)
def test_what_mail_programs_do_not_take_is_pointed_out_with_its_line(
    html: str, level: str, words: str
) -> None:
    line, said, sentence = only("<p>\n</p>\n" + html)
    assert (line, said) == (3, level)
    assert words in sentence


@pytest.mark.parametrize(
    ("mjml", "words"),
    [
        ('<mj-image src="http://x.id/a.png" alt="" />', "does not begin with https://"),
        ('<mj-image src="https://x.id/a.png" />', "has no alt text"),
        ('<mj-button href="#">x</mj-button>', "leads nowhere"),
        ("<mj-txt></mj-txt>", "Did you mean <mj-text>?"),
        ("<mj-text>[nama]</mj-text>", "looks like a field"),
    ],
)
def test_mjml_is_looked_through_as_well(mjml: str, words: str) -> None:
    line, _level, sentence = only(f"<mjml><mj-body>\n{mjml}\n</mj-body></mjml>", kind="mjml")
    assert line == 2
    assert words in sentence


def test_a_mail_that_gmail_would_clip_is_measured_as_it_will_be_sent() -> None:
    text = "<mjml><mj-body><mj-section>{{ nama }}</mj-section></mj-body></mjml>"
    body = compiled("mjml", text)
    assert notes("mjml", "x", text, body, False) == []
    (note,) = notes("mjml", "x", text, "é" * 51_001, False)
    assert (note.line, note.level) == (None, "warn")
    assert "102 kB" in str(note.sentence)
    assert notes("html", "x", "é" * 51_000, "é" * 51_000, False) == []


@pytest.mark.parametrize("html", ["<p>x</p>", "{% if a %}{{ unsubscribe_url }}{% endif %}"])
def test_marketing_without_a_way_out_is_an_error_and_other_mail_needs_none(html: str) -> None:
    line, level, words = only(html, marketing=True)
    assert (line, level) == (None, "error")
    assert "{{ unsubscribe_url }}" in words
    assert looked(html) == []
    assert looked('<a href="{{ unsubscribe_url }}">x</a>', marketing=True) == []


def test_errors_come_first_then_the_subject_then_by_line_and_not_more_than_can_be_read() -> None:
    made = looked("<img>\n{nama}\n<script></script>" + "\n<img>" * 200, subject="{nama}")
    assert [(note.level, note.field, note.line) for note in made[:4]] == [
        ("error", "html", 3), ("warn", "subject", None), ("warn", "html", 1), ("warn", "html", 1)
    ]  # fmt: skip
    assert len(made) == MAX_NOTES


_PARTS = ("<a", " href=", '"', "'", ">", "</a>", "<!--", "-->", "<style>", "</style>", "{{", "}}", "{%", " if a", "%}",
          "[nama]", "{nama}", "=", "/", "\n", " ", "<img", " alt", "&#", "<mjml>",
          "<mj-text>", "\x00", "\ud7ff", "<")  # fmt: skip


@given(
    st.sampled_from(["html", "mjml"]),
    st.text(max_size=300) | st.lists(st.sampled_from(_PARTS), max_size=60).map("".join),
    st.booleans(),
)
def test_any_text_can_be_looked_through(kind: Kind, text: str, marketing: bool) -> None:
    lines = text.count("\n") + 1
    for note in notes(kind, text[:40], text, None, marketing):
        assert note.line is None or 1 <= note.line <= lines
        assert str(note.sentence)


@pytest.mark.parametrize(
    "piece",
    ['<a "', '<a x="', "<!--", "<style>", "[nama]", "<p a ", "<", "<b>", "</b>", "<b></i>", '= "', " \n", "{{ a }}<a",
     '<div><p style="a">teks {{ nama }} isi</p><img src="http://x.id/a.png"></div>', "{{ a%d }}", "{", "<a = "],
)  # fmt: skip
def test_a_long_text_is_looked_through_to_its_end(piece: str) -> None:
    # Were one letter in it looked at again for every other, this would take hours.
    looked(piece * (200_000 // len(piece)))
