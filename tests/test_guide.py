"""The user guide: what it names is there, both languages say the same, and whoever is signed in can read it."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask

from mailroom import people
from mailroom.service import Service
from screens.__main__ import in_the_guide
from screens.pages import SCREENS
from tests.house import Browser
from views import guide, markdown
from views.words import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
VINO = 3
Client = Callable[[str], Browser]
HOLE = re.compile(r"%\(\w+\)s")


@cache
def sentences() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """What the pages say, in English and Indonesian, as patterns that take whatever fills them."""
    with (ROOT / "translations/id/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="id")
    found = []
    for message in catalogue:
        english = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        indonesian = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if any(re.search(r"[^\W\d]", HOLE.sub("", one)) for one in english):
            found.append((pattern(english), pattern(indonesian)))
    return tuple(found)


def pattern(texts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        "|".join(".+?".join(re.escape(part) for part in HOLE.split(text)) for text in texts if text)
    )


def bold(text: str) -> list[str]:
    return re.findall(r"\*\*(.+?)\*\*", text)


def unknown(english: str, indonesian: str) -> list[str]:
    """The words in bold of a task that no page says, or that the other language does not say there."""
    rest, missing = bold(indonesian), []
    for word in bold(english):
        said = [theirs for ours, theirs in sentences() if ours.fullmatch(word)]
        found = next((one for one in rest if any(theirs.fullmatch(one) for theirs in said)), None)
        if found is None:
            missing.append(word)
        else:
            rest.remove(found)
    return missing + rest


def tasks(page: str) -> Iterator[tuple[str, str]]:
    """Each task of a page, in English and Indonesian."""
    both = (guide.text(language, page).split("\n## ") for language in ("en", "id"))
    yield from zip(*both, strict=True)


@pytest.mark.parametrize("page", guide.PAGES)
def test_each_word_in_bold_stands_on_a_page_and_in_the_same_task_of_the_other_language(page: str) -> None:
    assert [word for english, indonesian in tasks(page) for word in unknown(english, indonesian)] == []


def test_a_button_that_is_called_otherwise_by_now_is_noticed() -> None:
    assert unknown("Press **Send 3,000 mails**.", "Tekan **Kirim 3.000 email**.") == []
    assert unknown("Press **Mail them**.", "Tekan **Kirim 3.000 email**.") == [
        "Mail them",
        "Kirim 3.000 email",
    ]
    assert unknown("Press **Pause**.", "Tekan **Lanjutkan**.") == ["Pause", "Lanjutkan"]


@pytest.mark.parametrize("page", guide.PAGES)
def test_both_languages_have_the_same_tasks_steps_and_pictures(page: str) -> None:
    for english, indonesian in tasks(page):
        shapes = [
            re.findall(r"^(?:\d\.|-|###|!\[)|\]\(.+?\)", one, re.MULTILINE) for one in (english, indonesian)
        ]
        assert shapes[0] == shapes[1], english.partition("\n")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_there_are_are_those_it_shows_and_each_is_of_a_screen(language: str) -> None:
    shown = in_the_guide(language)  # type: ignore[arg-type]
    assert shown == {path.stem for path in (guide.FOLDER / language).glob("*.png")}
    assert shown <= {screen.name for screen in SCREENS}
    assert len(shown) >= 8


def test_the_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in guide.FOLDER.rglob("*.png")) < 3_000_000


def test_the_pages_are_those_that_are_served_and_lead_to_each_other() -> None:
    for language in LANGUAGES:
        assert {path.stem for path in (guide.FOLDER / language).glob("*.md")} == set(guide.PAGES)
        for page in guide.PAGES:
            assert set(re.findall(r"\]\(([^)]+)\.md\)", guide.text(language, page))) <= set(guide.PAGES)


def test_a_page_leads_to_a_task_that_the_guide_has() -> None:
    led = [
        found
        for path in (ROOT / "templates").rglob("*.html")
        for found in re.findall(r"\{\{ ui\.how\(\"([\w-]+)\", \"([\w-]+)\"\)", path.read_text())
        if path.name != "_parts.html"
    ]
    assert len(led) >= 8
    for page, task in led:
        assert task in guide.anchors(page), task


def test_whoever_is_signed_in_reads_it_in_their_language(client: Client, service: Service) -> None:
    vino = client("vino")
    assert "<h1>Find a mail and read the numbers</h1>" in vino.get("/guide/viewer").text
    people.choose_language(service.store, VINO, "id")
    page = vino.get("/guide/viewer").text
    assert '<h2 id="read-the-reports">Membaca laporan</h2>' in page
    assert '<a href="#read-the-reports">Membaca laporan</a>' in page
    picture = vino.get("/guide/pictures/id/reports.png")
    assert (picture.status_code, picture.content_type) == (200, "image/png")
    picture.close()
    assert '<a href="/guide/sender">' in vino.get("/guide/").text


def test_nobody_else_reads_it_and_nothing_else_is_read(client: Client) -> None:
    assert client("").get("/guide/").location == "/sign-in?next=/guide/"
    vino = client("vino")
    for path in ("x", "../glossary", "..%2f..%2fglossary", "pictures/fr/check.png", "pictures/en/x.png"):
        assert vino.get(f"/guide/{path}").status_code == 404, path
    for path in ("en/..%2f..%2fbatch.png", "..%2f..%2fdocs/batch.png", "en/sender.md"):
        assert vino.get(f"/guide/pictures/{path}").status_code == 404, path


def test_what_is_html_in_it_is_shown_as_it_is_written(app: Flask) -> None:
    with app.test_request_context():
        page = markdown.html(
            '## <i>\n\n<b>x</b> [y](javascript:alert(1))\n\n!["z" onload="](w.png)', "en", ["a"]
        )
    assert "<b>" not in page
    assert "<i>" not in page
    assert "javascript" not in page
    assert 'onload="' not in page.replace("&#34;", "'").replace("&quot;", "'")
