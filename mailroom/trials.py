"""Test mails: one mail to the person who asks for it, marked as a test; queued and sent as every other mail is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, drafts, sending_deeds, states, unsubscribe
from mailroom.drafts import Draft
from mailroom.email_templates import Renderer, version
from mailroom.identities import get as identity
from mailroom.messages import subject_of
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from mailroom.unsubscribe import Links
from oca.words import N_

_LONGEST_KEY = 64


@dataclass(frozen=True)
class Trial:
    """What a test mail is made of.

    name: what its batch is called. row: the number of the row it shows, 1 where there is no list. values: by the
    template's fields. attachment_id: the file that goes with it, or None.
    """

    name: str
    version_id: int
    sender_id: int
    token_id: int
    values: Mapping[str, str]
    row: int = 1
    attachment_id: int | None = None


@dataclass(frozen=True)
class Sent:
    """The batch that a test became. fresh: whether this press of the button made it, or an earlier one did."""

    batch_id: int
    fresh: bool


def of_row(store: Store, draft: Draft, number: int) -> Trial:
    """The test of a good row, with the file that goes with it. Raises LookupError when the row is not good."""
    row = drafts.row(store, draft.id, number)
    if row is None or row.errors:
        raise LookupError(number)
    return Trial(
        draft.name,
        draft.template_version_id,
        draft.sender_id,
        draft.token_id,
        row.values,
        row.number,
        row.attachment_id or draft.attachment_id,
    )


def last_values(store: Store, template_id: int, user_id: int) -> dict[str, str]:
    """What the person filled the template's fields with in their last test of it; empty before the first."""
    row = next(
        store.read().query(
            "SELECT m.fields FROM batches b JOIN template_versions v ON v.id = b.template_version_id "
            "JOIN mails m ON m.batch_id = b.id WHERE b.kind = 'test' AND b.created_by = ? AND v.template_id = ? "
            "ORDER BY b.id DESC LIMIT 1",
            [user_id, template_id],
        ),
        None,
    )
    return dict(json.loads(row["fields"])) if row else {}


def send(store: Store, links: Links, trial: Trial, form_key: str, person: User, now: datetime) -> Sent:
    """Queues the test as a batch of one mail to the person's own address.

    links: what the mail's own unsubscribe link is made with. form_key: the form's one-time key; a form sent twice
    lands on the first batch. A test needs no second person; the do-not-mail list holds for it as for every mail.
    Raises Problem when the row cannot be filled in (a FieldProblem names the field), LookupError when the sender
    or the version is not known.
    """
    if not 0 < len(form_key) <= _LONGEST_KEY:
        raise Problem(N_("The form was not complete. Go back and press the button again."))
    key = f"test:{person.id}:{form_key}"
    template = version(store, trial.version_id)
    renderer, values = Renderer(template.subject, template.body), dict(trial.values)
    if renderer.uses_unsubscribe:
        values[unsubscribe.FIELD] = links.url(person.email)
    subject = subject_of(renderer.render(values), "test")
    mail = (trial.row, person.email, subject, json.dumps(values, ensure_ascii=False), trial.attachment_id)
    with store.write() as db:
        already = db.execute("SELECT id FROM batches WHERE form_key = ?", [key]).fetchone()
        if already:
            return Sent(int(already[0]), fresh=False)
        batch_id = _insert(db, store, trial, key, person.id, now)
        states.queue(db, batch_id, states.packed([mail]), states.Change(now, trial.name, f"user:{person.id}"))
        activity.note(db, sending_deeds.TrialSent(batch_id, trial.name), now, person.id)
        return Sent(batch_id, fresh=True)


def _insert(db: Database, store: Store, trial: Trial, key: str, user_id: int, now: datetime) -> int:
    sender = identity(store, trial.sender_id)
    return int(
        db.execute(
            "INSERT INTO batches (name, form_key, kind, template_version_id, sender_email, sender_name, token_id, "
            "source, size, state, created_at, created_by) "
            "VALUES (?, ?, 'test', ?, ?, ?, ?, '', 1, 'running', ?, ?)",
            [trial.name, key, trial.version_id, sender.email, sender.name, trial.token_id, iso(now), user_id],
        ).lastrowid
        or 0
    )
