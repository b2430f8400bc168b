"""The card on the check page that shows how a list was read, and reads from its form how it shall be read instead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _

from mailroom.csv_files import DELIMITERS
from mailroom.drafts import Draft
from mailroom.problems import Problem
from mailroom.recipients import Reading
from mailroom.texts import ENCODINGS
from oca.words import N_

# The names of the selects for the template's fields start with this, so that they meet no other input.
FIELD = "field-"
_SAMPLES = 3


@dataclass(frozen=True)
class Offer:
    """What the selects of the card offer, each as pairs of value and words.

    columns: with the first cells of each, so that one sees what one chooses.
    """

    encodings: list[tuple[str, str]]
    delimiters: list[tuple[str, str]]
    sheets: list[tuple[str, str]]
    columns: list[tuple[str, str]]
    duplicates: list[tuple[str, str]]

    @property
    def words(self) -> dict[str, str]:
        """What stands between the cells, in words."""
        return dict(self.delimiters)


def offer(draft: Draft) -> Offer:
    """What can be chosen for this draft's list."""
    words = {",": _("commas"), ";": _("semicolons"), "\t": _("tabs")}
    return Offer(
        [(name, name) for name in ENCODINGS],
        [(sign, words[sign]) for sign in DELIMITERS],
        [(name, name) for name in draft.layout.sheets],
        [(str(at), _column(draft, at)) for at in range(len(draft.layout.columns))],
        [
            ("first", _("send to the first row of them")),
            ("last", _("send to the last row of them")),
            ("all", _("send to each row")),
        ],
    )


def chosen(draft: Draft, form: Mapping[str, str]) -> Reading:
    """How the list shall be read. Raises Problem, beside the input, for what cannot be.

    The card has two forms: how the file is laid out, after which its columns are found anew; and which column is what.
    """
    if form.get("part") == "layout":
        return _layout(draft, form)
    if form.get("part") != "columns":
        raise Problem(N_("Choose again how the list is read."))
    fields = {
        name: _number(form[FIELD + name], FIELD + name)
        for name in draft.layout.places
        if FIELD + name in form
    }
    return replace(
        draft.reading,
        email=_number(form.get("email", ""), "email"),
        fields=fields,
        **_files(form),
        duplicates=form.get("duplicates", "first"),  # type: ignore[arg-type]  # Reading refuses other words
    )


def _layout(draft: Draft, form: Mapping[str, str]) -> Reading:
    old = draft.reading
    new = Reading(
        encoding=form.get("encoding") or None,
        delimiter=form.get("delimiter") or None,
        sheet=form.get("sheet") or None,
        header_row=_number(form.get("header_row", ""), "header_row"),
        may_lack_file=old.may_lack_file,
        duplicates=old.duplicates,
    )
    moved = (new.encoding, new.delimiter, new.sheet) != (old.encoding, old.delimiter, old.sheet)
    # In another sheet the names stand in another row.
    return replace(new, header_row=None) if moved and new.header_row == old.header_row else new


def _files(form: Mapping[str, str]) -> dict[str, Any]:
    """What is chosen about the files of single rows, where the card asks for it."""
    if "files" not in form:
        return {}
    at = _number(form.get("attachment", ""), "attachment")
    return {"attachment": at, "may_lack_file": bool(form.get("may_lack_file"))}


def _number(text: str, field: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdigit()) or len(text) > 9:
        raise Problem(N_("Write a number, such as 1."), field=field)
    return int(text)


def _column(draft: Draft, at: int) -> str:
    name, _key = draft.layout.columns[at]
    samples = draft.layout.samples[at] if at < len(draft.layout.samples) else ()
    cells = [cell for cell in samples if cell][:_SAMPLES]
    return f"{name} ({' · '.join(cells)})" if cells else name
