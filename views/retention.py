"""What is not kept for ever: after how many days mails are forgotten, and what would go today."""

from dataclasses import replace

from flask import Blueprint, Response, flash, request
from flask_babel import gettext as _

from mailroom import preferences, retention
from mailroom.preferences import FORGET_DAYS
from mailroom.problems import Problem
from views.here import me, see_other, service, show
from views.words import said, whole_typed

blueprint = Blueprint("retention", __name__, url_prefix="/settings/retention")


@blueprint.get("/")
def index() -> Response:
    """What holds now, and what a number of days would mean, if one is asked about."""
    return _show(request.args.get("days"))


@blueprint.post("/")
def choose() -> Response:
    """Forgets after so many days from now on, or never."""
    here, typed = service(), request.form.get("days", "")
    wanted = replace(preferences.get(here.store), forget_after_days=whole_typed(typed))
    try:
        changed = preferences.save(here.store, wanted, me().id, here.clock())
    except Problem as problem:
        return _show(typed, said(problem), 422)
    if not changed:
        flash(_("Nothing was different, so nothing was changed."), "info")
    elif wanted.forget_after_days is None:
        flash(_("From now on nothing is forgotten by itself."), "ok")
    else:
        flash(_("Chosen. What is old enough goes within the next minutes, and then once a day."), "ok")
    return see_other("retention.index")


def _show(typed: str | None, fault: str = "", status: int = 200) -> Response:
    here = service()
    now_chosen = preferences.get(here.store).forget_after_days
    asked = whole_typed(typed) if typed is not None else None
    if asked is not None and not FORGET_DAYS[0] <= asked <= FORGET_DAYS[1]:
        fault = fault or _("Give a number of days from %(least)s to %(most)s, or leave it empty for never.",
                           least=FORGET_DAYS[0], most=FORGET_DAYS[1])  # fmt: skip
        asked, status = None, 422
    days = asked or now_chosen
    would = retention.would_forget(here.store, days, here.clock(), here.settings.zone) if days else None
    return show(
        "retention/index.html",
        status=status,
        chosen=now_chosen,
        asked=asked,
        never=typed is not None and not typed.strip(),
        typed=typed if typed is not None else now_chosen,
        fault=fault,
        would=would,
    )
