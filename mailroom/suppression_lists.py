"""Lists of addresses that are to get no mail: of each row only the address counts, and no row is dropped."""

from dataclasses import dataclass

from mailroom.addresses import DID_YOU_MEAN, read_address
from mailroom.problems import Problem, Sentence
from mailroom.sheets import Sheet
from oca.words import N_


@dataclass(frozen=True)
class Bad:
    """A row whose address cannot be one. row: as a spreadsheet counts it. text: what stands in its cell."""

    row: int
    text: str
    fault: Sentence


@dataclass(frozen=True)
class Addresses:
    """Every row of a list: the addresses that can go on the do-not-mail list, and the rows that cannot."""

    good: list[str]
    bad: list[Bad]


def addresses(sheet: Sheet) -> Addresses:
    """The addresses of a list. Raises Problem when no column of it holds any, or it cannot be read to its end."""
    at = sheet.email_at
    if at is None:
        raise Problem(
            N_("No column of this list holds addresses. Give the column with the addresses the name “email”.")
        )
    found = Addresses([], [])
    for number, cells in sheet.read():
        text = cells[at] if at < len(cells) else ""
        address, fault = read_address(text)
        # An address that was mistyped is one that mail shall stop going to, as it stands.
        if fault is None or fault.text == DID_YOU_MEAN:
            found.good.append(address)
        else:
            found.bad.append(Bad(number, text.strip(), fault))
    return found
