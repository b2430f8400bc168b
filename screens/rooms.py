"""The two mailrooms that are looked at, one full and one of the first day, each at an address of its own."""

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import waitress
from flask import request
from playwright.sync_api import BrowserContext

from app import create_app
from deploy.demo import free_port
from mailroom import invites, people, sessions
from mailroom.service import Service
from screens import data
from tests.house import CAST, add_people
from tests.sandbox_server import running_sandbox

Name = Literal["full", "empty", "new"]


@dataclass(frozen=True)
class Room:
    """A served mailroom. facts: what stands for `{…}` in the addresses of its screens."""

    url: str
    service: Service
    facts: Mapping[str, object]

    def sign_in(self, window: BrowserContext, name: str) -> None:
        """Gives a browser the cookie of a new session of the person with that name."""
        user = people.by_email(self.service.store, f"{name}@contoh.id")
        assert user, name
        session = sessions.begin(self.service.store, user.id, "127.0.0.1", "screens", self.service.clock())
        window.add_cookies([{"name": "mailroom_session", "value": session, "url": self.url}])


@contextmanager
def open_rooms() -> Iterator[Mapping[Name, Room]]:
    """A mailroom after a year, one that has only people, and one that nobody has set up; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mailroom-screens-") as folder, ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox("--limit", "0"))
        full, facts = stack.enter_context(data.full_room(Path(folder) / "full", sandbox))
        empty = stack.enter_context(data.empty_room(Path(folder) / "empty", sandbox))
        add_people(empty)
        data.second_factors_of(empty, CAST["edo"].email)
        new = stack.enter_context(data.empty_room(Path(folder) / "new", sandbox))
        link = {"link": invites.new_setup_link(new.store, new.clock())}
        yield {
            "full": stack.enter_context(_served(full, facts)),
            "empty": stack.enter_context(_served(empty, {})),
            "new": stack.enter_context(_served(new, link)),
        }


@contextmanager
def _served(service: Service, facts: Mapping[str, object]) -> Iterator[Room]:
    app = create_app(service)

    @app.before_request
    def break_down() -> None:
        # How a mistake of ours looks can be seen at an address that no real mailroom has.
        if request.path == "/broken":
            raise RuntimeError("broken for the picture")

    port = free_port(0)
    server = waitress.create_server(app, host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Room(f"http://127.0.0.1:{port}", service, facts)
    finally:
        server.close()
        thread.join()
