"""The second step of signing in: the password was right, and a code or a passkey is asked for."""

from typing import cast

from flask import Blueprint, Response, redirect, request, session

from mailroom import second_factors, sign_ins
from mailroom.problems import Problem
from mailroom.sign_ins import Entered, PendingEnded
from views import access, passkey_form
from views.here import service, show, visitor

blueprint = Blueprint("second_step", __name__, url_prefix="/sign-in/second-step")

_COOKIE_PENDING = "pending"


def remember(pending_id: str) -> None:
    """Keeps the random id of the step in the form cookie, which signing in empties."""
    session[_COOKIE_PENDING] = pending_id


@blueprint.errorhandler(PendingEnded)
def ended(_error: PendingEnded) -> Response:
    """The step was done in another tab, took too long, or never began."""
    session.pop(_COOKIE_PENDING, None)
    return show("second_step/ended.html", status=410)


@blueprint.get("/")
def ask() -> Response:
    """The page that asks for it."""
    return _page()


@blueprint.post("/code")
def code() -> Response:
    """A code of the app, or a recovery code."""
    here = service()
    try:
        entered = sign_ins.by_code(
            here.store, here.keys, _pending(), request.form.get("code", ""), visitor(), here.clock()
        )
    except Problem as problem:
        return _page(problem, 422)
    return _enter(entered)


@blueprint.post("/passkey")
def passkey() -> Response:
    """A passkey of the person."""
    here = service()
    site, challenge, response = passkey_form.answer("second_step", _pending())
    try:
        entered = sign_ins.by_second_passkey(
            here.store, site, _pending(), challenge, response, visitor(), here.clock()
        )
    except Problem as problem:
        return _page(problem, 422)
    return _enter(entered)


def _page(problem: Problem | None = None, status: int = 200) -> Response:
    here = service()
    user_id = sign_ins.waiting(here.store, _pending(), here.clock())
    has = second_factors.of(here.store, user_id)
    return show(
        "second_step/ask.html",
        status=status,
        problem=problem,
        has=has,
        passkey=passkey_form.to_confirm(user_id, _pending()) if has.passkeys else None,
        spent_recovery_code=bool(problem and "-" in request.form.get("code", "")),
    )


def _pending() -> str:
    return str(session.get(_COOKIE_PENDING, ""))


def _enter(entered: Entered) -> Response:
    target = access.inside(request.args.get("next", "")) or "/"
    return access.begin(cast(Response, redirect(target, 303)), entered.session_id, entered.user_id)
