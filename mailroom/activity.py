"""The activity trail: who did what and when, in the order it happened; added to, never changed.

Each entry bears the hash of the one before, so that none can be changed, removed or moved without a break that
`verify` names. The newest ones could be cut off without a break: how far the trail had come is known to SQLite's own
count of ids, and to the mark beside the database (`restored`).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from mailroom import account_deeds, deeds, library_deeds, sending_deeds, team_deeds
from mailroom.deeds import Deed, sha256_of
from mailroom.problems import Sentence, say
from mailroom.store import Store
from mailroom.times import iso, utc_now

PAGE = 50
# Who did it, where it was nobody signed in: the program by itself, somebody at the machine, somebody at a page.
PROGRAM, SHELL, VISITOR = "program", "shell", "visitor"
LONGEST_VALUE = 1000
# So much of an entry's hash is told to people: nobody finds other entries that begin with the same 64 bits.
SHORT_HASH = 16

KINDS: Mapping[str, type[Deed]] = {
    **deeds.KINDS,
    **sending_deeds.KINDS,
    **library_deeds.KINDS,
    **team_deeds.KINDS,
    **account_deeds.KINDS,
}

_PERSON = re.compile(r"user:\d{1,18}")
_HEAD = re.compile(rf"(\d{{1,18}}):([0-9a-f]{{{SHORT_HASH},64}})")


@dataclass(frozen=True)
class Door:
    """Who is at the door just now.

    actor: `user:<id>`, `VISITOR`, `SHELL`, or "" for nobody. address: of their browser, or "".
    """

    actor: str = ""
    address: str = ""


# Set by the pages for each request and by commands, for this thread alone; what works by itself has none.
NOBODY = Door()
door: ContextVar[Door] = ContextVar("door", default=NOBODY)


@dataclass(frozen=True)
class Entry:
    """One line of the trail.

    actor: `user:<id>`; `shell:<id>` for what was asked for at the machine and put down to a person; or one of
    `PROGRAM`, `SHELL`, `VISITOR`. who: that person's name, or "". address: of the browser it came from, or "".
    sentence: what was done, in words; details: the fields of its deed.
    """

    id: int
    at: str
    actor: str
    who: str
    address: str
    kind: str
    sentence: Sentence
    details: dict[str, str | int]


@dataclass(frozen=True)
class Head:
    """The last entry of the trail; id 0 while it is empty."""

    id: int = 0
    hash: str = ""

    @property
    def short(self) -> str:
        """What people compare: `12:9f3a0c1e5b7d2468`."""
        return f"{self.id}:{self.hash[:SHORT_HASH]}"


@dataclass(frozen=True)
class Fault:
    """An entry that is not as it was written, and in what way."""

    entry: int
    what: str


@contextmanager
def from_shell() -> Iterator[None]:
    """Whatever this thread notes in between was asked for at the machine."""
    before = door.set(Door(SHELL))
    try:
        yield
    finally:
        door.reset(before)


def note(db: Database, deed: Deed, now: datetime | None = None, user_id: int = 0) -> int:
    """The number of the new entry, written in the caller's transaction.

    now: the present moment when left out. user_id: who did it; whoever is at the door when left out.
    Raises ValueError for what no entry may hold.
    """
    here, before = door.get(), head(db)
    if here.actor == SHELL:
        # Whoever may start commands may name anybody: nobody signed in.
        actor = f"{SHELL}:{user_id}" if user_id else SHELL
    else:
        actor = f"user:{user_id}" if user_id else here.actor or PROGRAM
    # Counted by SQLite, so that after entries were cut off the numbers show a gap and are never given again.
    counted = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'activity'").fetchone()
    number = max(before.id, int(counted[0]) if counted else 0) + 1
    row = (number, iso(now or utc_now()), actor, here.address, deed.KIND, _packed(deed), before.hash)
    db.execute(
        "INSERT INTO activity (id, at, actor, address, kind, details, before, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [*row, _sum(row)],
    )
    return number


def record(store: Store, deed: Deed, now: datetime, user_id: int) -> None:
    """Notes a deed that changes nothing else, such as a download."""
    with store.write() as db:
        note(db, deed, now, user_id)


def head(db: Database) -> Head:
    """The last entry."""
    row = db.execute("SELECT id, hash FROM activity ORDER BY id DESC LIMIT 1").fetchone()
    return Head(int(row["id"]), str(row["hash"])) if row else Head()


def head_of(text: str) -> Head:
    """The head that `Head.short` or a longer hash tells. Raises ValueError for anything else."""
    found = _HEAD.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(text)
    return Head(int(found[1]), found[2])


def holds(db: Database, known: Head) -> bool:
    """Whether an entry that is known to have been written is still there as it was; its hash may be cut short."""
    row = db.execute("SELECT hash FROM activity WHERE id = ?", [known.id]).fetchone()
    return not known.id or (row is not None and bool(known.hash) and row["hash"].startswith(known.hash))


def newest(
    store: Store, before: int | None = None, actor: str = "", kind: str = "", limit: int = PAGE
) -> list[Entry]:
    """Entries, newest first: those with a number below `before`, of one person and of one kind if given.

    actor: `user:<id>`, `PROGRAM`, `VISITOR`, or `SHELL` with whomever it was put down to.
    """
    where, parameters = "t.id < ?", [before or 2**62]
    return _select(store, where, parameters, actor, kind, limit)


def about(store: Store, email: str, limit: int = 1000) -> list[Entry]:
    """What the trail says about one person, newest first."""
    where = "t.details ->> '$.whom_sha256' = ?"
    return _select(store, where, [sha256_of(email)], "", "", limit)


def people(store: Store) -> list[tuple[str, str]]:
    """Everybody the trail can name, as `actor` and name."""
    rows = store.read().query("SELECT 'user:' || id AS actor, name FROM users ORDER BY name COLLATE NOCASE")
    return [(row["actor"], row["name"]) for row in rows]


def faults(db: Database) -> Iterator[Fault]:
    """Every entry that was changed, removed or moved since it was written, oldest first."""
    before, rows = Head(), db.execute("SELECT * FROM activity ORDER BY id")
    for row in rows:
        number = int(row["id"])
        if number > before.id + 1:
            yield Fault(before.id + 1, f"it is missing, with every entry up to {number - 1}")
        elif row["before"] != before.hash:
            yield Fault(number, f"it does not follow entry {before.id}: one of them was replaced or moved")
        if row["hash"] != _sum(tuple(row)[:-1]):
            yield Fault(number, "it was changed or moved")
        elif not _readable(row["kind"], row["details"]):
            yield Fault(number, "it is of no kind that we write")
        before = Head(number, str(row["hash"]))
    counted = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'activity'").fetchone()
    if counted and int(counted[0]) > before.id:
        yield Fault(before.id + 1, f"it is missing, with every entry up to {counted[0]}: the end was cut off")


def _select(
    store: Store, where: str, parameters: list[Any], actor: str, kind: str, limit: int
) -> list[Entry]:
    if actor == SHELL:
        # Everything that begins so: `;` is the letter behind `:`.
        where, parameters = f"{where} AND t.actor >= ? AND t.actor < ?", [*parameters, SHELL, f"{SHELL};"]
    elif actor:
        where, parameters = f"{where} AND t.actor = ?", [*parameters, actor]
    if kind:
        where, parameters = f"{where} AND t.kind = ?", [*parameters, kind]
    rows = store.read().query(
        # `where` is made of constants; what it compares with is always a parameter.
        "SELECT t.id, t.at, t.actor, coalesce(u.name, '') AS who, t.address, t.kind, t.details FROM activity t "  # noqa: S608
        f"LEFT JOIN users u ON t.actor IN ('user:' || u.id, 'shell:' || u.id) WHERE {where} ORDER BY t.id DESC LIMIT ?",
        [*parameters, limit],
    )
    return [_entry(row) for row in rows]


def _entry(row: dict[str, Any]) -> Entry:
    details = json.loads(row["details"])
    deed = KINDS.get(row["kind"])
    sentence = say(deed.SAYS, **details) if deed and _readable(row["kind"], row["details"]) else say("")
    who = row["who"] or (row["actor"] if _PERSON.fullmatch(row["actor"]) else "")
    return Entry(**{**row, "details": details, "who": who}, sentence=sentence)


def _readable(kind: str, details: str) -> bool:
    try:
        KINDS[kind](**json.loads(details))
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _packed(deed: Deed) -> str:
    values = asdict(deed)
    for name, value in values.items():
        if not isinstance(value, str | int) or len(str(value)) > LONGEST_VALUE:
            raise ValueError(f"{deed.KIND}: {name}")
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _sum(row: tuple[object, ...]) -> str:
    """The hash of an entry: of its columns in their order, the hash before it among them."""
    return hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest()
