"""Who may do what: the one table, and the one place that holds every request against it."""

from collections.abc import Mapping
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from flask import Flask, Request, Response, abort, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, current_user

from mailroom import people, second_factors, sessions
from mailroom.people import Role, User
from mailroom.settings import Settings
from views import kept
from views.here import service
from views.words import PRESSED

# Every endpoint and the least role that may use it. What is not in the table nobody may use.
POLICY: Mapping[str, Literal["anyone"] | Role] = {
    "static": "anyone",
    "account.setup": "anyone",
    "account.sign_in": "anyone",
    "account.by_passkey": "anyone",
    "second_step.ask": "anyone",
    "second_step.code": "anyone",
    "second_step.passkey": "anyone",
    "account.sign_out": "anyone",
    "account.again": "viewer",
    "your_account.index": "viewer",
    "your_account.change_password": "viewer",
    "your_account.end_session": "viewer",
    "your_account.end_others": "viewer",
    "language.choose": "anyone",
    # The secret in the link is the authority.
    "joining.join": "anyone",
    "joining.reset": "anyone",
    "your_account.ask_confirm": "viewer",
    "your_account.confirm": "viewer",
    "second_factors.index": "viewer",
    "second_factors.begin_app": "viewer",
    "second_factors.app": "viewer",
    "second_factors.confirm_app": "viewer",
    "second_factors.ask_remove_app": "viewer",
    "second_factors.remove_app": "viewer",
    "second_factors.new_passkey": "viewer",
    "second_factors.add_passkey": "viewer",
    "second_factors.ask_remove_passkey": "viewer",
    "second_factors.remove_passkey": "viewer",
    "second_factors.new_codes": "viewer",
    "overview.index": "viewer",
    "send.new": "sender",
    "send.fields": "sender",
    "send.create": "sender",
    "send.check": "sender",
    "send.rows": "sender",
    "send.mail": "sender",
    "send.attachment": "sender",
    "send.others": "sender",
    "send.read_again": "sender",
    "send.keep": "sender",
    "send.read_like": "sender",
    "send.discard": "sender",
    "confirm.one": "sender",
    "confirm.reckon": "sender",
    "confirm.queue": "sender",
    "confirm.ask": "sender",
    "confirm.withdraw": "sender",
    "approvals.index": "sender",
    "approvals.one": "sender",
    "approvals.attachment": "sender",
    "approvals.mail": "sender",
    "approvals.approve": "sender",
    "approvals.give_back": "sender",
    "trials.of_row": "sender",
    "trials.ask": "editor",
    "trials.of_template": "editor",
    "batches.index": "viewer",
    "batches.one": "viewer",
    "batches.pause": "sender",
    "batches.resume": "sender",
    "schedule.ask_now": "sender",
    "schedule.send_now": "sender",
    "schedule.ask_time": "sender",
    "schedule.reckon": "sender",
    "schedule.change": "sender",
    "batches.ask_cancel": "sender",
    "batches.cancel": "sender",
    "batches.ask_retry": "sender",
    "batches.retry": "sender",
    "lists.index": "sender",
    "lists.one": "sender",
    "lists.rename": "sender",
    "lists.replace": "sender",
    "lists.download": "sender",
    "lists.ask_remove": "sender",
    "lists.remove": "sender",
    "history.index": "viewer",
    "history.one": "viewer",
    "mail.none": "viewer",
    "mail.body": "viewer",
    "mail.attachment": "viewer",
    "mail.look_again": "sender",
    "mail.ask_again": "sender",
    "mail.send_again": "sender",
    "address.one": "viewer",
    "address.suppress": "sender",
    "reports.index": "viewer",
    "report_files.mails": "viewer",
    "report_files.table": "viewer",
    "report_files.mails_file": "viewer",
    "decisions.one": "viewer",
    "decisions.decide": "sender",
    "decisions.look": "sender",
    "decisions.batch": "viewer",
    "decisions.decide_all": "sender",
    "decisions.policy": "sender",
    "templates.index": "viewer",
    "templates.one": "viewer",
    "templates.preview": "viewer",
    "templates.preview_mail": "viewer",
    "templates.compare": "viewer",
    "templates.export": "viewer",
    "templates.new": "editor",
    "templates.start": "editor",
    "templates.starter_mail": "editor",
    "templates.import_file": "editor",
    "templates.take": "editor",
    "templates.edit": "editor",
    "templates.save": "editor",
    "templates.restore": "editor",
    "templates.ask_remove": "editor",
    "templates.remove": "editor",
    "report_mail.index": "admin",
    "report_mail.save": "admin",
    "report_mail.mail": "admin",
    "report_mail.send_now": "admin",
    "suppressions.index": "viewer",
    "suppressions.add": "sender",
    "suppressions.failed": "sender",
    "suppressions.export": "sender",
    "suppressions.take_file": "admin",
    "suppressions.remove": "admin",
    "gateway.index": "viewer",
    "gateway_history.index": "viewer",
    "gateway_history.take_over": "sender",
    "gateway_history.ask_take": "sender",
    "gateway_history.take": "sender",
    "gateway.add_token": "admin",
    "gateway.take_sandbox_token": "admin",
    "gateway.check_token": "admin",
    "gateway.replace_token": "admin",
    "gateway.remove_token": "admin",
    "gateway.add_sender": "admin",
    "gateway.remove_sender": "admin",
    "team.index": "admin",
    "team.invite": "admin",
    "team.invite_link": "admin",
    "team.renew_invite": "admin",
    "team.withdraw_invite": "admin",
    "team.one": "admin",
    "team.change_role": "admin",
    "team.disable": "admin",
    "team.enable": "admin",
    "team.end_sessions": "admin",
    "team.remove_factors": "admin",
    "team.reset": "admin",
    "team.reset_link": "admin",
    "activity.index": "admin",
    "privacy.one": "admin",
    "privacy.export": "admin",
    "privacy.ask_erase": "admin",
    "privacy.erase": "admin",
    "style.index": "admin",
    "retention.index": "admin",
    "retention.choose": "admin",
    "backups.index": "admin",
    "backups.choose": "admin",
    "backups.make_now": "admin",
    "settings.index": "admin",
    "settings.save": "admin",
    "machine.index": "admin",
    "guide.one": "viewer",
    "guide.picture": "viewer",
    # One word, for programs that watch this one.
    "health.check": "anyone",
    # It looks itself who may: a program on this machine, or with the token of the settings.
    "metrics.index": "anyone",
    # The signature in the link is the authority.
    "unsubscribe.ask": "anyone",
    "unsubscribe.stop": "anyone",
    "unsubscribe.undo": "anyone",
}

# What whoever still has to set up a second factor may open: the way there, and what the guide says of it.
SETTING_UP = frozenset(
    endpoint
    for endpoint in POLICY
    if endpoint.startswith(("second_factors.", "your_account.ask_confirm", "guide."))
) | {"your_account.confirm"}

# What is open to anyone takes a short form, never a list of recipients.
MAX_OPEN_REQUEST_BYTES = 50_000
# A zip with a file for each row, and a list; files of that size wait on the disk, not in memory.
MAX_SEND_REQUEST_BYTES = 230_000_000


class SignedIn(User):
    """A person who is signed in, as flask-login wants to see one."""

    is_authenticated = True


def init(app: Flask) -> None:
    """Holds every request against the table before anything else looks at it."""
    # flask-login's own cookies can be replayed after signing out and are never used. It still looks for one
    # before it asks us, and browsers send the cookies of every port of a host, so that one has no usual name.
    app.config["REMEMBER_COOKIE_NAME"] = "mailroom_never_set"
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(_person)
    manager.init_app(app)
    # First of all, so that a stranger's request is turned away before its form is read to look for a token.
    app.before_request_funcs.setdefault(None, []).insert(0, _guard)


def may(endpoint: str) -> bool:
    """Whether the person of this request may use the endpoint; False when there is no such endpoint, too."""
    return endpoint in current_app.view_functions and _allowed(endpoint)


def begin(response: Response, begun: str, user_id: int) -> Response:
    """The answer, with the cookie of a session that has just begun."""
    language = session.get(PRESSED)
    # What else was in the form cookie belongs to whoever had the browser before.
    kept.remember_who(user_id)
    if language:
        people.choose_language(service().store, user_id, language)
    return renew(response, begun)


def renew(response: Response, fresh: str) -> Response:
    """The answer, with the new id of the session that this browser has already."""
    response.set_cookie(
        _cookie_name(),
        fresh,
        httponly=True,
        samesite="Lax",
        secure=service().settings.secure_cookies,
    )
    return response


def session_id() -> str:
    """The random id in this browser's cookie, or ""."""
    return request.cookies.get(_cookie_name(), "")


def end(response: Response) -> Response:
    """The answer, with the session ended here and in the database."""
    if session_id():
        sessions.sign_out(service().store, session_id())
    session.clear()
    response.delete_cookie(
        _cookie_name(), httponly=True, samesite="Lax", secure=service().settings.secure_cookies
    )
    return response


def inside(target: str) -> str:
    """`target` when it is a path of this application, else "".

    What browsers take for another host (`//e`, `/\\e`, a tab or line break in between) is refused, also when
    it is percent-encoded.
    """
    path = unquote(target.partition("?")[0])
    harmless = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return target if harmless and path.isprintable() and target.isprintable() and len(target) <= 2000 else ""


def _guard() -> Response | None:
    endpoint = request.endpoint
    # Without an endpoint there is nothing to guard: not found, or not by this method, for everybody alike.
    if endpoint is None or POLICY.get(endpoint) == "anyone":
        request.max_content_length = MAX_OPEN_REQUEST_BYTES
    elif not current_user.is_authenticated:
        return _to_sign_in()
    elif not _allowed(endpoint):
        return _page_anew() if request.headers.get("HX-Request") == "true" else abort(403)
    elif endpoint not in SETTING_UP and needs_second_factor():
        return _to_set_up()
    elif endpoint == "send.create":
        request.max_content_length = MAX_SEND_REQUEST_BYTES
    return None


def needs_second_factor() -> bool:
    """Whether the person signed in may open nothing until they have set up a second factor."""
    return bool(current_user.is_authenticated) and second_factors.missing(service().store, current_user)


def _allowed(endpoint: str) -> bool:
    least = POLICY.get(endpoint)
    if least == "anyone":
        return True
    return least is not None and current_user.is_authenticated and current_user.may_as(least)


def _page_anew() -> Response:
    # The page around the fragment was made for a role that they had; anew it says what they may do now.
    return Response(status=403, headers={"HX-Redirect": inside(_page()) or "/"})


def _to_sign_in() -> Response:
    if request.method == "POST":
        kept_for_later, target = _keep()
        if kept_for_later:
            flash(_("You were signed out meanwhile. Sign in again; what you wrote is still here."), "info")
    else:
        target = inside(_page())
    return _to(url_for("account.sign_in", next=target if target not in ("", "/") else None))


def _to_set_up() -> Response:
    if request.method == "POST":
        _keep()
    return _to(url_for("second_factors.index"))


def _keep() -> tuple[bool, str]:
    """Whether the form that was sent was kept, and where to go on from."""
    if request.headers.get("HX-Request") == "true":
        return False, ""
    found = kept.keep(request)
    return found, url_for("account.again") if found else inside(_page())


def _to(address: str) -> Response:
    if request.headers.get("HX-Request") != "true":
        return cast(Response, redirect(address, 303))
    if request.method == "POST":
        # Nothing is swapped: what is being typed stays, and is kept when it is sent.
        return Response(status=204)
    # A redirect would put the whole page inside the fragment.
    return Response(status=401, headers={"HX-Redirect": address})


def _page() -> str:
    """The page the person was looking at or going to: a form or a fragment is no place to come back to."""
    if request.method in ("GET", "HEAD") and "HX-Request" not in request.headers:
        return request.full_path.removesuffix("?")
    try:
        page = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    except ValueError:
        return ""
    return f"{page.path}?{page.query}".removesuffix("?") if page.netloc == request.host else ""


def _person(request: Request) -> SignedIn | None:
    if not session_id():
        return None
    here = service()
    # Pages ask by themselves with GET; whoever sends a form is there.
    extend = request.method == "POST" or "HX-Request" not in request.headers
    user = sessions.session_user(here.store, session_id(), here.clock(), extend)
    return SignedIn(**vars(user)) if user else None


def cookie_name(settings: Settings) -> str:
    """What the cookie of a session is called."""
    # The prefix makes browsers refuse the cookie from anybody but this very host over https.
    return "__Host-mailroom_session" if settings.secure_cookies else "mailroom_session"


def _cookie_name() -> str:
    return cookie_name(service().settings)
