"""A mail's own page, for the frame that shows it: its styles work, and nothing else of it does.

The pages' own policy forbids inline styles, and a `srcdoc` frame would inherit it; so a mail is answered
from an address of its own, with a policy of its own, and shown by `<iframe class="mail" sandbox src=…>`.
"""

import hashlib
import re
import threading
from collections import OrderedDict

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


class Previews:
    """Mails that exist only while somebody writes them, kept in memory until their frame has fetched them.

    room: how many are kept for everybody together; the oldest goes first.
    """

    def __init__(self, room: int = 50) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._mails: OrderedDict[tuple[int, str], str] = OrderedDict()

    def keep(self, user_id: int, html: str) -> str:
        """A key for the mail, shown to this person alone; the same mail has the same key, so its frame can stay."""
        key = hashlib.sha256(html.encode()).hexdigest()[:32]
        with self._lock:
            self._mails[user_id, key] = html
            self._mails.move_to_end((user_id, key))
            while len(self._mails) > self._room:
                self._mails.popitem(last=False)
        return key

    def find(self, user_id: int, key: str) -> str | None:
        """The mail this person kept under `key`, if it is still there."""
        with self._lock:
            return self._mails.get((user_id, key))
