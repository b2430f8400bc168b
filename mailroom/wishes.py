"""What a command asks for, and what it is answered, as both sides of `mailroom.spool` understand it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from mailroom import batches
from mailroom.problems import Sentence

# The names of what goes with a wish.
LIST, ATTACHMENT = "list", "attachment"

Outcome = Literal["queued", "checked", "unusable", "faults", "sent_lately", "approval", "failed"]


@dataclass(frozen=True)
class Wish:
    """What a command asks for.

    template: its name. sender: an address, or `Name <address>`. token: its name. person: the address somebody of the
    team signs in with. name: of the batch. list_name, attachment_name: the files' names. only_good: whether rows with
    faults are left out, instead of nothing being sent. again: whether what was sent lately may be sent again.
    dry_run: whether it is only checked. wait: whether answers go on until nothing waits. "" for what is not said.
    """

    template: str
    list_name: str
    attachment_name: str = ""
    sender: str = ""
    token: str = ""
    name: str = ""
    person: str = ""
    only_good: bool = False
    again: bool = False
    dry_run: bool = False
    wait: bool = False


@dataclass(frozen=True)
class RowFault:
    """What is wrong with a row. row: as a spreadsheet counts. column: its name in the list, or "" for the whole row."""

    row: int
    column: str
    sentence: Sentence


@dataclass(frozen=True)
class Answer:
    """What became of a wish so far.

    outcome: queued; checked (a dry run that found nothing); or why nothing was queued. sentence: in words, "" where
    the numbers say it all. name: of the batch. good, bad: rows of the list; faults: of the first bad ones, by cell.
    page: the address of the batch's own. size, counts, shown: of the batch as it stands. passing: whether who answered
    is a command itself, so that another has to go on when it ends. final: whether nothing more will be said.
    """

    outcome: Outcome
    sentence: Sentence = field(default_factory=lambda: Sentence(""))
    name: str = ""
    good: int = 0
    bad: int = 0
    faults: tuple[RowFault, ...] = ()
    batch_id: int = 0
    page: str = ""
    size: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    shown: str = ""
    passing: bool = False
    final: bool = True

    @classmethod
    def of(cls, document: Any) -> "Answer":
        """The answer that was made such a JSON object by `asdict`."""
        faults = tuple(
            RowFault(each["row"], each["column"], _sentence(each["sentence"])) for each in document["faults"]
        )
        return cls(**{**document, "sentence": _sentence(document["sentence"]), "faults": faults})

    @property
    def waiting(self) -> int:
        """Mails that have still to be handed over or looked up."""
        return sum(self.counts.get(state, 0) for state in ("queued", "sending", "unknown"))

    @property
    def handed_over(self) -> int:
        """Mails that the gateway took."""
        return sum(self.counts.get(state, 0) for state in batches.HANDED_OVER)


def _sentence(document: Any) -> Sentence:
    return Sentence(document["text"], tuple((name, value) for name, value in document["values"]))
