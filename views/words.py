"""How sentences, times and numbers are written for a person: filters for the page templates."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from flask import Flask, current_app
from flask_babel import format_datetime, get_locale, gettext, to_user_timezone
from markupsafe import Markup

from mailroom.problems import Problem, Sentence
from mailroom.times import parse
from views.here import service


def said(sentence: Sentence | Problem | str) -> str:
    """The sentence in the reader's language, its values filled in after translation."""
    if isinstance(sentence, Problem):
        sentence = sentence.sentence
    if isinstance(sentence, str):
        return gettext(sentence) if sentence else ""
    return gettext(sentence.text, **dict(sentence.values)) if sentence.values else gettext(sentence.text)


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
    return format_datetime(parse(moment) if isinstance(moment, str) else moment, patterns[style])


def moment(stored: str) -> str:
    """A stored moment in as few words as tell it: 09:41 today, 23 Nov 09:41 this year, 23 Nov 2025 before."""
    local, today = to_user_timezone(parse(stored)), to_user_timezone(service().clock())
    if local.date() == today.date():
        return format_datetime(parse(stored), "HH:mm:ss")
    return format_datetime(parse(stored), "d MMM HH:mm" if local.year == today.year else "d MMM y")


def clock(stored: str, beside: str = "") -> str:
    """A stored moment for a sentence: 10:02 on the day of `beside` (today when left out), else 23 Nov 10:02."""
    local = to_user_timezone(parse(stored))
    other = to_user_timezone(parse(beside) if beside else service().clock())
    if local.date() == other.date():
        return format_datetime(parse(stored), "HH:mm")
    return format_datetime(parse(stored), "d MMM HH:mm" if local.year == other.year else "d MMM y HH:mm")


def number(value: int | float | Decimal) -> str:
    """A number with the reader's separators."""
    return _decimal(value, str(get_locale()))


@lru_cache(maxsize=10_000)
def _decimal(value: int | float | Decimal, locale: str) -> str:
    # Some pages have thousands of numbers, and babel takes its time.
    return format_decimal(value, locale=locale)


def size(count: int) -> str:
    """A number of bytes in a unit people read: 84 kB, 2.1 MB."""
    if count < 1000:
        return gettext("%(n)s bytes", n=number(count))
    if count < 1_000_000:
        return gettext("%(n)s kB", n=number(round(count / 1000)))
    return gettext("%(n)s MB", n=number(round(count / 1_000_000, 1)))


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


def drawn(state: str | None, word_only: bool = False) -> Markup:
    """A state as a pill, or its word alone, in the reader's language; drawn once, for there are few states."""
    return _drawn(str(get_locale()), state or "", word_only)


@lru_cache(maxsize=500)
def _drawn(language: str, state: str, word_only: bool) -> Markup:  # noqa: ARG001 – what is kept differs by it
    parts: Any = current_app.jinja_env.get_template("_parts.html").module
    return Markup(parts.drawn_anew(state, word_only))  # noqa: S704 – the macro has escaped it


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
    )
