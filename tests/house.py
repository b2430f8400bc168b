"""The cast of the tests, and a browser that fills in forms as a person would."""

import re
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailroom import people
from mailroom.service import Service


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
}


def add_people(service: Service) -> None:
    """Puts the cast into a fresh mailroom: the admin by the set-up link, the others by invitation."""
    for person in CAST.values():
        people.add(service.store, person.email, person.name, person.role, person.password, service.clock())


class Browser:
    """A Flask test client that keeps cookies and adds the CSRF token to what it posts."""

    def __init__(self, app: Flask, person: str = "") -> None:
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
