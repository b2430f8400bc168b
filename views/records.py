"""Sentences of the record, which keeps them in English, filled in: what was written stays. Pages translate them."""

import re
from functools import cache

from flask_babel import get_locale, gettext

from mailroom import claims, decisions, evidence, outcomes, settle

# What was filled in is found again by the words around it; a sentence that ends in another one comes first.
_FILLED = (
    settle.POLICY_WHY,
    settle.NOT_IN_TIME,
    evidence.FOUND,
    evidence.ABSENT,
    decisions.COUNTED,
    decisions.SENT_AGAIN,
    claims.FAULTS,
    outcomes.OTHERS_ID,
)


def said(text: str) -> str:
    """The sentence in the reader's language; as it is when it is none of ours, such as the gateway's own words."""
    translated = gettext(text)
    if translated != text or str(get_locale()) == "en":
        return translated
    for template, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return gettext(template, **{name: said(value) for name, value in found.groupdict().items()})
    return text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    hole = re.compile(r"%\\\((\w+)\\\)s|%\((\w+)\)s")
    return tuple(
        (
            template,
            re.compile(hole.sub(lambda at: f"(?P<{at[1] or at[2]}>.+?)", re.escape(template)), re.DOTALL),
        )
        for template in _FILLED
    )
