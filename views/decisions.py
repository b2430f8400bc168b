"""Decisions: a mail that nobody can prove to have left, the evidence, and the two buttons that end the doubt."""

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _
from flask_babel import ngettext

import oca
from mailroom import batches, decisions, tokens
from mailroom.batches import Batch
from mailroom.decisions import Case
from mailroom.problems import Problem
from mailroom.reconcile import Outcome
from mailroom.times import parse
from views.here import me, see_other, service, show, whole
from views.words import number, said

blueprint = Blueprint("decisions", __name__, url_prefix="/decisions")


@blueprint.get("/<int:mail_id>")
def one(mail_id: int) -> Response:
    """One mail in doubt: what was sent, what was looked for, what was seen, and what to do."""
    return _show_one(_case(mail_id))


@blueprint.post("/<int:mail_id>")
def decide(mail_id: int) -> Response:
    """Ends the doubt about one mail, with a reason."""
    case, reason = _case(mail_id), request.form.get("reason", "")
    attempt_id, arrived = request.form.get("attempt", 0, type=whole), _arrived()
    try:
        decided = decisions.decide(
            service().store, mail_id, attempt_id, arrived, reason, me().id, service().clock()
        )
    except Problem as problem:
        return _show_one(case, problem, reason)
    if not decided:
        flash(_("Nothing was changed: this had been decided before you pressed the button."), "info")
    elif arrived:
        flash(_("Counted as sent."), "ok")
    else:
        flash(_again_sentence(mail_id), "ok")
    return see_other("decisions.one", mail_id=mail_id)


@blueprint.post("/<int:mail_id>/look")
def look(mail_id: int) -> Response:
    """Reads the gateway's history for this mail now."""
    _case(mail_id)
    try:
        flash(_looked(service().reconciler.look_again(mail_id)), "ok")
    except Problem as problem:
        flash(said(problem), "info")
    except oca.GatewayError as error:
        flash(_("The gateway could not be asked: %(why)s", why=_(error.sentence)), "error")
    return see_other("decisions.one", mail_id=mail_id)


@blueprint.get("/batch/<int:batch_id>")
def batch(batch_id: int) -> Response:
    """What is in doubt in one batch, with one decision for all of it."""
    return _show_batch(_batch(batch_id))


@blueprint.post("/batch/<int:batch_id>")
def decide_all(batch_id: int) -> Response:
    """Ends the doubt about every undecided mail that the person was shown."""
    found, reason, arrived = _batch(batch_id), request.form.get("reason", ""), _arrived()
    upto = request.form.get("upto", "")
    try:
        n = decisions.decide_all(service().store, batch_id, upto, arrived, reason, me().id, service().clock())
    except Problem as problem:
        return _show_batch(found, problem, reason)
    if not n:
        flash(_("Nothing was changed: this had been decided before you pressed the button."), "info")
    elif arrived:
        flash(ngettext("%(n)s mail counts as sent.", "%(n)s mails count as sent.", n, n=number(n)), "ok")
    elif found.state == "cancelled":
        flash(_("They are cancelled, for their batch was."), "ok")
    else:
        flash(ngettext("%(n)s mail is sent again.", "%(n)s mails are sent again.", n, n=number(n)), "ok")
    return see_other("decisions.batch", batch_id=batch_id)


@blueprint.post("/batch/<int:batch_id>/policy")
def policy(batch_id: int) -> Response:
    """Says what this batch wants when nobody can tell."""
    _batch(batch_id)
    wanted = request.form.get("policy", "")
    if wanted not in decisions.POLICIES:
        abort(400)
    decisions.set_policy(service().store, batch_id, wanted, me().id, service().clock())
    flash(_("Saved. It holds for mails that cannot be decided from now on."), "ok")
    return see_other("decisions.batch", batch_id=batch_id)


def _case(mail_id: int) -> Case:
    return decisions.case(service().store, mail_id) or abort(404)


def _batch(batch_id: int) -> Batch:
    return batches.get(service().store, batch_id, service().clock()) or abort(404)


def _arrived() -> bool:
    pressed = request.form.get("decision")
    if pressed not in ("arrived", "again"):
        abort(400)
    return pressed == "arrived"


def _show_one(case: Case, problem: Problem | None = None, reason: str = "") -> Response:
    store, now = service().store, service().clock()
    asked = tokens.get(store, case.token_id, now).state not in ("stopped", "expired")
    return show(
        "decisions/one.html",
        status=422 if problem else 200,
        case=case,
        others=decisions.summary(store, case.batch_id).undecided - (case.state == "undecided"),
        again_in=(parse(case.next_at) - now).total_seconds() if case.next_at else 0.0,
        asked=asked,
        problem=problem,
        reason=reason,
    )


def _show_batch(found: Batch, problem: Problem | None = None, reason: str = "") -> Response:
    return show(
        "decisions/batch.html",
        status=422 if problem else 200,
        batch=found,
        summary=decisions.summary(service().store, found.id),
        problem=problem,
        reason=reason,
    )


def _again_sentence(mail_id: int) -> str:
    if _case(mail_id).state == "cancelled":
        return _("It is cancelled, for its batch was.")
    return _("It waits for its turn to be sent again.")


def _looked(outcome: Outcome) -> str:
    if outcome.found:
        return _("It is in the gateway’s history: it has left and is not sent again.")
    if outcome.absent:
        return _("It is proven not to have left, and is sent again by itself.")
    if outcome.unproven:
        return _("Nobody can tell, and its batch wants it sent again.")
    return _("It still cannot be decided. What was seen just now stands below.")
