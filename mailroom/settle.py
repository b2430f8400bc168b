"""What a verdict makes of a mail in doubt: found, sent again, left in doubt, or put before a person."""

from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import delivery, doubts, states
from mailroom.doubts import Doubt, Result
from mailroom.evidence import Verdict
from mailroom.readings import Row, Rules
from mailroom.states import Change
from mailroom.times import after, iso, parse
from oca.words import N_

ACTOR = "reconcile"
NOT_IN_TIME = N_("Not decidable within %(minutes)s minutes. %(why)s")
POLICY_WHY = N_(
    "%(why)s It is sent again without a proof, because its batch would rather send twice than never."
)
LONGEST_AGAIN_SECONDS = 15 * 60.0


def settle(
    db: Database, doubt: Doubt, verdict: Verdict, gateway_now: datetime, rules: Rules, now: datetime
) -> Result:
    """Moves the mail on as the verdict allows, and writes down what was seen, in the caller's transaction.

    gateway_now: the gateway's clock when the history was read.
    """
    first_at = doubt.first_at or iso(gateway_now)
    # The gateway's clock is known to a second only, so it may seem to run backwards.
    waited = max(gateway_now - parse(first_at), timedelta(0))
    over = waited >= timedelta(seconds=rules.give_up_after)
    if doubt.state == "undecided":
        # Looked up again by hand: a person has to decide now, and gets fresh evidence to do so.
        result: Result = "undecided"
    elif verdict.match:
        result = _found(db, doubt, verdict.match, Change(now, verdict.why, ACTOR))
    elif verdict.finding == "absent":
        result = _again(db, doubt, "absent", Change(now, verdict.why, ACTOR), rules)
    elif verdict.finding == "several" or over:
        result = _give_up(db, doubt, verdict, rules, now)
    else:
        result = "open"
    doubts.keep(
        db, doubt, result, verdict.evidence, first_at, now, after(now, pause_after(doubt.looks + 1, rules))
    )
    return result


def pause_after(looks: int, rules: Rules) -> float:
    """Seconds from one look to the next: soon at first, then ever later."""
    return min(rules.first_pause * 2.0 ** min(looks, 30), rules.longest_pause)


def _found(db: Database, doubt: Doubt, row: Row, change: Change) -> Result:
    states.transition(db, doubt.mail_id, "unknown", "accepted", change, gateway_id=row.msg_id)
    delivery.note(db, row.msg_id, row.status, row.word, change.at)
    return "found"


def _again(db: Database, doubt: Doubt, result: Result, change: Change, rules: Rules) -> Result:
    wait = min(rules.again_after * 2.0 ** min(doubt.faults, 30), LONGEST_AGAIN_SECONDS)
    if result == "unproven":
        # What stands in the history now must lie before the window of the next attempt.
        wait = max(wait, 2 * rules.margin)
    due_at = after(change.at, wait)
    states.transition(db, doubt.mail_id, "unknown", "queued", change, due_at=due_at, faults=doubt.faults + 1)
    return result


def _give_up(db: Database, doubt: Doubt, verdict: Verdict, rules: Rules, now: datetime) -> Result:
    why = verdict.why
    if verdict.finding != "several":
        why = NOT_IN_TIME % {"minutes": f"{rules.give_up_after / 60:g}", "why": why}
    if doubt.policy == "never_lost":
        return _again(db, doubt, "unproven", Change(now, POLICY_WHY % {"why": why}, ACTOR), rules)
    states.transition(db, doubt.mail_id, "unknown", "undecided", Change(now, why, ACTOR))
    return "undecided"
