"""The cast of the tests, and a browser that fills in forms as a person would."""

import re
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from mailroom import people
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.store import Store

# A password's hash says itself how much work it is; the cast's are little, for they are looked at in every test.
_quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True)
class Person:
    """Somebody of the team, with the password a test signs in with."""

    name: str
    email: str
    role: people.Role
    password: str


CAST = {
    "adi": Person("Adi", "adi@contoh.id", "admin", "kereta api malam adi"),
    "sari": Person("Sari", "sari@contoh.id", "sender", "kereta api malam sari"),
    "vino": Person("Vino", "vino@contoh.id", "viewer", "kereta api malam vino"),
    "edo": Person("Edo", "edo@contoh.id", "editor", "kereta api malam edo"),
}


def add_people(service: Service) -> None:
    """Puts the cast into a fresh mailroom: the admin by the set-up link, the others by invitation."""
    with service.store.write() as db:
        for one in CAST.values():
            people.insert(db, one.email, one.name, one.role, _quick.hash(one.password), service.clock())


def furnished(folder: Path) -> Path:
    """The folder, with a fresh mailroom in it that has its people; made once, and copied for each test."""
    return Path(shutil.copytree(_mould(), folder))


def fresh_store(path: Path) -> Store:
    """A fresh database at the path, brought up to date once, and copied for each test."""
    shutil.copyfile(_empty(), path)
    path.chmod(0o600)
    return Store(path)


# Removed when the process ends.
_rooms = tempfile.TemporaryDirectory(prefix="mailroom-tests-")


@cache
def _mould() -> Path:
    folder = Path(_rooms.name) / "data"
    with closing(open_service(Settings(gateway_url="http://127.0.0.1:9", data=folder))) as service:
        add_people(service)
    (folder / "mailroom.mark").unlink()
    return folder


@cache
def _empty() -> Path:
    path = Path(_rooms.name) / "mailroom.db"
    Store(path).close()
    return path


class Compiled(BytecodeCache):
    """The page templates as code, compiled once for all tests of a process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._kept.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


compiled = Compiled()


def _compile_once() -> None:
    """Lets werkzeug compile each rule for addresses once, too: half the time that an application takes to be made."""
    compile_builder = Rule._compile_builder
    kept: dict[tuple[object, ...], Any] = {}

    def builder(rule: Rule, append_unknown: bool = True) -> Any:
        # Which converters the rule has it asks of itself, when an address is built.
        key = (rule.rule, str(rule._trace), str(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = builder  # type: ignore[assignment, method-assign]


_compile_once()


class Browser:
    """A Flask test client that keeps cookies and adds the CSRF token to what it posts."""

    def __init__(self, app: Flask, person: str = "") -> None:
        app.jinja_env.bytecode_cache = compiled
        self.http: FlaskClient = app.test_client()
        if person:
            who = CAST[person]
            answer = self.post_form(
                "/sign-in", {"email": who.email, "password": who.password}, form_at="/sign-in"
            )
            assert answer.status_code == 303, answer.text

    def get(self, url: str, part: bool = False) -> TestResponse:
        """The answer to a GET; `part`: as htmx asks for a fragment."""
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if part else {}
        return self.http.get(url, headers=headers)

    def post_form(
        self, url: str, data: dict[str, object] | None = None, form_at: str = "", part: bool = False
    ) -> TestResponse:
        """The answer to a POST with the CSRF token of the page at `form_at` (or of the start page)."""
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if part else {}
        form = {"csrf_token": self.csrf(form_at), **(data or {})}
        return self.http.post(url, data=form, headers=headers)

    def csrf(self, page: str = "") -> str:
        """The CSRF token in the forms of a page."""
        html = self.http.get(page or "/", follow_redirects=True).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        assert found, f"no form on {page or '/'}"
        return found.group(1)
