"""Team: who is in it and what each may do; inviting, changing a role, shutting out, helping back in."""

from flask import Blueprint, Response, abort, flash, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import invites, resets, second_factors, team
from mailroom.problems import Problem
from mailroom.team import Member
from oca.words import N_
from views.here import me, see_other, service, show
from views.words import number, role_word, said

blueprint = Blueprint("team", __name__, url_prefix="/team")


@blueprint.get("/")
def index() -> Response:
    """Everybody, and the invitations that nobody has taken yet."""
    here = service()
    return show(
        "team/index.html",
        people=team.everybody(here.store, here.clock()),
        invitations=invites.invitations(here.store, here.clock()),
    )


@blueprint.route("/invite", methods=["GET", "POST"])
def invite() -> Response:
    """Makes an invitation for one address or for whoever gets the link, and shows its link."""
    if request.method != "POST":
        return show("team/invite.html", faults={})
    here, form = service(), request.form
    try:
        made = invites.invite(here.store, form.get("role", ""), form.get("email", ""), me().id, here.clock())
    except Problem as problem:
        return show("team/invite.html", status=422, faults={problem.field: said(problem)})
    return _to_link("team.invite_link", "joining.join", made.secret, invite_id=made.id)


@blueprint.get("/invitations/<int:invite_id>")
def invite_link(invite_id: int) -> Response:
    """The link of an invitation, once, to be passed on."""
    here = service()
    found = (one for one in invites.invitations(here.store, here.clock()) if one.id == invite_id)
    invitation = next(found, None) or abort(404)
    return show("team/invite_link.html", invitation=invitation, link=_link())


@blueprint.post("/invitations/<int:invite_id>/renew")
def renew_invite(invite_id: int) -> Response:
    """Makes a new link for an invitation; the one before ends."""
    here = service()
    try:
        made = invites.renew(here.store, invite_id, me().id, here.clock())
    except LookupError:
        flash(_("Somebody has used this invitation meanwhile, or it was withdrawn."), "info")
        return see_other("team.index")
    return _to_link("team.invite_link", "joining.join", made.secret, invite_id=made.id)


@blueprint.post("/invitations/<int:invite_id>/withdraw")
def withdraw_invite(invite_id: int) -> Response:
    """Ends an invitation that nobody has taken."""
    here = service()
    if invites.withdraw(here.store, invite_id, me().id, here.clock()):
        flash(_("The invitation is withdrawn; its link lets nobody in any more."), "ok")
    else:
        flash(_("Somebody has used this invitation meanwhile, or it was withdrawn."), "info")
    return see_other("team.index")


@blueprint.get("/<int:user_id>")
def one(user_id: int) -> Response:
    """One person, and what can be done about them."""
    here = service()
    return show(
        "team/one.html",
        person=_member(user_id),
        reset_until=resets.open_until(here.store, user_id, here.clock()),
        going=team.batches_going(here.store, user_id),
    )


@blueprint.route("/<int:user_id>/role", methods=["GET", "POST"])
def change_role(user_id: int) -> Response:
    """Asks for the new role, says what it means, and gives it."""
    person, here = _member(user_id), service()
    if request.method != "POST":
        return show("team/role.html", person=person, chosen=person.role, faults={})
    chosen = request.form.get("role", "")
    try:
        _sure(person, chosen != person.role)
        changed = team.change_role(here.store, user_id, chosen, me().id, here.clock())
    except Problem as problem:
        faults = {problem.field: said(problem)}
        return show("team/role.html", status=422, person=person, chosen=chosen, faults=faults)
    if not changed:
        flash(_("%(name)s had this role already.", name=person.name), "info")
    else:
        flash(
            _("%(name)s: %(role)s, from the next click on.", name=person.name, role=role_word(chosen)), "ok"
        )
    return _back_to(person, changed)


@blueprint.route("/<int:user_id>/disable", methods=["GET", "POST"])
def disable(user_id: int) -> Response:
    """Says what it means, then shuts the person out."""
    person, here = _member(user_id), service()
    going = team.batches_going(here.store, user_id)
    if request.method != "POST":
        return show("team/disable.html", person=person, going=going, faults={})
    try:
        _sure(person)
        changed = team.disable(here.store, user_id, me().id, here.clock())
    except Problem as problem:
        faults = {problem.field: said(problem)}
        return show("team/disable.html", status=422, person=person, going=going, faults=faults)
    if changed:
        flash(_("%(name)s is disabled and signed out.", name=person.name), "ok")
    else:
        flash(_("%(name)s was disabled already.", name=person.name), "info")
    return _back_to(person, changed)


@blueprint.post("/<int:user_id>/enable")
def enable(user_id: int) -> Response:
    """Lets a person in again who was shut out."""
    person, here = _member(user_id), service()
    if team.enable(here.store, user_id, me().id, here.clock()):
        flash(_("%(name)s can sign in again, with the password they had.", name=person.name), "ok")
    else:
        flash(_("%(name)s was enabled already.", name=person.name), "info")
    return _back_to(person)


@blueprint.route("/<int:user_id>/sign-out", methods=["GET", "POST"])
def end_sessions(user_id: int) -> Response:
    """Says what it means, then signs the person out of every browser."""
    person, here = _member(user_id), service()
    if request.method != "POST":
        return show("team/sign_out.html", person=person)
    ended = team.end_sessions(here.store, user_id, me().id, here.clock())
    if ended:
        words = ngettext(
            "%(n)s browser is signed out.", "%(n)s browsers are signed out.", ended, n=number(ended)
        )
        flash(words, "ok")
    else:
        flash(_("%(name)s was signed in nowhere.", name=person.name), "info")
    return _back_to(person)


@blueprint.route("/<int:user_id>/second-factor", methods=["GET", "POST"])
def remove_factors(user_id: int) -> Response:
    """Says what it means, then takes every second factor from a person who has lost it."""
    person, here = _member(user_id), service()
    if request.method != "POST":
        return show("team/remove_factors.html", person=person, fault="")
    try:
        removed = second_factors.remove_all(here.store, user_id, me().id, here.clock())
    except Problem as problem:
        return show("team/remove_factors.html", status=422, person=person, fault=said(problem))
    if removed:
        flash(_("%(name)s signs in with the password alone now.", name=person.name), "ok")
    else:
        flash(_("%(name)s used no second factor.", name=person.name), "info")
    return _back_to(person)


@blueprint.route("/<int:user_id>/reset", methods=["GET", "POST"])
def reset(user_id: int) -> Response:
    """Says what it means, then makes a link by which the person sets a new password, and shows it."""
    person, here = _member(user_id), service()
    until = resets.open_until(here.store, user_id, here.clock())
    if request.method != "POST":
        return show("team/reset.html", person=person, until=until, fault="")
    try:
        secret = resets.make(here.store, user_id, me().id, here.clock())
    except Problem as problem:
        return show("team/reset.html", status=422, person=person, until=until, fault=said(problem))
    return _to_link("team.reset_link", "joining.reset", secret, user_id=user_id)


@blueprint.get("/<int:user_id>/reset/link")
def reset_link(user_id: int) -> Response:
    """The link by which a person sets a new password, once, to be passed on."""
    here = service()
    until = resets.open_until(here.store, user_id, here.clock())
    return show("team/reset_link.html", person=_member(user_id), until=until, link=_link())


def _member(user_id: int) -> Member:
    here = service()
    try:
        return team.member(here.store, user_id, here.clock())
    except LookupError:
        abort(404)


def _sure(person: Member, changes: bool = True) -> None:
    """Raises Problem when somebody would lose what they can do by a slip: about oneself, one says so twice."""
    if changes and person.id == me().id and request.form.get("sure") != "1":
        raise Problem(N_("This is about yourself. Tick the box if you mean it."), field="sure")


def _back_to(person: Member, lowered: bool = False) -> Response:
    # Whoever has just taken the role of an admin from themselves may not see the team any more.
    if lowered and person.id == me().id:
        return see_other("overview.index")
    return see_other("team.one", user_id=person.id)


def _to_link(shown_at: str, leads_to: str, secret: str, **values: int) -> Response:
    """To the page that shows a fresh link, which this browser keeps until then: the database has only its hash."""
    page = url_for(shown_at, **values)  # type: ignore[arg-type]
    settings = service().settings
    # Without MAILROOM_URL, the host by which the admin reaches us: the browser itself says it, and nobody else can
    # make it lie.
    here = settings.url or f"{'https' if settings.secure_cookies else request.scheme}://{request.host}"
    session["link"] = [page, here + url_for(leads_to, secret=secret)]
    return see_other(shown_at, **values)


def _link() -> str:
    """The link that this page is to show; "" when it has shown it already."""
    page, link = session.get("link") or ("", "")
    if page != request.path:
        return ""
    del session["link"]
    return str(link)
