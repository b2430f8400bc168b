"""What tests share: a fresh mailroom, its people, and a browser signed in as each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask

from app import create_app
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.store import Store
from tests.house import Browser, fresh_store, furnished

# Nothing fails because a machine is slow.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh database."""
    store = fresh_store(tmp_path / "mailroom.db")
    yield store
    store.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A fresh mailroom with its people in it, whose gateway nobody listens at; nothing is sent."""
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=furnished(tmp_path / "data")))
    yield service
    service.close()


@pytest.fixture
def app(service: Service) -> Flask:
    """The web application over that mailroom."""
    app = create_app(service)
    app.testing = True
    return app


@pytest.fixture
def client(app: Flask) -> Callable[[str], Browser]:
    """Signed in as `adi` the admin, `sari` the sender, `edo` the editor, `vino` the viewer, or "" for nobody."""

    def browser(person: str = "") -> Browser:
        return Browser(app, person)

    return browser
