"""The files that go with single rows of a draft: taken out of a zip, kept once each, found by the names in the list."""

from dataclasses import dataclass

from sqlite_utils import Database

from mailroom import attachments
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.zips import Zip
from oca.words import N_

SHOWN = 20


@dataclass(frozen=True)
class Files:
    """What a draft's zip held.

    count: files. unused: how many no row names; unused_names: the first of them. good, bytes: how many good rows have
    a file of their own, and the sizes of those together.
    """

    count: int
    unused: int
    unused_names: tuple[str, ...]
    good: int
    bytes: int


def keep(store: Store, draft_id: str, zip: Zip) -> dict[str, int]:
    """The files by name, each with the id it is kept under; they belong to the draft from the moment they are kept.

    Raises Problem beside `files` for one that cannot be read or sent, or when the disk has no room for them.
    """
    if not store.has_room(sum(member.info.file_size for member in zip.members)):
        raise Problem(N_("The disk has no room for these files. Ask an admin to make some."), "files")
    kept: dict[str, int] = {}
    for portion in attachments.portions(zip.files(), lambda file: len(file[1])):
        with store.write() as db:
            for name, content in portion:
                kept[name] = attachments.keep(db, name, content)
                db.execute(
                    "INSERT INTO draft_files (draft_id, name, attachment_id) VALUES (?, ?, ?)",
                    [draft_id, name, kept[name]],
                )
    return kept


def taken(store: Store, draft_id: str, source: Zip | str | None) -> dict[str, int] | None:
    """The draft's files from now on: of a zip, or of an earlier draft by its id; None without either."""
    if source is None:
        return None
    return copy(store, source, draft_id) if isinstance(source, str) else keep(store, draft_id, source)


def copy(store: Store, old: str, new: str) -> dict[str, int]:
    """The files of an earlier draft, which belong to the new one as well now."""
    with store.write() as db:
        db.execute(
            "INSERT INTO draft_files (draft_id, name, attachment_id) "
            "SELECT ?, name, attachment_id FROM draft_files WHERE draft_id = ?",
            [new, old],
        )
    rows = store.read().execute("SELECT name, attachment_id FROM draft_files WHERE draft_id = ?", [new])
    return {row["name"]: row["attachment_id"] for row in rows}


def mark_used(db: Database, draft_id: str) -> None:
    """Notes which of the draft's files a row names, once its rows are in."""
    db.execute(
        "UPDATE draft_files SET used = 1 WHERE draft_id = :id AND attachment_id IN "
        "(SELECT attachment_id FROM draft_rows WHERE draft_id = :id AND attachment_id IS NOT NULL)",
        {"id": draft_id},
    )


def any_of(store: Store, draft_id: str) -> bool:
    """Whether the draft has files for single rows."""
    query = "SELECT 1 FROM draft_files WHERE draft_id = ? LIMIT 1"
    return store.read().execute(query, [draft_id]).fetchone() is not None


def of(store: Store, draft_id: str) -> Files | None:
    """What the draft's zip held; None when it has none."""
    db = store.read()
    count, unused = db.execute(
        "SELECT count(*), coalesce(sum(used = 0), 0) FROM draft_files WHERE draft_id = ?", [draft_id]
    ).fetchone()
    if not count:
        return None
    good, size = db.execute(
        "SELECT count(*), coalesce(sum(a.size), 0) FROM draft_rows r JOIN attachments a ON a.id = r.attachment_id "
        "WHERE r.draft_id = ? AND r.errors = '{}'",
        [draft_id],
    ).fetchone()
    names = db.execute(
        "SELECT name FROM draft_files WHERE draft_id = ? AND used = 0 ORDER BY name LIMIT ?",
        [draft_id, SHOWN],
    )
    return Files(count, unused, tuple(row["name"] for row in names), good, size)
