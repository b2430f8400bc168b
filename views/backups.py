"""Backups: how it stands with them, when the program makes them and how many it keeps; one now."""

from dataclasses import replace

from flask import Blueprint, Response, flash, request
from flask_babel import gettext as _

from mailroom import copies, preferences
from mailroom.backups import KEEP
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from views.here import me, see_other, service, show
from views.words import said, whole_typed

blueprint = Blueprint("backups", __name__, url_prefix="/settings/backups")


@blueprint.get("/")
def index() -> Response:
    """The last one, those that are kept, and the form; while one is being made, what is shown renews itself."""
    return _show(preferences.get(service().store), {})


@blueprint.post("/")
def choose() -> Response:
    """Makes them at this time and keeps so many from now on, or makes none."""
    here = service()
    kept = whole_typed(request.form.get("backup_keep", "")) if request.form.get("daily") == "1" else None
    if request.form.get("daily") == "1" and kept is None:
        kept = KEEP
    wanted = replace(
        preferences.get(here.store), backup_keep=kept, backup_at=request.form.get("backup_at", "").strip()
    )
    try:
        changed = preferences.save(here.store, wanted, me().id, here.clock())
    except Problem as problem:
        return _show(wanted, {problem.field: said(problem)}, 422)
    flash(_("Saved.") if changed else _("Nothing was different, so nothing was changed."), "ok")
    return see_other("backups.index")


@blueprint.post("/now")
def make_now() -> Response:
    """Has one made, which takes as long as the database is large; pressed twice, it is one."""
    service().backups.want(me().id)
    return see_other("backups.index")


def _show(shown: Preferences, faults: dict[str, str], status: int = 200) -> Response:
    here = service()
    return show(
        "backups/index.html",
        "backups/_standing.html",
        status=status,
        shown=shown,
        typed_keep=request.form.get("backup_keep"),
        faults=faults,
        usual=KEEP,
        standing=here.backups.standing(),
        kept=copies.existing(here.settings.backups),
        upgrades=copies.existing(here.settings.backups, "upgrade"),
        folder=here.settings.backups.absolute(),
        zone=here.settings.zone.key,
    )
