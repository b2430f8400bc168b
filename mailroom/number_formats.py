"""Numbers, dates and times of a spreadsheet's cells, written as an Indonesian Excel shows them.

Format codes are those of Office Open XML (ECMA-376 part 1, 18.8.30 and 18.8.31).
"""

import datetime
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

# By the ids that every workbook knows without naming them; the dates among them as Indonesia writes them.
BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "dd/mm/yyyy", 15: "d-mmm-yy",
    16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "dd/mm/yyyy h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)", 41: "#,##0;-#,##0", 42: '"Rp"#,##0;-"Rp"#,##0', 43: "#,##0.00;-#,##0.00",
    44: '"Rp"#,##0.00;-"Rp"#,##0.00', 45: "mm:ss", 46: "[h]:mm:ss",
}  # fmt: skip

_MONTHS = {
    "id": [
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_DAYS = {
    "id": ["Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}
_SHORT = {"Agustus": "Agu"}
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[\$(?P<currency>[^\]-]*)(?:-(?P<locale>[^\]]*))?\]'
    r"|(?P<elapsed>\[(?:h+|m+|s+)\])|\[[^\]]*\]"
    r"|(?P<noon>AM/PM|A/P)|(?P<fraction>\.0+(?=[^0#?]|$))|(?P<date>y+|m+|d+|h+|s+)|(?P<number>[0#?.,%]|E[+-])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
# Conditions, fractions and powers of ten, and what follows the number's own form.
_BEYOND = re.compile(r"\[[<>=]|[0#?]\s*/\s*[0#?\d]|E[+-]|general|^\s*@?\s*$", re.IGNORECASE)
_MOST = 1e21
_LONGEST = 200

Value = float | datetime.date | datetime.time | datetime.timedelta


class _Part(NamedTuple):
    """One piece of a format. kind: a group of _TOKEN, or `literal`."""

    kind: str
    text: str


_LONG_DATE = (
    _Part("date", "dd"), _Part("literal", " "), _Part("date", "mmmm"), _Part("literal", " "), _Part("date", "yyyy"),
)  # fmt: skip


class _Form(NamedTuple):
    """How a section writes a number.

    zeros: digits before the point at least. most, least: digits behind it. shift: powers of ten that it is shown
    larger. wholes, point: the places of the marks among the parts. apart: whether literals stand between the marks.
    """

    zeros: int
    grouped: bool
    most: int
    least: int
    shift: int
    wholes: tuple[int, ...]
    point: int
    apart: bool


class _Section(NamedTuple):
    parts: tuple[_Part, ...]
    language: str
    is_date: bool
    form: _Form | None


def plain(value: Value) -> str:
    """The value of a cell that says nothing of its look: no `1.0`, no `1e+20`, days before months."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        value = _whole_seconds(value)
        return (
            f"{value:%d/%m/%Y} {_clock(value.time())}"
            if value.time() != datetime.time()
            else f"{value:%d/%m/%Y}"
        )
    if isinstance(value, datetime.date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, datetime.time):
        return _clock(_whole_seconds(datetime.datetime.combine(datetime.date(2000, 1, 1), value)).time())
    if isinstance(value, datetime.timedelta):
        return _duration(value)
    return _general(value)


@lru_cache(8192, typed=True)
def shown(value: Value, code: str) -> str:
    """The value as a cell with this format code shows it; as `plain` says it where the code is not understood."""
    try:
        sections = _sections(code)
        if isinstance(value, bool) or not sections:
            return plain(value)
        if isinstance(value, int | float):
            return _number(float(value), sections)
        section = sections[0]
        needs_day = any(part.kind == "date" and part.text[0] in "yYdD" for part in section.parts)
        if not section.is_date or (needs_day and not isinstance(value, datetime.date)):
            return plain(value)
        return _date(value, section)
    except (ArithmeticError, ValueError, IndexError):
        return plain(value)


def _general(value: float) -> str:
    if not isfinite(value):
        return "#NUM!"
    if value == int(value) and abs(value) < _MOST:
        return str(int(value))
    # 15 digits are what a spreadsheet knows; the sixteenth is noise of the binary form.
    text = f"{value:.15g}"
    if "e" in text and abs(value) < 1:
        text = f"{value:.20f}".rstrip("0").rstrip(".")
    return text.replace(".", ",")


def _clock(time: datetime.time) -> str:
    return f"{time:%H:%M:%S}" if time.second else f"{time:%H:%M}"


def _duration(value: datetime.timedelta) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{sign}{hours}:{minutes:02}" + (f":{rest:02}" if rest else "")


def _whole_seconds(value: datetime.datetime) -> datetime.datetime:
    # A time of day is a fraction in the file, and 10:00:00 may come as 09:59:59.999999.
    return (value + datetime.timedelta(microseconds=500_000)).replace(microsecond=0)


@lru_cache(512)
def _sections(code: str) -> tuple[_Section, ...]:
    """What the code says for numbers above, below and equal to zero; nothing when it is beyond this module."""
    if len(code) > _LONGEST or _BEYOND.search(code):
        return ()
    sections: list[_Section] = []
    parts: list[_Part] = []
    language = "id"
    for token in _TOKEN.finditer(code):
        kind = token.lastgroup or ""
        if token["other"] == ";":
            sections.append(_section(parts, language))
            parts = []
        elif kind == "locale":
            language = "en" if _is_english(token["locale"]) else "id"
            if token["locale"].upper().startswith("F8"):
                # “The long date of this computer”, whatever follows.
                return (_section(_LONG_DATE, "id"),)
            parts.append(_Part("literal", token["currency"]))
        else:
            known = kind in ("date", "number", "noon", "elapsed", "fraction")
            parts.append(_Part(kind if known else "literal", token[kind] if kind else ""))
    sections.append(_section(parts, language))
    return tuple(sections) if sections[0].is_date or sections[0].form or len(sections) > 1 else ()


def _section(parts: Sequence[_Part], language: str) -> _Section:
    kinds = {part.kind for part in parts}
    is_date = bool(kinds & {"date", "elapsed"})
    is_number = "number" in kinds or (not is_date and "fraction" in kinds)
    return _Section(tuple(parts), language, is_date, _form(parts) if is_number else None)


def _form(parts: Sequence[_Part]) -> _Form:
    marks = [at for at, part in enumerate(parts) if part.kind in ("number", "fraction") and part.text != "%"]
    whole_code, _, decimals_code = "".join(parts[at].text for at in marks).partition(".")
    # Commas behind the last digit leave out three digits each; others group.
    scale = len(whole_code) - len(whole_code.rstrip(",")) if not decimals_code else 0
    point = next((at for at in marks if parts[at].text[0] == "."), len(parts))
    wholes = tuple(at for at in marks if at < point and parts[at].text in "0#?")
    return _Form(
        zeros=whole_code.count("0"),
        grouped="," in whole_code.rstrip(","),
        most=min(sum(map(decimals_code.count, "0#?")), 15),
        least=decimals_code.count("0"),
        shift=2 * sum(part.text == "%" and part.kind == "number" for part in parts) - 3 * scale,
        wholes=wholes,
        point=point,
        apart=bool(wholes)
        and any(part.kind == "literal" and part.text for part in parts[wholes[0] : wholes[-1]]),
    )


def _is_english(locale: str) -> bool:
    return locale.lower().startswith("en") or locale[-3:].lower() in ("409", "809", "c09")


def _number(value: float, sections: tuple[_Section, ...]) -> str:
    section, sign = sections[0], ""
    if value < 0:
        if len(sections) > 1:
            section = sections[1]
        else:
            sign = "-"
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    if section.is_date or not isfinite(value) or abs(value) >= _MOST:
        return plain(value)
    form = section.form
    if form is None:
        return "".join(part.text for part in section.parts).strip() or plain(value)
    whole, decimals = _digits(abs(value), form)
    if not (whole + decimals).strip("0"):
        sign = ""
    return sign + _filled(section, form, whole, decimals).strip()


def _digits(value: float, form: _Form) -> tuple[str, str]:
    if value == int(value) and not form.shift:
        whole, decimals = str(int(value)), "0" * form.most
    else:
        # Half a unit goes up, as people round, and not to the even neighbour.
        exact = Decimal(repr(value)).scaleb(form.shift)
        rounded = exact.quantize(Decimal(1).scaleb(-form.most), ROUND_HALF_UP)
        whole, _, decimals = f"{rounded:f}".partition(".")
    decimals = decimals[: form.least] + decimals[form.least :].rstrip("0")
    whole = whole.lstrip("0").rjust(form.zeros, "0")
    return (f"{int(whole):,}".replace(",", ".") if form.grouped and whole else whole), decimals


def _filled(section: _Section, form: _Form, whole: str, decimals: str) -> str:
    """The section's literals with the digits in place of their marks."""
    out = []
    wholes = form.wholes
    for at, part in enumerate(section.parts):
        if part.kind == "literal" or part.text == "%":
            out.append(part.text)
        elif form.apart and at in wholes:
            # A telephone or account number such as 0000-0000: its digits are dealt out from the end.
            after = len(wholes) - wholes.index(at)
            piece = whole[: -(after - 1) or None] if at == wholes[0] else whole[-after : -(after - 1) or None]
            out.append(piece)
        elif not form.apart and wholes and at == wholes[0]:
            out.append(whole)
        elif at == form.point:
            out.append(("" if wholes else whole) + ("," + decimals if decimals else ""))
    return "".join(out)


def _date(value: datetime.date | datetime.time | datetime.timedelta, section: _Section) -> str:
    elapsed = value if isinstance(value, datetime.timedelta) else None
    moment = _moment(value)
    noon = any(part.kind == "noon" for part in section.parts)
    dated = [at for at, part in enumerate(section.parts) if part.kind in ("date", "elapsed")]
    out = []
    for at, part in enumerate(section.parts):
        if part.kind == "date":
            out.append(
                _date_part(moment, part.text.lower(), _is_minute(section.parts, dated, at), noon, section)
            )
        elif part.kind == "elapsed":
            seconds = round(elapsed.total_seconds()) if elapsed else moment.hour * 3600 + moment.minute * 60
            unit = {"h": 3600, "m": 60, "s": 1}[part.text[1].lower()]
            out.append(str(seconds // unit).rjust(len(part.text) - 2, "0"))
        elif part.kind == "noon":
            out.append("AM" if moment.hour < 12 else "PM")
        elif part.kind == "literal" or part.text in ".,":
            out.append(part.text)
    return "".join(out).strip()


def _moment(value: datetime.date | datetime.time | datetime.timedelta) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return _whole_seconds(value)
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    if isinstance(value, datetime.time):
        return _whole_seconds(datetime.datetime.combine(datetime.date(1899, 12, 31), value))
    midnight = datetime.datetime.combine(datetime.date(1899, 12, 31), datetime.time())
    return midnight + datetime.timedelta(seconds=round(value.total_seconds()))


def _is_minute(parts: Sequence[_Part], dated: list[int], at: int) -> bool:
    # The same letter means months, unless hours stand before it or seconds behind.
    here = dated.index(at)
    before = parts[dated[here - 1]].text.lower().strip("[") if here else ""
    after = parts[dated[here + 1]].text.lower() if here + 1 < len(dated) else ""
    return before.startswith("h") or after.startswith("s")


def _date_part(moment: datetime.datetime, code: str, minute: bool, noon: bool, section: _Section) -> str:
    letter, size = code[0], len(code)
    if letter == "y":
        return f"{moment.year % 100:02}" if size <= 2 else f"{moment.year:04}"
    if letter == "m" and not minute and size > 2:
        name = _MONTHS[section.language][moment.month - 1]
        return name if size == 4 else name[0] if size == 5 else _SHORT.get(name, name[:3])
    if letter == "d" and size > 2:
        name = _DAYS[section.language][moment.weekday()]
        return name if size > 3 else name[:3]
    hour = (moment.hour % 12 or 12) if noon else moment.hour
    number = {"m": moment.minute if minute else moment.month, "d": moment.day, "h": hour, "s": moment.second}[
        letter
    ]
    return f"{number:02}" if size > 1 else str(number)
