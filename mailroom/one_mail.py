"""One mail: everything that happened to it, and its content as it was sent."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from mailroom.email_templates import Renderer
from mailroom.messages import subject_of
from mailroom.store import Store


@dataclass(frozen=True)
class Looks:
    """How often the gateway's history was read for an attempt whose answer was lost, and what came of it.

    finding: `open`, `found`, `absent`, `undecided`, or `unproven` when it was sent again without a proof.
    """

    times: int
    last_at: str
    finding: str


@dataclass(frozen=True)
class Attempt:
    """One try to hand a mail over. outcome: `accepted` or the verdict, None while it is on the wire.

    looks: None when there was no doubt about it.
    """

    started_at: str
    finished_at: str | None
    outcome: str | None
    http_status: int | None
    code: int | None
    detail: str | None
    msg_id: str | None
    duration_ms: int | None
    body_sha256: str
    body_bytes: int
    looks: Looks | None


@dataclass(frozen=True)
class Moment:
    """One line of a mail's timeline: an event, with the attempt that belongs to it where there is one.

    actor: a person's name, or the part of the program. attempt: None, or what the attempt's row holds.
    """

    at: str
    from_state: str
    to_state: str
    why: str
    actor: str
    attempt: Attempt | None = None


@dataclass(frozen=True)
class Mail:
    """One mail as its page shows it. kind: of its batch; attachment: its own, or the one all of its batch have.

    look_at: when the gateway is asked about it next, or None. approved_by: the second person's name, or "".
    forgotten_at: when its address and content were taken out of the record, or None.
    again_of: the mail that it sends again, or None.
    """

    id: int
    batch_id: int
    batch_name: str
    kind: str
    row: int
    email: str
    subject: str
    state: str
    delivery: str
    shown: str
    gateway_id: str | None
    gateway_word: str
    faults: int
    due_at: str
    created_at: str
    changed_at: str
    accepted_at: str | None
    looked_at: str | None
    look_at: str | None
    forgotten_at: str | None
    sender_email: str
    sender_name: str
    template_id: int
    template_name: str
    template_number: int
    token_id: int
    token_name: str
    attachment_id: int | None
    attachment_name: str | None
    attachment_size: int | None
    created_by: str
    approved_by: str
    again_of: int | None
    moments: tuple[Moment, ...]
    attempts: tuple[Attempt, ...]

    @property
    def in_doubt(self) -> bool:
        """Whether nobody knows yet if it left."""
        return self.state in ("sending", "unknown", "undecided")


Proof = Literal["same", "different", "not sent", "forgotten", "not known"]


@dataclass(frozen=True)
class Body:
    """A mail's HTML, made again from its template version and its row; empty when it was forgotten, or never known.

    proof: whether its subject and the SHA-256 of it and of the attachment are those recorded when the mail went.
    """

    html: str
    proof: Proof


def get(store: Store, mail_id: int) -> Mail | None:
    """One mail with its timeline and attempts, or None."""
    db = store.read()
    row = next(
        db.query(
            "SELECT m.id, m.batch_id, b.name AS batch_name, b.kind, m.row, m.email, m.subject, m.state, m.delivery, "
            "m.shown, m.gateway_id, m.gateway_word, m.faults, m.due_at, m.created_at, m.changed_at, m.accepted_at, "
            "m.looked_at, m.look_at, m.forgotten_at, b.sender_email, b.sender_name, t.id AS template_id, "
            "t.name AS template_name, v.number AS template_number, b.token_id, k.name AS token_name, "
            "a.id AS attachment_id, a.filename AS attachment_name, a.size AS attachment_size, u.name AS created_by, "
            "coalesce(s.name, '') AS approved_by, o.id AS again_of FROM mails m JOIN batches b ON b.id = m.batch_id "
            "JOIN template_versions v ON v.id = b.template_version_id JOIN templates t ON t.id = v.template_id "
            "JOIN tokens k ON k.id = b.token_id JOIN users u ON u.id = b.created_by "
            "LEFT JOIN users s ON s.id = b.approved_by "
            "LEFT JOIN mails o ON o.batch_id = b.retry_of AND o.row = m.row "
            "LEFT JOIN attachments a ON a.id = coalesce(m.attachment_id, b.attachment_id) WHERE m.id = ?",
            [mail_id],
        ),
        None,
    )
    if row is None:
        return None
    attempts = tuple(_attempts(db, mail_id))
    return Mail(**row, moments=tuple(_moments(db, mail_id, attempts)), attempts=attempts)


def body(store: Store, mail_id: int) -> Body | None:
    """The mail's HTML as it was sent or will be, with the proof that it is the same; None for no such mail."""
    db = store.read()
    row = next(
        db.query(
            "SELECT m.fields, m.forgotten_at, v.subject, coalesce(v.compiled, v.html) AS body, b.kind, "
            "f.sha256 AS file, a.subject AS sent_subject, a.body_sha256 AS sent_body, "
            "a.attachment_sha256 AS sent_file FROM mails m "
            "JOIN batches b ON b.id = m.batch_id JOIN template_versions v ON v.id = b.template_version_id "
            "LEFT JOIN attachments f ON f.id = coalesce(m.attachment_id, b.attachment_id) LEFT JOIN attempts a "
            "ON a.id = (SELECT max(id) FROM attempts WHERE mail_id = m.id) WHERE m.id = ?",
            [mail_id],
        ),
        None,
    )
    if row is None:
        return None
    if row["kind"] == "found":
        return Body("", "not known")
    if row["forgotten_at"]:
        return Body("", "forgotten")
    rendered = Renderer(row["subject"], row["body"]).render(json.loads(row["fields"]))
    if row["sent_body"] is None:
        return Body(rendered.html, "not sent")
    subject = subject_of(rendered, row["kind"])
    made = (subject, hashlib.sha256(rendered.html.encode()).hexdigest(), row["file"])
    sent = (row["sent_subject"], row["sent_body"], row["sent_file"])
    return Body(rendered.html, "same" if made == sent else "different")


def _attempts(db: Database, mail_id: int) -> Iterator[Attempt]:
    rows = db.query(
        "SELECT a.started_at, a.finished_at, a.outcome, a.http_status, a.code, a.detail, a.msg_id, a.duration_ms, "
        "a.body_sha256, a.body_bytes, l.looks, l.last_at, l.finding FROM attempts a "
        "LEFT JOIN lookups l ON l.attempt_id = a.id WHERE a.mail_id = ? ORDER BY a.id",
        [mail_id],
    )
    return (_attempt(row) for row in rows)


def _attempt(row: dict[str, Any]) -> Attempt:
    times, last_at, finding = row.pop("looks"), row.pop("last_at"), row.pop("finding")
    return Attempt(**row, looks=Looks(times, last_at, finding) if times else None)


def _moments(db: Database, mail_id: int, attempts: tuple[Attempt, ...]) -> Iterator[Moment]:
    rows = db.query(
        "SELECT e.at, e.from_state, e.to_state, e.why, coalesce(u.name, e.actor) AS actor FROM events e "
        "LEFT JOIN users u ON e.actor LIKE 'user:%' AND u.id = CAST(substr(e.actor, 6) AS INTEGER) "
        "WHERE e.mail_id = ? ORDER BY e.id DESC",
        [mail_id],
    )
    # Every way out of `sending` ends one attempt, so walking both from the newest on pairs them.
    ended = [attempt for attempt in attempts if attempt.finished_at]
    for row in rows:
        attempt = ended.pop() if row["from_state"] == "sending" and ended else None
        yield Moment(**row, attempt=attempt)
