"""The files that go with mails, one for a whole batch or one of its own for each mail; kept once each."""

import hashlib
import mimetypes
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import TypeVar

from sqlite_utils import Database

from mailroom.problems import Problem
from mailroom.store import Store
from oca.words import N_

MAX_BYTES = 10_000_000
MAX_NAME = 120

# Each is answered by an index.
_UNUSED = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {table} WHERE attachment_id = a.id)"  # noqa: S608 – our own names
    for table in ("drafts", "draft_files", "draft_rows", "batches", "mails")
)
PORTION_BYTES = 4_000_000
PORTION_FILES = 200

T = TypeVar("T")

# Control characters, and what says in which direction text runs: a name must read as what it is.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class Kept:
    """An attachment as it is kept. size: in bytes."""

    id: int
    filename: str
    content_type: str
    size: int
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class About:
    """What a page says of an attachment. size: in bytes."""

    id: int
    filename: str
    size: int


def keep(db: Database, filename: str, content: bytes) -> int:
    """The id of the attachment, kept now or found as it was kept before.

    filename: as the browser sent it. content: at most 10 MB. Raises Problem beside `attachment`.
    """
    refuse(content)
    name = safe_name(filename)
    key = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "filename": name,
        "content_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
    }
    db.execute(
        "INSERT INTO attachments (sha256, filename, content_type, size, content) "
        "VALUES (:sha256, :filename, :content_type, :size, :content) ON CONFLICT DO NOTHING",
        {**key, "size": len(content), "content": content},
    )
    row = next(
        db.query(
            "SELECT id FROM attachments "
            "WHERE sha256 = :sha256 AND filename = :filename AND content_type = :content_type",
            key,
        )
    )
    return int(row["id"])


def refuse(content: bytes) -> None:
    """Raises Problem beside `attachment` for a file that cannot go with a mail."""
    if not content:
        raise Problem(N_("The attachment is empty. Choose another file."), field="attachment")
    if len(content) > MAX_BYTES:
        raise Problem(N_("The attachment is larger than 10 MB. Choose a smaller file."), field="attachment")


def about(store: Store, attachment_id: int) -> About:
    """One attachment without its content. Raises LookupError when there is none with this id."""
    row = next(
        store.read().query("SELECT id, filename, size FROM attachments WHERE id = ?", [attachment_id]), None
    )
    if row is None:
        raise LookupError(attachment_id)
    return About(**row)


def get(store: Store, attachment_id: int) -> Kept:
    """One attachment with its content. Raises LookupError when there is none with this id."""
    query = "SELECT id, filename, content_type, size, content FROM attachments WHERE id = ?"
    row = next(store.read().query(query, [attachment_id]), None)
    if row is None:
        raise LookupError(attachment_id)
    return Kept(**row)


def forget_unused(store: Store, most: int | None = None) -> int:
    """How many attachments that nothing has any more are gone now; in short transactions: the sender needs the lock.

    most: of those transactions; what is left then goes another time.
    """
    unused = store.read().execute("SELECT a.id, a.size FROM attachments a WHERE " + _UNUSED).fetchall()  # noqa: S608
    gone = 0
    for portion in islice(portions(unused, lambda row: int(row["size"])), most):
        some = [row["id"] for row in portion]
        marks = ", ".join("?" * len(some))
        with store.write() as db:
            # Asked again: meanwhile somebody may have come to use one of them.
            query = f"DELETE FROM attachments AS a WHERE id IN ({marks}) AND {_UNUSED}"  # noqa: S608
            gone += db.execute(query, some).rowcount
    return gone


def portions(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in portions that one short transaction can put in or take out. size: in bytes."""
    portion: list[T] = []
    total = 0
    for item in items:
        portion.append(item)
        total += size(item)
        if total >= PORTION_BYTES or len(portion) >= PORTION_FILES:
            yield portion
            portion, total = [], 0
    if portion:
        yield portion


def seen(name: str) -> str:
    """The name without the characters that nobody sees."""
    return _UNSEEN.sub("", name.encode("utf-8", "replace").decode())


def safe_name(filename: str) -> str:
    """The name a recipient sees: no folders, no unseen characters, not endless, never empty."""
    last = unicodedata.normalize("NFC", filename).replace("\\", "/").rpartition("/")[2]
    name = seen(last).replace('"', "'").strip(" .")
    path = PurePosixPath(name or "attachment")
    suffix = path.suffix[:20]
    return path.name.removesuffix(path.suffix)[: MAX_NAME - len(suffix)] + suffix
