"""The sandbox's own controls for tests and people: token, ledger, fault switches."""

import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.gateway import status_now
from sandbox.ledger import STRANGER, Mail
from sandbox.state import state

MAX_ENTRIES = 10_000
MAX_STRANGERS = 100_000

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")


@blueprint.get("/token.txt")
def token() -> Response:
    """A new token as the file that a person would download from the vendor's dashboard."""
    text = request.args.get("exp")
    if text is not None and not re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII):
        raise ValueError("“exp” takes a whole number of seconds; a negative one has expired already.")
    file = state().tokens.issue(None if text is None else int(text)) + "\n"
    headers = {"Content-Disposition": "attachment; filename=oca-email-token.txt", "Cache-Control": "no-store"}
    return Response(file, mimetype="text/plain", headers=headers)


@blueprint.post("/tokens/revoke")
def revoke() -> Response:
    wanted = posted_object()
    one = wanted.get("fingerprint")
    if not isinstance(one, str) and wanted.get("all") is not True:
        raise ValueError('Say which: {"fingerprint": "the token\'s fingerprint"} or {"all": true}.')
    return jsonify(revoked=state().tokens.revoke(one))


@blueprint.get("/faults")
def faults() -> Response:
    return jsonify(state().faults.values())


@blueprint.route("/faults", methods=["PUT", "POST"])
def set_faults() -> Response:
    state().faults.set(posted_object())
    return faults()


@blueprint.delete("/faults")
def reset_faults() -> Response:
    state().faults.reset()
    return faults()


@blueprint.get("/ledger")
def ledger() -> Response:
    after, limit = query_number("after", 0), query_number("limit", 1000)
    entries = state().ledger.after(after, min(limit, MAX_ENTRIES))
    return jsonify([{**asdict(entry), "status": status_now(entry)} for entry in entries])


@blueprint.get("/ledger/summary")
def summary() -> Response:
    return jsonify({**state().ledger.summary(), **state().traffic.summary()})


@blueprint.delete("/ledger")
def clear() -> Response:
    state().ledger.clear()
    state().traffic.clear()
    return summary()


@blueprint.post("/ledger/strangers")
def add_strangers() -> Response:
    """Mails that another program sent with the same account, so that only the history knows them."""
    wanted = posted_object()
    count, email = wanted.get("count", 1), wanted.get("email")
    if not isinstance(count, int) or not 1 <= count <= MAX_STRANGERS or not isinstance(email, str):
        raise ValueError(
            f'Say how many, up to {MAX_STRANGERS}, and to whom: {{"count": 3, "email": "a@b.id"}}.'
        )
    for number in range(count):
        body = f"<p>Mail {number + 1} from another program</p>".encode()
        mail = Mail(email, "other@program.example", "Another program", "From another program", body)
        state().ledger.accept(mail, STRANGER)
    return jsonify(added=count)


def posted_object() -> dict[str, Any]:
    """The JSON object in the request's body; raises ValueError with a sentence."""
    posted = request.get_json(force=True, silent=True)
    if not isinstance(posted, dict):
        raise ValueError("Post a JSON object.")
    return posted


def query_number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise ValueError(f"“{name}” takes a whole number.")
    return int(text)


@blueprint.errorhandler(ValueError)
def say_what_is_wrong(error: ValueError) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400
