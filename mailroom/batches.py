"""Batches: queued all at once or not at all, and what their pages show of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom import activity, approvals, deeds, drafts, lists, plans, preferences, states, unsubscribe
from mailroom.email_templates import MissingField, Renderer, version
from mailroom.identities import get as identity
from mailroom.plans import Hours, Plan
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso, parse, utc_now
from mailroom.unsubscribe import Links
from oca.words import N_

HANDED_OVER = ("accepted", "delivered", "opened", "failed", "lost")


# How long after the last mail was handed over its page goes on showing news; `delivery.LIVELY` looks fall into it.
WATCHED = timedelta(minutes=15)

Policy = Literal["never_twice", "never_lost"]


@dataclass(frozen=True)
class Batch:
    """A batch as its page and the list of batches show it.

    kind: `batch`, `test` for the one mail that somebody sent to themselves, or `report` for the team's report.
    counts: how many of its mails stand where, by what is shown (`queued`, `delivered`, …).
    paused_by: a person's name, or "" when it paused by itself; paused_reason: the gateway's words that made it.
    early_refused, early_answered: how many of its first mails were refused when it paused by itself, or None.
    last_accepted_at: when the gateway took the last of its rows, or None.
    token_holds: `stopped` or `expired` when nothing can go out with its token now, or "".
    retry_of, retry_of_name: the batch whose failed mails it sends again, or None.
    policy: what is done with a mail when nobody can tell whether it left: `never_twice` asks a person,
    `never_lost` sends it again.
    plan: when it goes out and how fast. waits_until: when its next mail goes, while that is not now, or None.
    starts_later: whether that is the time somebody chose. approved_by: the second person's name, or "".
    """

    id: int
    kind: str
    name: str
    state: str
    paused_reason: str
    paused_at: str | None
    paused_by: str
    early_refused: int | None
    early_answered: int | None
    template_id: int
    template_name: str
    template_number: int
    template_version_id: int
    sender_email: str
    sender_name: str
    token_id: int
    token_name: str
    token_holds: str
    attachment_id: int | None
    attachment_name: str | None
    source: str
    size: int
    policy: str
    last_accepted_at: str | None
    retry_of: int | None
    retry_of_name: str | None
    created_at: str
    created_by: str
    approved_by: str
    plan: Plan
    waits_until: datetime | None
    starts_later: bool
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
    def handed_over(self) -> int:
        """Mails that the gateway took."""
        return sum(self.counts.get(state, 0) for state in HANDED_OVER)

    @property
    def may_still_go(self) -> bool:
        """Whether a mail of it could still be handed over without anybody's decision."""
        return bool(self.waiting or self.counts.get("unknown")) and self.state != "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand over, look up or decide."""
        return not any(self.counts.get(state) for state in states.UNFINISHED)

    def settled(self, now: datetime) -> bool:
        """Whether nothing on its page is going to change while somebody watches."""
        if not self.finished or self.counts.get("accepted"):
            return False
        # A delivered mail may still be opened, most likely soon.
        fresh = self.last_accepted_at and now - parse(self.last_accepted_at) < WATCHED
        return not (fresh and self.counts.get("delivered"))

    @property
    def paused_itself(self) -> bool:
        """Whether it is paused because its first mails were mostly refused."""
        return self.state == "paused" and not self.paused_by and self.early_refused is not None

    @property
    def shown(self) -> str:
        """The state in one word.

        Running, scheduled, paused, stopped or expired (its token), looking_up or to_decide (all that is left of it is
        in doubt), cancelled or finished.
        """
        if self.finished and self.state != "cancelled":
            return "finished"
        if self.state == "running" and not self.may_still_go:
            return "to_decide"
        if self.state == "running" and self.token_holds:
            return self.token_holds
        if self.state == "running" and not self.waiting:
            return "looking_up"
        if self.state == "running" and self.waits_until and self.counts.get("queued"):
            return "scheduled"
        return self.state


def queue(
    store: Store,
    draft_id: str,
    user_id: int,
    now: datetime,
    policy: Policy = "never_twice",
    *,
    plan: Plan = plans.AT_ONCE,
    zone: ZoneInfo = plans.USUAL_ZONE,
    second_id: int = 0,
    links: Links | None = None,
) -> int:
    """The id of the batch that holds every good row of the draft, queued all or none.

    policy: what is done with a mail when nobody can tell whether it left; it can be changed later.
    plan: when it goes out and how fast; a start that has passed means at once. zone: of the business hours.
    second_id: the person who approves it by this very call, for a batch that needs one; see `queue_approved()`.
    links: makes the unsubscribe links; a template that has one cannot be queued without.
    The draft's id is the batch's unique form key, so a form sent twice lands on the first batch.
    Raises Problem when the draft has no good row or lacks its approval, LookupError when the person has no such draft.
    """
    already = by_form_key(store, draft_id)
    if already:
        return already
    draft = drafts.get(store, draft_id, user_id)
    if not draft.good:
        raise Problem(N_("No row can be sent. Mend the list and upload it again."))
    # Made before the lock is taken: a long list takes seconds, and the sender writes through the same lock.
    mails = list(states.packed(_mails(store, draft, links)))
    rows = approvals.rows_sum(store, draft_id) if second_id else ""
    with store.write() as db:
        already = _by_form_key(db, draft_id)
        if already:
            return already
        approved_by = approvals.settle(db, draft, rows, plan, policy, second_id, now)
        batch_id = _insert(db, store, draft, user_id, now, policy, approved_by)
        begin(db, batch_id, plan, now, zone)
        lists.used(db, draft.source_id, now)
        states.queue(db, batch_id, mails, states.Change(now, draft.name, f"user:{user_id}"))
        deed = deeds.BatchApproved if approved_by else deeds.BatchQueued
        activity.note(db, deed(batch_id, draft.name, draft.good), now, approved_by or user_id)
        return batch_id


def queue_approved(
    store: Store,
    draft_id: str,
    second_id: int,
    seen: str,
    now: datetime,
    zone: ZoneInfo = plans.USUAL_ZONE,
    links: Links | None = None,
) -> int:
    """The id of the batch that a second person approves: queued at once, as whoever asked planned it.

    seen: the fingerprint of what the second person looked at. Approved twice, by one or by two, it is one batch.
    Raises Problem when it may not be approved, LookupError when nobody asked.
    """
    # In this order: whoever approves at the same instant ends the asking and makes the batch in one transaction.
    asked = approvals.get(store, draft_id)
    already = by_form_key(store, draft_id)
    if already:
        return already
    if asked is None:
        raise LookupError(draft_id)
    if asked.fingerprint != seen:
        raise Problem(
            N_("Something has changed since you were asked, so nothing was sent. Look at it again.")
        )
    policy: Policy = "never_lost" if asked.policy == "never_lost" else "never_twice"
    return queue(
        store,
        draft_id,
        asked.asked_by,
        now,
        policy,
        plan=asked.plan,
        zone=zone,
        second_id=second_id,
        links=links,
    )


def begin(db: Database, batch_id: int, plan: Plan, now: datetime, zone: ZoneInfo) -> None:
    """Puts the batch to its plan, from `now` on."""
    begins = plan.begins(now, Hours.of(preferences.read(db), zone))
    db.execute(
        "UPDATE batches SET start_at = :start_at, office_hours = :office_hours, per_minute = :per_minute, "
        "next_at = :next_at WHERE id = :id",
        {**plan.as_columns(), "next_at": iso(begins) if begins > now else "", "id": batch_id},
    )


def by_form_key(store: Store, draft_id: str) -> int | None:
    """The batch that a draft became, if it was queued."""
    return _by_form_key(store.read(), draft_id)


def get(store: Store, batch_id: int, now: datetime | None = None) -> Batch | None:
    """One batch as it stands at `now` (the present moment when left out), or None."""
    return next(_select(store.read(), "WHERE b.id = ?", [batch_id], now), None)


def newest(
    store: Store, before: int | None = None, limit: int = 30, now: datetime | None = None
) -> list[Batch]:
    """Batches, newest first; those older than the batch `before`, if given."""
    where = "WHERE b.id < ? ORDER BY b.id DESC LIMIT ?"
    return list(_select(store.read(), where, [before or 2**62, limit], now))


def unfinished(store: Store, now: datetime | None = None) -> list[Batch]:
    """Batches with mails that are still to be handed over, looked up or decided, newest first; 20 at most."""
    marks = ", ".join("?" for _ in states.UNFINISHED)
    where = (
        f"WHERE b.id IN (SELECT batch_id FROM batch_counts WHERE n > 0 AND shown IN ({marks})) "  # noqa: S608
        "ORDER BY b.id DESC LIMIT 20"
    )
    return list(_select(store.read(), where, list(states.UNFINISHED), now))


def needing(store: Store, now: datetime) -> int:
    """How many batches need somebody: mails to decide, a token that is stopped or over, or paused by itself."""
    undecided = "b.id IN (SELECT batch_id FROM batch_counts WHERE n > 0 AND shown = 'undecided')"
    return _count(store, f"{undecided} OR {_STOPPED}", now)


def stopped(store: Store, now: datetime) -> int:
    """How many batches have mails and do not go on without somebody: the token is stopped or over, or they paused."""
    return _count(store, _STOPPED, now)


def undecided(store: Store) -> int:
    """How many mails wait for somebody to decide whether they left."""
    query = "SELECT coalesce(sum(n), 0) FROM batch_counts WHERE shown = 'undecided' AND n > 0"
    return int(store.read().execute(query).fetchone()[0])


_STOPPED = (
    "(b.id IN (SELECT batch_id FROM batch_counts WHERE n > 0 AND shown = 'queued') AND (b.state = 'paused' AND "
    "b.paused_by IS NULL OR b.state = 'running' AND (k.stopped_at IS NOT NULL OR k.expires_at <= ?)))"
)


def _count(store: Store, where: str, now: datetime) -> int:
    query = "SELECT count(*) FROM batches b JOIN tokens k ON k.id = b.token_id WHERE " + where  # noqa: S608
    return int(store.read().execute(query, [iso(now)]).fetchone()[0])


def _by_form_key(db: Database, draft_id: str) -> int | None:
    row = next(db.query("SELECT id FROM batches WHERE form_key = ?", [draft_id]), None)
    return int(row["id"]) if row else None


def _insert(
    db: Database,
    store: Store,
    draft: drafts.Draft,
    user_id: int,
    now: datetime,
    policy: Policy,
    second: int | None,
) -> int:
    sender = identity(store, draft.sender_id)
    return int(
        db.execute(
            "INSERT INTO batches (name, form_key, template_version_id, sender_email, sender_name, token_id, "
            "attachment_id, source, size, state, created_at, created_by, policy, approved_by, content_sha256) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?)",
            [draft.name, draft.id, draft.template_version_id, sender.email, sender.name, draft.token_id,
             draft.attachment_id, draft.source, draft.good, iso(now), user_id, policy, second,
             draft.content_sha256],
        ).lastrowid
        or 0
    )  # fmt: skip


def _mails(
    store: Store, draft: drafts.Draft, links: Links | None
) -> Iterator[tuple[int, str, str, str, int | None]]:
    template = version(store, draft.template_version_id)
    renderer = Renderer(template.subject, template.body)
    if renderer.uses_unsubscribe and links is None:
        raise MissingField(unsubscribe.FIELD)
    for row in drafts.good_rows(store, draft.id):
        values = row.values
        if renderer.uses_unsubscribe and links:
            # Kept with the mail, so that it can be made again exactly as it was, whatever becomes of key and address.
            values = {**values, unsubscribe.FIELD: links.url(row.email)}
        yield (
            row.number,
            row.email,
            renderer.subject(values),
            json.dumps(values, ensure_ascii=False),
            row.attachment_id,
        )


def _select(db: Database, where: str, parameters: list[object], now: datetime | None) -> Iterator[Batch]:
    rows = db.query(
        "SELECT b.id, b.kind, b.name, b.state, b.paused_reason, b.paused_at, coalesce(p.name, '') AS paused_by, "  # noqa: S608
        "b.early_refused, b.early_answered, t.id AS template_id, t.name AS template_name, "
        "v.number AS template_number, b.template_version_id, b.sender_email, b.sender_name, b.token_id, "
        "k.name AS token_name, CASE WHEN k.expires_at <= ? THEN 'expired' WHEN k.stopped_at IS NOT NULL "
        "THEN 'stopped' ELSE '' END AS token_holds, b.attachment_id, a.filename AS attachment_name, "
        "(SELECT m.accepted_at FROM mails m WHERE m.batch_id = b.id ORDER BY m.row DESC LIMIT 1) AS last_accepted_at, "
        "b.source, b.size, b.policy, b.retry_of, o.name AS retry_of_name, b.created_at, u.name AS created_by, "
        "coalesce(s.name, '') AS approved_by, b.start_at, b.office_hours, b.per_minute, b.next_at, "
        "(SELECT json_group_object(shown, n) FROM batch_counts c WHERE c.batch_id = b.id AND n > 0) AS counts "
        "FROM batches b JOIN template_versions v ON v.id = b.template_version_id "
        "JOIN templates t ON t.id = v.template_id JOIN tokens k ON k.id = b.token_id "
        "JOIN users u ON u.id = b.created_by LEFT JOIN users p ON p.id = b.paused_by "
        "LEFT JOIN batches o ON o.id = b.retry_of LEFT JOIN users s ON s.id = b.approved_by "
        "LEFT JOIN attachments a ON a.id = b.attachment_id " + where,
        # `where` is one of the constants above; what it compares with is always a parameter.
        [iso(now or utc_now()), *parameters],
    )
    for row in rows:
        waits = _when(row, now or utc_now())
        yield Batch(**{**row, **waits, "counts": json.loads(row["counts"] or "{}")})


def _when(row: dict[str, Any], now: datetime) -> dict[str, object]:
    """What a batch's row says about when it goes, in place of the columns that say it."""
    next_at = row.pop("next_at")
    plan = plans.from_columns(row.pop("start_at"), row.pop("office_hours"), row.pop("per_minute"))
    # From one mail to the next it does not wait, it goes slowly.
    waits = next_at > iso(now + plan.gap)
    later = plan.start_at is not None and plan.start_at > now
    return {"plan": plan, "waits_until": parse(next_at) if waits or later else None, "starts_later": later}
