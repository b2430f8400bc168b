"""Batches: queued all at once or not at all, watched while they go, paused, resumed, cancelled."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import drafts, states
from mailroom.email_templates import Renderer, version
from mailroom.identities import get as identity
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso, parse
from oca.words import N_

# How far back the pace of a batch is measured.
PACE_SECONDS = 10


@dataclass(frozen=True)
class Batch:
    """A batch as its page and the list of batches show it.

    counts: how many of its mails stand where, by what is shown (`queued`, `delivered`, …).
    token_stopped: why nothing goes out with its token, or "".
    policy: what is done with a mail when nobody can tell whether it left: `never_twice` asks a person,
    `never_lost` sends it again.
    """

    id: int
    name: str
    state: str
    paused_reason: str
    template_id: int
    template_name: str
    template_number: int
    template_version_id: int
    sender_email: str
    sender_name: str
    token_id: int
    token_name: str
    token_stopped: str
    attachment_id: int | None
    attachment_name: str | None
    source: str
    size: int
    policy: str
    created_at: str
    created_by: str
    counts: dict[str, int]

    @property
    def waiting(self) -> int:
        """Mails that have still to be handed over."""
        return self.counts.get("queued", 0) + self.counts.get("sending", 0)

    @property
    def done(self) -> int:
        """Mails that will not be handed over any more, because they were, or never will be."""
        return self.size - self.waiting

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand over, look up or decide."""
        return not any(self.counts.get(state) for state in states.UNFINISHED)

    @property
    def settled(self) -> bool:
        """Whether nothing on its page will change by itself any more."""
        return self.finished and not self.counts.get("accepted")

    @property
    def shown(self) -> str:
        """The state in one word: running, paused, stopped, cancelled or finished."""
        if self.finished and self.state != "cancelled":
            return "finished"
        if self.state == "running" and self.token_stopped:
            return "stopped"
        return self.state


@dataclass(frozen=True)
class Pace:
    """How fast a batch goes: mails a second, the gateway's answer time, and the seconds it still needs."""

    per_second: float
    answer_ms: int | None
    seconds_left: float | None


def queue(store: Store, draft_id: str, user_id: int, now: datetime) -> int:
    """The id of the batch that holds every good row of the draft, queued all or none.

    The draft's id is the batch's unique form key, so a form sent twice lands on the first batch.
    Raises Problem when the draft has no good row, LookupError when the person has no such draft.
    """
    already = by_form_key(store, draft_id)
    if already:
        return already
    draft = drafts.get(store, draft_id, user_id)
    if not draft.good:
        raise Problem(N_("No row can be sent. Mend the list and upload it again."))
    # Made before the lock is taken: a long list takes seconds, and the sender writes through the same lock.
    mails = list(_mails(store, draft))
    with store.write() as db:
        already = _by_form_key(db, draft_id)
        if already:
            return already
        batch_id = _insert(db, store, draft, user_id, now)
        states.queue(db, batch_id, mails, states.Change(now, draft.name, f"user:{user_id}"))
        return batch_id


def by_form_key(store: Store, draft_id: str) -> int | None:
    """The batch that a draft became, if it was queued."""
    return _by_form_key(store.read(), draft_id)


def get(store: Store, batch_id: int) -> Batch | None:
    """One batch, or None."""
    return next(_select(store.read(), "WHERE b.id = ?", [batch_id]), None)


def newest(store: Store, before: int | None = None, limit: int = 30) -> list[Batch]:
    """Batches, newest first; those older than the batch `before`, if given."""
    where = "WHERE b.id < ? ORDER BY b.id DESC LIMIT ?"
    return list(_select(store.read(), where, [before or 2**62, limit]))


def unfinished(store: Store) -> list[Batch]:
    """Batches with mails that are still to be handed over, looked up or decided, newest first."""
    marks = ", ".join("?" for _ in states.UNFINISHED)
    where = (
        f"WHERE b.id IN (SELECT batch_id FROM mails WHERE state IN ({marks})) "  # noqa: S608 – only marks
        "ORDER BY b.id DESC LIMIT 20"
    )
    return list(_select(store.read(), where, list(states.UNFINISHED)))


def pause(store: Store, batch_id: int, reason: str) -> bool:
    """Whether the batch ran and is now paused; mails already on the wire still get their answer."""
    return _set_state(store, batch_id, "running", "paused", reason)


def resume(store: Store, batch_id: int) -> bool:
    """Whether the batch was paused and now runs on."""
    return _set_state(store, batch_id, "paused", "running", "")


def cancel(store: Store, batch_id: int, user_id: int, now: datetime) -> int:
    """How many waiting mails of the batch were cancelled; what was handed over stays handed over."""
    with store.write() as db:
        ids = [
            row["id"]
            for row in db.query("SELECT id FROM mails WHERE batch_id = ? AND state = 'queued'", [batch_id])
        ]
        db.execute("UPDATE batches SET state = 'cancelled', paused_reason = '' WHERE id = ?", [batch_id])
        change = states.Change(now, "", f"user:{user_id}")
        return states.move_all(db, ids, "queued", "cancelled", change)


def pace(store: Store, batch: Batch, per_second_limit: float, now: datetime) -> Pace:
    """How fast the batch went in the last seconds, and how long it still needs at that pace."""
    since = iso(now - timedelta(seconds=PACE_SECONDS))
    row = next(
        store.read().query(
            "SELECT count(*) AS n, min(a.started_at) AS first, avg(a.duration_ms) AS ms FROM "
            "(SELECT mail_id, started_at, duration_ms FROM attempts ORDER BY id DESC LIMIT 600) a "
            "JOIN mails m ON m.id = a.mail_id WHERE m.batch_id = ? AND a.started_at > ?",
            [batch.id, since],
        )
    )
    measured = row["n"] / max((now - parse(row["first"])).total_seconds(), 1.0) if row["n"] else 0.0
    goes = batch.shown == "running" and batch.waiting > 0
    left = batch.waiting / (measured or per_second_limit) if goes else None
    return Pace(measured, round(row["ms"]) if row["ms"] is not None else None, left)


def _by_form_key(db: Database, draft_id: str) -> int | None:
    row = next(db.query("SELECT id FROM batches WHERE form_key = ?", [draft_id]), None)
    return int(row["id"]) if row else None


def _insert(db: Database, store: Store, draft: drafts.Draft, user_id: int, now: datetime) -> int:
    sender = identity(store, draft.sender_id)
    return int(
        db.execute(
            "INSERT INTO batches (name, form_key, template_version_id, sender_email, sender_name, token_id, "
            "attachment_id, source, size, state, created_at, created_by) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?)",
            [draft.name, draft.id, draft.template_version_id, sender.email, sender.name, draft.token_id,
             draft.attachment_id, draft.source, draft.good, iso(now), user_id],
        ).lastrowid
        or 0
    )  # fmt: skip


def _mails(store: Store, draft: drafts.Draft) -> Iterator[tuple[int, str, str, str]]:
    template = version(store, draft.template_version_id)
    renderer = Renderer(template.subject, template.html)
    for row in drafts.good_rows(store, draft.id):
        yield (
            row.number,
            row.email,
            renderer.render(row.values).subject,
            json.dumps(row.values, ensure_ascii=False),
        )


def _set_state(store: Store, batch_id: int, old: str, new: str, reason: str) -> bool:
    with store.write() as db:
        changed = db.execute(
            "UPDATE batches SET state = ?, paused_reason = ? WHERE id = ? AND state = ?",
            [new, reason, batch_id, old],
        ).rowcount
    return changed == 1


def _select(db: Database, where: str, parameters: list[object]) -> Iterator[Batch]:
    rows = db.query(
        "SELECT b.id, b.name, b.state, b.paused_reason, t.id AS template_id, t.name AS template_name, "  # noqa: S608
        "v.number AS template_number, b.template_version_id, b.sender_email, b.sender_name, b.token_id, "
        "k.name AS token_name, k.stop_reason AS token_stopped, b.attachment_id, a.filename AS attachment_name, "
        "b.source, b.size, b.policy, b.created_at, u.name AS created_by, "
        "(SELECT json_group_object(shown, n) FROM batch_counts c WHERE c.batch_id = b.id AND n > 0) AS counts "
        "FROM batches b JOIN template_versions v ON v.id = b.template_version_id "
        "JOIN templates t ON t.id = v.template_id JOIN tokens k ON k.id = b.token_id "
        "JOIN users u ON u.id = b.created_by LEFT JOIN attachments a ON a.id = b.attachment_id " + where,
        # `where` is one of the constants above; what it compares with is always a parameter.
        parameters,
    )
    for row in rows:
        yield Batch(**{**row, "counts": json.loads(row["counts"] or "{}")})
