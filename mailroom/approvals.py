"""Approval: a large batch needs a second person, who sees exactly what would be sent and lets it go or returns it.

What is approved is frozen by a fingerprint over everything that would be sent; when anything of it changes, the
approval is void. `batches.queue()` asks here, so that nothing large goes out past it, whoever calls.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from mailroom import activity, drafts, plans, preferences, sending_deeds
from mailroom.drafts import Draft
from mailroom.plans import Plan
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

LONGEST_NOTE = 500

# Who may decide: anybody who may send, but not the one who asks.
_MAY_DECIDE = "disabled_at IS NULL AND role IN ('sender', 'admin') AND id <> ?"


@dataclass(frozen=True)
class Approval:
    """A draft that a second person is asked about.

    mails: how many would go out. plan, policy: as the asker chose them. decision: "" while it waits, or `returned`;
    note, decided_by: why and by whom (a name). asked_by: the asker's id. decided_at: as the database keeps times.
    """

    draft_id: str
    name: str
    mails: int
    plan: Plan
    policy: str
    fingerprint: str
    asked_by: int
    asker: str
    asked_at: str
    decision: str
    decided_by: str
    decided_at: str | None
    note: str


def needed(store: Store, mails: int) -> bool:
    """Whether a batch of so many mails needs a second person."""
    return _needed(store.read(), mails)


def deciders(store: Store, asker_id: int) -> list[str]:
    """The names of those who may decide about what this person asks, in order."""
    query = f"SELECT name FROM users WHERE {_MAY_DECIDE} ORDER BY name COLLATE NOCASE"  # noqa: S608 – a constant
    return [str(row["name"]) for row in store.read().query(query, [asker_id])]


def ask(store: Store, draft_id: str, user_id: int, plan: Plan, policy: str, now: datetime) -> None:
    """Asks for a second person; asked again, the draft waits with the plan and the policy as they are now.

    Raises Problem when no row can be sent, it was queued already, or nobody else could decide; LookupError when the
    person has no such draft.
    """
    draft = drafts.get(store, draft_id, user_id)
    if not draft.good:
        raise Problem(N_("No row can be sent. Mend the list and upload it again."))
    if not deciders(store, user_id):
        raise Problem(
            N_("Nobody else of your team may send, so nobody could approve. An admin can invite somebody.")
        )
    rows = rows_sum(store, draft_id)
    with store.write() as db:
        if db.execute("SELECT 1 FROM batches WHERE form_key = ?", [draft_id]).fetchone():
            raise Problem(N_("The good rows of this list were queued already."))
        db.execute(
            "INSERT OR REPLACE INTO approvals (draft_id, plan, fingerprint, asked_by, asked_at) VALUES (?, ?, ?, ?, ?)",
            [
                draft_id,
                _frozen(plan, policy),
                _fingerprint(db, draft_id, rows, plan, policy),
                user_id,
                iso(now),
            ],
        )
        activity.note(db, sending_deeds.ApprovalAsked(draft.name, draft.good), now, user_id)


def get(store: Store, draft_id: str) -> Approval | None:
    """What is asked about a draft and not approved yet, or None."""
    return next(iter(_select(store.read(), "AND a.draft_id = ?", [draft_id])), None)


def waiting(store: Store) -> list[Approval]:
    """Everything that waits for a second person, the oldest first."""
    return _select(store.read(), "AND a.decision = '' ORDER BY a.asked_at, a.draft_id", [])


def returned(store: Store, user_id: int) -> list[Approval]:
    """What this person asked for and got back, the newest first."""
    where = "AND a.decision = 'returned' AND a.asked_by = ? ORDER BY a.decided_at DESC"
    return _select(store.read(), where, [user_id])


def to_decide(store: Store, user_id: int) -> int:
    """How many drafts wait for this person, or somebody else who may, to decide."""
    query = "SELECT count(*) FROM approvals WHERE decision = '' AND asked_by <> ?"
    return int(store.read().execute(query, [user_id]).fetchone()[0])


def in_use(store: Store) -> bool:
    """Whether this team approves at all: a limit is set, or something waits still."""
    if preferences.get(store).approval_above is not None:
        return True
    return store.read().execute("SELECT 1 FROM approvals WHERE decision = '' LIMIT 1").fetchone() is not None


def stands(store: Store, approval: Approval) -> bool:
    """Whether exactly what was asked about would still be sent."""
    rows = rows_sum(store, approval.draft_id)
    now = _fingerprint(store.read(), approval.draft_id, rows, approval.plan, approval.policy)
    return now == approval.fingerprint


def withdraw(store: Store, draft_id: str, user_id: int, now: datetime) -> bool:
    """Whether the person had asked about this draft and no longer does."""
    query = "DELETE FROM approvals WHERE draft_id = ? AND asked_by = ? AND decision <> 'approved'"
    with store.write() as db:
        if not db.execute(query, [draft_id, user_id]).rowcount:
            return False
        activity.note(db, sending_deeds.ApprovalWithdrawn(*_name_and_mails(db, draft_id)), now, user_id)
        return True


def give_back(store: Store, draft_id: str, user_id: int, note: str, now: datetime) -> bool:
    """Whether the draft waited and goes back to its asker, with a note that says why.

    Raises Problem beside `note`, or when this person may not decide.
    """
    note = note.strip()
    if not note:
        raise Problem(N_("Write what has to change; whoever asked sees it."), field="note")
    if len(note) > LONGEST_NOTE:
        raise Problem(N_("Write at most %(most)s letters."), field="note", most=LONGEST_NOTE)
    with store.write() as db:
        row = _waiting_row(db, draft_id)
        if row is None:
            return False
        _refuse_decider(db, user_id, row["asked_by"])
        db.execute(
            "UPDATE approvals SET decision = 'returned', decided_by = ?, decided_at = ?, note = ? WHERE draft_id = ?",
            [user_id, iso(now), note, draft_id],
        )
        deed = sending_deeds.ApprovalReturned(*_name_and_mails(db, draft_id), asked_by=row["asked_by"])
        activity.note(db, deed, now, user_id)
    return True


def settle(
    db: Database, draft: Draft, rows: str, plan: Plan, policy: str, second_id: int, now: datetime
) -> int | None:
    """Who approved what is queued in this very transaction; None where nobody has to.

    rows: the draft's `rows_sum()`. second_id: the second person, who presses the button now, or 0. Raises Problem
    when a second person is needed and this is none, or when something has changed since it was asked about.
    """
    if not second_id:
        if _needed(db, draft.good):
            raise Problem(
                N_(
                    "So many mails need the approval of a second person. Ask for it on the page before sending."
                )
            )
        # Nobody is needed any more, so nobody is asked any more.
        db.execute("DELETE FROM approvals WHERE draft_id = ?", [draft.id])
        return None
    row = _waiting_row(db, draft.id)
    if row is None:
        raise Problem(N_("This does not wait for a decision any more."))
    _refuse_decider(db, second_id, row["asked_by"])
    if _fingerprint(db, draft.id, rows, plan, policy) != row["fingerprint"]:
        raise Problem(
            N_("Something has changed since you were asked, so nothing was sent. Look at it again.")
        )
    db.execute(
        "UPDATE approvals SET decision = 'approved', decided_by = ?, decided_at = ? WHERE draft_id = ?",
        [second_id, iso(now), draft.id],
    )
    return second_id


def rows_sum(store: Store, draft_id: str) -> str:
    """The SHA-256 of the draft's good rows with their own attachments; to be made before a lock is taken."""
    found = hashlib.sha256()
    for row in store.read().execute(
        "SELECT r.row, r.email, r.fields, a.sha256, a.filename FROM draft_rows r "
        "LEFT JOIN attachments a ON a.id = r.attachment_id WHERE r.draft_id = ? AND r.errors = '{}' ORDER BY r.row",
        [draft_id],
    ):
        found.update(json.dumps(tuple(row)).encode())
    return found.hexdigest()


def _fingerprint(db: Database, draft_id: str, rows: str, plan: Plan, policy: str) -> str:
    row = db.execute(
        "SELECT d.name, v.id, v.subject, v.html, v.compiled, s.email, s.name, s.removed_at, k.id, k.fingerprint, "
        "a.sha256, a.filename FROM drafts d JOIN template_versions v ON v.id = d.template_version_id "
        "JOIN senders s ON s.id = d.sender_id JOIN tokens k ON k.id = d.token_id "
        "LEFT JOIN attachments a ON a.id = d.attachment_id WHERE d.id = ?",
        [draft_id],
    ).fetchone()
    whole = [rows, _frozen(plan, policy), *(row or ())]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _name_and_mails(db: Database, draft_id: str) -> tuple[str, int]:
    row = db.execute("SELECT name, good FROM drafts WHERE id = ?", [draft_id]).fetchone()
    return row["name"], row["good"]


def _frozen(plan: Plan, policy: str) -> str:
    return json.dumps({**plan.as_columns(), "policy": policy}, sort_keys=True)


def _needed(db: Database, mails: int) -> bool:
    limit = preferences.read(db).approval_above
    return limit is not None and mails > limit


def _waiting_row(db: Database, draft_id: str) -> dict[str, Any] | None:
    query = "SELECT asked_by, fingerprint FROM approvals WHERE draft_id = ? AND decision = ''"
    return next(db.query(query, [draft_id]), None)


def _refuse_decider(db: Database, user_id: int, asked_by: int) -> None:
    query = f"SELECT 1 FROM users WHERE {_MAY_DECIDE} AND id = ?"  # noqa: S608 – a constant
    if not db.execute(query, [asked_by, user_id]).fetchone():
        raise Problem(
            N_("Somebody else decides: whoever asks cannot approve, nor can somebody who may not send.")
        )


def _select(db: Database, where: str, parameters: list[object]) -> list[Approval]:
    rows = db.query(
        "SELECT a.draft_id, d.name, a.plan, a.fingerprint, a.asked_by, u.name AS asker, a.asked_at, a.decision, "
        "coalesce(p.name, '') AS decided_by, a.decided_at, a.note, "
        "d.good AS mails "
        "FROM approvals a JOIN drafts d ON d.id = a.draft_id JOIN users u ON u.id = a.asked_by "
        "LEFT JOIN users p ON p.id = a.decided_by WHERE a.decision <> 'approved' " + where,
        parameters,
    )
    return [_approval(row) for row in rows]


def _approval(row: dict[str, Any]) -> Approval:
    frozen = json.loads(row.pop("plan"))
    policy = frozen.pop("policy")
    return Approval(**row, plan=plans.from_columns(**frozen), policy=policy)
