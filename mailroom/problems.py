"""What a person is told when something they gave cannot be used."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """A sentence for a person, not yet translated.

    `text` is the English sentence with `%(name)s` holes, marked with `N_()` where it is written;
    `values` fill the holes after translation, so that a catalogue never sees anybody's data.
    """

    text: str
    values: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return self.text % dict(self.values) if self.values else self.text


def say(text: str, **values: object) -> Sentence:
    """A `Sentence` with its values by name."""
    return Sentence(text, tuple(values.items()))


class Problem(ValueError):
    """Something a person gave cannot be used; says what, and beside which field it belongs.

    field: the name of the form field concerned, or "" when it is the whole form.
    """

    def __init__(self, text: str, field: str = "", **values: object) -> None:
        self.sentence = say(text, **values)
        self.field = field
        super().__init__(str(self.sentence))
