"""create_app(): the parts of a sandbox, and who answers which URL."""

from collections.abc import Mapping

from flask import Flask, abort, request

from sandbox import control, gateway, mailbox
from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.limit import Limiter
from sandbox.server import BODY_BYTES
from sandbox.state import State
from sandbox.tokens import Tokens
from sandbox.traffic import Traffic


def create_app(ledger: Ledger, defaults: Mapping[str, object]) -> Flask:
    """The sandbox as a WSGI application; `defaults` are switches that differ from their usual values."""
    app = Flask(__name__, static_folder="pages/static", template_folder="pages")
    app.config.update(MAX_CONTENT_LENGTH=BODY_BYTES, MAX_FORM_MEMORY_SIZE=BODY_BYTES)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["sandbox"] = State(ledger, Tokens(ledger), Faults(defaults), Limiter(), Traffic())
    app.register_blueprint(gateway.blueprint)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(mailbox.blueprint)
    app.before_request(refuse_other_sites)
    return app


def refuse_other_sites() -> None:
    """The controls ask for no password, so at least no foreign page may work them; links lead here."""
    foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    if foreign and request.method not in ("GET", "HEAD"):
        abort(403, "The sandbox takes no forms from other sites' pages.")
