"""A person at a browser who talks to a dashboard over HTTP: signs in, fills in forms, meets a dead server."""

import re

import requests

from tests.house import CAST


class Person:
    """Somebody of the cast, signed in at a dashboard's address."""

    def __init__(self, address: str, name: str) -> None:
        self._address = address
        self._http = requests.Session()
        self._http.trust_env = False
        who = CAST[name]
        answer = self.post("/sign-in", {"email": who.email, "password": who.password}, form_at="/sign-in")
        assert answer.status_code == 303, answer.text

    def get(self, url: str) -> requests.Response:
        """The answer to a GET."""
        return self._http.get(self._address + url, timeout=60)

    def post(
        self,
        url: str,
        data: dict[str, str] | None = None,
        files: dict[str, tuple[str, bytes]] | None = None,
        form_at: str = "/send/",
    ) -> requests.Response:
        """The answer to a form posted with the CSRF token of the page at `form_at`; redirects are not followed."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(form_at).text)
        assert found, f"no form on {form_at}"
        form = {"csrf_token": found.group(1), **(data or {})}
        return self._http.post(self._address + url, form, files=files, timeout=60, allow_redirects=False)

    def dies(self, url: str, data: dict[str, str], files: dict[str, tuple[str, bytes]] | None = None) -> None:
        """Posts a form that gets no answer, because the dashboard ends meanwhile."""
        try:
            answer = self.post(url, data, files)
        except requests.ConnectionError:
            return
        raise AssertionError(f"it answered {answer.status_code}")

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()
