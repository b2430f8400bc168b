"""How the list of a draft looks: its columns and what fills them, kept for whoever reads it another way."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from mailroom import recipients
from mailroom.headers import field_name
from mailroom.recipients import Sheet
from mailroom.rendering import Renderer

# Letters of a cell that are enough to recognise it.
SAMPLE = 40


@dataclass(frozen=True)
class Layout:
    """How the list of a draft looks, for whoever wants to read it another way.

    columns: each column's name as in the list, with the key of its values in a `Row`; shown: those of them that
    matter for sending, which are the address and what the template needs. kind: csv, xlsx, xls, ods, pasted or one.
    sheets: the names of a workbook's sheets. samples: for each column the cells of the first rows, cut short.
    places: template field → column from 0, None where no column fills it. unfilled: those that must have a value and
    have no column.
    """

    columns: tuple[tuple[str, str], ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    sheets: tuple[str, ...] = ()
    samples: tuple[tuple[str, ...], ...] = ()
    places: Mapping[str, int | None] = field(default_factory=dict)
    unfilled: tuple[str, ...] = ()

    @classmethod
    def of(cls, sheet: Sheet, renderer: Renderer) -> "Layout":
        """The layout of a sheet for the template that the renderer fills."""
        places = recipients.places(sheet, renderer.fields)
        unfilled = tuple(
            name for name in renderer.fields if name in renderer.required and places[name] is None
        )
        first_key: dict[int, str] = {}
        for key, index in recipients.keys(sheet, renderer.fields).items():
            first_key.setdefault(index, key)
        columns = tuple((name, first_key[index]) for index, name in enumerate(sheet.columns))
        used = {sheet.email_at, sheet.reading.attachment, *places.values()}
        shown = [column for index, column in enumerate(columns) if index in used]
        # What no column holds is at fault in every row, and has a place to say so.
        shown += [(name, name) for name in unfilled]
        if sheet.email_at is None and "email" not in unfilled:
            shown.insert(0, ("email", "email"))
        return cls(
            columns,
            tuple(shown),
            sheet.kind,
            tuple(sheet.sheets),
            tuple(tuple(cell[:SAMPLE] for cell in cells) for cells in sheet.samples),
            places,
            unfilled,
        )

    def guess(self, name: str) -> int | None:
        """The column that most likely fills a field no column is called like: the only free one that shares a word.

        To be put before a person, never to be used unseen: “Nama Toko” is not the name of whoever gets the mail.
        """
        words = set(name.split("_"))
        taken = {at for at in self.places.values() if at is not None}
        found = [
            at
            for at, (column, _key) in enumerate(self.columns)
            if at not in taken and words & set(field_name(column).split("_"))
        ]
        return found[0] if len(found) == 1 else None

    def to_json(self) -> str:
        """As the database keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Layout":
        """What `to_json` wrote; of a draft from before lists were kept, what it has of it."""
        kept = json.loads(text)
        return cls(
            columns=_pairs(kept["columns"]),
            shown=_pairs(kept["shown"]),
            kind=kept.get("kind", ""),
            sheets=tuple(kept.get("sheets", ())),
            samples=tuple(tuple(cells) for cells in kept.get("samples", ())),
            places=kept.get("places", {}),
            unfilled=tuple(kept.get("unfilled", ())),
        )


def _pairs(kept: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, key) for name, key in kept)
