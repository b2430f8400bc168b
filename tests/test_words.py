"""The pages in Indonesian: nothing left in English, nothing lost in translation, numbers and times as people say."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import force_locale

from mailroom import people, search_meaning
from mailroom.search_words import STATES, states_called
from mailroom.service import Service
from mailroom.settle import NOT_IN_TIME, POLICY_WHY
from tests.filled import ADI, SARI, Filled, fill
from tests.house import CAST, Browser
from views import words
from views.words import LANGUAGES, said, whole_typed

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = ROOT / "translations" / "id" / "LC_MESSAGES"
INDONESIAN = {"Accept-Language": "id-ID,id;q=0.9,en;q=0.8"}
# What fills a sentence, and what marks a part of it; both have to come through.
HOLES = re.compile(
    r"%\(\w+\)s|%%|\{%% (?:if|elif|else|endif)\b.*?%%\}|</?[a-z][\w-]*[^>]*>|&\w+;|\{\{ \w{4,} \}\}"
)
END = re.compile(r"[.,:;?!…]*\s*\Z")

Client = Callable[[str], Browser]


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (MESSAGES / "messages.po").open("rb") as file:
        return read_po(file, locale="id")


def pairs(catalogue: Catalog) -> Iterator[tuple[str, str]]:
    """Each English sentence, of two the one about many, and its translation."""
    for sentences, indonesian in translated(catalogue):
        yield sentences[-1], indonesian


def translated(catalogue: Catalog) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each English sentence, about one and about many where there are two, and its translation."""
    for message in catalogue:
        english = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        indonesian = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
        if english[0]:
            yield english, indonesian


SOURCES = ("views", "mailroom", "oca", "templates")
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None}


def sentences() -> set[tuple[str | None, str]]:
    """Every sentence that the program marks, with its context, as `make words` takes them out of it."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = set()
    for folder in SOURCES:
        for _, _, message, _, context in extract_from_dir(ROOT / folder, methods, options, KEYWORDS):
            found.add((context, message if isinstance(message, str) else message[0]))
    return found


def test_every_sentence_of_the_program_is_translated(catalogue: Catalog) -> None:
    known = {
        (message.context, message.id if isinstance(message.id, str) else message.id[0])
        for message in catalogue
        if message.id and all([message.string] if isinstance(message.string, str) else message.string or [""])
    }
    assert sentences() - known == set(), "run `make words` and translate what is new"
    assert known - sentences() == set(), "run `make words`: these are said no more"
    assert not [message.id for message in catalogue if message.fuzzy and message.id]
    makefile = (ROOT / "Makefile").read_text()
    assert "-k _l -k lazy_gettext" in makefile
    assert " ".join(SOURCES) in makefile


def test_the_program_reads_what_the_catalogue_says(catalogue: Catalog) -> None:
    made = BytesIO()
    write_mo(made, catalogue)
    assert (MESSAGES / "messages.mo").read_bytes() == made.getvalue(), "run `make words`"


def test_no_field_and_no_tag_is_lost_or_added_in_translation(catalogue: Catalog) -> None:
    for english, indonesian in pairs(catalogue):
        assert not indonesian or set(HOLES.findall(english)) == set(HOLES.findall(indonesian)), english


def test_a_translation_begins_and_ends_like_its_sentence(catalogue: Catalog) -> None:
    for english, indonesian in pairs(catalogue):
        if indonesian:
            assert END.search(english)[0] == END.search(indonesian)[0], english  # type: ignore[index]
            assert english[:1].isspace() == indonesian[:1].isspace(), english
            if english[:1].isalpha() and indonesian[:1].isalpha():
                assert english[:1].isupper() == indonesian[:1].isupper(), english


def test_the_glossary_and_the_catalogue_use_the_same_words(catalogue: Catalog) -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    rows = re.findall(r"^\| ([^|`]+?) \| ([^|`]+?) \|", glossary, re.MULTILINE)
    found = [(message, indonesian) for english, indonesian in rows if (message := catalogue.get(english))]
    assert len(found) > 30
    for message, indonesian in found:
        assert message.string == indonesian, message.id


class Seen(HTMLParser):
    """What a person reads of a page: its text, and what is said of things by their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        named = dict(attrs)
        self.texts += [
            str(named[name])
            for name in ("title", "aria-label", "placeholder", "alt", "data-label")
            if named.get(name)
        ]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(" ".join(data.split()))


def english_left(catalogue: Catalog, html: str) -> list[str]:
    """The English sentences of the catalogue that a page in Indonesian still shows, whole or in part."""
    text = "\n".join(Seen(html).texts)
    return [
        english
        for english, telling in _telling(catalogue)
        if telling in text and re.search(rf"(?<!\w){re.escape(telling)}(?!\w)", text)
    ]


@cache
def _telling(catalogue: Catalog) -> list[tuple[str, str]]:
    """Each English sentence with its longest part between what fills it, where that tells it from Indonesian."""
    found = []
    for sentences, indonesian in translated(catalogue):
        for english in sentences:
            telling = max((part.strip() for part in HOLES.split(english)), key=len)
            if indonesian and len(telling) > 12 and telling not in indonesian:
                found.append((english, telling))
    return found


@pytest.fixture
def filled(service: Service) -> Filled:
    """A mailroom with something of everything in it, whose people have chosen Indonesian."""
    filled = fill(service)
    for person in (ADI, SARI):
        people.choose_language(service.store, person, "id")
    return filled


# What is said of questions that cannot be answered as they are.
PUZZLING = (
    "/history/?q=status:apa+by:x+after:besok+apa:1", "/reports/?from=2026-11-02&to=2026-11-01",
    "/settings/retention/?days=1", "/privacy/?email=joko", "/batches/999", "/send/x", "/do-not-mail/?q=zz",
)  # fmt: skip
# Mails that were written in English, and so stay.
MAILS = ("report_mail.mail", "templates.starter_mail")


def english_on_pages(app: Flask, filled: Filled, catalogue: Catalog) -> dict[str, list[str]]:
    """The English left on each page that somebody may look at, by its address; those without any are left out."""
    left = {}
    for name, person in (("adi", ADI), ("sari", SARI)):
        browser = Browser(app, name)
        addresses = [url for endpoint, url in filled.pages(app, person) if endpoint not in MAILS]
        for url in [*addresses, *PUZZLING]:
            answer = browser.get(url)
            if "html" in answer.content_type and (found := english_left(catalogue, answer.text)):
                left[f"{url} {answer.status_code}"] = found
            answer.close()
    return left


def test_no_page_in_indonesian_has_english_on_it(app: Flask, filled: Filled, catalogue: Catalog) -> None:
    assert english_on_pages(app, filled, catalogue) == {}


def test_the_reader_of_pages_notices_english(catalogue: Catalog) -> None:
    page = '<p title="Every list that was sent, newest first.">Batch</p>Mail is handed over at <b>x</b>'
    assert english_left(catalogue, page) == [
        "Every list that was sent, newest first.",
        "Mail is handed over at %(url)s",
    ]


def test_the_browser_chooses_until_the_person_does(app: Flask, client: Client, service: Service) -> None:
    vino = client("vino")
    assert '<html lang="en">' in vino.get("/").text
    for header, language in (
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("en-US,en;q=0.9,id;q=0.1", "en"),
        ("fr", "en"),
        ("fr,id;q=0.5", "id"),
        ("*", "id"),
    ):
        answer = vino.http.get("/", headers={"Accept-Language": header})
        assert f'<html lang="{language}">' in answer.text, header
    people.choose_language(service.store, 3, "id")
    assert '<html lang="id">' in vino.http.get("/", headers={"Accept-Language": "en"}).text
    people.choose_language(service.store, 3, "")
    assert '<html lang="en">' in vino.http.get("/", headers={"Accept-Language": "en"}).text
    assert "Masuk" in app.test_client().get("/sign-in", headers=INDONESIAN).text


def test_what_is_pressed_before_signing_in_is_the_persons_choice_from_then_on(
    client: Client, service: Service
) -> None:
    browser = client("")
    assert "Bahasa Indonesia" in browser.get("/sign-in").text
    answer = browser.post_form("/language", {"language": "id", "next": "/sign-in?next=/batches/"}, "/sign-in")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/batches/")
    page = browser.get(answer.location).text
    assert "Kata sandi" in page
    assert ">English</button>" in page
    form: dict[str, object] = {"email": CAST["sari"].email, "password": CAST["sari"].password}
    browser.post_form("/sign-in", form, "/sign-in")
    assert '<html lang="id">' in browser.get("/").text
    assert people.by_email(service.store, CAST["sari"].email).language == "id"  # type: ignore[union-attr]
    browser.post_form("/sign-out", form_at="/")
    assert "You are signed out." in browser.get("/sign-in").text


def test_a_language_is_chosen_again_by_somebody_signed_in(client: Client, service: Service) -> None:
    vino = client("vino")
    for language in ("id", "en", ""):
        assert vino.post_form("/language", {"language": language}).location == "/"
        assert people.by_email(service.store, CAST["vino"].email).language == language  # type: ignore[union-attr]
    for wrong in ("fr", "<b>", None):
        assert vino.post_form("/language", {"language": wrong} if wrong else {}).status_code == 400
    for outside in ("//e.example", "https:e.example", "/\\e"):
        assert vino.post_form("/language", {"language": "id", "next": outside}).location == "/"


def test_the_account_offers_the_languages_and_shows_the_chosen_one(client: Client) -> None:
    vino = client("vino")
    assert '<option value="" selected>' in vino.get("/account/").text
    form: dict[str, object] = {"language": "id", "next": "/account/"}
    assert vino.post_form("/language", form, "/account/").location == "/account/"
    assert '<option value="id" selected>Bahasa Indonesia</option>' in vino.get("/account/").text


def test_a_stranger_is_asked_for_a_language_with_nothing_but_the_form_cookie(client: Client) -> None:
    recipient = client("").get("/u/x")
    assert "Bahasa Indonesia" not in recipient.text
    assert "Set-Cookie" not in recipient.headers


def test_numbers_times_and_sizes_are_written_as_each_language_does(app: Flask) -> None:
    moment = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)
    written = {}
    for language in LANGUAGES:
        with app.test_request_context(), force_locale(language):
            written[language] = [
                words.number(1_250_000), words.number(1.5), words.size(1_250_000), words.duration(173),
                words.duration(12_000), words.when(moment), words.when(moment, "exact"), words.when(moment, "day"),
                words.clock("2026-11-23T02:41:07.000Z", "2026-11-23T01:00:00.000Z"),
            ]  # fmt: skip
    assert written["en"] == [
        "1,250,000", "1.5", "1.2 MB", "2 min 53 s", "3 h 20 min", "23 Nov 2026 09:41", "23 Nov 2026 09:41:07",
        "23 Nov 2026", "09:41",
    ]  # fmt: skip
    assert written["id"] == [
        "1.250.000", "1,5", "1,2 MB", "2 mnt 53 dtk", "3 jam 20 mnt", "23 Nov 2026 09.41", "23 Nov 2026 09.41.07",
        "23 Nov 2026", "pukul 09.41",
    ]  # fmt: skip


def test_a_number_may_be_typed_as_either_language_writes_it() -> None:
    for typed in ("1250000", "1.250.000", "1,250,000", "1 250 000", " 1.250.000 "):
        assert whole_typed(typed) == 1_250_000, typed
    assert whole_typed(" ") is None
    for typed in ("1.5", "1,5", "12.50", "1.2500", "-1", "satu", "1e3", "9" * 30, "²"):
        assert whole_typed(typed) == -1, typed


def test_what_was_kept_in_one_language_is_not_shown_in_another(app: Flask) -> None:
    shown = []
    for language in ("id", "en", "id"):
        with app.test_request_context(), force_locale(language):
            shown.append((words.drawn("delivered", True), words.number(1_000)))
    assert shown == [("Sampai", "1.000"), ("Delivered", "1,000"), ("Sampai", "1.000")]


def test_the_record_stays_in_english_and_is_read_in_indonesian(app: Flask) -> None:
    why = "It is too early: the mail may still appear."
    recorded = POLICY_WHY % {"why": NOT_IN_TIME % {"minutes": 15, "why": why}}
    with app.test_request_context(), force_locale("id"):
        told = said(recorded)
        assert told.startswith("Tidak bisa diputuskan dalam 15 menit. Masih terlalu awal")
        assert "It is" not in told
        assert said("It arrived: kata Ibu Siti, 50%") == "Sudah sampai: kata Ibu Siti, 50%"
        assert said("50 faults in 12 h") == "50 kegagalan dalam 12 jam"
        assert said("email: must be a valid email") == "email: must be a valid email"
    with app.test_request_context(), force_locale("en"):
        assert said(recorded) == recorded


def test_every_word_for_a_state_is_understood_in_both_languages(app: Flask) -> None:
    for language in LANGUAGES:
        with app.test_request_context(), force_locale(language):
            told = said(search_meaning.WORDS_OF_STATES).split(", ")
            pills = {state: words.drawn(state, True).casefold() for state in STATES}
        assert told == list(pills.values())
        for state, word in pills.items():
            assert states_called(word) == (state,)


def test_a_day_may_be_said_in_indonesian(service: Service) -> None:
    now = service.clock()
    for english, indonesian in (("today", "hari-ini"), ("yesterday", "kemarin"), ("today", '"hari ini"')):
        meanings = [
            search_meaning.understand(service.store, f"after:{word}", now, service.settings.zone)
            for word in (english, indonesian)
        ]
        assert meanings[0].since == meanings[1].since != ""
        assert meanings[1].notes == ()


def test_a_shell_is_answered_in_its_language(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    for lang, language in (("", "en"), ("C.UTF-8", "en"), ("id_ID.UTF-8", "id"), ("fr_FR", "en")):
        monkeypatch.setenv("LANG", lang)
        with app.app_context():
            assert words.spoken() == language
