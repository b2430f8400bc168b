"""MJML and styles become plain HTML with the same fields in it, in a process that can do no harm."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailroom import compiling, limited
from mailroom.compiling import Kind, compiled
from mailroom.rendering import Renderer, TemplateProblem

CORPUS = Path(__file__).parent / "corpus" / "templates"


def mjml(body: str, head: str = "") -> str:
    """A whole mail around a text, on the third line."""
    above = f"<mjml><mj-head>{head}</mj-head><mj-body>\n<mj-section><mj-column>\n"
    return f"{above}{body}</mj-column></mj-section></mj-body></mjml>"


def styled(body: str, styles: str = ".a { color: red }") -> str:
    return f"<html><head><style>{styles}</style></head>\n<body>{body}</body></html>"


def made(kind: Kind, text: str) -> str:
    html = compiled(kind, text)
    assert html is not None
    return html


def refusal(kind: Kind, text: str) -> TemplateProblem:
    with pytest.raises(TemplateProblem) as refused:
        compiled(kind, text)
    assert refused.value.field == "html"
    return refused.value


# ---- What it makes ----


@pytest.mark.parametrize(
    "html", ["<p>{{ nama }}</p>", "  <TABLE><tr>\r\n", '<link rel="stylesheet" href="x.css"><p style="color:red">', ""]
)  # fmt: skip
def test_html_without_styles_stays_as_it_was_written(html: str) -> None:
    assert compiled("html", html) is None


def test_mjml_becomes_html_and_loads_nothing_from_elsewhere() -> None:
    html = made("mjml", mjml("<mj-text>Yth. {{ nama }}</mj-text>"))
    assert html.lower().startswith("<!doctype html>")
    assert "Yth. {{ nama }}" in html
    assert "mj-text" not in html
    assert "fonts.googleapis.com" not in html


def test_styles_move_into_the_tags_and_those_for_phones_and_dark_screens_stay() -> None:
    styles = ".a { color: red } a:hover { color: blue } @media (max-width: 480px) { .a { color: green } }"
    html = made("html", styled('<p class="a">{{ nama }}</p>', styles))
    assert '<p class="a" style="color: red;">{{ nama }}</p>' in html
    assert "@media (max-width: 480px)" in html
    assert "a:hover" in html


def test_inline_styles_of_mjml_move_into_its_texts() -> None:
    head = '<mj-style inline="inline">.b { color: blue }</mj-style><mj-style>.c { color: red }</mj-style>'
    html = made("mjml", mjml('<mj-text><b class="b c">x</b></mj-text>', head))
    assert '<b class="b c" style="color: blue;">x</b>' in html
    assert ".c { color: red }" in html


@pytest.mark.parametrize(
    "place",
    [
        "{{ nama }}",
        '{{ nama|default("Bapak/Ibu") }}',
        "{{ nama|default('a \"b\" <c>') }}",
        "{{- nama|title -}}",
        "{% if nama %}{{ nama }}{% elif lain == 'x' %}y{% else %}<i>z</i>{% endif %}",
    ],
)
def test_what_was_written_as_a_field_is_found_again_to_the_letter(place: str) -> None:
    assert place in made("html", styled(f'<p class="a">{place}</p>'))
    assert place in made("mjml", mjml(f"<mj-text><b>{place}</b></mj-text>"))


def test_fields_and_conditions_stay_within_attributes() -> None:
    href = '{{ tautan|default("https://contoh.id/?a=1&b=2") }}'
    assert f'href="{href}"' in made("html", styled(f'<a class="a" href="{href}">x</a>'))
    html = made("mjml", mjml(f"<mj-button href='{href}' color='{{{{ warna }}}}'>x</mj-button>"))
    assert f'href="{href}"' in html
    assert "color:{{ warna }};" in html
    either = "{% if a %}https://a.id{% else %}https://b.id{% endif %}"
    assert f'href="{either}"' in made("html", styled(f'<a class="a" href="{either}">x</a>'))


def test_a_field_in_a_style_goes_wherever_the_style_goes() -> None:
    assert 'style="color: {{ warna }};"' in made(
        "html", styled('<p class="a">x</p>', ".a { color: {{ warna }} }")
    )


def test_a_condition_around_a_row_stays_around_the_row() -> None:
    html = made(
        "html",
        styled('<table>{% if a %}<tr><td class="a">{{ a }}</td></tr>{% endif %}<tr><td>b</td></tr></table>'),
    )
    assert (
        html.index("<table>") < html.index("{% if a %}") < html.index("{{ a }}") < html.index("{% endif %}")
    )
    assert html.index("{% endif %}") < html.index("<td>b</td>") < html.index("</table>")


def test_a_condition_around_a_section_takes_all_of_it_or_nothing() -> None:
    text = mjml("<mj-text>A</mj-text>{% if b %}<mj-text>B</mj-text>{% endif %}").replace(
        "</mj-body>",
        "{% if c %}<mj-section><mj-column><mj-text>C {{ c }}</mj-text></mj-column></mj-section>{% endif %}</mj-body>",
    )
    renderer = Renderer("x", made("mjml", text))
    with_all, with_none = renderer.render({"b": "1", "c": "2"}).html, renderer.render({}).html
    assert ">B</div>" in with_all
    assert ">C 2</div>" in with_all
    assert ">B</div>" not in with_none
    assert "C" not in with_none.partition("<body")[2].replace("Column", "")
    assert with_none.count("<td") == with_none.count("</td>")


def test_what_is_compiled_has_the_same_fields_and_the_same_needs() -> None:
    text = mjml(
        "<mj-text>{{ a }} {% if b %}{{ c }}{% endif %}{{ d|default('x') }}</mj-text>",
        "<mj-title>{{ t }}</mj-title>",
    )
    before, after = Renderer("x", text), Renderer("x", made("mjml", text))
    assert (set(before.fields), set(before.required)) == (set(after.fields), set(after.required))


def test_the_same_text_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = mjml("<mj-text>sekali saja</mj-text>")
    first = made("mjml", text)
    monkeypatch.setattr(limited, "answer", lambda *_: pytest.fail("compiled again"))
    assert made("mjml", text) == first


# ---- What it refuses ----


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("<mj-txt>x</mj-txt>", 3, "<mj-txt> is no tag of MJML. Did you mean <mj-text>?"),
        ("\n<mj-bogusxyz />", 4, "is no tag of MJML"),
        ('\n<mj-include path="/etc/passwd" />', 4, "<mj-include> reads another file"),
        ("<mj-text>\n<b>x</mj-text>", 4, "<b> is not closed"),
        ("<mj-text>x", 3, "<mj-text> is not closed"),
        ("<mj-text></i></mj-text>", 3, "</i> closes something that is not open here"),
        ("<mj-image src=a />", 3, 'Write src="a"'),
        ('\n<mj-text color="red>x</mj-text>', 4, "is never closed with >"),
        ("\n<mj-text>{{ a b }}</mj-text>", 4, "{{ a_b }}"),
        ("<mj-text>\n{% for a in b %}</mj-text>", 4, "is not known here"),
        ("<mj-text>\na < b</mj-text>", 4, "written &lt;"),
        ("<mj-text>\n<!-- a -- b --></mj-text>", 4, "has -- in the middle"),
        ("<MJ-Text>x</MJ-Text>", 3, "Write <mj-text>"),
        ("<mj-text>a</br></mj-text>", 3, "</br> closes something"),
        ("<mj-text {{ a }}>x</mj-text>", 3, "stands in the middle of a tag"),
        ("<{{ a }}>x</mj-text>", 3, "closes something"),
    ],
)  # fmt: skip
def test_mjml_that_is_wrong_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    problem = refusal("mjml", mjml(text))
    assert words in str(problem)
    assert problem.line == line


@pytest.mark.parametrize("text", ["", "Halo", "<p>Halo</p>", "<mj-body></mj-body>", "<p><mjml></mjml></p>"])
def test_what_is_no_mjml_at_all_is_said(text: str) -> None:
    assert "begins with <mjml>" in str(refusal("mjml", text))


@pytest.mark.parametrize(
    ("html", "line", "words"),
    [
        (styled("\n<p {% if a %}id='x'{% endif %}>"), 3, "in the middle of a tag"),
        (styled("\n<a href={{ tautan }}>x</a>"), 3, "in the middle of a tag"),
        (styled("<p class='a'>", "\n{% if a %}.a { color: red }{% endif %}"), 2, "within <style>"),
        (styled("<p class='a'>", "\n/* {{ warna }} */ .a { color: red }"), 2, "has no effect"),
        (styled("<p>x</p>", "\n\n/* .b { color: {{ warna }} } */"), 3, "has no effect"),
    ],
)  # fmt: skip
def test_a_field_that_would_be_lost_is_refused_with_its_line(html: str, line: int, words: str) -> None:
    problem = refusal("html", html)
    assert words in str(problem)
    assert problem.line == line


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_every_template_of_the_corpus_is_refused_at_once_and_the_next_one_works(path: Path) -> None:
    kind: Kind = "mjml" if path.suffix == ".mjml" else "html"
    with pytest.raises(TemplateProblem) as refused:
        Renderer("x", compiled(kind, path.read_text()) or path.read_text())
    assert len(str(refused.value)) < 300
    assert refused.value.line is not None or "conditions" in path.name
    assert "Halo" in made("mjml", mjml("<mj-text>Halo</mj-text>"))


@pytest.mark.parametrize(
    "html",
    [
        styled('<p class="a">' + "<div>" * 90_000),
        styled('<p class="a">x</p>', ".a { color: red }" * 25_000),
        styled('<p class="a">' * 30_000, "p p p p p p p p { color: red }"),
    ],
    ids=["nested", "rules", "selectors"],
)
def test_a_mail_that_takes_too_much_ends_only_its_own_process(
    html: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "LIMITS", limited.Limits(cpu=1, wall=5))
    try:
        assert compiled("html", html)
    except TemplateProblem as problem:
        assert "Make it simpler" in str(problem) or "larger than 500 kB" in str(problem)  # noqa: PT017
    assert "Halo" in made("mjml", mjml("<mj-text>Halo</mj-text>"))


def test_nothing_is_read_from_the_disk_or_the_network(tmp_path: Path) -> None:
    sheet = tmp_path / "gaya.css"
    sheet.write_text("p { color: #123456 }")
    for address in (sheet.as_uri(), str(sheet)):
        link = f'<link rel="stylesheet" href="{address}">'
        text = styled("<p>x</p><p class='a'>y</p>", f"@import url({address}); .a {{ margin: 0 }}")
        html = made("html", text.replace("<head>", f"<head>{link}"))
        assert "#123456" not in html
        assert 'style="margin: 0;"' in html


_PARTS = (
    "<p>", "</p>", "<td>", "<table>", "</table>", "<style>", "</style>", '<a href="', '">', "{{ a }}", "{{ b|upper }}",
    "{% if a %}", "{% else %}", "{% endif %}", "x", "<!--", "-->", "<title>", "'", "&", "<mj-text>", "</mj-text>",
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(_PARTS), max_size=25).map("".join),
    st.sampled_from(["html", "mjml"]),
)
@example("<!--{{ a }}<style>{{ a }}", "html")
def test_any_text_is_compiled_with_its_fields_or_refused(text: str, kind: Kind) -> None:
    text = styled(text) if kind == "html" else mjml(text)
    try:
        html = made(kind, text)
    except TemplateProblem:
        return
    assert set(Renderer("x", html).fields) == set(Renderer("x", text).fields)
    assert not re.search("q[0-9]+w", html)
