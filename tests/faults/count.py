"""What a database says beside what the gateway's ledger says: how many mails were lost, how many sent twice."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailroom.store import Store
from mailroom.verify import Broken, verify


@dataclass(frozen=True)
class Count:
    """What is left when all is over.

    lost: mails recorded as accepted that the gateway never had. doubled: mails the gateway accepted more than
    once, by address and content. in_doubt: mails that wait for evidence or for a person. states: how many mails
    stand where. broken: rules that do not hold.
    """

    lost: int
    doubled: int
    in_doubt: int
    states: dict[str, int]
    broken: list[Broken]


def count(folder: Path, ledger: Iterable[dict[str, Any]]) -> Count:
    """Counts the database in a folder that no dashboard has open against a ledger."""
    store = Store(folder / "mailroom.db")
    try:
        rows = list(store.read().query("SELECT id, email, state, gateway_id FROM mails"))
        bodies = dict(store.read().execute("SELECT mail_id, body_sha256 FROM attempts"))
        broken = verify(store.read())
    finally:
        store.close()
    theirs = Counter((entry["email"], entry["body_sha256"]) for entry in ledger)
    had = {row["id"] for row in rows if theirs[row["email"], bodies.get(row["id"], "")]}
    states = Counter(row["state"] for row in rows)
    return Count(
        lost=sum(row["state"] == "accepted" and row["id"] not in had for row in rows),
        doubled=sum(times - 1 for times in theirs.values()),
        in_doubt=states["unknown"] + states["undecided"],
        states=dict(states),
        broken=broken,
    )
