"""The HTTP server: keep-alive, small answers at once, and a wire that faults can cut."""

import contextlib
import io
import re
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

# The largest body that “the proxy” lets through, and how much of a chunked one is read at all.
BODY_BYTES = 15 * 1024 * 1024
SKIPPED_BYTES = 200 * 1024 * 1024


@dataclass
class Wire:
    """How the answer goes out, as a fault may set it while the request is worked on."""

    end: Literal["whole", "truncate", "close", "reset"] = "whole"


class Handler(WSGIRequestHandler):
    """Werkzeug's handler closes after every answer; this one reads the whole request and keeps the line."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def version_string(self) -> str:
        return "OCA-sandbox"

    def run_wsgi(self) -> None:
        if not re.fullmatch("[0-9]{1,15}", self.headers.get("Content-Length", "0")):
            self.send_error(400, "Content-Length is not a number")
            return
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self.read_body(cast(io.BufferedIOBase, environ["wsgi.input"])))
        environ["sandbox.wire"] = wire = Wire()
        status, headers, body = call(self.server.app, environ)
        if wire.end in ("whole", "truncate"):
            self.answer(status, headers, body if wire.end == "whole" else body[: len(body) // 2])
        if wire.end != "whole":
            self.close_connection = True
        if wire.end == "reset":
            self.reset()

    def read_body(self, stream: io.BufferedIOBase) -> bytes:
        """The request's body, at most one byte over the limit; the rest is read and dropped.

        A client that is still writing when the connection closes may never see the answer.
        """
        chunked = isinstance(stream, io.RawIOBase)
        left = SKIPPED_BYTES if chunked else int(self.headers.get("Content-Length", "0"))
        kept = bytearray()
        while left > 0 and (block := stream.read(min(left, 65536))):
            left -= len(block)
            kept += block[: max(0, BODY_BYTES + 1 - len(kept))]
        return bytes(kept)

    def answer(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def reset(self) -> None:
        """Makes the close that follows a reset (RST) instead of a polite end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Says nothing: the ledger's summary counts the requests."""


def call(app: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Runs the WSGI application to its end: status line, headers and the whole body."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> None:
        started.append((status, headers))

    chunks: Iterable[bytes] = app(environ, start_response)
    with contextlib.ExitStack() as stack:
        stack.callback(getattr(chunks, "close", lambda: None))
        body = b"".join(chunks)
    return (*started[-1], body)


def listen(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """A server that is bound and listening; port 0 takes a free one."""
    return make_server(host, port, app, threaded=True, request_handler=Handler)
