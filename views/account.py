"""Coming in and going out: the first admin's set-up, signing in, signing out."""

from typing import cast

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_login import current_user

from mailroom import invites, passkeys, people, sessions, sign_ins
from mailroom.problems import Problem
from mailroom.sign_ins import Entered
from views import access, kept, passkey_form, second_step
from views.here import me, see_other, service, show, visitor
from views.words import browsers

blueprint = Blueprint("account", __name__)


@blueprint.route("/setup/<secret>", methods=["GET", "POST"])
def setup(secret: str) -> Response:
    """The first admin gives themselves a name and a password; the link works once."""
    here = service()
    invite = invites.find_invite(here.store, secret, here.clock())
    if invite is None or invite.by:
        return _ended()
    if request.method != "POST":
        return show("account/setup.html", faults={})
    email, name, password = (request.form.get(field, "") for field in ("email", "name", "password"))
    faults = people.faults(email, name, password)
    if faults:
        return show("account/setup.html", status=422, faults=faults)
    try:
        user = invites.accept_invite(here.store, secret, email, name, password, here.clock())
    except invites.InviteEnded:
        return _ended()
    except Problem as problem:
        return show("account/setup.html", status=422, faults={problem.field: problem})
    who = visitor()
    session_id = sessions.begin(here.store, user.id, who.address, who.browser, here.clock())
    response = _enter(Entered(session_id, user.id), "/")
    flash(_("Welcome, %(name)s. You are the admin.", name=user.name), "ok")
    return response


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response:
    """A person gives their address and password and goes on: to where they wanted to, or to the second step."""
    target = access.inside(request.args.get("next", "")) or "/"
    if current_user.is_authenticated:
        return cast(Response, redirect(target, 303))
    if request.method != "POST":
        return _sign_in_page()
    here, form = service(), request.form
    try:
        found = sign_ins.by_password(
            here.store, form.get("email", ""), form.get("password", ""), visitor(), here.clock()
        )
    except Problem as problem:
        return _sign_in_page(problem, 422)
    if isinstance(found, sign_ins.Pending):
        second_step.remember(found.id)
        return see_other("second_step.ask", next=request.args.get("next"))
    return _enter(found, target)


@blueprint.post("/sign-in/passkey")
def by_passkey() -> Response:
    """A passkey alone, on a device that knows its owner again."""
    here = service()
    try:
        entered = sign_ins.by_passkey(here.store, *passkey_form.answer("sign_in"), visitor(), here.clock())
    except Problem as problem:
        return _sign_in_page(problem, 422)
    return _enter(entered, access.inside(request.args.get("next", "")) or "/")


@blueprint.get("/again")
def again() -> Response:
    """What a person had sent after their session ended, to be sent again with one press."""
    found = kept.kept_for(me().id)
    if found is None:
        return see_other("overview.index")
    shown = [(name, value[:200]) for name, value in found.fields if value and name != "base"]
    return show("account/again.html", kept=found, shown=shown)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """The session ends here and in the database."""
    response = access.end(see_other("account.sign_in"))
    # The page that says it knows nobody any more.
    with force_locale(browsers()):
        flash(_("You are signed out."), "ok")
    return response


def _sign_in_page(problem: Problem | None = None, status: int = 200) -> Response:
    here = service()
    return show(
        "account/sign_in.html",
        status=status,
        problem=problem,
        anybody=people.anybody(here.store),
        passkey=passkey_form.to_sign_in() if passkeys.anybody(here.store) else None,
    )


def _enter(entered: Entered, target: str) -> Response:
    return access.begin(cast(Response, redirect(target, 303)), entered.session_id, entered.user_id)


def _ended() -> Response:
    return show("account/ended.html", status=410, anybody=people.anybody(service().store))
