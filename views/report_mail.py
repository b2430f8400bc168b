"""The report by mail: who of the team gets it, how often, what the next one looks like, and one to try."""

from collections.abc import Mapping

from flask import Blueprint, Response, abort, flash, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from mailroom import identities, report_mail, report_schedule, suppressions, tokens
from mailroom.gallery import Language
from mailroom.problems import Problem
from mailroom.report_schedule import EVERY, Every, Schedule
from views.here import me, see_other, service, show, whole
from views.mail_frame import mail_page
from views.words import said

blueprint = Blueprint("report_mail", __name__, url_prefix="/reports/mail")


@blueprint.get("/")
def index() -> Response:
    """The form, filled with what holds now, and the report as it would be sent now."""
    return _show(report_schedule.get(service().store), {})


@blueprint.post("/")
def save() -> Response:
    """Keeps what was chosen, or shows the form with what cannot be."""
    here, wanted = service(), _typed()
    try:
        report_schedule.save(here.store, wanted, me().id, here.clock())
    except Problem as problem:
        return _show(wanted, {problem.field: said(problem)}, 422)
    flash(_("Saved."), "ok")
    return see_other("report_mail.index")


@blueprint.get("/preview")
def mail() -> Response:
    """The report of the last week or month itself, for the frame of the preview."""
    here, every = service(), _every()
    language: Language = "en" if request.args.get("language") == "en" else "id"
    return mail_page(report_mail.preview(here.store, here.settings, every, language, here.clock()).html)


@blueprint.post("/now")
def send_now() -> Response:
    """Sends the report to the person who asks, marked as a test."""
    here, every = service(), request.form.get("every")
    if every not in EVERY:
        abort(404)
    schedule, key = report_schedule.get(here.store), request.form.get("form_key", "")
    try:
        sent = report_mail.send_now(here.store, here.settings, every, schedule, key, me(), here.clock())
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("report_mail.index", every=every)
    if sent.fresh:
        words = _("A report is on its way to %(email)s.", email=me().email)
    else:
        words = _("This report was sent already; a button pressed twice sends one.")
    link = url_for("batches.one", batch_id=sent.batch_id)
    text = Markup('{} <a href="{}">{}</a>').format(words, link, _("See what becomes of it"))
    flash(text, "ok" if sent.fresh else "info")
    return see_other("report_mail.index", every=every)


def _typed() -> Schedule:
    """What stands in the form; ids that nobody has are left out."""
    store, form = service().store, request.form
    people = set(form.getlist("people"))
    language: Language = "en" if form.get("language") == "en" else "id"
    return Schedule(
        since={every: "" for every in EVERY if every in form.getlist("every")},
        people=tuple(reader.id for reader in report_schedule.readers(store) if str(reader.id) in people),
        sender_id=_one_of({one.id for one in identities.all_identities(store)}, "sender"),
        token_id=_one_of({line.id for line in tokens.all_tokens(store)}, "token"),
        language=language,
    )


def _every() -> Every:
    return "month" if request.args.get("every") == "month" else "week"


def _one_of(known: set[int], name: str) -> int:
    number = request.form.get(name, 0, type=whole)
    return number if number in known else 0


def _show(shown: Schedule, faults: Mapping[str, str], status: int = 200) -> Response:
    here, now = service(), service().clock()
    every = _every()
    readers = report_schedule.readers(here.store)
    chosen = [reader for reader in readers if reader.id in shown.people]
    return show(
        "reports/by_mail.html",
        status=status,
        shown=shown,
        faults=faults,
        every=every,
        within=report_schedule.last(every, now.astimezone(here.settings.zone).date()),
        next_at={one: report_schedule.next_at(one, now, here.settings.zone) for one in EVERY},
        readers=readers,
        get_no_mail=[one.email for one in chosen if suppressions.get(here.store, one.email)],
        identities=identities.all_identities(here.store),
        tokens=tokens.all_tokens(here.store, now),
        lacks=report_schedule.lacks(here.store, shown) if shown.user_id else "",
        queued=report_mail.newest(here.store),
        settings=here.settings,
    )
