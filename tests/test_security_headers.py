"""The headers that browsers need to protect people: on every answer, whatever it is and whatever went wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from app import create_app
from mailroom import email_templates
from mailroom.service import Service
from tests.filled import ADI, SARI, Filled, fill
from tests.house import Browser
from views import access, headers, mail_frame

# What the pages' policy has to say: nothing from anywhere but here, and no script or style written into a page.
WANTED = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
def filled(service: Service) -> Filled:
    return fill(service)


@pytest.fixture
def app(filled: Filled) -> Flask:
    app = create_app(filled.service)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/broken", "overview.broken", broken)
    return app


def broken() -> str:
    raise RuntimeError("a mistake")


def directives(policy: str) -> dict[str, str]:
    found = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in found}


def lacking(answer: Response, https: bool = False) -> list[str]:
    """What an answer should say and does not."""
    said, policy = answer.headers, directives(answer.headers.get("Content-Security-Policy", ""))
    mail = "sandbox" in policy
    wanted = directives(mail_frame.POLICY) if mail else WANTED
    wrong = [f"{name} {value}" for name, value in wanted.items() if policy.get(name) != value]
    wrong += ["unsafe"] if not mail and "unsafe" in str(policy) else []
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "SAMEORIGIN" if mail else "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ):
        wrong += [name] if said.get(name) != value else []
    wrong += ["Referrer-Policy"] if said.get("Referrer-Policy") not in ("same-origin", "no-referrer") else []
    hsts = said.get("Strict-Transport-Security")
    wrong += ["HSTS"] if hsts != ("max-age=31536000; includeSubDomains" if https else None) else []
    # Nobody else's page reads anything of ours.
    wrong += [name for name, _ in said if name.startswith("Access-Control-")]
    return wrong


def answers(app: Flask, http: FlaskClient) -> Iterator[tuple[int, TestResponse]]:
    """One answer of each kind, with the status it should have."""
    htmx = {"HX-Request": "true"}
    stranger = app.test_client()
    yield 200, http.get("/")
    yield 200, http.head("/")
    yield 200, http.options("/")
    yield 303, stranger.get("/")
    yield 308, http.get("/batches")
    yield 400, http.post("/templates/")
    yield 401, stranger.get("/batches/", headers=htmx)
    yield 403, Browser(app, "vino").get("/settings/")
    yield 403, Browser(app, "vino").http.get("/settings/", headers=htmx)
    yield 404, http.get("/nothing/here")
    yield 404, stranger.get("/u/forged")
    yield 405, http.put("/")
    yield 405, http.open("/", method="TRACE")
    yield 410, stranger.get("/setup/x")
    yield 413, stranger.post("/sign-in", data={"email": "x" * 100_000})
    yield 422, Browser(app).post_form("/sign-in", {"email": "x", "password": "x"}, form_at="/sign-in")
    yield 500, http.get("/broken")
    # Nothing runs by itself here, and the one word says so.
    yield 503, stranger.get("/healthz")
    yield 200, stranger.get("/static/mailroom.css")
    yield 404, stranger.get("/static/nothing.css")
    yield 404, stranger.get("/static/..%2f..%2fapp.py")


def test_every_kind_of_answer_has_them(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "POLICY", {**access.POLICY, "overview.broken": "viewer"})
    for status, answer in answers(app, Browser(app, "adi").http):
        with answer:
            where = (answer.request.method, answer.request.path)
            assert answer.status_code == status, where
            assert lacking(answer) == [], where
    http = app.test_client()
    with http.get("/static/mailroom.css") as first:
        kept = first.headers["ETag"]
    with http.get("/static/mailroom.css", headers={"If-None-Match": kept}) as same:
        assert (same.status_code, lacking(same)) == (304, [])


@pytest.mark.parametrize("person", ["adi", "sari", ""])
def test_every_page_download_and_mail_has_them(app: Flask, filled: Filled, person: str) -> None:
    browser, mails = Browser(app, person), 0
    for endpoint, url in filled.pages(app, ADI if person == "adi" else SARI):
        with browser.get(url) as answer:
            assert lacking(answer) == [], (endpoint, url, lacking(answer))
            mails += "sandbox" in answer.headers["Content-Security-Policy"]
            if endpoint != "static":
                assert answer.headers["Cache-Control"] == "no-store", url
            kind = answer.headers.get("Content-Type", "")
            if answer.data:
                assert "charset=utf-8" in kind or not kind.startswith("text/"), (url, kind)
    assert mails >= 4 if person else mails == 0


def test_every_download_is_a_file_and_never_a_page(app: Flask, filled: Filled) -> None:
    adi = Browser(app, "adi")
    downloads = {"lists.download", "mail.attachment", "send.attachment", "approvals.attachment", "send.others",
                 "suppressions.export", "report_files.table", "report_files.mails_file",
                 "templates.export"}  # fmt: skip
    seen = set()
    for endpoint, url in filled.pages(app, ADI):
        if endpoint in downloads:
            with adi.get(url) as answer:
                assert answer.status_code == 200, url
                assert answer.headers["Content-Disposition"].startswith("attachment;"), url
                assert "html" not in answer.headers["Content-Type"], url
                seen.add(endpoint)
    assert seen == downloads


def test_over_https_browsers_are_told_to_stay_with_it(filled: Filled) -> None:
    service = replace(filled.service, settings=replace(filled.service.settings, secure_cookies=True))
    app = create_app(service)
    for url in ("/sign-in", "/static/mailroom.css", "/nothing", "/healthz"):
        with app.test_client().get(url, base_url="https://localhost") as answer:
            assert lacking(answer, https=True) == [], url


def test_a_page_that_allowed_more_would_be_noticed(app: Flask, filled: Filled) -> None:
    """The same looks, at answers that were made worse."""
    with app.test_client().get("/sign-in") as answer:
        assert lacking(answer) == []
        good = dict(answer.headers)
        for name in (*headers.standard(https=False), "X-Frame-Options"):
            answer.headers.remove(name)
            assert lacking(answer) != [], name
            answer.headers[name] = good[name]
        for policy in (
            good["Content-Security-Policy"].replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"),
            good["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors *"),
            mail_frame.POLICY.replace("; sandbox", "; sandbox allow-scripts"),
        ):
            answer.headers["Content-Security-Policy"] = policy
            assert lacking(answer) != [], policy
    assert email_templates.all_templates(filled.service.store)


def test_the_server_itself_is_not_told(app: Flask) -> None:
    answer = app.test_client().get("/sign-in")
    assert not {"Server", "X-Powered-By"} & set(answer.headers.keys())
    assert "ident=None" in (Path(__file__).parent.parent / "app.py").read_text()
