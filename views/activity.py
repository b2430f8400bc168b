"""Activity: who did what and when, newest first; and who is at the door, for whoever notes what is done."""

import json
from collections.abc import Mapping

from flask import Blueprint, Flask, Response, request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from mailroom import activity, deeds, library_deeds, plans, sending_deeds, suppressions, team_deeds
from mailroom.activity import KINDS, PROGRAM, SHELL, VISITOR, Door, Entry
from mailroom.problems import Sentence
from views.here import me, service, show, whole
from views.plan_form import plan_words
from views.suppressions import words
from views.words import number, role_word, said

blueprint = Blueprint("activity", __name__, url_prefix="/activity")


def init(app: Flask) -> None:
    """Has every deed bear the person and the address that the request came from."""

    @app.before_request
    def somebody() -> None:
        # Only what is posted changes anything, and looking a person up costs a question to the database.
        known = request.method == "POST" and current_user.is_authenticated
        activity.door.set(Door(f"user:{me().id}" if known else VISITOR, request.remote_addr or ""))

    @app.teardown_request
    def nobody(_error: BaseException | None) -> None:
        activity.door.set(activity.NOBODY)


@blueprint.get("/")
def index() -> Response:
    """The trail, newest first, of one person and one kind if asked."""
    store, before = service().store, request.args.get("before", type=whole)
    nobody = {PROGRAM: _("by itself"), SHELL: _("at the machine"), VISITOR: _("somebody not signed in")}
    people = [*activity.people(store), *nobody.items()]
    actor = request.args.get("by", "")
    actor = actor if actor in dict(people) else ""
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    entries = activity.newest(store, before, actor, kind, activity.PAGE + 1)
    return show(
        "activity/index.html",
        "activity/_lines.html" if before else None,
        entries=entries[: activity.PAGE],
        more=len(entries) > activity.PAGE,
        first=not before,
        actor=actor,
        kind=kind,
        people=people,
        kinds=sorted(((key, said(deed.WORD)) for key, deed in KINDS.items()), key=lambda item: item[1]),
        head=activity.head(store.read()).short,
        nobody=nobody,
        done=_done,
    )


def _done(entry: Entry) -> str:
    """What was done, in words: numbers with the reader's separators, settings and reasons as the pages call them."""
    values = dict(entry.sentence.values)
    written = {key: number(value) if isinstance(value, int) else str(value) for key, value in values.items()}
    if entry.kind == deeds.PreferenceChanged.KIND:
        written["name"] = str(_SETTINGS.get(written["name"], written["name"]))
        written |= {key: _setting(written[key]) for key in ("before", "after")}
    elif entry.kind == deeds.AddressesExported.KIND and written["what"] == suppressions.CALLED:
        written["what"] = said(suppressions.CALLED)
    elif entry.kind == deeds.ReportMailSet.KIND:
        every = {"week": _("every week"), "month": _("every month"), "never": _("never")}
        written["every"] = ", ".join(every.get(word, word) for word in written["every"].split(", "))
    elif entry.kind == sending_deeds.BatchRescheduled.KIND:
        written |= {key: _plan(written[key]) for key in ("before", "after")}
    elif entry.kind == sending_deeds.ApprovalReturned.KIND:
        names = dict(activity.people(service().store))
        written["asked_by"] = names.get(f"user:{values['asked_by']}", written["asked_by"])
    elif entry.kind == sending_deeds.BatchPolicyChanged.KIND:
        written |= {key: str(_POLICIES.get(written[key], written[key])) for key in ("before", "after")}
    elif entry.kind == library_deeds.TemplateSaved.KIND:
        written["marketing"] = _("yes") if values["marketing"] else _("no")
    elif entry.kind in team_deeds.KINDS:
        written["whom"] = written.get("whom") or _("whoever has the link")
        written |= {key: role_word(written[key]) for key in ("role", "before", "after") if key in written}
    for name, known in (("reason", words()), ("decision", _DECISIONS)):
        if name in written:
            written[name] = str(known.get(written[name], written[name]))
    if "method" in written:
        written["method"] = str(_METHODS.get(written["method"], written["method"]))
    return said(Sentence(entry.sentence.text, tuple(written.items()))) or entry.kind


_METHODS = {
    "password": _l("password"),
    "password+code": _l("password and code"),
    "password+recovery_code": _l("password and recovery code"),
    "password+passkey": _l("password and passkey"),
    "passkey": _l("passkey"),
    "link": _l("link"),
}
_SETTINGS = {
    "approval_above": _l("“a second person approves above”"),
    "office_from": _l("“business hours, from”"),
    "office_to": _l("“business hours, to”"),
    "office_days": _l("“business hours, days”"),
    "suppress_failed": _l("“failed addresses go on the do-not-mail list”"),
    "forget_after_days": _l("“old mails are forgotten after days”"),
    "backup_keep": _l("“backups kept”"),
    "backup_at": _l("“time of the daily backup”"),
    "second_factor_roles": _l("“roles that need a second factor”"),
}


_POLICIES = {"never_twice": _l("Ask a person"), "never_lost": _l("Send it again")}
_DECISIONS = {"arrived": _l("it arrived"), "again": _l("it did not arrive, and goes out again")}


def _plan(text: str) -> str:
    """A batch's plan, kept as JSON."""
    return plan_words(plans.from_columns(**json.loads(text)))


def _setting(text: str) -> str:
    """The value of a setting, kept as JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        locale = get_locale()
        names: Mapping[int, str] = locale.days["stand-alone"]["abbreviated"] if locale else {}
        return ", ".join(names.get(one) or role_word(one) for one in value) or _("none")
    if isinstance(value, int):
        return number(value)
    return _("never") if value is None else str(value)
