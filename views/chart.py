"""The chart of a report: stacked bars as shares of the drawing's width and height, drawn by `reports/_chart.html`."""

from dataclasses import dataclass

from mailroom.figures import Line

# What is stacked, from the bottom: its name, which also names colour and pattern, and the states it adds up.
STACK = (
    ("delivered", ("delivered",)),
    ("opened", ("opened",)),
    ("accepted", ("accepted",)),
    ("undecided", ("unknown", "undecided")),
    ("failed", ("failed", "lost")),
    ("rejected", ("rejected", "gave_up")),
)
# Of labels below the bars.
MOST_LABELS = 12
GAP = 0.24


@dataclass(frozen=True)
class Bar:
    """One bar. x, width: percent of the width; pieces, from the bottom: name, y and height in percent of the
    height, and how many mails it stands for.

    labelled: 2 when its label fits on a phone too, 1 when only on a desk, 0 when it has no room.
    """

    line: Line
    x: float
    width: float
    pieces: tuple[tuple[str, float, float, int], ...]
    labelled: int


@dataclass(frozen=True)
class Chart:
    """All bars. ticks: how many mails each line across stands for, and its y in percent; totals: by what is stacked."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, float], ...]
    totals: dict[str, int]


def chart(lines: list[Line]) -> Chart:
    """The chart of these lines, side by side in their order."""
    counts = [[_sum(line, states) for _, states in STACK] for line in lines]
    step = _step(max((sum(each) for each in counts), default=0))
    top = step * max(1, -(-max((sum(each) for each in counts), default=0) // step))
    width = 100 / max(1, len(lines))
    every = max(1, -(-len(lines) // MOST_LABELS))
    bars = tuple(
        Bar(
            line,
            round((n + GAP / 2) * width, 3),
            round(width * (1 - GAP), 3),
            tuple(_pieces(counts[n], top)),
            0 if n % every else 1 if n % (every * 3) else 2,
        )
        for n, line in enumerate(lines)
    )
    ticks = tuple((at, round(100 - 100 * at / top, 3)) for at in range(0, top + 1, step))
    totals = {name: sum(each[n] for each in counts) for n, (name, _) in enumerate(STACK)}
    return Chart(bars, ticks, totals)


def _pieces(counts: list[int], top: int) -> list[tuple[str, float, float, int]]:
    pieces: list[tuple[str, float, float, int]] = []
    below = 0
    for (name, _), n in zip(STACK, counts, strict=True):
        below += n
        if n:
            # However few they are, they can be seen.
            pieces.append((name, round(100 - 100 * below / top, 3), round(max(100 * n / top, 0.5), 3), n))
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
    return sum(line.figures.counts.get(state, 0) for state in states)
