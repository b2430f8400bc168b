"""Your second factor: an app for codes, passkeys, and recovery codes; set up, changed and taken away by their owner."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

from mailroom import passkeys, second_factors, sessions, totp
from mailroom.problems import Problem
from mailroom.second_factors import Added
from views import access, kept, passkey_form
from views.here import me, see_other, service, show
from views.words import said

blueprint = Blueprint("second_factors", __name__, url_prefix="/account/second-factor")


def freshly(view: Callable[..., Response]) -> Callable[..., Response]:
    """The view, for whoever has lately shown who they are; others are asked for their password first.

    Whoever finds a browser open must not put a key of their own into it.
    """

    @wraps(view)
    def asked(**values: object) -> Response:
        here = service()
        if sessions.is_fresh(here.store, access.session_id(), here.clock()):
            return view(**values)
        back = request.path if request.method == "GET" else None
        return see_other("your_account.ask_confirm", next=back)

    return asked


@blueprint.get("/")
def index() -> Response:
    """What there is to choose from; whoever has to have a second factor is led here, with the reason."""
    return show("second_factors/index.html", **_about())


@blueprint.post("/app")
@freshly
def begin_app() -> Response:
    """Makes a secret for the app to be told."""
    here = service()
    totp.begin(here.store, here.keys, me().id, here.clock())
    return see_other("second_factors.app")


@blueprint.get("/app")
@freshly
def app() -> Response:
    """The secret, as a code to scan and as text, and where the first code goes."""
    return _app_page({})


@blueprint.post("/app/confirm")
@freshly
def confirm_app() -> Response:
    """The first code shows that the app works; from now on it is asked for."""
    here, code = service(), request.form.get("code", "")
    try:
        added = second_factors.add_app(here.store, here.keys, me(), access.session_id(), code, here.clock())
    except Problem as problem:
        return _app_page({problem.field: said(problem)}, 422)
    return _done(added, _("Your app is set up. From now on you are asked for a code when you sign in."))


@blueprint.get("/app/remove")
def ask_remove_app() -> Response:
    """Asks before the app is taken away."""
    return show("second_factors/remove.html", passkey=None, **_about())


@blueprint.post("/app/remove")
@freshly
def remove_app() -> Response:
    """Takes the app away."""
    here = service()
    changed = second_factors.remove_app(here.store, me(), access.session_id(), here.clock())
    return _done(changed, _("Codes of your app are no longer asked for."))


@blueprint.get("/passkeys/new")
@freshly
def new_passkey() -> Response:
    """Where a passkey gets its name and is made."""
    return _passkey_page({})


@blueprint.post("/passkeys/new")
@freshly
def add_passkey() -> Response:
    """Keeps the passkey that the browser has made."""
    here = service()
    site, challenge, response = passkey_form.answer("register", f"user:{me().id}")
    try:
        name = passkeys.clean_name(request.form.get("name", ""))
        if challenge is None:
            return _passkey_page({"": _("The page had been open for too long. Try again.")}, 422)
        made = passkeys.registered(site, challenge, response)
        added = second_factors.add_passkey(
            here.store, me(), access.session_id(), name, made, challenge, here.clock()
        )
    except Problem as problem:
        return _passkey_page({problem.field: said(problem)}, 422)
    return _done(added, _("The passkey “%(name)s” signs you in from now on.", name=name))


@blueprint.get("/passkeys/<int:passkey_id>/remove")
def ask_remove_passkey(passkey_id: int) -> Response:
    """Asks before a passkey is taken away."""
    about = _about()
    passkey = next((one for one in about["has"].passkeys if one.id == passkey_id), None)
    return show("second_factors/remove.html", passkey=passkey, **about) if passkey else abort(404)


@blueprint.post("/passkeys/<int:passkey_id>/remove")
@freshly
def remove_passkey(passkey_id: int) -> Response:
    """Takes a passkey away."""
    here = service()
    changed = second_factors.remove_passkey(here.store, me(), access.session_id(), passkey_id, here.clock())
    return _done(changed, _("The passkey is removed. You may delete it on your device as well."))


@blueprint.post("/recovery-codes")
@freshly
def new_codes() -> Response:
    """Ten new recovery codes, shown this once."""
    here = service()
    try:
        made = second_factors.new_codes(here.store, me(), access.session_id(), here.clock())
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("your_account.index")
    return _done(made, "")


def _about() -> dict[str, Any]:
    return {"has": second_factors.of(service().store, me().id), "must": access.needs_second_factor()}


def _app_page(faults: dict[str, str], status: int = 200) -> Response:
    # Drawing the code to scan takes a library that nothing else needs.
    import segno

    here = service()
    setup = totp.setup(here.store, here.keys, me(), here.clock())
    if setup is None:
        flash(_("That was longer than an hour ago, or is done already. Begin again."), "info")
        return see_other("second_factors.index")
    groups = [setup.secret[at : at + 4] for at in range(0, len(setup.secret), 4)]
    picture = segno.make(setup.uri, error="m", micro=False).svg_data_uri(border=4)
    return show(
        "second_factors/app.html",
        status=status,
        faults=faults,
        groups=groups,
        picture=picture,
        uri=setup.uri,
        **_about(),
    )


def _passkey_page(faults: dict[str, str], status: int = 200) -> Response:
    return show(
        "second_factors/passkey.html",
        status=status,
        faults=faults,
        passkey=passkey_form.to_register(),
        **_about(),
    )


def _done(changed: Added, sentence: str) -> Response:
    """The account again; before that the new codes, if there are any, on a page that cannot be opened again."""
    where = "account.again" if kept.kept_for(me().id) else "your_account.index"
    if changed.codes:
        page = show("second_factors/codes.html", codes=changed.codes, sentence=sentence, where=where)
        return access.renew(page, changed.session_id)
    flash(sentence, "ok")
    return access.renew(see_other(where), changed.session_id)
