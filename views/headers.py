"""The headers that every answer carries, errors and static files included."""

from collections.abc import Mapping

from flask import Flask, Response, request

from views.here import service

POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


# A year, as https://hstspreload.org asks for.
HTTPS_ONLY = "max-age=31536000; includeSubDomains"


def init(app: Flask) -> None:
    """Adds the headers after every request."""
    app.after_request(_add)


def standard(https: bool) -> Mapping[str, str]:
    """The headers of an answer that says nothing else of itself. https: whether browsers come by it."""
    found = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return found | ({"Strict-Transport-Security": HTTPS_ONLY} if https else {})


def _add(response: Response) -> Response:
    for name, value in standard(service().settings.secure_cookies).items():
        # A mail, and the page behind a link in one, have a policy of their own.
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
