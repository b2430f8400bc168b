"""Making the message of a mail from its template version, its fields and its batch, as it is handed over."""

import json
import sqlite3
from collections import OrderedDict

from sqlite_utils import Database

import oca
from mailroom import attachments
from mailroom.rendering import MAX_SUBJECT, Rendered, Renderer
from mailroom.store import Store

COMPILED_KEPT = 32

# What `Messages.of()` needs to know of a mail `m` and its batch `b`.
COLUMNS = (
    "m.id, m.batch_id, m.email, m.fields, m.faults, m.created_at, b.template_version_id, b.sender_email, "
    "b.sender_name, coalesce(m.attachment_id, b.attachment_id) AS attachment_id, b.kind"
)


def subject_of(rendered: Rendered, kind: str) -> str:
    """The subject as it is handed over; that of a test says so, and is never longer than a subject may be.

    kind: of the batch.
    """
    return f"[Test] {rendered.subject}"[:MAX_SUBJECT] if kind == "test" else rendered.subject


class Messages:
    """Makes messages; keeps the templates it has compiled and the last attachment. For one thread at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._compiled: OrderedDict[int, Renderer] = OrderedDict()
        self._attachment: tuple[int, oca.Attachment] | None = None

    def of(self, db: Database, row: sqlite3.Row) -> oca.Message:
        """The message of the mail whose `COLUMNS` are in the row.

        Raises Problem or oca.InvalidMessage for one that cannot be sent as it is.
        """
        rendered = self._renderer(db, row["template_version_id"]).render(json.loads(row["fields"]))
        attachment_id = row["attachment_id"]
        message = oca.Message(
            to=row["email"],
            subject=subject_of(rendered, row["kind"]),
            html=rendered.html,
            sender_email=row["sender_email"],
            sender_name=row["sender_name"],
            attachment=self._file(attachment_id) if attachment_id else None,
        )
        message.check()
        return message

    def _renderer(self, db: Database, version_id: int) -> Renderer:
        if version_id not in self._compiled:
            row = next(
                db.query(
                    "SELECT subject, coalesce(compiled, html) AS body FROM template_versions WHERE id = ?",
                    [version_id],
                )
            )
            self._compiled[version_id] = Renderer(row["subject"], row["body"])
            if len(self._compiled) > COMPILED_KEPT:
                self._compiled.popitem(last=False)
        return self._compiled[version_id]

    def _file(self, attachment_id: int) -> oca.Attachment:
        # The last is kept: often it is the same for all, and ten megabytes should not be read 25 times a second.
        if self._attachment is None or self._attachment[0] != attachment_id:
            kept = attachments.get(self._store, attachment_id)
            self._attachment = (attachment_id, oca.Attachment(kept.filename, kept.content, kept.content_type))
        return self._attachment[1]
