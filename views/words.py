"""How sentences, times and numbers are written for a person, and in which language: filters for the page templates."""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal, get_group_symbol
from flask import Flask, current_app, has_request_context, request, session
from flask_babel import format_datetime, get_locale, gettext, to_user_timezone
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


def at(moment: datetime, pattern: str) -> str:
    """A moment in the team's zone after a pattern of babel's, between hours and minutes what the language has there."""
    return format_datetime(moment, pattern.replace(":", colon()))


def colon() -> str:
    """What stands between hours and minutes: 09:41 in English, 09.41 in Indonesian."""
    locale = get_locale()
    return str(locale.number_symbols["latn"].get("timeSeparator", ":")) if locale else ":"


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
    local, today = to_user_timezone(parse(stored)), to_user_timezone(service().clock())
    if local.date() == today.date():
        return at(parse(stored), "HH:mm:ss")
    return at(parse(stored), "d MMM HH:mm" if local.year == today.year else "d MMM y")


def clock(stored: str, beside: str = "") -> str:
    """A stored moment for a sentence: 10:02 on the day of `beside` (today when left out), else 23 Nov 10:02."""
    local = to_user_timezone(parse(stored))
    other = to_user_timezone(parse(beside) if beside else service().clock())
    # Indonesian says of a number that it is a time of the day; there is no other word before it, as in English.
    time = "'pukul' HH:mm" if str(get_locale()) == "id" else "HH:mm"
    if local.date() == other.date():
        return at(parse(stored), time)
    return at(parse(stored), f"d MMM {time}" if local.year == other.year else f"d MMM y {time}")


def number(value: int | float | Decimal) -> str:
    """A number with the reader's separators."""
    return _decimal(value, str(get_locale()))


def whole_typed(text: str) -> int | None:
    """The whole number that was typed, thousands apart or not; None for an empty field, -1 for what is no number."""
    text = text.strip()
    if not text:
        return None
    return int(re.sub(r"\D", "", text)) if _GROUPED.fullmatch(text) else -1


@lru_cache(maxsize=10_000)
def _decimal(value: int | float | Decimal, locale: str) -> str:
    # Some pages have thousands of numbers, and babel takes its time.
    if isinstance(value, int) and value >= 0 and (mark := _thousands(locale)):
        return f"{value:,}".replace(",", mark)
    return format_decimal(value, locale=locale)


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
    return _drawn(str(get_locale()), state or "", "why" if meaning else "word" if word_only else "pill")


@lru_cache(maxsize=500)
def _drawn(language: str, state: str, part: str) -> Markup:  # noqa: ARG001 – what is kept differs by it
    parts: Any = current_app.jinja_env.get_template("_parts.html").module
    return Markup(parts.drawn_anew(state, part))  # noqa: S704 – the macro has escaped it


_ROLES = {
    "admin": N_("Admin"),
    "sender": N_("Sender"),
    "editor": N_("Template editor"),
    "viewer": N_("Viewer"),
}


def role_word(role: str) -> str:
    """A role as people call it."""
    return gettext(_ROLES.get(role, role))


def init(app: Flask) -> None:
    """Makes the filters known to the page templates."""
    app.jinja_env.filters.update(
        said=said,
        drawn=drawn,
        when=when,
        moment=moment,
        clock=clock,
        number=number,
        size=size,
        duration=duration,
        role_word=role_word,
    )
