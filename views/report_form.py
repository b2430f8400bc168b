"""What a person asks a report for: read from the address, checked, and written into links again."""

from dataclasses import dataclass
from datetime import date

from flask import request

from mailroom import periods, reports
from mailroom.figures import Narrowed
from mailroom.periods import Range
from mailroom.problems import Problem
from mailroom.reports import By
from views.here import LARGEST

USUAL = "30-days"


@dataclass(frozen=True)
class Asked:
    """A question to the reports, as it stands in the address.

    within: the days, those of the usual range where they cannot be read; errors says then why, by field.
    preset: the name of the range, "" when its days were chosen. first, last: the days as they were typed.
    """

    within: Range
    preset: str
    first: str
    last: str
    by: By
    only: Narrowed
    errors: dict[str, Problem]

    def args(self, **other: object) -> dict[str, object]:
        """The question as the values of an address, with some of them others; None leaves one out."""
        days = {"preset": self.preset} if self.preset else {"from": self.first, "to": self.last}
        same = {
            **days,
            "by": self.by,
            "template": self.only.template_id,
            "sender": self.only.sender or None,
            "person": self.only.user_id,
        }
        if "preset" in other or "from" in other:
            same = {key: value for key, value in same.items() if key not in ("preset", "from", "to")}
        return {**same, **other}


def asked(today: date) -> Asked:
    """The question in the address of this request; what nobody could have chosen there is left out."""
    args = request.args
    first, last = args.get("from", "").strip()[:40], args.get("to", "").strip()[:40]
    preset = args.get("preset", "")
    errors: dict[str, Problem] = {}
    if first or last:
        preset = ""
        try:
            within = periods.typed(first, last)
        except Problem as problem:
            within, errors = periods.preset(USUAL, today), {problem.field: problem}
    else:
        preset = preset if preset in periods.PRESETS else USUAL
        within = periods.preset(preset, today)
        first, last = str(within.first), str(within.last)
    by: By = next((by for by in reports.GROUPS if by == args.get("by")), within.unit())
    only = Narrowed(_id(args.get("template", "")), args.get("sender", "")[:320], _id(args.get("person", "")))
    return Asked(within, preset, first, last, by, only, errors)


def _id(text: str) -> int | None:
    return (
        int(text) if text.isascii() and text.isdecimal() and len(text) < 19 and int(text) <= LARGEST else None
    )
