"""Style: every part that pages are made of, once, in both themes' colours; for whoever builds a page."""

import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, current_app

from mailroom.figures import Figures, Line
from mailroom.periods import Range
from views.chart import Chart, chart
from views.here import show

blueprint = Blueprint("style", __name__, url_prefix="/style")

STATES = (
    "queued", "scheduled", "sending", "accepted", "delivered", "opened", "unknown", "undecided", "failed", "rejected",
    "gave_up", "lost", "skipped", "cancelled", "test", "report", "found", "running", "looking_up", "to_decide",
    "paused", "finished", "ok", "unchecked", "stopped", "expired", "signed_in", "invited", "lapsed", "disabled",
)  # fmt: skip
# Words and the ground that they stand on.
PAIRS = (
    ("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"), ("accent", "card"), ("on-accent", "accent"),
    ("wait", "wait-ground"), ("go", "go-ground"), ("ask", "ask-ground"), ("good", "good-ground"),
    ("seen", "seen-ground"), ("warn", "warn-ground"), ("bad", "bad-ground"),
)  # fmt: skip
COUNTS = {"delivered": 420, "opened": 180, "accepted": 90, "undecided": 6, "failed": 24}
_TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


@blueprint.get("/")
def index() -> Response:
    """The page."""
    return show("style/index.html", states=STATES, pairs=_pairs(), counts=COUNTS, chart=_chart())


def _chart() -> Chart:
    """A week, of numbers made up."""
    days = [date(2026, 11, 23) + timedelta(days=n) for n in range(7)]
    figures = [Figures({state: n * (at % 3 + 1) for state, n in COUNTS.items()}) for at in range(7)]
    return chart([Line("", "", one, Range(day, day)) for day, one in zip(days, figures, strict=True)], "day")


@cache
def _pairs() -> list[tuple[str, str, float, float]]:
    """For each pair: word, ground, and the contrast of the two in light and in dark."""
    css = (Path(current_app.static_folder or "") / "mailroom.css").read_text()
    tokens = {name: values for name, *values in _TOKEN.findall(css)}
    return [
        (word, ground, *(round(_contrast(tokens[word][at], tokens[ground][at]), 1) for at in (0, 1)))  # type: ignore[misc]
        for word, ground in PAIRS
    ]


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
