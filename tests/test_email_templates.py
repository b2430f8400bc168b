"""Templates: what may stand in one, how it is filled, and that no save ever loses anything."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom import email_templates, one_mail, syntax
from mailroom.email_templates import (
    FieldProblem,
    MissingField,
    NoSuchTemplate,
    Renderer,
    TemplateProblem,
    Version,
    fields_of,
)
from mailroom.messages import COLUMNS, Messages
from mailroom.problems import Problem
from mailroom.starter import HTML, SUBJECT
from mailroom.store import Store
from tests.records import NOON, add_batch

MAIL = "<p>Yth. {{ nama }}, tagihan Anda {{ total }}.</p>"


@pytest.fixture
def saved(store: Store) -> Version:
    """One template with one version, and somebody to have saved it."""
    with store.write() as db:
        db.execute(
            "INSERT INTO users (id, email, name, role, password_hash, created_at) "
            "VALUES (1, 'adi@contoh.id', 'Adi', 'admin', '-', '')"
        )
    return email_templates.save(store, None, "Tagihan bulanan", "Tagihan {{ nama }}", MAIL, 1, NOON)


def refusal(html: str, subject: str = "Tagihan") -> TemplateProblem:
    """Why this template cannot be used."""
    with pytest.raises(TemplateProblem) as refused:
        Renderer(subject, html)
    return refused.value


def filled(html: str, **values: str) -> str:
    return Renderer("Tagihan", html).render(values).html


# ---- Filling ----


def test_fields_are_found_in_order_of_appearance_and_once_each() -> None:
    assert fields_of("{{ b }} {{ a }}", "{{ c }}{{ a }}{{ b }}{{c}}") == ("b", "a", "c")


def test_the_starter_is_a_template_with_two_fields() -> None:
    assert fields_of(SUBJECT, HTML) == ("nama", "total")


def test_values_stand_where_their_fields_were() -> None:
    made = Renderer("Tagihan {{ nama }}", MAIL).render({"nama": "Siti", "total": "Rp 5", "lain": "x"})
    assert (made.subject, made.html) == ("Tagihan Siti", "<p>Yth. Siti, tagihan Anda Rp 5.</p>")


def test_a_value_can_never_become_html_in_the_body_and_stays_as_it_is_in_the_subject() -> None:
    made = Renderer("{{ x }}", "<p title='{{ x }}'>{{ x }}</p>").render({"x": "<b>&\"'"})
    assert made.subject == "<b>&\"'"
    assert made.html == "<p title='&lt;b&gt;&amp;&#34;&#39;'>&lt;b&gt;&amp;&#34;&#39;</p>"


def test_a_value_that_looks_like_a_field_is_only_text() -> None:
    assert filled("{{ a }}", a="{{ b }} {% if x %}") == "{{ b }} {% if x %}"


@pytest.mark.parametrize("values", [{}, {"nama": ""}, {"nama": " \t\n"}, {"nama": "\u00a0"}])
def test_a_field_without_a_value_is_never_an_empty_hole(values: dict[str, str]) -> None:
    with pytest.raises(MissingField) as missing:
        Renderer("Tagihan", "{{ nama }}").render(values)
    assert missing.value.name == "nama"


@pytest.mark.parametrize(
    "name", ["self", "caller", "loop", "range", "dict", "varargs", "class", "if", "_", "é"]
)
def test_names_that_mean_something_to_jinja_or_python_are_fields_like_any_other(name: str) -> None:
    renderer = Renderer(f"{{{{ {name} }}}}", f"{{{{ {name} }}}}")
    assert renderer.fields == (name,)
    with pytest.raises(MissingField):
        renderer.render({})
    assert renderer.render({name: "nilai"}).html == "nilai"


def test_two_names_that_only_look_the_same_keep_their_own_values() -> None:
    # Python takes the first for the second, so they cannot be keyword arguments here either.
    values = {"ﬁ": "satu", "fi": "dua"}
    assert Renderer("Tagihan", "{{ ﬁ }}|{{ fi }}").render(values).html == "satu|dua"


def test_white_space_around_a_field_can_be_taken_away() -> None:
    assert filled("a \n {{- nama -}} \n b", nama="x") == "axb"


def test_the_text_around_the_fields_is_not_touched() -> None:
    html = "\n<style>a { b: c }</style> }} { % # &nbsp; {{ x }}\n\n"
    assert filled(html, x="1") == html.replace("{{ x }}", "1")


@pytest.mark.parametrize("value", ["a\nb", "a\r\nBcc: x", "a\tb", "a\x00", "a\x85b", "a\u2028b"])
def test_a_line_break_in_a_value_never_reaches_a_subject_and_may_stand_in_the_body(value: str) -> None:
    with pytest.raises(FieldProblem) as refused:
        Renderer("Tagihan {{ nama }}", "x").render({"nama": value})
    assert refused.value.name == "nama"
    assert filled("{{ nama }}", nama=value) == value


def test_a_subject_that_grows_too_long_is_refused() -> None:
    renderer = Renderer("{{ a }}{{ a }}", "x")
    assert len(renderer.render({"a": "x" * 127}).subject) == 254
    with pytest.raises(Problem) as refused:
        renderer.render({"a": "x" * 128})
    assert refused.value.field == "subject"


def test_a_mail_that_grows_too_large_is_refused_before_it_is_made() -> None:
    renderer = Renderer("x", "{{ a }}" * syntax.MAX_PLACES)
    with pytest.raises(Problem, match="larger than 500 kB"):
        renderer.render({"a": "x" * 10_000_000})
    with pytest.raises(Problem, match="larger than 500 kB"):
        renderer.render({"a": "<" * 200})


# ---- Refusing ----


@pytest.mark.parametrize(
    ("html", "line", "found", "instead"),
    [
        ("\n{{ Nama Pelanggan }}", 2, "{{ Nama Pelanggan }}", "{{ nama_pelanggan }}"),
        ("{{ a }}\n{{ nama-pelanggan }}", 2, "{{ nama-pelanggan }}", "{{ nama_pelanggan }}"),
        ("{{ pelanggan.nama }}", 1, "{{ pelanggan.nama }}", "{{ pelanggan_nama }}"),
        ("{{ nama|lower }}", 1, "|lower", "|upper, |title"),
        ("{{ range(3) }}", 1, "{{ range(3) }}", "Write {{ range }}"),
        ("{{ a if b }}", 1, "{{ a if b }}", "Write {{ a }}"),
        ("{{ x is defined }}", 1, "{{ x is defined }}", "Write {{ x }}"),
        ("{{ a[0] }}", 1, "{{ a[0] }}", "{{ a }}"),
        ("{{ a, b }}", 1, "{{ a, b }}", "{{ a_b }}"),
        ("{{ -x }}", 1, "{{ -x }}", "{{ x }}"),
        ("{{ 'A' * 10**9 }}", 1, "{{ 'A' * 10**9 }}", "{{ a }}"),
        ("{{{ nama }}}", 1, "{{{ nama }}", "{{ nama }}"),
        ("{{#if x}}", 1, "{{#if x}}", "not a field"),
        ("{{ $nama }}", 1, "{{ $nama }}", "{{ nama }}"),
        ("{{ }}", 1, "{{ }}", "{{ nama }}"),
        ("{{ not }}", 1, "{{ not }}", "{{ nama }}"),
        ('{{ "Bapak" }}', 1, '{{ "Bapak" }}', "the same in every mail"),
        ("{{ true }}", 1, "{{ true }}", "the same in every mail"),
        ("\n\n{% for x in y %}{% endfor %}", 3, "{% for x in y %}", "Take it out"),
        ("{% raw %}{{ x }}{% endraw %}", 1, "{% raw %}", "Take it out"),
        ("{%- if x -%}", 1, "{%- if x -%}", "has no {% endif %}"),
        ("a\n{# catatan #}", 2, "{# catatan #}", "missing from the mail"),
        ("@media{#isi{color:red}}", 1, "{#isi", "put a space between { and #"),
        ("a\n{{ nama", 2, "never closed", "{{ nama }}"),
        ("a\n{{ nama <p>\n{{ total }}", 2, "never closed", "{{ nama }}"),
    ],
)
def test_what_is_no_field_is_refused_with_its_line_its_words_and_the_way_out(
    html: str, line: int, found: str, instead: str
) -> None:
    problem = refusal(html)
    assert (problem.field, problem.line) == ("html", line)
    assert found in str(problem)
    assert instead in str(problem)


def test_a_fault_in_the_subject_says_so_and_has_no_line() -> None:
    problem = refusal("x", subject="Tagihan {{ bulan ini }}")
    assert (problem.field, problem.line) == ("subject", None)
    assert "{{ bulan_ini }}" in str(problem)


@pytest.mark.parametrize("subject", ["a\nb", "a\rb", "a\x07b", "x" * 256])
def test_a_subject_that_no_mail_can_have_is_refused(subject: str) -> None:
    assert refusal("x", subject=subject).field == "subject"


@pytest.mark.parametrize(
    "html",
    [
        "{{ " + "(" * 200_000 + "a" + ")" * 200_000 + " }}",
        "{{ " + "[" * 400_000,
        "{{ " + "9" * 100_000 + " }}",
        "{{ a" + ".b" * 200_000 + " }}",
        "{{ a" + "|b" * 200_000 + " }}",
        "{{ " + "not " * 100_000 + "a }}",
        "{{ '" + "\\" * 100_001 + "' }}",
        "{{ a }}" * 70_000,
        "{{ " * 150_000,
        "{{ " + "a" * 400_000 + " }}",
        "x" * 500_001,
        "é" * 250_001,
        "".join(f"{{{{ a{n} }}}}" for n in range(101)),
    ],
    ids=lambda html: html[:12] + "…",
)
def test_a_template_made_to_break_the_program_is_refused_like_any_other(html: str) -> None:
    assert len(str(refusal(html))) < 400


@given(
    st.text() | st.lists(st.sampled_from(["{{", "}}", "{%", "{#", "-", " ", "a", "'", "[", "(", "|", "\n", "1"]))
    .map("".join)
)  # fmt: skip
def test_any_text_is_either_refused_or_shown_to_the_letter(text: str) -> None:
    try:
        renderer = Renderer("x", text)
    except TemplateProblem:
        assert re.search(r"\{[{%#]", text)
        return
    made = renderer.render(dict.fromkeys(renderer.fields, "nilai")).html
    if renderer.fields:
        assert made.count("nilai") >= len(renderer.fields)
    else:
        assert made == text


# ---- Keeping ----


def test_every_save_is_a_version_and_the_old_ones_stay_as_they_were(store: Store, saved: Version) -> None:
    second = email_templates.save(store, saved.template_id, "Tagihan", "Baru", "<p>Baru</p>", 1, NOON)
    assert (second.number, second.template_name, second.fields) == (2, "Tagihan", ())
    first = email_templates.version(store, saved.id)
    assert (first.number, first.subject, first.html) == (1, "Tagihan {{ nama }}", MAIL)
    assert first.fields == ("nama", "total")
    assert email_templates.latest(store, saved.template_id) == second
    lines = email_templates.versions(store, saved.template_id)
    assert [(line.number, line.author) for line in lines] == [(2, "Adi"), (1, "Adi")]


def test_saving_the_same_text_again_makes_no_version(store: Store, saved: Version) -> None:
    again = email_templates.save(store, saved.template_id, "Nama lain", f" {saved.subject} ", MAIL, 1, NOON)
    assert (again.id, again.template_name) == (saved.id, "Nama lain")


def test_the_line_ends_of_a_browser_are_not_a_change(store: Store, saved: Version) -> None:
    first = email_templates.save(store, saved.template_id, "Tagihan", "x", "a\nb\n", 1, NOON)
    assert email_templates.save(store, saved.template_id, "Tagihan", "x", "a\r\nb\r\n", 1, NOON) == first


def test_a_template_that_is_refused_changes_nothing(store: Store, saved: Version) -> None:
    with pytest.raises(TemplateProblem):
        email_templates.save(store, saved.template_id, "Nama lain", "x", "{{ a b }}", 1, NOON)
    assert email_templates.latest(store, saved.template_id) == saved


@pytest.mark.parametrize(
    ("name", "subject", "html", "field"),
    [
        ("  ", "x", "x", "name"),
        ("x" * 101, "x", "x", "name"),
        ("a\x00b", "x", "x", "name"),
        ("x", " ", "x", "subject"),
        ("x", "x", " \n", "html"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(
    store: Store, saved: Version, name: str, subject: str, html: str, field: str
) -> None:
    with pytest.raises(TemplateProblem) as refused:
        email_templates.save(store, saved.template_id, name, subject, html, 1, NOON)
    assert refused.value.field == field


@pytest.mark.usefixtures("saved")
def test_two_templates_never_have_one_name(store: Store) -> None:
    other = email_templates.save(store, None, "Undangan", "x", "x", 1, NOON)
    for template_id in (None, other.template_id):
        with pytest.raises(TemplateProblem, match="Another template has this name") as refused:
            email_templates.save(store, template_id, " tagihan  BULANAN ", "x", "x", 1, NOON)
        assert refused.value.field == "name"
    assert len(email_templates.all_templates(store)) == 2


def test_a_removed_template_is_in_no_list_cannot_be_used_and_comes_back_whole(
    store: Store, saved: Version
) -> None:
    email_templates.remove(store, saved.template_id, NOON)
    assert email_templates.all_templates(store) == []
    assert [line.name for line in email_templates.removed_templates(store)] == ["Tagihan bulanan"]
    assert email_templates.latest(store, saved.template_id) is None
    with pytest.raises(NoSuchTemplate):
        email_templates.save(store, saved.template_id, "x", "x", "x", 1, NOON)
    with pytest.raises(TemplateProblem, match="A removed template has this name"):
        email_templates.save(store, None, "tagihan bulanan", "x", "x", 1, NOON)
    assert email_templates.version(store, saved.id) == saved
    email_templates.restore(store, saved.template_id)
    assert email_templates.latest(store, saved.template_id) == saved


def test_a_list_says_when_a_template_was_last_used_and_how_much_hangs_on_it(
    store: Store, saved: Version
) -> None:
    assert email_templates.all_templates(store)[0].last_used_at is None
    add_batch(store, ["siti@contoh.id", "joko@contoh.id"])
    email_templates.save(store, saved.template_id, "Tagihan", "Baru", "x", 1, NOON)
    (line,) = email_templates.all_templates(store)
    assert (line.number, line.last_used_at) == (2, "2026-11-23T05:00:00.000Z")
    assert email_templates.usage(store, saved.template_id) == email_templates.Usage(2, 1, 2)


def test_what_is_not_there_is_said(store: Store, saved: Version) -> None:
    assert email_templates.latest(store, 99) is None
    assert email_templates.versions(store, 99) == []
    with pytest.raises(NoSuchTemplate):
        email_templates.version(store, 99)
    with pytest.raises(NoSuchTemplate):
        email_templates.save(store, 99, "x", "x", "x", 1, NOON)
    assert email_templates.latest(store, saved.template_id) == saved


# ---- Kind and marketing ----

_TEXT = "<mj-text>Yth. {{ nama }}</mj-text>"
MJML = f"<mjml><mj-body><mj-section><mj-column>{_TEXT}</mj-column></mj-section></mj-body></mjml>"


def test_a_mail_in_mjml_is_kept_as_written_and_filled_as_html(store: Store, saved: Version) -> None:
    kept = email_templates.save(store, saved.template_id, "Tagihan", "x", MJML, 1, NOON, kind="mjml")
    assert (kept.number, kept.kind, kept.html, kept.fields) == (2, "mjml", MJML, ("nama",))
    assert "mj-text" not in kept.body
    assert "Yth. Siti" in Renderer(kept.subject, kept.body).render({"nama": "Siti"}).html
    assert (saved.kind, saved.compiled, saved.body) == ("html", None, MAIL)


@pytest.mark.usefixtures("saved")
def test_another_kind_is_another_version_and_the_same_mail_is_none(store: Store) -> None:
    first = email_templates.save(store, None, "Berita", "x", "<mjml></mjml>", 1, NOON)
    second = email_templates.save(
        store, first.template_id, "Berita", "x", "<mjml></mjml>", 1, NOON, kind="mjml"
    )
    again = email_templates.save(
        store, first.template_id, "Berita", "x", "<mjml></mjml>", 1, NOON, kind="mjml"
    )
    assert (first.number, second.number, again) == (1, 2, second)


def test_mjml_that_cannot_be_compiled_is_not_kept(store: Store, saved: Version) -> None:
    with pytest.raises(TemplateProblem, match="no tag of MJML"):
        email_templates.save(
            store, saved.template_id, "x", "x", "<mjml><mj-bodi></mj-bodi></mjml>", 1, NOON, kind="mjml"
        )
    assert email_templates.latest(store, saved.template_id) == saved


def test_a_marketing_template_is_kept_only_with_a_way_out(store: Store, saved: Version) -> None:
    with pytest.raises(TemplateProblem, match="needs a way out") as refused:
        email_templates.save(store, saved.template_id, "Berita", "x", "<p>x</p>", 1, NOON, marketing=True)
    assert refused.value.field == "html"
    html = '<a href="{{ unsubscribe_url }}">Berhenti</a>'
    kept = email_templates.save(store, saved.template_id, "Berita", "x", html, 1, NOON, marketing=True)
    assert (kept.marketing, kept.fields) == (True, ())
    assert email_templates.all_templates(store)[0].marketing
    again = email_templates.save(store, saved.template_id, "Berita", "x", html, 1, NOON)
    assert (again.number, again.marketing) == (kept.number, False)


@pytest.mark.usefixtures("saved")
def test_a_batch_is_sent_and_shown_as_the_html_its_mjml_became(store: Store) -> None:
    kept = email_templates.save(store, 1, "Tagihan", "Halo {{ nama|upper }}", MJML, 1, NOON, kind="mjml")
    batch_id = add_batch(store, ["siti@contoh.id"])
    with store.write() as db:
        db.execute("UPDATE batches SET template_version_id = ? WHERE id = ?", [kept.id, batch_id])
    query = f"SELECT {COLUMNS} FROM mails m JOIN batches b ON b.id = m.batch_id"
    row = store.read().execute(query).fetchone()
    message = Messages(store).of(store.read(), row)
    assert (message.subject, "Yth. Joko" in message.html, "<mj" in message.html) == ("Halo JOKO", True, False)
    shown = one_mail.body(store, row["id"])
    assert shown is not None
    assert shown.html == message.html
