"""What each fault does to one answer: before anything was accepted, or after."""

import selectors
import socket
import time
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from flask import Response, jsonify, request

from sandbox import refusals
from sandbox.server import Wire
from sandbox.shapes import Payload, without_id
from sandbox.state import state

SILENT_SECONDS = 120.0
SLOW_SECONDS = 3.0
BOMB_MEGABYTES = 256

BAD_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)
MAINTENANCE = "<html><head><title>Maintenance</title></head><body><h1>We'll be back soon</h1></body></html>\n"
TOO_LARGE = "<html><head><title>413</title></head><body><h1>413 Request Entity Too Large</h1></body></html>\n"


def answer(call: str, fault: str, work: Callable[[], Payload]) -> Response:
    """The answer to one call as this fault leaves it; `work` is what the gateway really does."""
    faults = state().faults
    late = faults.latency(call)
    if faults["redirect_to"] and call in faults["faults_on"]:
        time.sleep(late)
        return Response(status=307, headers={"Location": faults["redirect_to"]})
    if fault in BEFORE:
        time.sleep(late)
        return BEFORE[fault]()
    payload = work()
    # From here on a mail is in the ledger, whatever the client gets to see.
    time.sleep(late)
    return AFTER.get(fault, plain)(payload)


def plain(payload: Payload) -> Response:
    return jsonify(payload)


def too_many() -> Response:
    return refusals.as_json(refusals.too_many())


def internal_error() -> Response:
    return refusals.as_json(refusals.internal_error())


def refused() -> Response:
    text = "The recipient's address is refused"
    fault = {"value": request.form["email"], "msg": text, "param": "email", "location": "body"}
    return refusals.as_json(refusals.wrong_parameters([fault]))


def page(html: str, http_status: int) -> Response:
    """A page as the proxy in front of the gateway would answer it."""
    return Response(html, http_status, mimetype="text/html")


def cut(end: Literal["close", "reset"]) -> Response:
    """No answer at all: the connection ends politely or with a reset."""
    wire: Wire = request.environ["sandbox.wire"]
    wire.end = end
    return Response()


def silence(seconds: float) -> Response:
    """No answer for so long, or until the client leaves; then the connection closes."""
    wait_while_connected(request.environ["werkzeug.socket"], seconds)
    return cut("close")


def wait_while_connected(connection: socket.socket, seconds: float) -> None:
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if selector.select(left):
                if not peek(connection):
                    return
                # The client sent its next request without waiting: look again a little later.
                time.sleep(min(left, 0.2))


def peek(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return b""


def malformed(payload: Payload) -> Response:
    body = jsonify(payload).get_data().rstrip().rstrip(b"}]")
    return Response(body + b',,"oops', mimetype="application/json")


def truncated(payload: Payload) -> Response:
    wire: Wire = request.environ["sandbox.wire"]
    wire.end = "truncate"
    return jsonify(payload)


def bomb(_payload: Payload) -> Response:
    return Response(packed_spaces(), mimetype="application/json", headers={"Content-Encoding": "gzip"})


@lru_cache(maxsize=1)
def packed_spaces() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    megabyte = b" " * 1024 * 1024
    return b"".join(packer.compress(megabyte) for _ in range(BOMB_MEGABYTES)) + packer.flush()


def slow(payload: Payload) -> Response:
    time.sleep(SLOW_SECONDS)
    return jsonify(payload)


BEFORE: dict[str, Callable[[], Response]] = {
    "429": too_many,
    "500_before": internal_error,
    "reset_before": lambda: cut("reset"),
    "hang_before": lambda: silence(state().faults["hang_s"]),
    "html_502": lambda: page(BAD_GATEWAY, 502),
    "html_200": lambda: page(MAINTENANCE, 200),
    "refused": refused,
}

AFTER: dict[str, Callable[[Payload], Response]] = {
    "500_after": lambda _payload: internal_error(),
    "reset_after": lambda _payload: cut("reset"),
    "hang_after": lambda _payload: silence(state().faults["hang_s"]),
    "silent": lambda _payload: silence(SILENT_SECONDS),
    "malformed_json": malformed,
    "truncated_json": truncated,
    "no_id": lambda payload: jsonify(without_id(payload)),
    "gzip_bomb": bomb,
    "slow": slow,
}
