"""Numbers for Prometheus: for a program on this very machine, or with the token that the settings name."""

import hmac
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request

from mailroom import metrics
from mailroom.settings import is_here
from views.here import service

blueprint = Blueprint("metrics", __name__)

# What a proxy says of whoever asks it: then the one who asks is not on this machine, or cannot be known to be.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via")


@blueprint.get("/metrics")
def index() -> Response:
    """Everything that is measured; not found for whoever may not see it."""
    if not (_with_token() or _from_here()):
        abort(404)
    return Response(metrics.exposition(service()), content_type=metrics.CONTENT_TYPE)


def _with_token() -> bool:
    wanted, given = service().settings.metrics_token, request.authorization
    if not wanted or given is None or given.type != "bearer":
        return False
    return hmac.compare_digest((given.token or "").encode(), wanted.encode())


def _from_here() -> bool:
    if any(header in request.headers for header in FORWARDED):
        return False
    # Also by a name of this machine: a page of another site that leads a browser here comes by the name of that site.
    return is_here(request.remote_addr or "") and is_here(urlsplit(request.host_url).hostname or "")
