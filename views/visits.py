"""Each request: its number, which the answer and every line of the log bear, its own line there, and its count."""

import logging
import re
import secrets
from time import perf_counter

from flask import Flask, Response, g, request

from mailroom import logs
from views.here import service

log = logging.getLogger("mailroom.access")

HEADER = "X-Request-Id"
# What programs ask for again and again; at the level of debugging, or nothing else could be found in the log.
QUIET = ("static", "health.check", "metrics.index")

_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def init(app: Flask) -> None:
    """Numbers every request before anything else looks at it, and notes how it was answered."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    # After the guard, which has looked at who it is.
    app.before_request(_who)
    app.after_request(_end)


def number() -> str:
    """The number of the request that is being answered."""
    visit = logs.visit.get()
    return visit.id if visit else ""


def _begin() -> None:
    logs.visit.set(logs.Visit(_told() or secrets.token_hex(8), request.endpoint or ""))


def _told() -> str:
    """The number that a proxy of ours has given the request; "" when there is none, or it may be a stranger's."""
    told = request.headers.get(HEADER, "")
    return told if service().settings.proxies and _SANE.fullmatch(told) else ""


def _who() -> None:
    visit = logs.visit.get()
    # Only what is known already: looking somebody up lengthens their session.
    person = g.get("_login_user")
    if visit and person is not None and person.is_authenticated:
        visit.user_id = person.id


def _end(response: Response) -> Response:
    visit = logs.visit.get()
    if visit is None:
        return response
    response.headers[HEADER] = visit.id
    seconds = perf_counter() - visit.begun
    ms, endpoint = round(seconds * 1000), visit.endpoint or "-"
    service().requests.note(endpoint, str(response.status_code), seconds=seconds)
    log.log(
        logging.DEBUG if _quiet() and response.status_code < 500 else logging.INFO,
        # The endpoint and never the path, which may hold an address, a search or the secret of a link.
        "%s %s %d %d ms",
        request.method if request.method in ("GET", "POST", "HEAD") else "?",
        endpoint,
        response.status_code,
        ms,
        extra={"status": response.status_code, "ms": ms},
    )
    return response


def _quiet() -> bool:
    return request.endpoint in QUIET or (request.method == "GET" and "HX-Request" in request.headers)
