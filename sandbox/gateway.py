"""The gateway's three endpoints, as the vendor documents them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from sandbox import refusals, shapes, spoil
from sandbox.addresses import known_address
from sandbox.checks import positive, posted_mail
from sandbox.ledger import Entry
from sandbox.limit import Rate, rate_headers
from sandbox.lives import status_word
from sandbox.shapes import Payload
from sandbox.state import state
from sandbox.tokens import fingerprint

MAX_PAGE = 100

blueprint = Blueprint("gateway", __name__, url_prefix="/email/v2")


@blueprint.post("/send-single")
def send() -> Response:
    faults = state().faults
    application = admit()
    if faults["low_balance"]:
        raise refusals.low_balance(faults["low_balance_status"])
    mail = posted_mail(request)
    fault = faults.draw("send")
    if fault == "ok":
        fault = known_address(mail.email).fault

    def accept() -> Payload:
        return shapes.send_answer(state().ledger.accept(mail, application), faults["send_shape"])

    return spoil.answer("send", fault, accept)


@blueprint.get("/email/status/<msg_id>")
def status(msg_id: str) -> Response:
    admit()

    def look_up() -> Payload:
        entry = state().ledger.find(msg_id)
        if entry is None:
            raise refusals.not_found()
        shape = state().faults["status_shape"]
        return shapes.status_answer(entry, status_now(entry), body_text(entry), shape)

    return spoil.answer("status", state().faults.draw("status"), look_up)


@blueprint.get("/email/history")
def history() -> Response:
    admit()
    page = positive(request.args, "page", 1)
    limit = min(positive(request.args, "limit", 50), MAX_PAGE)
    return spoil.answer("history", state().faults.draw("history"), lambda: history_page(page, limit))


def history_page(page: int, limit: int) -> Payload:
    faults = state().faults.values()
    until = datetime.now(UTC) - timedelta(seconds=faults["history_lag_s"])
    entries, total = state().ledger.history(
        page, limit, until=until, cut=faults["history_cut"], order=faults["history_order"]
    )
    items = [shapes.history_item(entry, status_now(entry), body_text(entry)) for entry in entries]
    return shapes.history_answer(items, page, limit, total, faults["history_shape"])


def admit() -> str:
    """The application that this request's token speaks for; raises the refusal it earned."""
    header = request.headers.get("Authorization")
    if header is None:
        raise refusals.missing_header()
    scheme, _, token = header.strip().partition(" ")
    if scheme.casefold() == "bearer" and not token:
        raise refusals.token_not_supplied()
    application = state().tokens.application_of(token.strip())
    if scheme.casefold() != "bearer" or application is None or state().faults["revoked"]:
        raise refusals.token_not_valid()
    limit_rate(fingerprint(token.strip()))
    return application


def limit_rate(token: str) -> None:
    faults = state().faults.values()
    g.rate = state().limiter.take(token, time.monotonic(), faults["limit"], faults["window"])
    if g.rate and not g.rate.allowed:
        raise refusals.too_many()


def status_now(entry: Entry) -> str:
    faults = state().faults
    return status_word(
        entry.email,
        entry.msg_id,
        entry.age_at(datetime.now(UTC)),
        delivered_after=faults["life_delivered_after"],
        opened_after=faults["life_opened_after"],
    )


def body_text(entry: Entry) -> str:
    if state().faults["body_dash"]:
        return "-"
    return state().ledger.content(entry.body_sha256).decode(errors="replace")


@blueprint.before_request
def count_request() -> None:
    state().traffic.arrived(str(request.endpoint).rpartition(".")[2], time.monotonic())


@blueprint.after_request
def count_answer(response: Response) -> Response:
    end = request.environ["sandbox.wire"].end
    state().traffic.answered("none" if end in ("close", "reset") else str(response.status_code))
    return response


@blueprint.after_request
def add_rate_headers(response: Response) -> Response:
    rate: Rate | None = g.get("rate")
    if response.status_code == 429 and (rate is None or rate.allowed):
        rate = Rate(False, rate.limit if rate else 25, 0, 1.0)
    # A page of HTML comes from the proxy, which knows nothing of limits.
    if rate and response.is_json:
        faults = state().faults
        response.headers.update(rate_headers(rate, faults["rate_headers"], faults["rate_reset"], time.time()))
    return response


@blueprint.errorhandler(refusals.Refusal)
def say_no(refusal: refusals.Refusal) -> Response:
    return refusals.as_json(refusal)


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: Any) -> Response:
    return spoil.page(spoil.TOO_LARGE, 413)
