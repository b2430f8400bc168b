"""The chart of a report: stacked bars as shares of the drawing's width and height, drawn by `reports/_chart.html`."""

from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mailroom.figures import Line
from mailroom.periods import Unit
from views.report_words import Pen

# What is stacked, from the bottom: its name, which also names colour and pattern, its word, and the states it adds up.
STACK = (
    ("delivered", _l("Delivered, not opened"), ("delivered",)),
    ("opened", _l("Opened"), ("opened",)),
    ("accepted", _l("Not known yet"), ("accepted",)),
    ("undecided", _l("Undecided"), ("unknown", "undecided")),
    ("failed", _l("Not delivered"), ("failed", "lost")),
    ("rejected", _l("Refused"), ("rejected", "gave_up")),
)
# Of labels below the bars.
MOST_LABELS = 12
GAP = 0.24


class Bar(NamedTuple):
    """One bar. x, width, middle: percent of the width; pieces, from the bottom: name, y and height in percent of the
    height. says: its days and its numbers.

    label: the words below it, "" when they have no room; wide: whether they have it on a desk alone.
    """

    x: float
    width: float
    middle: float
    pieces: list[tuple[str, float, float]]
    says: str
    label: str
    wide: bool


class Chart(NamedTuple):
    """All bars. ticks: how many mails each line across stands for, and its y in percent; totals: of what is stacked
    and not nothing, its name, word and number."""

    bars: list[Bar]
    ticks: list[tuple[int, float]]
    totals: list[tuple[str, str, str]]


def chart(lines: list[Line], unit: Unit) -> Chart:
    """The chart of these lines, side by side in their order. unit: what each of them is."""
    counts = [[_sum(line, states) for *_rest, states in STACK] for line in lines]
    most = max((sum(each) for each in counts), default=0)
    step = _step(most)
    top = step * max(1, -(-most // step))
    pen = Pen()
    stack = [(name, str(word)) for name, word, _states in STACK]
    totals = [sum(each) for each in zip(*counts, strict=True)] or [0] * len(STACK)
    return Chart(
        _bars(lines, unit, counts, top, pen, [word for _name, word in stack]),
        [(at, round(100 - 100 * at / top, 3)) for at in range(0, top + 1, step)],
        [(name, word, pen.number(n)) for (name, word), n in zip(stack, totals, strict=True) if n],
    )


def _bars(
    lines: list[Line], unit: Unit, counts: list[list[int]], top: int, pen: Pen, words: list[str]
) -> list[Bar]:
    width = 100 / max(1, len(lines))
    every = max(1, -(-len(lines) // MOST_LABELS))
    nothing = _("no mail")
    bars = []
    for n, (line, each) in enumerate(zip(lines, counts, strict=True)):
        x = (n + GAP / 2) * width
        says = ", ".join(
            [f"{word} {pen.number(many)}" for word, many in zip(words, each, strict=True) if many]
        )
        bars.append(
            Bar(
                round(x, 3),
                round(width * (1 - GAP), 3),
                round(x + width * (1 - GAP) / 2, 3),
                _pieces(each, top),
                f"{pen.label(line, unit)}: {says or nothing}",
                "" if n % every else pen.tick(line, unit),
                bool(n % (every * 3)),
            )
        )
    return bars


def _pieces(counts: list[int], top: int) -> list[tuple[str, float, float]]:
    pieces: list[tuple[str, float, float]] = []
    below = 0
    for (name, *_rest), n in zip(STACK, counts, strict=True):
        below += n
        if n:
            # However few they are, they can be seen.
            pieces.append((name, round(100 - 100 * below / top, 3), round(max(100 * n / top, 0.5), 3)))
    return pieces


def _step(most: int) -> int:
    """How far the lines across are apart: 1, 2 or 5 with noughts, so that there are three to six of them."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if most <= step * factor * 5:
                return step * factor
        step *= 10


def _sum(line: Line, states: tuple[str, ...]) -> int:
    counts = line.figures.counts
    return sum([counts[state] for state in states if state in counts])
