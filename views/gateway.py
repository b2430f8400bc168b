"""Gateway: its tokens, what came of checking them, their live budgets, and who mail may come from."""

import itertools
import json
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

import oca
import oca.sandbox
from mailroom import first_steps, identities, tokens
from mailroom.keys import KeyFileError
from mailroom.problems import Problem, Sentence
from mailroom.times import iso
from mailroom.tokens import TokenLine
from views.here import me, see_other, service, show
from views.words import said, when, whole_typed

blueprint = Blueprint("gateway", __name__, url_prefix="/gateway")

# Read at most this much of an upload; far above any token, far below what would be a burden.
MOST_READ = 65_536
# How long before its end a token is announced.
SOON = timedelta(days=14)


@blueprint.get("/")
def index() -> Response:
    """The tokens, renewing themselves for the budget's sake, and the sender identities."""
    here = service()
    now = here.clock()
    lines = tokens.all_tokens(here.store, now)
    return show(
        "gateway/index.html",
        "gateway/_tokens.html",
        lines=[(line, here.clients.pace(line.id)) for line in lines],
        soon=iso(now + SOON),
        application=_application,
        senders=identities.all_identities(here.store),
    )


@blueprint.route("/tokens/add", methods=["GET", "POST"])
def add_token() -> Response:
    """Takes a token's file, keeps it, and asks the gateway about it at once."""
    if request.method != "POST":
        return show("gateway/add_token.html", faults={}, default=tokens.DEFAULT_PER_SECOND)
    here = service()
    try:
        name = request.form.get("name", "")
        line = tokens.add(here.store, here.keys, name, _upload(), _per_second(), me().id, here.clock())
    except Problem as problem:
        return show("gateway/add_token.html", status=422, faults=_beside(problem), default="")
    _check(line, _("Saved."))
    return see_other("gateway.index")


@blueprint.post("/tokens/sandbox")
def take_sandbox_token() -> Response:
    """Fetches a token from the sandbox and keeps it, as uploading one would; there is no such thing elsewhere."""
    here = service()
    if not here.settings.sandbox:
        abort(404)
    try:
        data = oca.sandbox.new_token(here.settings.gateway_url)
        line = tokens.add(
            here.store, here.keys, _free_name(), data, tokens.DEFAULT_PER_SECOND, me().id, here.clock()
        )
    except oca.GatewayError as error:
        flash(_(error.sentence), "error")
        return see_other("gateway.index")
    except Problem as problem:
        flash(said(problem), "error")
        return see_other("gateway.index")
    _check(line, _("Saved."))
    return _on()


@blueprint.post("/tokens/<int:token_id>/check")
def check_token(token_id: int) -> Response:
    """Asks the gateway whether it still accepts the token."""
    _check(_token(token_id))
    return see_other("gateway.index")


@blueprint.route("/tokens/<int:token_id>/replace", methods=["GET", "POST"])
def replace_token(token_id: int) -> Response:
    """Takes a new file for a token that ended; what waits for it goes on."""
    line, here = _token(token_id), service()
    if request.method != "POST":
        return show("gateway/replace_token.html", line=line, faults={})
    try:
        line = tokens.replace(here.store, here.keys, token_id, _upload(), here.clock())
    except Problem as problem:
        return show("gateway/replace_token.html", status=422, line=line, faults=_beside(problem))
    _check(line, _("Replaced."))
    return see_other("gateway.index")


@blueprint.route("/tokens/<int:token_id>/remove", methods=["GET", "POST"])
def remove_token(token_id: int) -> Response:
    """Asks, then removes a token that nothing was sent with."""
    line = _token(token_id)
    if request.method != "POST":
        return show("gateway/remove_token.html", line=line, problem=tokens.needed(service().store, token_id))
    try:
        tokens.remove(service().store, token_id)
    except Problem as problem:
        return show("gateway/remove_token.html", status=422, line=line, problem=problem)
    flash(_("The token “%(name)s” is removed.", name=line.name), "ok")
    return see_other("gateway.index")


@blueprint.route("/senders/add", methods=["GET", "POST"])
def add_sender() -> Response:
    """Adds an address and a name that mail may come from."""
    if request.method != "POST":
        return show("gateway/add_sender.html", faults={})
    email, name = request.form.get("email", ""), request.form.get("name", "")
    try:
        identity = identities.add(service().store, email, name, me().id, service().clock())
    except Problem as problem:
        return show("gateway/add_sender.html", status=422, faults=_beside(problem))
    flash(_("Mail can now come from %(name)s, %(email)s.", name=identity.name, email=identity.email), "ok")
    return _on()


@blueprint.post("/senders/<int:sender_id>/remove")
def remove_sender(sender_id: int) -> Response:
    """Offers an identity no more; what was queued with it goes out all the same."""
    try:
        identity = identities.get(service().store, sender_id)
    except LookupError:
        abort(404)
    if identities.remove(service().store, sender_id, me().id, service().clock()):
        flash(_("%(name)s, %(email)s is no longer offered.", name=identity.name, email=identity.email), "ok")
    return see_other("gateway.index")


def _on() -> Response:
    """To the next of the first steps; once they are taken, to the tokens and senders."""
    first = first_steps.missing(service().store)
    return see_other("overview.index" if first and "from" in request.form else "gateway.index")


def _free_name() -> str:
    taken = {line.name for line in tokens.all_tokens(service().store)}
    return next(
        name for n in itertools.count(1) if (name := f"Sandbox {n}" if n > 1 else "Sandbox") not in taken
    )


def _token(token_id: int) -> TokenLine:
    try:
        return tokens.get(service().store, token_id, service().clock())
    except LookupError:
        abort(404)


def _check(line: TokenLine, done: str = "") -> None:
    """Asks the gateway about the token and says what came of it, after what was `done` before."""
    try:
        result = service().clients.check(line.id, service().clock())
    except KeyFileError as error:
        flash(said(str(error)), "error")
        return
    words = " ".join(said(sentence) for sentence in result.splitlines())
    if result == "ok":
        outcome, kind = _("The gateway accepts the token “%(name)s”.", name=line.name), "ok"
    elif _token(line.id).state == "stopped":
        outcome, kind = _("But nothing can be sent with “%(name)s”.", name=line.name) if done else "", "error"
    else:
        outcome, kind = _("“%(name)s” could not be checked yet.", name=line.name), "warn"
    flash(" ".join(part for part in (done, outcome, words if result != "ok" else "") if part), kind)


def _upload() -> bytes:
    file = request.files.get("file")
    return file.stream.read(MOST_READ) if file else b""


def _per_second() -> int:
    return whole_typed(request.form.get("per_second", "")) or 0


def _beside(problem: Problem) -> dict[str, str]:
    """The problem's sentence by the field it belongs to; a chosen file has to be chosen again."""
    values = problem.sentence.values
    shown = tuple((name, when(value) if isinstance(value, datetime) else value) for name, value in values)
    faults = {problem.field: said(Sentence(problem.sentence.text, shown))}
    if request.files.get("file") and "file" not in faults:
        faults["file"] = _("Choose the file again: a browser does not keep it.")
    return faults


def _application(line: TokenLine) -> str:
    """The application a token says it is for: anything may stand there, so it is cut and made printable."""
    claim = line.claims.get("application", "")
    text = claim if isinstance(claim, str) else json.dumps(claim)
    return text[:80].encode(errors="replace").decode()
