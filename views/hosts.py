"""By which names Mailroom is asked for: where MAILROOM_URL says what it is called, by no other.

A request by another name came by a link that somebody made up, or from a page of another site whose name was pointed
at this machine. Nothing here is ever made of the name in a request, so without MAILROOM_URL any name will do.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, render_template, request
from flask_babel import gettext as _

from mailroom.settings import Settings
from views.here import service

# Whoever watches from outside or inside asks by an address, and gets no page; files are the same for everybody.
ASKED_BY_ANY_NAME = {"health.check", "metrics.index", "static"}
# This very machine, for whoever looks after it.
LOCAL = ("localhost", "127.0.0.1", "::1")


def init(app: Flask) -> None:
    """Turns requests by other names away before anything else looks at them."""
    settings: Settings = app.extensions["mailroom"].settings
    if settings.url:
        app.before_request_funcs.setdefault(None, []).insert(0, _turn_away)


def known(host: str, url: str) -> bool:
    """Whether a request by the name `host`, with its port if it has one, means the Mailroom at `url`."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return "@" not in host and name in (urlsplit(url).hostname, *LOCAL)


def _turn_away() -> Response | None:
    url = service().settings.public_url
    if request.endpoint in ASKED_BY_ANY_NAME or known(request.host, url):
        return None
    sentence = _("Mailroom is not called by this name. Open it at %(url)s.", url=url)
    page = render_template("error.html", title=_("Wrong address"), sentence=sentence, start=url)
    return Response(page, 421)
