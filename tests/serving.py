"""A server that answers while a block runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import waitress
from flask import Flask


@contextmanager
def serving(what: Flask | Any) -> Iterator[str]:
    """Where an application, or a server that was made already, answers until the end of the block."""
    server = (
        waitress.create_server(what, host="127.0.0.1", port=0, threads=4) if isinstance(what, Flask) else what
    )

    def run() -> None:
        # Closed while a connection is open, its loop may find that one gone.
        with suppress(OSError):
            server.run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join()
