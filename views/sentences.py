"""One honest sentence about a mail, made of its state, its delivery and the gateway's own words."""

from datetime import datetime

from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext

import oca
from mailroom.batches import Batch
from mailroom.history import Line
from mailroom.holds import Hold
from mailroom.one_mail import Attempt, Looks, Mail, Moment
from mailroom.times import parse
from views.plan_form import day_and_time
from views.words import clock, duration, said, when


def happened(line: Line) -> str:
    """What last happened to a mail, for its line in a list."""
    at = when(line.changed_at, "second")
    match line.shown:
        case "queued":
            return (
                _("Sent again soon: %(why)s", why=_short(said(line.why)))
                if _was_tried(line)
                else _("Waits for its turn")
            )
        case "sending":
            return _("On its way to the gateway since %(at)s", at=at)
        case "accepted":
            return _("Taken by the gateway at %(at)s", at=at)
        case "delivered":
            return _("Delivered, seen at %(at)s", at=at)
        case "opened":
            return _("Opened, seen at %(at)s", at=at)
        case "failed":
            return _("The gateway says “%(word)s” (%(at)s)", word=line.why, at=at)
        case "rejected":
            return _("Refused: %(why)s", why=_short(said(line.why)))
        case "unknown":
            return _("No readable answer: %(why)s", why=_short(said(line.why)))
        case "cancelled":
            return _("Cancelled at %(at)s", at=at)
        case "skipped":
            return _("Skipped: %(why)s", why=said(line.why))
        case _:
            return _short(said(line.why)) or at


def story(mail: Mail) -> str:
    """The whole way of one mail in a sentence or two, as one would say it on the phone."""
    if not mail.accepted_at:
        return _("%(sentence)s.", sentence=_beginning(mail))
    handed, seen = mail.accepted_at, {moment.to_state: moment.at for moment in reversed(mail.moments)}
    said = [_("Handed to the gateway at %(at)s", at=clock(handed))]
    # The gateway does not say when: this is when we learnt of it.
    if "delivered" in seen:
        said.append(_("delivered by %(at)s", at=clock(seen["delivered"], handed)))
    if "opened" in seen:
        said.append(_("opened by %(at)s", at=clock(seen["opened"], handed)))
    if mail.delivery == "failed" and mail.gateway_word:
        said.append(_("not delivered: the gateway says “%(word)s”", word=mail.gateway_word))
    elif mail.delivery == "failed":
        said.append(_("not delivered"))
    if mail.delivery == "lost":
        said.append(_("and the gateway no longer knows it"))
    if mail.delivery == "pending":
        said.append(_("what became of it is not known yet"))
    return _("%(sentence)s.", sentence=", ".join(said))


def looked(mail: Mail, now: datetime) -> str:
    """When the gateway was last asked about the mail, and when it is asked next, in words."""
    if not mail.accepted_at:
        return ""
    if not mail.gateway_id:
        return _("The gateway gave no id for it, so it cannot be asked what became of it.")
    rest = (parse(mail.look_at) - now).total_seconds() if mail.look_at else 0.0
    if not mail.looked_at and rest >= 1:
        return _("Checked for the first time in %(time)s.", time=duration(rest))
    parts = [_last_look(mail.looked_at, now)]
    if mail.look_at:
        parts.append(
            _("Checked again in %(time)s.", time=duration(rest))
            if rest >= 1
            else _("Checked again at any moment.")
        )
    return " ".join(parts)


def next_step(mail: Mail, batch: Batch | None, hold: Hold | None, now: datetime) -> str:
    """What happens to the mail next, or what a person can do about it; "" where the story says it all.

    batch, hold: of a mail that waits: its batch, and what keeps its token from sending anything.
    """
    match mail.state:
        case "queued" if batch:
            return _when_it_goes(mail, batch, hold, now)
        case "unknown":
            return _("It is looked up in the gateway’s history by itself.")
        case "undecided":
            return _(
                "Ask the recipient, or look on the OCA dashboard; then decide: count it as sent, or send it again."
            )
        case "rejected" | "gave_up":
            return _("It is not sent again by itself.")
    return ""


def _when_it_goes(mail: Mail, batch: Batch, hold: Hold | None, now: datetime) -> str:
    if hold:
        return _(
            "Nothing goes out with the token “%(name)s” now. %(advice)s",
            name=hold.token_name,
            advice=said(hold.advice),
        )
    if batch.state == "paused" and batch.paused_by:
        return _("Its batch was paused by %(name)s; it goes once somebody resumes it.", name=batch.paused_by)
    if batch.state == "paused":
        return _("Its batch is paused; it goes once somebody resumes it.")
    if batch.starts_later and batch.waits_until:
        return _("Its batch begins %(when)s.", when=day_and_time(batch.waits_until))
    if batch.waits_until:
        return _("Its batch goes on %(when)s.", when=day_and_time(batch.waits_until))
    rest = (parse(mail.due_at) - now).total_seconds()
    if rest >= 1:
        return _("Sent again in %(time)s.", time=duration(rest))
    return _("Its batch is being sent now; it goes in its turn.")


def _last_look(looked_at: str | None, now: datetime) -> str:
    if not looked_at:
        return _("Not checked yet.")
    seconds = max(0, round((now - parse(looked_at)).total_seconds()))
    if seconds < 90:
        return ngettext("Last checked %(num)s second ago.", "Last checked %(num)s seconds ago.", seconds)
    if seconds < 5400:
        return ngettext(
            "Last checked %(num)s minute ago.", "Last checked %(num)s minutes ago.", round(seconds / 60)
        )
    return _("Last checked at %(at)s.", at=clock(looked_at))


def headline(moment: Moment) -> str:
    """One line of the timeline in a few words."""
    words = {
        ("", "queued"): _("Queued"),
        ("", "accepted"): _("Found in the gateway’s history"),
        ("queued", "sending"): _("Handing over"),
        ("sending", "accepted"): _("Accepted by the gateway"),
        ("sending", "rejected"): _("Refused by the gateway"),
        ("sending", "queued"): _("Not accepted, waits to be sent again"),
        ("sending", "unknown"): _("No readable answer: it may or may not have left"),
        ("unknown", "accepted"): _("Found in the gateway’s history"),
        ("unknown", "queued"): _("Proven not to have left, sent again"),
        ("unknown", "undecided"): _("Could not be decided"),
        ("undecided", "accepted"): _("Counted as sent"),
        ("undecided", "queued"): _("Sent again by decision"),
        ("queued", "cancelled"): _("Cancelled"),
        ("queued", "gave_up"): _("Given up"),
        ("queued", "skipped"): _("Skipped"),
    }
    outcomes = {
        "delivered": _("Delivered"),
        "opened": _("Opened"),
        "failed": _("Not delivered"),
        "lost": _("No longer known to the gateway"),
    }
    return words.get((moment.from_state, moment.to_state)) or outcomes.get(moment.to_state, moment.to_state)


def advice(attempt: Attempt) -> str:
    """What a person can do about an attempt that did not succeed, or ""."""
    if attempt.outcome in (None, "accepted"):
        return ""
    return _(oca.advice_for(attempt.code, attempt.http_status, attempt.outcome))


def finding(looks: Looks) -> str:
    """What came of looking an attempt up in the gateway's history, in a few words."""
    return {
        "open": _("not decided yet"),
        "found": _("found there"),
        "absent": _("proven not to have left"),
        "undecided": _("could not be decided"),
        "unproven": _("could not be decided, so it was sent again, as its batch wants"),
    }.get(looks.finding, looks.finding)


def _beginning(mail: Mail) -> str:
    at = clock(mail.changed_at)
    match mail.state:
        case "queued" if mail.attempts:
            return _("Not accepted at the last try; it is sent again by itself")
        case "queued":
            return _("Waits for its turn since %(at)s", at=at)
        case "sending":
            return _("On its way to the gateway since %(at)s", at=at)
        case "rejected":
            return _("Refused by the gateway at %(at)s; it will not be sent as it is", at=at)
        case "unknown":
            return _("The gateway’s answer was lost at %(at)s; it is not sent again until we know", at=at)
        case "undecided":
            return _("Nobody can tell whether it left; a person has to decide")
        case "cancelled":
            return _("Cancelled at %(at)s before it was sent", at=at)
        case "gave_up":
            return _("Given up at %(at)s: it waited too long", at=at)
        case "skipped":
            # Nothing comes after it, so the newest moment says why.
            why = said(mail.moments[0].why)
            return _("Skipped at %(at)s: %(why)s", at=at, why=why) if why else _("Skipped at %(at)s", at=at)
        case _:
            return at


def _short(words: str) -> str:
    return words if len(words) <= 160 else words[:159] + "…"


def _was_tried(line: Line) -> bool:
    return bool(line.why) and line.changed_at != line.created_at


def init(app: Flask) -> None:
    """Makes the sentences known to the page templates, as filters."""
    app.jinja_env.filters.update(
        happened=happened,
        story=story,
        looked=looked,
        next_step=next_step,
        headline=headline,
        advice=advice,
        finding=finding,
    )
