"""Sending again only what failed: a new batch beside the first, with the same mails, linked both ways."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds, drafts, states
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

# What may be sent again. Never a mail that the gateway took and has not given up on, nor one in doubt.
KINDS = ("failed", "rejected", "gave_up", "lost")

# One that was sent again already is not offered any more; one whose second try was cancelled is.
_OPEN = (
    f"m.batch_id = ? AND m.shown IN {KINDS} AND m.forgotten_at IS NULL "  # noqa: S608 – constants
    # What was found at the gateway has no content here that could be sent.
    "AND (SELECT kind FROM batches WHERE id = m.batch_id) <> 'found' AND NOT EXISTS "
    "(SELECT 1 FROM batches r JOIN mails again ON again.batch_id = r.id AND again.row = m.row "
    "WHERE r.retry_of = m.batch_id AND again.state <> 'cancelled')"
)
_LONGEST_KEY = 64


@dataclass(frozen=True)
class Retry:
    """A batch that sends mails of another one again."""

    id: int
    name: str
    size: int


def offered(store: Store, batch_id: int) -> dict[str, int]:
    """How many mails of the batch can be sent again, by kind; kinds with none are left out."""
    rows = store.read().query(
        "SELECT m.shown, count(*) AS n FROM mails m WHERE " + _OPEN + " GROUP BY m.shown",  # noqa: S608
        [batch_id],
    )
    found = {row["shown"]: row["n"] for row in rows}
    return {kind: found[kind] for kind in KINDS if kind in found}


def any_offered(store: Store, batch_id: int) -> bool:
    """Whether any mail of the batch can be sent again; cheaper than counting them."""
    query = "SELECT EXISTS (SELECT 1 FROM mails m WHERE " + _OPEN + ")"  # noqa: S608
    return bool(store.read().execute(query, [batch_id]).fetchone()[0])


def of(store: Store, batch_id: int) -> list[Retry]:
    """The batches that send mails of this one again, oldest first."""
    rows = store.read().query("SELECT id, name, size FROM batches WHERE retry_of = ? ORDER BY id", [batch_id])
    return [Retry(**row) for row in rows]


def retry(
    store: Store,
    batch_id: int,
    kinds: Collection[str],
    name: str,
    form_key: str,
    user_id: int,
    now: datetime,
) -> int:
    """The id of a new batch with all mails of these kinds that are still open, queued all or none.

    form_key: the form's one-time key; a form sent twice lands on the first batch. Template version, sender,
    attachments, token, kind, policy, business hours and pace stay those of the first batch; it begins at once. What
    a second person approved was approved with its failures, so sending those again asks nobody. Raises Problem
    beside `kinds` or `name`.
    """
    wanted = [kind for kind in KINDS if kind in kinds]
    if not wanted:
        raise Problem(N_("Tick what is to be sent again."), field="kinds")
    check_key(form_key)
    name, key = drafts.named(name), f"retry:{batch_id}:{form_key}"
    with store.write() as db:
        already = db.execute("SELECT id FROM batches WHERE form_key = ?", [key]).fetchone()
        if already:
            return int(already[0])
        mails = _mails(db, batch_id, wanted)
        if not mails:
            raise Problem(N_("All of these mails were sent again already."), field="kinds")
        retry_id = insert(db, batch_id, name, key, len(mails), user_id, now)
        states.queue(db, retry_id, states.packed(mails), states.Change(now, name, f"user:{user_id}"))
        activity.note(db, deeds.BatchQueued(retry_id, name, len(mails)), now, user_id)
        return retry_id


def check_key(form_key: str) -> None:
    """Raises Problem when a form came without its one-time key."""
    if not 0 < len(form_key) <= _LONGEST_KEY:
        raise Problem(N_("The form was not complete. Look at the numbers and press the button again."))


def insert(
    db: Database, batch_id: int, name: str, form_key: str, size: int, user_id: int, now: datetime
) -> int:
    """The id of a new, empty batch that sends so many mails of the batch again, in all else as that one was."""
    return int(
        db.execute(
            "INSERT INTO batches (name, form_key, template_version_id, sender_email, sender_name, token_id, "
            "attachment_id, source, kind, size, state, created_at, created_by, policy, office_hours, per_minute, "
            "retry_of) SELECT ?, ?, template_version_id, sender_email, sender_name, token_id, attachment_id, source, "
            "kind, ?, 'running', ?, ?, policy, office_hours, per_minute, id FROM batches WHERE id = ?",
            [name, form_key, size, iso(now), user_id, batch_id],
        ).lastrowid
        or 0
    )


def _mails(db: Database, batch_id: int, kinds: list[str]) -> list[tuple[int, str, str, str, int | None]]:
    marks = ", ".join("?" for _ in kinds)
    rows = db.execute(
        "SELECT m.row, m.email, m.subject, m.fields, m.attachment_id FROM mails m WHERE "  # noqa: S608 – constants and marks
        f"{_OPEN} AND m.shown IN ({marks}) ORDER BY m.row",
        [batch_id, *kinds],
    )
    return [tuple(row) for row in rows]
