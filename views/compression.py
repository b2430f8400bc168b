"""Pages, styles, scripts and drawings leave compressed: a quarter of their size, for whoever is on a slow line.

Downloads are never compressed here: they are streamed as they are made, however long they are.

A page holds secrets (its form's token) beside what an address can put into it (a search), and compressed sizes can tell
the one from the other to somebody who makes a signed-in browser ask again and again and watches the line: BREACH,
https://www.breachattack.com. Three things stand against that. An answer to a request that another site made, which
browsers say in `Sec-Fetch-Site`, is not compressed. The session's cookie is `SameSite=Lax`, so another site's scripts
and pictures do not bring it. And the token is signed anew each second, so a part of it guessed is worth nothing.
"""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

KINDS = frozenset(("text/html", "text/css", "text/javascript", "image/svg+xml"))
# Below that the packet is as full as before.
LEAST_BYTES = 1_000
# About 1 ms for the largest pages; higher levels save a few per cent more and take three times as long.
PAGE_LEVEL, FILE_LEVEL = 5, 9
FROM_ELSEWHERE = ("cross-site", "same-site")


def init(app: Flask) -> None:
    """Compresses answers, after everything else has been done to them."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.status_code in (204, 206, 304) or response.mimetype not in KINDS:
        return response
    response.vary.add("Accept-Encoding")
    is_file = request.endpoint == "static"
    if (response.is_streamed and not is_file) or not _wanted(is_file):
        return response
    response.direct_passthrough = False
    content = response.get_data()
    if len(content) < LEAST_BYTES:
        return response
    response.set_data(_file(content) if is_file else gzip.compress(content, PAGE_LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    tag, _ = response.get_etag()
    if tag:
        response.set_etag(f"{tag}-gzip")
    return response


def _wanted(is_file: bool) -> bool:
    elsewhere = request.headers.get("Sec-Fetch-Site") in FROM_ELSEWHERE
    return request.accept_encodings["gzip"] > 0 and (is_file or not elsewhere)


@lru_cache(maxsize=32)
def _file(content: bytes) -> bytes:
    return gzip.compress(content, FILE_LEVEL, mtime=0)
