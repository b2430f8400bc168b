"""Sending one mail again: a batch of its own beside the first, after a person has read what became of that."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds, drafts, retries, states, suppressions
from mailroom.problems import Problem, Sentence, say
from mailroom.store import Store
from oca.words import N_

FORGOTTEN = N_("Its address and its content were taken out of the record, so it cannot be sent again.")
WAITS = N_("It has not been sent yet, so there is nothing to send again.")
IN_DOUBT = N_("Nobody knows yet whether it left. That is decided first; sent again now, it might come twice.")
NOT_OURS = N_("It was not sent from here, so its content is not known.")
STILL_GOING = N_("It is being sent again already; what becomes of that shows first.")
CHANGED = N_("Something has happened to it since you opened this page. Read it again before you decide.")
SUPPRESSED = N_("Its address is on the do-not-mail list, so nothing is sent to it.")

# Kinds of batches whose mails were made here, from a template and a row.
_OWN_KINDS = ("batch", "test", "report")


@dataclass(frozen=True)
class Again:
    """A later mail that sends one again. shown: where it stands."""

    mail_id: int
    batch_id: int
    shown: str
    created_at: str
    created_by: str


@dataclass(frozen=True)
class Question:
    """What a person has to know before one mail is sent again.

    why_not: why it cannot be, or None. seen: what they have seen, so that they decide about nothing else.
    """

    why_not: Sentence | None
    agains: tuple[Again, ...]
    seen: str


def of(store: Store, mail_id: int) -> list[Again]:
    """The mails that send this one again, the newest first."""
    return _agains(store.read(), mail_id)


def question(store: Store, mail_id: int) -> Question:
    """What to know before sending the mail again. Raises LookupError when there is no such mail."""
    return _question(store.read(), mail_id)


def send(store: Store, mail_id: int, name: str, seen: str, form_key: str, user_id: int, now: datetime) -> int:
    """The id of the new mail that sends this one again, in a batch of its own.

    name: of that batch. seen: the `Question.seen` that the person read. form_key: the form's one-time key; a form
    sent twice lands on the first new mail. Template version, sender, attachment, token and kind stay as they were.
    Raises Problem when it may not be sent again or something has happened to it since, LookupError.
    """
    retries.check_key(form_key)
    name, key = drafts.named(name), f"again:{mail_id}:{form_key}"
    with store.write() as db:
        already = db.execute(
            "SELECT m.id FROM batches b JOIN mails m ON m.batch_id = b.id WHERE b.form_key = ?", [key]
        ).fetchone()
        if already:
            return int(already[0])
        found = _question(db, mail_id)
        if found.why_not:
            raise Problem(found.why_not.text)
        if found.seen != seen:
            raise Problem(CHANGED)
        mail = db.execute(
            "SELECT batch_id, row, email, subject, fields, attachment_id FROM mails WHERE id = ?", [mail_id]
        ).fetchone()
        batch_id = retries.insert(db, mail["batch_id"], name, key, 1, user_id, now)
        states.queue(
            db, batch_id, states.packed([tuple(mail)[1:]]), states.Change(now, name, f"user:{user_id}")
        )
        activity.note(db, deeds.BatchQueued(batch_id, name, 1), now, user_id)
        return int(db.execute("SELECT id FROM mails WHERE batch_id = ?", [batch_id]).fetchone()[0])


def _question(db: Database, mail_id: int) -> Question:
    row = db.execute(
        "SELECT m.email, m.state, m.shown, m.forgotten_at, b.kind FROM mails m JOIN batches b ON b.id = m.batch_id "
        "WHERE m.id = ?",
        [mail_id],
    ).fetchone()
    if row is None:
        raise LookupError(mail_id)
    agains = tuple(_agains(db, mail_id))
    newest = agains[0].mail_id if agains else 0
    reason = _why_not(db, row["email"], row["state"], row["forgotten_at"], row["kind"], agains)
    return Question(say(reason) if reason else None, agains, f"{row['shown']}.{newest}")


def _why_not(
    db: Database, email: str, state: str, forgotten_at: str | None, kind: str, agains: tuple[Again, ...]
) -> str:
    if forgotten_at:
        return FORGOTTEN
    if kind not in _OWN_KINDS:
        return NOT_OURS
    if state == "queued":
        return WAITS
    if state in states.UNFINISHED:
        return IN_DOUBT
    # Two people with the same idea, or one with two windows.
    if agains and agains[0].shown in states.UNFINISHED:
        return STILL_GOING
    return SUPPRESSED if suppressions.why(db, email) else ""


def _agains(db: Database, mail_id: int) -> list[Again]:
    rows = db.query(
        "SELECT m.id AS mail_id, m.batch_id, m.shown, m.created_at, u.name AS created_by FROM mails o "
        "JOIN batches b ON b.retry_of = o.batch_id JOIN mails m ON m.batch_id = b.id AND m.row = o.row "
        "JOIN users u ON u.id = b.created_by WHERE o.id = ? ORDER BY m.id DESC",
        [mail_id],
    )
    return [Again(**row) for row in rows]
