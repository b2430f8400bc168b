"""What reports count: the figures, what they are narrowed to, and the rows they stand in."""

from dataclasses import dataclass, field

from mailroom.periods import Range

# Which states each figure of a report adds up.
FIGURES = {
    "sent": ("accepted", "delivered", "opened", "failed", "lost"),
    "delivered": ("delivered", "opened"),
    "opened": ("opened",),
    "failed": ("failed", "lost"),
    "refused": ("rejected", "gave_up"),
    "undecided": ("unknown", "undecided"),
    "pending": ("accepted",),
    "unsent": ("cancelled", "skipped"),
}

_FIGURES_OF = {
    state: tuple(figure for figure, states in FIGURES.items() if state in states)
    for states in FIGURES.values()
    for state in states
}
COUNTED = tuple(_FIGURES_OF)


@dataclass(frozen=True)
class Narrowed:
    """To which mails a report is narrowed: those of one template, sender address or person; all when nothing is set."""

    template_id: int | None = None
    sender: str = ""
    user_id: int | None = None

    def __bool__(self) -> bool:
        return self.template_id is not None or bool(self.sender) or self.user_id is not None


ALL = Narrowed()


@dataclass(frozen=True)
class Figures:
    """What became of some mails. counts: by state as shown. median: seconds until delivered, or None when not known."""

    counts: dict[str, int] = field(default_factory=dict)
    median: int | None = None

    def __getitem__(self, figure: str) -> int:
        counts = self.counts
        return sum([counts[state] for state in FIGURES[figure] if state in counts])

    def each(self) -> dict[str, int]:
        """Every figure by its name, added up in one go: a page has hundreds of rows."""
        found = dict.fromkeys(FIGURES, 0)
        for state, n in self.counts.items():
            for figure in _FIGURES_OF.get(state, ()):
                found[figure] += n
        return found

    def __bool__(self) -> bool:
        return any(self.counts.values())

    @property
    def total(self) -> int:
        """All mails counted, whatever became of them."""
        return sum(self.counts.values())

    @property
    def rate(self) -> float | None:
        """The share of the mails handed over that were delivered, 0 to 1; None without any."""
        sent = self["sent"]
        return self["delivered"] / sent if sent else None

    @property
    def open_rate(self) -> float | None:
        """The share of the mails delivered that were opened, 0 to 1; None without any."""
        delivered = self["delivered"]
        return self["opened"] / delivered if delivered else None


@dataclass(frozen=True)
class Line:
    """One row of a report: what it is about, and the figures.

    key: the id, address or domain behind the row; `name`: what it is called, "" for a time.
    within: the days, for a row that is a day, a week or a month.
    """

    key: str
    name: str
    figures: Figures
    within: Range | None = None
