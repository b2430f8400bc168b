"""Your account: what a person can see and change of themselves, whatever their role."""

from typing import cast

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import second_factors, sessions, sign_ins
from mailroom.problems import Problem
from views import access, browsers
from views.here import me, see_other, service, show, visitor
from views.words import number, said

blueprint = Blueprint("your_account", __name__, url_prefix="/account")


@blueprint.get("/")
def index() -> Response:
    """Everything about the person signed in, on one page."""
    return _show({})


@blueprint.post("/password")
def change_password() -> Response:
    """A new password, for whoever knows the present one; every other browser is signed out."""
    here, form = service(), request.form
    present, new = form.get("present", ""), form.get("password", "")
    try:
        fresh = sign_ins.change_password(
            here.store, me(), access.session_id(), present, new, visitor(), here.clock()
        )
    except Problem as problem:
        return _show({problem.field: said(problem)}, 422)
    flash(_("Your password is changed. Everywhere else you are signed out."), "ok")
    return access.renew(see_other("your_account.index"), fresh)


@blueprint.post("/sessions/end")
def end_session() -> Response:
    """Signs one other browser out; this one has “Sign out” for it."""
    here = service()
    if sessions.end(here.store, me().id, request.form.get("session", ""), here.clock()):
        flash(_("That browser is signed out."), "ok")
    else:
        flash(_("That browser was signed out already."), "info")
    return see_other("your_account.index")


@blueprint.post("/sessions/end-others")
def end_others() -> Response:
    """Signs every other browser out."""
    here = service()
    ended = sessions.end_others(here.store, me().id, access.session_id(), here.clock())
    flash(
        ngettext("%(n)s browser is signed out.", "%(n)s browsers are signed out.", ended, n=number(ended))
        if ended
        else _("You were signed in nowhere else."),
        "ok" if ended else "info",
    )
    return see_other("your_account.index")


@blueprint.get("/confirm")
def ask_confirm() -> Response:
    """Asks for the password once more before something that matters."""
    return show("your_account/confirm.html", faults={})


@blueprint.post("/confirm")
def confirm() -> Response:
    """Whoever knows the password may go on."""
    here = service()
    try:
        sign_ins.confirm(
            here.store, me(), access.session_id(), request.form.get("password", ""), visitor(), here.clock()
        )
    except Problem as problem:
        return show("your_account/confirm.html", status=422, faults={problem.field: said(problem)})
    target = access.inside(request.args.get("next", "")) or url_for("your_account.index")
    return cast(Response, redirect(target, 303))


def _show(faults: dict[str, str], status: int = 200) -> Response:
    here = service()
    return show(
        "your_account/index.html",
        status=status,
        faults=faults,
        has=second_factors.of(here.store, me().id),
        sessions=sessions.of_user(here.store, me().id, access.session_id(), here.clock()),
        in_words=browsers.in_words,
        is_phone=browsers.is_phone,
    )
