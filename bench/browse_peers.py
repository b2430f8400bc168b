"""Two ways to look into a database without writing anything for it, over the same file: Datasette and Flask-Admin.

Both are installed into `.venv-bench`, with their usual settings; neither can write.
"""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import requests

from bench import peers
from bench.browse_pages import Facts, Page
from tests.sandbox_server import ROOT

PINNED = (
    "datasette==0.65.5",
    "Flask==3.1.3",
    "Flask-Admin==2.2.1",
    "Flask-SQLAlchemy==3.1.1",
    "SQLAlchemy==2.0.44",
    "waitress==3.0.2",
)
NAMES = ("Datasette 0.65.5", "Flask-Admin 2.2.1")
START_SECONDS = 60


def install() -> str:
    """Why they could not be installed, in a few words, or "" when they are there."""
    return peers.install("browse", PINNED)


@contextmanager
def running(name: str, database: Path) -> Iterator[tuple[str, int]]:
    """The address and process id of one of `NAMES` over the database, ended afterwards."""
    port = _free_port()
    if name.startswith("Datasette"):
        command = [peers.python(), "-m", "datasette", "serve", str(database), "--port", str(port)]
    else:
        command = [peers.python(), "-m", "bench.browse_admin", str(database), str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(address, process)
            yield address, process.pid
        finally:
            process.terminate()


def pages(name: str, known: Facts) -> Mapping[str, Page]:
    """The same questions as to Mailroom, by the name of Mailroom's page."""
    ask = _datasette if name.startswith("Datasette") else _flask_admin
    return {
        "history, first page": lambda chance: ask(known, chance, "first"),
        "history, a page deep inside": lambda chance: ask(known, chance, "deep"),
        "one state": lambda chance: ask(known, chance, "state"),
        "a whole address": lambda chance: ask(known, chance, "address"),
        "the beginning of an address": lambda chance: ask(known, chance, "beginning"),
    }


def _datasette(known: Facts, chance: Random, what: str) -> str:
    mail = chance.choice(known.mails)
    more = {
        "first": {},
        "deep": {"_next": f"{mail.id},{mail.id}"},
        "state": {"shown": chance.choice(("delivered", "opened", "failed", "rejected", "skipped"))},
        "address": {"email": mail.email},
        "beginning": {"email__startswith": mail.email.partition("@")[0] + "@"},
    }
    return f"/mailroom/mails?{urlencode({'_sort_desc': 'id', '_size': 50, **more[what]})}"


def _flask_admin(known: Facts, chance: Random, what: str) -> str:
    mail = chance.choice(known.mails)
    more: dict[str, dict[str, object]] = {
        "first": {},
        "deep": {"page": (known.newest - mail.id) // 50},
        "state": {
            "flt0_shown_equals": chance.choice(("delivered", "opened", "failed", "rejected", "skipped"))
        },
        "address": {"search": f"={mail.email}"},
        "beginning": {"search": f"^{mail.email.partition('@')[0]}@"},
    }
    return f"/admin/mail/?{urlencode(more[what])}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "it ended at once"
        with suppress(requests.RequestException):
            requests.get(f"{address}/", timeout=5)
            return
        time.sleep(0.2)
    raise AssertionError("it did not start")
