"""The rows of a draft as the database keeps them: put there in small portions, and read as they are asked for."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mailroom import addresses, recipients
from mailroom.problems import Sentence
from mailroom.recipients import Row
from mailroom.store import Store

# Rows put in by one transaction: the sender writes through the same lock, and must never wait for long.
PORTION = 2_000


# What to do about a fault, by its sentence; any other is a matter of the whole row.
_KINDS = {
    addresses.NO_ADDRESS: "address",
    addresses.NO_AT: "address",
    addresses.SEVERAL: "address",
    addresses.SPACES: "address",
    addresses.NOT_VALID: "address",
    addresses.DID_YOU_MEAN: "address",
    recipients.MISSING: "missing",
    recipients.CELL_ERROR: "missing",
    recipients.NO_FILE: "file",
    recipients.NO_FILE_NAMED: "file",
    recipients.SEVERAL_FILES: "file",
    recipients.DUPLICATE: "duplicate",
    recipients.SUPPRESSED: "suppressed",
    recipients.BREAK_IN_SUBJECT: "break",
    recipients.TOO_LONG: "long",
}
# For a draft, and the sentence of a row whose address stands in another one: mended or not, it needs no second mail.
TO_MEND = (
    "draft_id = ? AND errors <> '{}' AND EXISTS "
    "(SELECT 1 FROM json_each(errors) e WHERE json_extract(e.value, '$.text') <> ?)"
)
# Kinds that are said for each field apart.
_BY_FIELD = ("column", "missing", "break", "long")


@dataclass(frozen=True)
class Fault:
    """How many rows have one kind of fault.

    kind: column, address, missing, file, duplicate, suppressed, break, long or row. key: the field it is about,
    where that matters.
    """

    kind: str
    key: str
    rows: int


@dataclass
class Content:
    """What the good rows of a list say, whatever file they came in; two lists that say the same have the same sum.

    A row says its address, its values and its own file. template_id: the template they are for. fields: the names of
    the values it uses.
    """

    template_id: int
    fields: Sequence[str]
    good: int = 0
    total: int = 0
    _sum: "hashlib._Hash" = field(default_factory=hashlib.sha256, repr=False)

    def add(self, row: Row) -> None:
        """Counts the row, and takes it into the sum when it is good."""
        self.total += 1
        if not row.errors:
            self.good += 1
            used = [
                row.email.casefold(),
                row.attachment_id,
                *[row.values.get(name, "") for name in self.fields],
            ]
            used += [] if row.attachment_id is None else [str(row.attachment_id)]
            self._sum.update(json.dumps(used).encode())

    def sha256(self) -> str:
        """The sum of all that was added, and of which template it is for."""
        whole = self._sum.copy()
        whole.update(str(self.template_id).encode())
        return whole.hexdigest()


def put(store: Store, draft_id: str, rows: Iterable[Row], content: Content) -> None:
    """Stores every row, good or not, and adds it to `content`; checks are made between the transactions."""
    packed = _packed(draft_id, rows, content)
    while portion := list(islice(packed, PORTION)):
        with store.write() as db:
            db.conn.executemany(
                "INSERT INTO draft_rows (draft_id, row, email, fields, errors, attachment_id) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                portion,
            )


def select(store: Store, where: str, parameters: list[object]) -> Iterator[Row]:
    """The rows that a condition picks, in the order it says. where: a constant with `?` for the parameters."""
    query = "SELECT row, email, fields, errors, attachment_id FROM draft_rows WHERE " + where  # noqa: S608
    for line in store.read().execute(query, parameters):
        number, email, fields, errors, attachment_id = line
        faults = {} if errors == "{}" else _sentences(json.loads(errors))
        yield Row(number, email, json.loads(fields), faults, attachment_id)


def faults(store: Store, draft_id: str, unfilled: Sequence[str]) -> list[Fault]:
    """What is wrong with the draft's rows, counted by kind, the most urgent first.

    unfilled: fields that have no column, so that a value is missing in every row.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for row in store.read().query(
        "SELECT e.key, json_extract(e.value, '$.text') AS text, count(*) AS n "
        "FROM draft_rows r, json_each(r.errors) e WHERE r.draft_id = ? AND r.errors <> '{}' GROUP BY 1, 2",
        [draft_id],
    ):
        kind = _KINDS.get(row["text"], "row")
        if kind == "missing" and row["key"] in unfilled:
            kind = "column"
        counts[kind, row["key"] if kind in _BY_FIELD else ""] += row["n"]
    order = ["column", *dict.fromkeys(_KINDS.values()), "row"]
    return [
        Fault(*at, n) for at, n in sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0]))
    ]


def to_mend(store: Store, draft_id: str) -> int:
    """How many rows with faults have something to mend: more than that their address stands in another row too."""
    where = f"SELECT count(*) FROM draft_rows WHERE {TO_MEND}"  # noqa: S608 – a constant
    return int(store.read().execute(where, [draft_id, recipients.DUPLICATE]).fetchone()[0])


def _packed(
    draft_id: str, rows: Iterable[Row], content: Content
) -> Iterator[tuple[str, int, str, str, str, int | None]]:
    for row in rows:
        content.add(row)
        errors = {key: {"text": said.text, "values": dict(said.values)} for key, said in row.errors.items()}
        yield (
            draft_id,
            row.number,
            row.email,
            json.dumps(row.values, ensure_ascii=False),
            json.dumps(errors, ensure_ascii=False) if errors else "{}",
            row.attachment_id,
        )


def _sentences(errors: dict[str, dict[str, object]]) -> dict[str, Sentence]:
    return {
        key: Sentence(str(error["text"]), tuple(dict(error["values"]).items()))  # type: ignore[call-overload]
        for key, error in errors.items()
    }
