"""What every view needs: the service behind it, and the ways to answer."""

from typing import Any, cast

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.routing import IntegerConverter, Map

from mailroom.attachments import Kept
from mailroom.people import User
from mailroom.service import Service
from mailroom.sign_ins import Visitor

LARGEST = 2**62


class RowNumber(IntegerConverter):
    """A number in an address, no larger than the database can hold; anything else is not found."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def whole(text: str) -> int:
    """The number in a question, for `request.args.get(…, type=whole)`. Raises ValueError for what no row can have."""
    number = int(text)
    if not 0 <= number <= LARGEST:
        raise ValueError(text)
    return number


def service() -> Service:
    """The team's mailroom that this application shows."""
    return cast(Service, current_app.extensions["mailroom"])


def me() -> User:
    """The person signed in. Only for views that the policy does not open to anyone."""
    return cast(User, current_user._get_current_object())


def visitor() -> Visitor:
    """Where this request came from, and with what browser."""
    return Visitor(request.remote_addr or "", request.user_agent.string)


def wants_part() -> bool:
    """Whether htmx asked for a fragment rather than a whole page."""
    return request.headers.get("HX-Request-Type") == "partial"


def show(page: str, part: str | None = None, status: int = 200, **context: Any) -> Response:
    """The page, or only its fragment `part` when htmx asked for a fragment; the page includes the same file."""
    name = part if part and wants_part() else page
    response = make_response(render_template(name, **context), status)
    if part:
        response.vary.add("HX-Request-Type")
    return response


def see_other(endpoint: str, **values: object) -> Response:
    """A 303 to another page, so that going back or reloading never repeats a POST."""
    return cast(Response, redirect(url_for(endpoint, **values), 303))  # type: ignore[arg-type]


def download(kept: Kept) -> Response:
    """An attachment as a file to save, never as something the browser shows: it is whatever somebody uploaded."""
    response = Response(kept.content, content_type="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=kept.filename)
    return response
