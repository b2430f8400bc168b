"""How a list is read: what was found in it, or what a person chose instead."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from mailroom.csv_files import DELIMITERS, LAST_ROW
from mailroom.headers import MAX_COLUMNS
from mailroom.problems import Problem
from mailroom.texts import ENCODINGS
from oca.words import N_

Duplicates = Literal["first", "last", "all"]

_MAX_NAME = 255
_STRANGE = N_("The list cannot be read in this way. Choose again how it is read.")


@dataclass(frozen=True)
class Reading:
    """How a list is read; what is None is found in the list itself.

    encoding: one of ENCODINGS. delimiter: one of DELIMITERS. sheet: the name of a workbook's sheet. header_row: the
    number of the row with the columns' names, 0 when there is none. email: the column of the addresses, from 0.
    fields: template field → column from 0; None for deliberately none. attachment: the column that names each row's
    file; may_lack_file: whether a row may name none. duplicates: which row of several with one address is kept. Raises
    Problem, beside the part, for anything else.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    email: int | None = None
    fields: Mapping[str, int | None] = field(default_factory=dict)
    attachment: int | None = None
    may_lack_file: bool = False
    duplicates: Duplicates = "first"

    def __post_init__(self) -> None:
        fits = {
            "encoding": self.encoding is None or self.encoding in ENCODINGS,
            "delimiter": self.delimiter is None or self.delimiter in DELIMITERS,
            "sheet": self.sheet is None or _is_name(self.sheet),
            "header_row": self.header_row is None or _is_number(self.header_row, LAST_ROW),
            "email": _is_column(self.email),
            "fields": _are_fields(self.fields),
            "attachment": _is_column(self.attachment),
            "may_lack_file": type(self.may_lack_file) is bool,
            "duplicates": self.duplicates in get_args(Duplicates),
        }
        for part, fit in fits.items():
            if not fit:
                raise Problem(_STRANGE, part)

    def to_json(self) -> str:
        """The reading as a text to keep, read again by `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Reading":
        """The reading kept as a text; parts that are left out are found in the list. Raises Problem for other texts."""
        try:
            return cls(**json.loads(text))
        except Problem:
            raise
        except (ValueError, TypeError, RecursionError):
            raise Problem(_STRANGE) from None


def _is_number(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_column(value: object) -> bool:
    return value is None or _is_number(value, MAX_COLUMNS - 1)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


def _are_fields(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= MAX_COLUMNS * 2
        and all(_is_name(name) and _is_column(column) for name, column in value.items())
    )
