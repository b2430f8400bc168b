"""How much of a request is taken at all, decided by its head, before its body is waited for.

The server collects a whole body, on the disk if need be, before the application sees anything of the request. Whoever
is signed in may send what a page takes and more, so that the page can still say what is too large; everybody else a
form, or else strangers could fill the disk that mails need.
"""

from typing import Any

from waitress.parser import HTTPRequestParser
from werkzeug.http import parse_cookie

from mailroom import sessions
from mailroom.service import Service
from views import access, headers, kept

# A zip with a file for each row, and what is larger than that and is told so by a page.
MAX_BODY_BYTES = 300_000_000
# A form that was written before the session ended is kept until its author has signed in again.
MAX_STRANGERS_BODY_BYTES = kept.MAX_BYTES

TOO_LARGE = (
    "That is too much at once. If you were signed in, sign in again and then choose the file.\n"
    "Terlalu besar. Jika sebelumnya Anda sudah masuk, masuklah lagi, lalu pilih filenya.\n"
)


def parser(service: Service) -> type[HTTPRequestParser]:
    """What reads the requests to this mailroom, for `waitress.channel.HTTPChannel.parser_class`."""

    class Limited(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
        """Reads a request as waitress does, up to what its sender may send."""

        adj: Any
        error: Any

        def parse_header(self, head: bytes) -> None:
            """Reads the head, and from then on as much of the body as it allows."""
            super().parse_header(head)
            # A body in chunks does not say how long it will be.
            large = self.chunked or self.content_length >= MAX_STRANGERS_BODY_BYTES
            most = (
                MAX_BODY_BYTES if not large or _signed_in(service, self.headers) else MAX_STRANGERS_BODY_BYTES
            )
            self.adj = _Smaller(self.adj, most)
            if self.content_length >= most:
                # Asked whether it may go on, it is answered no, and the body never comes.
                self.expect_continue = False

        def received(self, data: bytes) -> int:
            """Takes what has come; what cannot be read is answered with the headers of every other answer."""
            taken: int = super().received(data)
            if self.error and not isinstance(self.error, _Answered):
                self.error = _Answered(self.error, service.settings.secure_cookies)
            return taken

    return Limited


class _Smaller:
    """The server's settings, with a limit of their own for one request."""

    def __init__(self, settings: Any, most: int) -> None:
        self._settings = settings
        self.max_request_body_size = most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._settings, name)


class _Answered:
    """An error of the server's, answered in plain words."""

    def __init__(self, error: Any, https: bool) -> None:
        self.code, self._error, self._https = error.code, error, https

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        text = TOO_LARGE if self.code == 413 else f"{self._error.reason}\n"
        found = {"Content-Type": "text/plain; charset=utf-8", **headers.standard(self._https)}
        return f"{self.code} {self._error.reason}", list(found.items()), text.encode()


def _signed_in(service: Service, found: dict[str, str]) -> bool:
    cookie = parse_cookie(found.get("COOKIE", "")).get(access.cookie_name(service.settings))
    return bool(cookie and sessions.session_user(service.store, cookie, service.clock(), extend=False))
