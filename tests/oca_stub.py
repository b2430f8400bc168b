"""A server that answers the gateway client with exactly the bytes a test wants, or with none."""

import base64
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message as Headers
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import oca

SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg-abcd"


def jwt(**claims: object) -> str:
    """A token with these claims, and a signature nobody checks."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ".".join((part({"alg": "RS256", "typ": "JWT"}), part({"sub": "tim", **claims}), SIGNATURE))


TOKEN = oca.parse_token(jwt())
MAIL = oca.Message("joko@contoh.id", "Tagihan", "<p>Halo</p>", "tim@contoh.id", "Tim")


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    line: str
    headers: Headers
    body: bytes


class Reset:
    """Instead of an answer: the connection is reset."""


class Silence:
    """Instead of an answer: nothing, until the client leaves."""


class Drip:
    """Instead of an answer: one that comes a byte at a time, so that no single read takes long."""


Reply = bytes | type[Reset] | type[Silence] | type[Drip]


@dataclass
class Stub:
    """A running stub; set `reply` to bytes, Reset or Silence, or to a function of the request."""

    reply: Reply | Callable[[Seen], Reply] = b""
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    def client(self, **options: object) -> oca.Client:
        """A client of this stub, in no hurry but not patient either."""
        usual: dict[str, object] = {"base_url": self.url, "pace": oca.Pace(1000), "timeout": (2.0, 2.0)}
        return oca.Client(TOKEN, **{**usual, **options})  # type: ignore[arg-type]


def answer(status: str, body: object = "", *headers: str) -> bytes:
    """A whole HTTP answer; a body that is neither bytes nor str goes out as JSON."""
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    content = text if isinstance(text, bytes) else text.encode()
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", "")
    return "\r\n".join(lines).encode() + content


@contextmanager
def running_stub(
    reply: Reply | Callable[[Seen], Reply] = b"", certificate: Path | None = None
) -> Iterator[Stub]:
    """Listens on a free port of this machine until the end of the block; over TLS with a certificate."""
    stub = Stub(reply)
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            stub.connections += 1
            try:
                while self.one():
                    pass
            except OSError:
                pass  # the client left in the middle, which is what some tests want

        def one(self) -> bool:
            line = self.rfile.readline().decode("latin-1").strip()
            if not line:
                return False
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            headers: Headers = BytesParser().parsebytes(head)
            seen = Seen(line, headers, self.rfile.read(int(headers.get("Content-Length", 0))))
            stub.seen.append(seen)
            reply = (
                stub.reply(seen) if callable(stub.reply) and not isinstance(stub.reply, type) else stub.reply
            )
            return self.act(reply)

        def act(self, reply: object) -> bool:
            if reply is Silence:
                self.rfile.read(1)
            elif reply is Reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            elif reply is Drip:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(1000):
                    self.wfile.write(b" ")
                    time.sleep(0.01)
            elif isinstance(reply, bytes):
                self.wfile.write(reply)
                return b"\r\nConnection: close" not in reply
            return False

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            return (tls.wrap_socket(connection, server_side=True) if tls else connection), address

    with Server(("127.0.0.1", 0), Handler) as server:
        stub.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
