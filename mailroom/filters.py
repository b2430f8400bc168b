"""What a template may do to a value before it is filled in: upper, title, number, rupiah and tanggal."""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

from mailroom.problems import Sentence, say
from oca.words import N_

_NO_NUMBER = N_("“%(value)s” is no number; write digits such as 1250 or 1.250,5.")
_NO_AMOUNT = N_("“%(value)s” is no amount of money; write digits such as 1250000.")
_NO_DATE = N_("“%(value)s” is no date; write the day first as in 23/11/2026, or 2026-11-23.")

# Of each filter: a mail has the same value in several places, and a list the same day in many rows.
_KEPT_VALUES = 1024
MAX_DIGITS = 15  # what a spreadsheet keeps exactly
SPACE = "\u00a0"  # the amount never stands on another line than its Rp

_RUPIAH = re.compile(
    r"(?P<minus>-?)\s*(?:(?:Rp|IDR)\.?)?\s*(?P<digits>[-0-9.,]*[0-9])(?:[.,][-–]{1,2})?", re.I
)
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_PLAIN = re.compile(r"0|[1-9][0-9]*")

_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
    "Desember",
)  # fmt: skip
_OTHER_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_SHORT_MONTHS = {"agt": 8, "ags": 8, "agu": 8, "sept": 9, "nop": 11, "pebruari": 2, "nopember": 11, "peb": 2}
_TIME = r"(?:[ T][0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2}(?:\.[0-9]+)?)?)?"
_YEAR_FIRST = re.compile(rf"(?P<year>[12][0-9]{{3}})-(?P<month>[0-9]{{1,2}})-(?P<day>[0-9]{{1,2}}){_TIME}")
_DAY_FIRST = re.compile(
    rf"(?P<day>[0-9]{{1,2}})(?P<sign>[-/.])(?P<month>[0-9]{{1,2}})(?P=sign)(?P<year>[12][0-9]{{3}}){_TIME}"
)
_NAMED = re.compile(
    rf"(?P<day>[0-9]{{1,2}})[- ](?P<month>[a-z]{{3,9}})\.?[- ](?P<year>[12][0-9]{{3}}){_TIME}", re.I
)

_KEPT = frozenset(("PT", "CV", "UD", "RT", "RW", "II", "III", "IV", "TNI", "BUMN", "DKI"))
_PART = re.compile(r"[^\s\-/(.]+")


class Unreadable(ValueError):
    """A value that a filter cannot read, with the sentence that says so."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def upper(value: str) -> str:
    """The value in capital letters."""
    return value.upper()


@lru_cache(_KEPT_VALUES)
def title(value: str) -> str:
    """Every word with one capital letter in front: “SITI AMINAH” and “siti aminah” become “Siti Aminah”.

    A few short forms stay capitals: PT, CV, UD, RT, RW, II, III, IV, TNI, BUMN, DKI. Every other word of capitals
    loses them.
    """
    return _PART.sub(lambda part: _capital(part.group()), value)


@lru_cache(_KEPT_VALUES)
def number(value: str) -> str:
    """The number as Indonesians write it: 1250000.5 becomes 1.250.000,5. Raises Unreadable.

    Read are digits with or without `.` and `,`. Where both stand, the last one is the decimal mark. Where only one
    kind stands, it groups thousands if it could (1.250 and 1,250 are both one thousand two hundred and fifty), and
    is the decimal mark otherwise (12,5 and 1250000.5). A number that begins with a needless 0 is refused: it is a
    telephone number or a code.
    """
    read = _number(value.strip())
    if read is None:
        raise Unreadable(say(_NO_NUMBER, value=_short(value)))
    minus, whole, decimals = read
    return minus + _grouped(whole) + ("," + decimals if decimals.strip("0") else "")


@lru_cache(_KEPT_VALUES)
def rupiah(value: str) -> str:
    """The amount of money with its sign: 1250000 becomes Rp 1.250.000, with two decimals when they are not 00.

    Read are the forms of `number`, with or without Rp or IDR before and ,- behind. The space is one at which no line
    breaks. Raises Unreadable, also for more than two decimals.
    """
    found = _RUPIAH.fullmatch(value.strip().replace(SPACE, " "))
    read = _number(found["digits"]) if found else None
    if found is None or read is None or (found["minus"] and read[0]) or read[2][2:].strip("0"):
        raise Unreadable(say(_NO_AMOUNT, value=_short(value)))
    minus, whole, decimals = read
    cents = "," + decimals[:2].ljust(2, "0") if decimals[:2].strip("0") else ""
    return f"{found['minus'] or minus}Rp{SPACE}{_grouped(whole)}{cents}"


@lru_cache(_KEPT_VALUES)
def tanggal(value: str) -> str:
    """The date as Indonesians write it: 2026-11-23 becomes 23 November 2026; a time behind it is left out.

    Read are 2026-11-23, 23/11/2026, 23-11-2026 and 23.11.2026, always the day before the month, and 23 Nov 2026 with
    an Indonesian or English month. Raises Unreadable, also for a day that no calendar has.
    """
    text = value.strip()
    found = _YEAR_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text) or _NAMED.fullmatch(text)
    try:
        if found is None:
            raise ValueError(value)
        day = date(int(found["year"]), _month(found["month"]), int(found["day"]))
    except ValueError:
        raise Unreadable(say(_NO_DATE, value=_short(value))) from None
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


FILTERS: dict[str, Callable[[str], str]] = {
    "upper": upper,
    "title": title,
    "number": number,
    "rupiah": rupiah,
    "tanggal": tanggal,
}


def _capital(word: str) -> str:
    return word.upper() if word.upper() in _KEPT else word[:1].upper() + word[1:].lower()


def _number(text: str) -> tuple[str, str, str] | None:
    """Sign, digits before and digits after the decimal mark."""
    minus, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    if len(text) > 2 * MAX_DIGITS:
        return None
    if _GROUPED.fullmatch(text) or _PLAIN.fullmatch(text):
        whole, decimals = text, ""
    else:
        at = max(text.rfind("."), text.rfind(","))
        whole, decimals, mark = text[: max(at, 0)], text[at + 1 :], text[at : at + 1]
        if not (_PLAIN.fullmatch(whole) or (_GROUPED.fullmatch(whole) and mark not in whole)):
            return None
        if not re.fullmatch("[0-9]+", decimals):
            return None
    whole = whole.replace(".", "").replace(",", "")
    return (minus, whole, decimals) if len(whole) + len(decimals) <= MAX_DIGITS else None


def _grouped(whole: str) -> str:
    return f"{int(whole):,}".replace(",", ".")


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    text = text.lower()
    if text in _SHORT_MONTHS:
        return _SHORT_MONTHS[text]
    for names in (_MONTHS, _OTHER_MONTHS):
        for place, name in enumerate(names, 1):
            if text in (name.lower(), name[:3].lower()):
                return place
    raise ValueError(text)


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:39] + "…"
