"""A mail's own page, for the frame that shows it: its styles work, and nothing else of it does.

The pages' own policy forbids inline styles, and a `srcdoc` frame would inherit it; so a mail is answered
from an address of its own, with a policy of its own, and shown by `<iframe class="mail" sandbox src=…>`.
"""

import re

from flask import Response

# No scripts, no forms, an origin of its own even when opened directly. Pictures only when they are inside the
# mail: fetching one would tell its host that somebody looked, and from where.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox",
    )
)

# The doctype has to stay in front, or the browser draws the mail by the rules of 1998.
_DOCTYPE = re.compile(r"(?:\s|<!--.*?-->)*<!doctype[^>]*>", re.IGNORECASE | re.DOTALL)
# A link would replace the mail inside its frame; one that wants a new window is simply not followed there.
_STAY = '<base target="_blank">'


def mail_page(html: str) -> Response:
    """The mail, for a frame in our own pages: inline styles show, scripts and remote pictures do not.

    html: the body of the mail as it is or would be sent; never changed where it is stored.
    """
    doctype = _DOCTYPE.match(html)
    cut = doctype.end() if doctype else 0
    response = Response(html[:cut] + _STAY + html[cut:], content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
