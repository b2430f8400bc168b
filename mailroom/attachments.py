"""The file that goes with every mail of a batch, kept once however often it is used."""

import hashlib
import mimetypes
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sqlite_utils import Database

from mailroom.problems import Problem
from mailroom.store import Store
from oca.words import N_

MAX_BYTES = 10_000_000
MAX_NAME = 120

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


def get(store: Store, attachment_id: int) -> Kept:
    """One attachment with its content. Raises LookupError when there is none with this id."""
    query = "SELECT id, filename, content_type, size, content FROM attachments WHERE id = ?"
    row = next(store.read().query(query, [attachment_id]), None)
    if row is None:
        raise LookupError(attachment_id)
    return Kept(**row)


def safe_name(filename: str) -> str:
    """The name a recipient sees: no folders, no unseen characters, not endless, never empty."""
    last = unicodedata.normalize("NFC", filename).replace("\\", "/").rpartition("/")[2]
    name = _UNSEEN.sub("", last.encode("utf-8", "replace").decode()).replace('"', "'").strip(" .")
    path = PurePosixPath(name or "attachment")
    suffix = path.suffix[:20]
    return path.name.removesuffix(path.suffix)[: MAX_NAME - len(suffix)] + suffix
