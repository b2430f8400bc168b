"""Addresses of static files that change with what is in them, so that browsers may keep each for ever."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

FOR_EVER = "public, max-age=31536000, immutable"
KINDS = (".css", ".js", ".svg")


def init(app: Flask) -> None:
    """Adds the sum of each file to its address, and says of answers to such addresses that they stay as they are."""
    folder = Path(app.static_folder or "")
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in folder.iterdir()
        if path.suffix in KINDS
    }

    @app.url_defaults
    def add_sum(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and values.get("filename") in sums:
            values.setdefault("v", sums[values["filename"]])

    @app.after_request
    def say_how_long(response: Response) -> Response:
        name = (request.view_args or {}).get("filename", "")
        # With another sum it is the file of another version, which this one only stands in for.
        if request.endpoint == "static" and sums.get(name) and request.args.get("v") == sums[name]:
            response.headers["Cache-Control"] = FOR_EVER
        return response
