"""What a template may say: defaults, filters and conditions; all else is refused with its line, and quickly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from mailroom import filters, syntax
from mailroom.problems import Problem
from mailroom.rendering import FieldProblem, MissingField, Renderer, TemplateProblem


def filled(html: str, **values: str) -> str:
    return Renderer("Tagihan", html).render(values).html


def refusal(html: str, subject: str = "Tagihan") -> TemplateProblem:
    with pytest.raises(TemplateProblem) as refused:
        Renderer(subject, html)
    return refused.value


# ---- What may stand there ----


@pytest.mark.parametrize(
    ("html", "values", "made"),
    [
        ('{{ nama|default("Bapak/Ibu") }}', {}, "Bapak/Ibu"),
        ('{{ nama|default("Bapak/Ibu") }}', {"nama": " "}, "Bapak/Ibu"),
        ("{{ nama | default( 'x' ) }}", {"nama": "Siti"}, "Siti"),
        ('{{ gelar|default("") }}{{ nama }}', {"nama": "Siti"}, "Siti"),
        ("{{ nama|title|upper }}", {"nama": "siti"}, "SITI"),
        ('{{ total|rupiah|default("-") }}', {}, "-"),
        ('{{ total|default("0")|rupiah }}', {}, "Rp\u00a00"),
        ("{% if a %}A{% endif %}", {"a": "1"}, "A"),
        ("{% if a %}A{% endif %}", {"a": " \u00a0"}, ""),
        ("{% if not a %}A{% else %}B{% endif %}", {}, "A"),
        ("{% if a == \"x y\" %}1{% elif a != 'z' %}2{% else %}3{% endif %}", {"a": "x y"}, "1"),
        ('{% if a == "x" %}1{% elif a != "z" %}2{% else %}3{% endif %}', {"a": "b"}, "2"),
        ('{% if a == "x" %}1{% elif a != "z" %}2{% else %}3{% endif %}', {"a": "z"}, "3"),
        ("{% if a and b or c %}1{% endif %}", {"c": "1"}, "1"),
        ("{% if a and b or c %}1{% endif %}", {"a": "1"}, ""),
        ("{% if a or b and not c %}1{% endif %}", {"b": "1"}, "1"),
        ("{%if a%}{%if b%}1{%else%}2{%endif%}{%endif%}", {"a": "1"}, "2"),
        ("a {%- if a -%} b {%- endif %} c", {"a": "1"}, "ab c"),
    ],
)
def test_defaults_filters_and_conditions_do_what_they_say(
    html: str, values: dict[str, str], made: str
) -> None:
    assert filled(html, **values) == made


def test_conditions_and_filters_work_in_a_subject_too_and_nothing_is_escaped_there() -> None:
    renderer = Renderer('{% if vip == "ya" %}Khusus {% endif %}{{ nama|upper|default("<b>") }}', "x")
    assert renderer.render({"vip": "ya", "nama": "b&b"}).subject == "Khusus B&B"
    assert renderer.render({}).subject == "<b>"


def test_a_subject_that_no_case_fills_is_refused_not_sent_empty() -> None:
    with pytest.raises(Problem) as refused:
        Renderer("{% if a %}A{% endif %}", "x").render({})
    assert refused.value.field == "subject"


@pytest.mark.parametrize(
    "html", ["{{ x }}", "{{ x|upper }}", "{{ x|title }}", '{{ y|default("<b>\'&") }}', '<a href="{{ x|title }}">']
)  # fmt: skip
def test_a_value_is_escaped_whatever_was_done_to_it(html: str) -> None:
    made = filled(html, x="<b>\"'&")
    assert "<b>" not in made.lower().removeprefix("<a ")
    assert "&lt;" in made
    assert "&amp;" in made


def test_a_place_in_a_case_that_is_not_taken_needs_no_value() -> None:
    html = "{% if a %}{{ a }}{% else %}{{ b }}{% endif %}"
    assert filled(html, b="2") == "2"
    with pytest.raises(MissingField) as missing:
        filled(html)
    assert missing.value.name == "b"


@pytest.mark.parametrize(
    ("html", "fields", "required"),
    [
        ("{{ a }}{{ b|default('x') }}", ("a", "b"), ("a",)),
        ("{% if x %}{{ x }}{% endif %}", ("x",), ()),
        ("{% if x %}{{ a }}{% else %}{{ a }}{{ b }}{% endif %}", ("x", "a", "b"), ("a",)),
        ("{% if x %}{{ a }}{% elif y %}{{ a }}{% endif %}", ("x", "a", "y"), ()),
        ("{{ x }}{% if x %}y{% endif %}", ("x",), ("x",)),
        ("{{ a|default('x') }}{{ a }}", ("a",), ("a",)),
        ("{{ unsubscribe_url }}{{ a }}", ("a",), ("a",)),
    ],
)
def test_what_a_list_must_fill_is_known_beforehand(
    html: str, fields: tuple[str, ...], required: tuple[str, ...]
) -> None:
    renderer = Renderer("x", html)
    assert (renderer.fields, renderer.required) == (fields, required)


def test_the_unsubscribe_link_is_ours_to_fill_and_cannot_be_missing() -> None:
    renderer = Renderer("x", '<a href="{{ unsubscribe_url }}">x</a>')
    assert (renderer.uses_unsubscribe, renderer.always_unsubscribe, renderer.fields) == (True, True, ())
    assert "https://x" in renderer.render({"unsubscribe_url": "https://x"}).html
    with pytest.raises(MissingField):
        renderer.render({})
    sometimes = Renderer("x", "{% if a %}{{ unsubscribe_url }}{% endif %}")
    assert (sometimes.uses_unsubscribe, sometimes.always_unsubscribe) == (True, False)
    assert refusal("x", subject="{{ unsubscribe_url }}").field == "subject"
    assert "alone" in str(refusal("{{ unsubscribe_url|upper }}"))


def test_a_value_that_a_filter_cannot_read_names_its_field_and_is_never_passed_through() -> None:
    with pytest.raises(FieldProblem, match="“12x” is no amount of money") as refused:
        filled("{{ total|rupiah }}", total="12x")
    assert refused.value.name == "total"


# ---- What may not ----


@pytest.mark.parametrize(
    ("html", "line", "words"),
    [
        ("\n{{ nama|lower }}", 2, "“|lower” is not known here"),
        ("{{ nama|upper() }}", 1, "“|upper” is not known here"),
        ('{{ nama|upper("x") }}', 1, "is not known here"),
        ("\n\n{{ nama|default }}", 3, 'Write the text to fall back on in quotes: {{ nama|default("Bapak/Ibu") }}'),
        ("{{ nama|default(lain) }}", 1, "in quotes: {{ nama|default("),
        ("{{ nama|default(“Bapak”) }}", 1, "curved quotes"),
        ('{{ nama|default("a" ~ "b") }}', 1, "in quotes"),
        ('{{ nama|default("{{ x }}") }}', 1, "never closed"),
        ('{{ total|default("gratis")|rupiah }}', 1, "its own filter cannot read"),
        ("{{ x" + "|upper" * 6 + " }}", 1, "more than 5 filters"),
        ("{{ ''.__class__ }}", 1, "is not a field"),
        ("{{ nama.__class__.__mro__ }}", 1, "is not a field"),
        ("{{ nama['x'] }}", 1, "is not a field"),
        ("{{ a + b }}", 1, "is not a field"),
        ("{{ a ~ b }}", 1, "is not a field"),
        ("{{ [1, 2] }}", 1, "is not a field"),
        ("{{ 7*7 }}", 1, "is not a field"),
        ("a\n{% set x = 1 %}", 2, "“{% set x = 1 %}” is not known here"),
        ("{% include 'x' %}", 1, "is not known here"),
        ("{% macro x() %}{% endmacro %}", 1, "is not known here"),
        ("{% extends 'x' %}", 1, "is not known here"),
        ("{% raw %}", 1, "is not known here"),
        ("{% %}", 1, "is not known here"),
        ("{% for x in y %}{{ x }}{% endfor %}", 1, "is not known here"),
        ("\n{% if %}{% endif %}", 2, "no condition that can be asked"),
        ("{% if x > 5 %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x = 'a' %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x == y %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if 'a' == x %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if (x) %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x and %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if not not x %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x.y %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x|upper %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x is defined %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x and" + " x and" * 20 + " x %}{% endif %}", 1, "no condition that can be asked"),
        ("{% if x %}\n{% else if y %}{% endif %}", 2, "Write {% elif … %}"),
        ("{% if x %}\n{% else %}\n{% elif y %}{% endif %}", 3, "comes after {% else %}"),
        ("{% if x %}{% else %}\n{% else %}{% endif %}", 2, "comes after {% else %}"),
        ("\n{% endif %}", 2, "has no {% if … %} before it"),
        ("{% else %}", 1, "has no {% if … %} before it"),
        ("\n{% if x %}\n{% if y %}{% endif %}", 2, "has no {% endif %}"),
        ("\n{% if x", 2, "never closed with %}"),
        ("{% if a %}" * 11 + "{% endif %}" * 11, 1, "within more than 10 other conditions"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_its_line_and_a_sentence(html: str, line: int, words: str) -> None:
    problem = refusal(html)
    assert (problem.field, problem.line) == ("html", line)
    assert words in str(problem)


@pytest.mark.parametrize(
    "html",
    [
        "{% for a in range(999999999) %}" * 3,
        "{% if a %}" * 100_000,
        "{% if a %}{% endif %}" * 20_000,
        "{% if " + "(" * 10_000 + "a" + ")" * 10_000 + " %}{% endif %}",
        "{% if " + "not " * 50_000 + "a %}{% endif %}",
        "{% if a" + " and a" * 50_000 + " %}{% endif %}",
        "{% if a == '" + "\\" * 100_000 + "' %}{% endif %}",
        "{{ a" + "|upper" * 80_000 + " }}",
        "{{ a|default('" + "x" * 400_000 + "') }}",
        "{{ a" + " " * 400_000 + "|upper }}",
        "{% " * 160_000,
        "{% if a " * 60_000,
        "{%" + " " * 400_000,
        "{{ a|default(" * 40_000,
    ],
    ids=lambda html: html[:12] + "…",
)
def test_a_template_made_to_use_up_time_is_refused_at_once(html: str) -> None:
    problem = refusal(html)
    assert len(str(problem)) < 400


_PIECES = ("{{", "}}", "{%", "%}", "if", "else", "elif", "endif", "and", "not", "|", "upper", "default", "(", ")",
           '"', "'", "==", "a", "bb", " ", "\n", "-", "{#", ".", "<b>")  # fmt: skip


@given(st.text(max_size=200) | st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))
def test_any_text_is_a_template_or_refused_and_never_anything_else(text: str) -> None:
    try:
        renderer = Renderer("x", text)
        renderer.render(dict.fromkeys(renderer.fields, "1"))
    except Problem:
        pass


@st.composite
def templates(draw: st.DrawFn, depth: int = 2) -> str:
    """Templates that can be kept, of everything that may stand in one."""
    name = st.sampled_from(["a", "b", "c"])
    text = st.sampled_from(["x", " <p> ", "\n", "é", "-", "0"])
    term = st.builds(
        lambda n, how: how.format(n), name, st.sampled_from(["{}", "not {}", '{} == "x"', "{} != '1'"])
    )
    test = st.lists(st.sampled_from([" and ", " or "]), max_size=2).flatmap(
        lambda joins: st.lists(term, min_size=len(joins) + 1, max_size=len(joins) + 1).map(
            lambda terms: "".join(a + b for a, b in zip(terms, [*joins, ""], strict=True))
        )
    )
    steps = st.sampled_from(["", "|upper", "|upper|upper", "|title"])
    place = st.builds("{{{{ {}{} }}}}".format, name, steps)
    pieces = [text, place]
    if depth:
        inner = templates(depth - 1)
        pieces.append(st.builds("{{% if {} %}}{}{{% endif %}}".format, test, inner))
        pieces.append(
            st.builds(
                "{{% if {} %}}{}{{% elif {} %}}{}{{%- else -%}}{}{{% endif %}}".format,
                test,
                inner,
                test,
                inner,
                inner,
            )
        )
    return "".join(draw(st.lists(st.one_of(pieces), max_size=4)))


@given(
    templates(),
    st.fixed_dictionaries({name: st.sampled_from(["x", "1", "Siti Aminah", "<b>"]) for name in "abc"}),
)
def test_what_is_kept_means_the_same_to_jinja(html: str, values: dict[str, str]) -> None:
    jinja = Environment(autoescape=True, keep_trailing_newline=True)
    jinja.filters["title"] = filters.title
    assert filled(html, **values) == jinja.from_string(html).render(values)


@settings(max_examples=40)
@given(templates(), st.dictionaries(st.sampled_from("abc"), st.text()))
def test_no_value_gets_into_the_body_unescaped(html: str, values: dict[str, str]) -> None:
    marked = {name: f"<{value}" for name, value in values.items()}
    try:
        made = filled(html, **marked)
    except MissingField:
        return
    assert made.replace("<p>", "").replace("<P>", "").count("<") == 0


def test_limits_are_what_the_sentences_say() -> None:
    assert Renderer("x", "{% if a %}" * 10 + "{% endif %}" * 10).fields == ("a",)
    assert Renderer("x", "{{ a }}" * syntax.MAX_PLACES).fields == ("a",)
    assert "2001 places" in str(refusal("{{ a }}" * (syntax.MAX_PLACES + 1)))
