"""How sentences, times and numbers are written for a person, and in which language: filters for the page templates."""

import os
import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from typing import Any

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal, get_group_symbol
from flask import Flask, current_app, has_request_context, request, session
from flask_babel import get_locale, get_timezone, get_translations, gettext, to_user_timezone
from flask_login import current_user
from markupsafe import Markup

from mailroom.problems import Problem, Sentence
from mailroom.times import parse
from oca.words import N_
from views import records
from views.here import service

# What the pages can speak, each by its own name.
LANGUAGES: Mapping[str, str] = {"id": "Bahasa Indonesia", "en": "English"}
# Where the form cookie keeps which language somebody pressed before they signed in.
PRESSED = "language"
_GROUPED = re.compile(r"[0-9]{1,3}(?:[., \u00a0]?[0-9]{3}){0,2}|[0-9]{1,9}")


def spoken() -> str:
    """The language of this answer: what the person chose, or else `browsers()`; in a shell, that of the shell."""
    if not has_request_context():
        names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
        return "id" if next(filter(None, names), "").startswith("id") else "en"
    return (current_user.language if current_user.is_authenticated else "") or browsers()


def browsers() -> str:
    """The language for somebody not known: what they pressed, or else what the browser asks for.

    English for what asks for neither: nearly every browser asks for something, and what does not is a program.
    """
    return session.get(PRESSED) or request.accept_languages.best_match(LANGUAGES) or "en"


def said(sentence: Sentence | Problem | str) -> str:
    """The sentence in the reader's language, its values filled in after translation."""
    if isinstance(sentence, Problem):
        sentence = sentence.sentence
    if isinstance(sentence, str):
        return records.said(sentence) if sentence else ""
    values = {key: said(value) if isinstance(value, Sentence) else value for key, value in sentence.values}
    return gettext(sentence.text, **values) if values else gettext(sentence.text)


def language() -> str:
    """The language that sentences, times and numbers are written in just now, by its code."""
    locale = get_locale()
    return locale.language if locale else "en"


def at(moment: datetime, pattern: str) -> str:
    """A moment in the team's zone after a pattern of babel's, between hours and minutes what the language has there."""
    return _at(moment, pattern, language(), get_timezone())


# Some pages have a hundred moments, and looking up zone and language for each takes longer than writing them.
@lru_cache(maxsize=2_000)
def _at(moment: datetime, pattern: str, language: str, zone: tzinfo) -> str:
    return format_datetime(moment, pattern.replace(":", _colon(language)), zone, language)


def colon() -> str:
    """What stands between hours and minutes: 09:41 in English, 09.41 in Indonesian."""
    return _colon(language())


@lru_cache
def _colon(language: str) -> str:
    return str(Locale.parse(language).number_symbols["latn"].get("timeSeparator", ":"))


def when(moment: str | datetime | None, style: str = "medium") -> str:
    """A stored moment in the team's zone: `short` 09:41, `day` 23 Nov 2026, `medium` both, `exact` with seconds."""
    if not moment:
        return "–"
    patterns = {
        "short": "HH:mm",
        "medium": "d MMM y HH:mm",
        "day": "d MMM y",
        "exact": "d MMM y HH:mm:ss",
        "second": "HH:mm:ss",
    }
    return at(parse(moment) if isinstance(moment, str) else moment, patterns[style])


def moment(stored: str) -> str:
    """A stored moment in as few words as tell it: 09:41 today, 23 Nov 09:41 this year, 23 Nov 2025 before."""
    zone = get_timezone()
    return _moment(stored, service().clock().astimezone(zone).date(), language(), zone)


@lru_cache(maxsize=2_000)
def _moment(stored: str, today: date, language: str, zone: tzinfo) -> str:
    moment = parse(stored)
    day = moment.astimezone(zone).date()
    if day == today:
        return _at(moment, "HH:mm:ss", language, zone)
    return _at(moment, "d MMM HH:mm" if day.year == today.year else "d MMM y", language, zone)


def clock(stored: str, beside: str = "") -> str:
    """A stored moment for a sentence: 10:02 on the day of `beside` (today when left out), else 23 Nov 10:02."""
    local = to_user_timezone(parse(stored))
    other = to_user_timezone(parse(beside) if beside else service().clock())
    # Indonesian says of a number that it is a time of the day; there is no other word before it, as in English.
    time = "'pukul' HH:mm" if language() == "id" else "HH:mm"
    if local.date() == other.date():
        return at(parse(stored), time)
    return at(parse(stored), f"d MMM {time}" if local.year == other.year else f"d MMM y {time}")


def number(value: int | float | Decimal) -> str:
    """A number with the reader's separators."""
    return decimal(value, language())


def decimal(value: int | float | Decimal, language: str) -> str:
    """A number with the separators of a language."""
    # Some pages have thousands of whole numbers, and babel takes its time.
    if isinstance(value, int) and value >= 0 and (mark := _thousands(language)):
        return f"{value:,}".replace(",", mark)
    return format_decimal(value, locale=language)


def whole_typed(text: str) -> int | None:
    """The whole number that was typed, thousands apart or not; None for an empty field, -1 for what is no number."""
    text = text.strip()
    if not text:
        return None
    return int(re.sub(r"\D", "", text)) if _GROUPED.fullmatch(text) else -1


@lru_cache
def _thousands(locale: str) -> str:
    """What stands between the thousands where nothing else about whole numbers differs from English, else ""."""
    mark = get_group_symbol(locale)
    usual = all(
        format_decimal(n, locale=locale) == f"{n:,}".replace(",", mark) for n in (1234, 56789, 1234567890)
    )
    return mark if usual else ""


def size(count: int) -> str:
    """A number of bytes in a unit people read: 84 kB, 2.1 MB."""
    if count < 1000:
        return gettext("%(n)s bytes", n=number(count))
    if count < 1_000_000:
        return gettext("%(n)s kB", n=number(round(count / 1000)))
    if count < 1_000_000_000:
        return gettext("%(n)s MB", n=number(round(count / 1_000_000, 1)))
    return gettext("%(n)s GB", n=number(round(count / 1_000_000_000, 1)))


def duration(seconds: float) -> str:
    """A time to wait in the words people use: 53 s, 2 min 53 s, 3 h 20 min, 3 days 4 h."""
    whole = round(seconds)
    if whole < 60:
        return gettext("%(s)s s", s=whole)
    if whole < 3600:
        return gettext("%(m)s min %(s)s s", m=whole // 60, s=whole % 60)
    if whole < 48 * 3600:
        return gettext("%(h)s h %(m)s min", h=whole // 3600, m=whole % 3600 // 60)
    return gettext("%(d)s days %(h)s h", d=whole // 86400, h=whole % 86400 // 3600)


def drawn(state: str | None, word_only: bool = False, meaning: bool = False) -> Markup:
    """A state as a pill, its word alone, or the sentence that says what it means; drawn once, for there are few."""
    return _drawn(language(), state or "", "why" if meaning else "word" if word_only else "pill")


@lru_cache(maxsize=500)
def _drawn(language: str, state: str, part: str) -> Markup:  # noqa: ARG001 – what is kept differs by it
    return _by_macro("drawn_anew", state, part)


def bar(counts: Mapping[str, int], total: int) -> Markup:
    """How mails are doing as one bar made of their states. counts: by state; total: how many the whole bar is."""
    return _bar(language(), tuple(counts.items()), total)


@lru_cache(maxsize=300)
def _bar(language: str, counts: tuple[tuple[str, int], ...], total: int) -> Markup:  # noqa: ARG001 – as above
    return _by_macro("bar_anew", dict(counts), total)


def _by_macro(name: str, *arguments: object) -> Markup:
    parts: Any = current_app.jinja_env.get_template("_parts.html").module
    return Markup(getattr(parts, name)(*arguments))  # noqa: S704 – the macro has escaped it


_ROLES = {
    "admin": N_("Admin"),
    "sender": N_("Sender"),
    "editor": N_("Template editor"),
    "viewer": N_("Viewer"),
}


def role_word(role: str) -> str:
    """A role as people call it."""
    return gettext(_ROLES.get(role, role))


def _catalogue() -> NullTranslations:
    return _catalogues.get(language()) or _catalogues.setdefault(language(), get_translations())


_catalogues: dict[str, NullTranslations] = {}


def init(app: Flask) -> None:
    """Makes the filters known to the page templates, and lets them find each language's sentences at once."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda sentence: _catalogue().gettext(sentence),
        lambda one, several, n: _catalogue().ngettext(one, several, n),
        newstyle=True,
        pgettext=lambda context, sentence: _catalogue().pgettext(context, sentence),
        npgettext=lambda context, one, several, n: _catalogue().npgettext(context, one, several, n),
    )
    app.jinja_env.filters.update(
        said=said,
        drawn=drawn,
        bar=bar,
        when=when,
        moment=moment,
        clock=clock,
        number=number,
        size=size,
        duration=duration,
        role_word=role_word,
    )
