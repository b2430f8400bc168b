"""One honest sentence about a mail, made of its state, its delivery and the gateway's own words."""

from datetime import datetime

from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext

import oca
from mailroom.history import Line
from mailroom.one_mail import Attempt, Mail, Moment
from mailroom.times import parse
from views.words import said, when


def happened(line: Line) -> str:
    """What last happened to a mail, for its line in a list."""
    at = when(line.changed_at, "second")
    match line.shown:
        case "queued":
            return (
                _("Sent again soon: %(why)s", why=_short(line.why))
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
            return _("Refused: %(why)s", why=_short(line.why))
        case "unknown":
            return _("No readable answer: %(why)s", why=_short(line.why))
        case "cancelled":
            return _("Cancelled at %(at)s", at=at)
        case "skipped":
            return _("Skipped: %(why)s", why=said(line.why))
        case _:
            return _short(line.why) or at


def story(mail: Mail) -> str:
    """The whole way of one mail in a sentence or two, as one would say it on the phone."""
    said = [_beginning(mail)]
    if mail.accepted_at:
        seen = {moment.to_state: moment.at for moment in reversed(mail.moments)}
        said = [_("Handed to the gateway at %(at)s", at=when(mail.accepted_at, "exact"))]
        if "delivered" in seen:
            said.append(_("delivered (seen at %(at)s)", at=when(seen["delivered"], "second")))
        if "opened" in seen:
            said.append(_("opened (seen at %(at)s)", at=when(seen["opened"], "second")))
        if mail.delivery == "failed":
            said.append(_("not delivered: the gateway says “%(word)s”", word=mail.gateway_word))
        if mail.delivery == "lost":
            said.append(_("and the gateway no longer knows it"))
        if mail.delivery == "pending":
            said.append(_("what became of it is not known yet"))
    return _("%(sentence)s.", sentence=", ".join(said))


def looked(mail: Mail, now: datetime) -> str:
    """When the gateway was last asked about the mail, in words."""
    if not mail.accepted_at:
        return ""
    if not mail.looked_at:
        return _("Not looked up yet.")
    seconds = max(0, round((now - parse(mail.looked_at)).total_seconds()))
    if seconds < 90:
        return ngettext("Last looked up %(num)s second ago.", "Last looked up %(num)s seconds ago.", seconds)
    if seconds < 5400:
        return ngettext(
            "Last looked up %(num)s minute ago.", "Last looked up %(num)s minutes ago.", round(seconds / 60)
        )
    return _("Last looked up at %(at)s.", at=when(mail.looked_at, "medium"))


def headline(moment: Moment) -> str:
    """One line of the timeline in a few words."""
    words = {
        ("", "queued"): _("Queued"),
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


def _beginning(mail: Mail) -> str:
    at = when(mail.changed_at, "exact")
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
            return _("Skipped at %(at)s: %(why)s", at=at, why=said(mail.moments[0].why))
        case _:
            return at


def _short(words: str) -> str:
    return words if len(words) <= 160 else words[:159] + "…"


def _was_tried(line: Line) -> bool:
    return bool(line.why) and line.changed_at != line.created_at


def init(app: Flask) -> None:
    """Makes the sentences known to the page templates, as filters."""
    app.jinja_env.filters.update(
        happened=happened, story=story, looked=looked, headline=headline, advice=advice
    )
