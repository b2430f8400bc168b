"""Behind the links that admins make: joining the team, and setting a new password."""

from flask import Blueprint, Response, flash, request
from flask_babel import gettext as _
from flask_login import current_user

from mailroom import invites, people, resets, sessions
from mailroom.problems import Problem
from views import access
from views.here import see_other, service, show, visitor

blueprint = Blueprint("joining", __name__)


@blueprint.route("/join/<secret>", methods=["GET", "POST"])
def join(secret: str) -> Response:
    """An invited person gives themselves a name and a password; the link works once."""
    here, form = service(), request.form
    invite = invites.find_invite(here.store, secret, here.clock())
    if invite is None or not invite.by:
        return show("joining/ended.html", status=410, invitation=True)
    if current_user.is_authenticated:
        return show("joining/signed_in.html", invitation=True)
    if request.method != "POST":
        return show("joining/join.html", invite=invite, faults={})
    email = invite.email or form.get("email", "")
    name, password = form.get("name", ""), form.get("password", "")
    faults = people.faults(email, name, password)
    if faults:
        return show("joining/join.html", status=422, invite=invite, faults=faults)
    try:
        user = invites.accept_invite(here.store, secret, email, name, password, here.clock())
    except invites.InviteEnded:
        return show("joining/ended.html", status=410, invitation=True)
    except Problem as problem:
        return show("joining/join.html", status=422, invite=invite, faults={problem.field: problem})
    who = visitor()
    begun = sessions.begin(here.store, user.id, who.address, who.browser, here.clock())
    response = access.begin(see_other("overview.index"), begun, user.id)
    flash(
        _("Welcome, %(name)s. Next time you sign in with %(email)s.", name=user.name, email=user.email), "ok"
    )
    return response


@blueprint.route("/reset/<secret>", methods=["GET", "POST"])
def reset(secret: str) -> Response:
    """A person who lost their password sets a new one; the link works once, and signs nobody in by itself."""
    here = service()
    found = resets.find(here.store, secret, here.clock())
    if found is None:
        return show("joining/ended.html", status=410, invitation=False)
    if current_user.is_authenticated:
        return show("joining/signed_in.html", invitation=False)
    if request.method != "POST":
        return show("joining/reset.html", found=found, fault=None)
    try:
        resets.use(here.store, secret, request.form.get("password", ""), here.clock())
    except resets.ResetEnded:
        return show("joining/ended.html", status=410, invitation=False)
    except Problem as problem:
        return show("joining/reset.html", status=422, found=found, fault=problem)
    flash(_("Your new password is set. Sign in with it."), "ok")
    return see_other("account.sign_in")
