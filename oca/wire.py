"""The HTTP session the client talks through, and what it can prove about what left."""

import http.client
import threading
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError

from oca.errors import GatewayError, NoAnswer, Unreachable
from oca.words import N_

_PIECE = 64 * 1024

# What a call over this session may raise; anything else would be a mistake of ours and is not hidden.
FAULTS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
)


class _Sent(threading.local):
    anything = False
    now: Callable[[], None] = staticmethod(lambda: None)


_sent = _Sent()


class _Noting(http.client.HTTPConnection):
    """Notes that bytes are about to be written: until then it is certain that nothing left."""

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # http.client would connect inside send(); a failure here still left nothing
        if not _sent.anything:
            _sent.anything = True
            _sent.now()
        super().send(data)


class _HTTP(_Noting, HTTPConnection):
    pass


class _HTTPS(_Noting, HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class Session(requests.Session):
    """A session that reads nothing from the environment, keeps no cookies and follows no redirect."""

    def __init__(self, pool_size: int) -> None:
        super().__init__()
        self.trust_env = False  # a proxy variable or ~/.netrc would see or replace the token
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=2, pool_maxsize=pool_size, max_retries=0)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: to prepare a next request, requests would read the redirect's body without bounds."""
        return None


def nothing_left_yet(leaves: Callable[[], None]) -> None:
    """Start watching the request this thread is about to make; `leaves` is called right before its first byte."""
    _sent.anything, _sent.now = False, leaves


def failure_of(fault: Exception) -> GatewayError:
    """The error that a fault before the answer amounts to, by whether a byte was written meanwhile."""
    return NoAnswer() if _sent.anything else Unreachable(_why_unreachable(fault))


def read_body(response: requests.Response, limit: int, seconds: float) -> bytes | None:
    """The decoded body; None where it is longer than `limit` bytes.

    Raises one of FAULTS where it breaks off, among them a time-out after `seconds`, however slowly it drips.
    """
    end = time.monotonic() + seconds
    body = bytearray()
    try:
        while piece := response.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > limit:
                return None
            if time.monotonic() > end:
                raise TimeoutError
        return bytes(body)
    finally:
        response.close()  # ends a connection with something left to read; a finished one is kept for reuse


def _why_unreachable(fault: Exception) -> str:
    reason = getattr(fault.args[0] if fault.args else None, "reason", None)
    if isinstance(reason, NameResolutionError):
        return N_("The gateway's name could not be found.")
    if isinstance(fault, requests.ConnectTimeout):
        return N_("The gateway did not take the connection in time.")
    if isinstance(fault, requests.exceptions.SSLError):
        return N_("No secure connection to the gateway could be made.")
    return Unreachable.sentence
