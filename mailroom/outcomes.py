"""What an answer of the gateway means for a mail: the attempt's end and the mail's new state, in one transaction."""

import sqlite3
from datetime import datetime

from sqlite_utils import Database

from mailroom import states, tokens, watch
from mailroom.claims import Claim
from mailroom.states import Change
from mailroom.times import after, iso
from oca.audit import AttemptResult, complete_attempt
from oca.words import N_

UNREACHABLE_SECONDS = 5.0
STOPPED_WHY = N_("the program stopped before an answer was written")
OTHERS_ID = N_("the gateway answered with an id that another mail has: %(id)s")


def record(
    db: Database, claim: Claim, attempt_id: int, token_id: int, result: AttemptResult, now: datetime
) -> None:
    """Ends the attempt and moves the mail on from `sending`, as the table of states says."""
    complete_attempt(db, attempt_id, result)
    change = Change(now, result.detail or "", "sender")
    match result.outcome:
        case "accepted":
            _accepted(db, claim, result, change)
        case "refused":
            states.transition(db, claim.mail_id, "sending", "rejected", change, faults=claim.faults + 1)
            watch.refused(db, claim.batch_id, now)
        case "token" | "account":
            states.transition(db, claim.mail_id, "sending", "queued", change)
            tokens.stop(db, token_id, result.detail or "", now, claim.fingerprint)
        case "later":
            states.transition(db, claim.mail_id, "sending", "queued", change, due_at=after(now, 1.0))
        case "unreachable":
            due = after(now, UNREACHABLE_SECONDS)
            states.transition(db, claim.mail_id, "sending", "queued", change, due_at=due)
        case _:
            states.transition(db, claim.mail_id, "sending", "unknown", change)


def recover(db: Database, now: datetime) -> int:
    """How many mails an earlier stop left `sending`; they are `unknown` now, and their attempts ended as such."""
    ids = [int(row["id"]) for row in db.query("SELECT id FROM mails WHERE state = 'sending'")]
    db.execute(
        "UPDATE attempts SET finished_at = ?, outcome = 'unknown', detail = ? WHERE finished_at IS NULL",
        [iso(now), STOPPED_WHY],
    )
    return states.move_all(db, ids, "sending", "unknown", Change(now, STOPPED_WHY, "start"))


def _accepted(db: Database, claim: Claim, result: AttemptResult, change: Change) -> None:
    try:
        states.transition(db, claim.mail_id, "sending", "accepted", change, gateway_id=result.msg_id)
    except sqlite3.IntegrityError:
        # The gateway gave an id that another mail has already: the answer proves nothing for this one.
        why = OTHERS_ID % {"id": result.msg_id}
        states.transition(db, claim.mail_id, "sending", "unknown", Change(change.at, why, "sender"))
