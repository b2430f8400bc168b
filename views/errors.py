"""The pages for what goes wrong: each says what happened and what to do next."""

import logging
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.routing import RequestRedirect

from mailroom.people import NotAllowed
from views import visits

log = logging.getLogger("mailroom.web")


def init(app: Flask) -> None:
    """Answers every error with a page in plain words."""
    app.after_request(_stay_here)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(NotAllowed, lambda _error: _http_error(Forbidden()))
    app.register_error_handler(Exception, _mistake)


def _page(status: int, title: str, sentence: str) -> Response:
    # Only what went wrong here is worth looking for in the log.
    number = visits.number() if status >= 500 else ""
    return Response(render_template("error.html", title=title, sentence=sentence, number=number), status)


def _form_expired(_error: CSRFError) -> Response:
    return _page(
        400,
        _("This form was open too long"),
        _("Nothing was changed. Go back, reload the page and send the form again."),
    )


def _stay_here(response: Response) -> Response:
    """What flask itself redirects, such as an address that lacks its last slash, by the path alone."""
    error = request.routing_exception
    if not isinstance(error, RequestRedirect):
        return response
    # It names the host of the request, which anybody can make up.
    path = urlsplit(error.new_url)._replace(scheme="", netloc="").geturl()
    return cast(Response, redirect(path, response.status_code))


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    titles = {
        400: (_("That request could not be read"), _("Go back, check the form and try again.")),
        403: (_("Not for your role"), _("Ask an admin of your team if you need this page.")),
        404: (
            _("There is nothing here"),
            _("The address may be old or mistyped. Start again from the menu."),
        ),
        405: (_("That does not work this way"), _("Go back and use the button on the page.")),
        413: (
            _("That is too much at once"),
            _(
                "A list may have 20 MB, an attachment 10 MB, and a zip with a file for each row 200 MB. Nothing was "
                "sent. Go back, where what you typed still stands, and choose smaller files."
            ),
        ),
        429: (_("Too many tries"), _("Wait a few minutes and try again.")),
    }
    title, sentence = titles.get(
        status, (_("That did not work"), _("Go back and try again; an admin finds more in the log."))
    )
    return _page(status, title, sentence)


def _mistake(_error: Exception) -> Response:
    # The path may hold an address; the endpoint is enough to find the place.
    log.exception("a mistake in %s", request.endpoint)
    return _page(
        500,
        _("Something went wrong on our side"),
        _("Nothing is lost: what was queued stays queued. Try again; if it happens twice, tell your admin."),
    )
