"""Coming in and going out: the first admin's set-up, signing in, signing out."""

from typing import cast

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_login import current_user

from mailroom import invites, people, sessions, sign_ins
from mailroom.problems import Problem
from views import access, kept
from views.here import me, see_other, service, show
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
    response = _enter(sessions.begin(here.store, user.id, *browser(), here.clock()), "/", user.id)
    flash(_("Welcome, %(name)s. You are the admin.", name=user.name), "ok")
    return response


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response:
    """A person gives their address and password and goes on to where they wanted to."""
    target = access.inside(request.args.get("next", "")) or "/"
    if current_user.is_authenticated:
        return cast(Response, redirect(target, 303))
    if request.method != "POST":
        return show("account/sign_in.html", problem=None, anybody=people.anybody(service().store))
    here, form = service(), request.form
    try:
        session_id = sign_ins.by_password(
            here.store, form.get("email", ""), form.get("password", ""), *browser(), here.clock()
        )
    except Problem as problem:
        return show("account/sign_in.html", status=422, problem=problem, anybody=True)
    user = sessions.session_user(here.store, session_id, here.clock(), extend=True)
    return _enter(session_id, target, user.id if user else 0)


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


def _enter(session_id: str, target: str, user_id: int) -> Response:
    return access.begin(cast(Response, redirect(target, 303)), session_id, user_id)


def browser() -> tuple[str, str]:
    """Where the request came from, and with what."""
    return request.remote_addr or "", request.user_agent.string


def _ended() -> Response:
    return show("account/ended.html", status=410, anybody=people.anybody(service().store))
