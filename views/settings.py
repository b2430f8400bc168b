"""Settings: what the team prefers, and what the machine's environment says."""

import re
from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, flash, request
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from mailroom import preferences, second_factors
from mailroom.people import RANKS
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from views.here import me, see_other, service, show
from views.words import number, role_word, said, whole_typed

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("/")
def index() -> Response:
    """The form, filled with what holds now."""
    return _show(preferences.get(service().store), {})


@blueprint.post("/")
def save() -> Response:
    """Keeps what was chosen, or shows the form with what cannot be."""
    wanted = _read(request.form)
    try:
        changed = preferences.save(service().store, wanted, me().id, service().clock())
    except Problem as problem:
        return _show(wanted, {problem.field: said(problem)}, 422)
    flash(_("Saved.") if changed else _("Nothing was different, so nothing was changed."), "ok")
    asked = sum(second_factors.without(service().store).get(role, 0) for role in wanted.second_factor_roles)
    if "second_factor_roles" in changed and asked:
        flash(
            ngettext(
                "%(n)s person is asked to set up a second factor before they open the next page.",
                "%(n)s people are asked to set up a second factor before they open the next page.",
                asked,
                n=number(asked),
            ),
            "info",
        )
    return see_other("settings.index")


def _read(form: Mapping[str, str]) -> Preferences:
    days = request.form.getlist("office_days")
    return replace(
        # What is chosen on other pages stays.
        preferences.get(service().store),
        approval_above=whole_typed(form.get("approval_above", "")),
        office_from=form.get("office_from", "").strip(),
        office_to=form.get("office_to", "").strip(),
        office_days=tuple(int(day) for day in days if re.fullmatch("[0-6]", day)),
        suppress_failed=form.get("suppress_failed") == "1",
        second_factor_roles=tuple(
            role for role in RANKS if role in request.form.getlist("second_factor_roles")
        ),
    )


def _show(shown: Preferences, faults: dict[str, str], status: int = 200) -> Response:
    here = service()
    without = second_factors.without(here.store)
    return show(
        "settings/index.html",
        status=status,
        shown=shown,
        faults=faults,
        typed_above=request.form.get("approval_above"),
        days=_days(),
        roles=[(role, role_word(role), without.get(role, 0)) for role in RANKS],
        changed=preferences.last_changed(here.store),
        settings=here.settings,
        backups=here.backups.standing(),
    )


def _days() -> list[tuple[int, str]]:
    locale = get_locale()
    names: Mapping[int, str] = locale.days["stand-alone"]["wide"] if locale else {}
    return [(day, names.get(day, str(day))) for day in range(7)]
