"""Whatever somebody could write anywhere is shown as text: names, files, cells, headers, the gateway's own words."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask

from app import create_app
from mailroom import sessions
from mailroom.service import Service
from tests.browser import chromium
from tests.filled import ADI, SARI, VINO, Filled, fill
from tests.serving import serving

# Out of an attribute and a tag, and then what runs: at once, when a picture fails, when it is looked at.
EVIL = """'"></textarea><script>pwned=1</script><img src=x onerror=pwned=1>"""
# Where it has to be seen, so that this looks at something.
SHOWN_AT_LEAST = 60


class Reader(HTMLParser):
    """What a page is made of, as a browser would make it."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.texts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "script" and not (found.get("src") or "").startswith("/static/"):
            self.wrong.append("a script in the page")
        self.wrong += [f"{tag} has {name}" for name in found if name.startswith("on") or name == "style"]
        if tag == "img" and (found.get("src") or "").startswith("data:image/svg+xml;"):
            return  # a code to scan, made here; what is drawn in an img runs nothing
        if tag in ("object", "embed", "base") or not re.match(r"/(?!/)", found.get("src") or "/"):
            self.wrong.append(f"{tag} src={found.get('src')}")
        # Recovery codes to save, made here: a text, and never more than a download.
        saved = "download" in found and (found.get("href") or "").startswith("data:text/plain;")
        for name in () if saved else ("href", "action", "formaction"):
            if urlsplit(found.get(name) or "").scheme not in ("", "http", "https", "mailto", "otpauth"):
                self.wrong.append(f"{tag} leads to {found[name]}")
        self.texts += sum("<script>pwned" in (value or "") for value in found.values())

    def handle_data(self, data: str) -> None:
        self.texts += "<script>pwned=1" in data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture
def filled(service: Service) -> Filled:
    filled = fill(service, EVIL)
    with service.store.write() as db:
        for person in (ADI, SARI):
            db.execute(
                "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, created_at) "
                "VALUES (?, ?, ?, x'00', 0, ?, '2026-11-23T05:00:00.000Z')",
                [person, person, bytes([person]), EVIL],
            )
    return filled


@pytest.fixture
def app(filled: Filled) -> Flask:
    return create_app(filled.service)


def signed_in(filled: Filled, person: int) -> str:
    return sessions.begin(filled.service.store, person, "127.0.0.1", EVIL, filled.service.clock())


@pytest.mark.parametrize("person", [ADI, SARI, VINO])
def test_every_page_shows_it_as_text(app: Flask, filled: Filled, person: int) -> None:
    http = app.test_client()
    http.set_cookie("mailroom_session", signed_in(filled, person))
    texts = 0
    for endpoint, url in filled.pages(app, person if person != VINO else SARI):
        for part in (False, True)[: 1 + (person == ADI)]:
            headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if part else {}
            with http.get(url, headers=headers) as answer:
                told = [name for name, value in answer.headers if "pwned" in value]
                assert set(told) <= {"Content-Disposition"}, url
                # A mail is what its author wrote, in a frame where nothing runs.
                if (
                    answer.mimetype == "text/html"
                    and "sandbox" not in answer.headers["Content-Security-Policy"]
                ):
                    found = read(answer.get_data(as_text=True))
                    assert found.wrong == [], (endpoint, url)
                    texts += found.texts
    assert texts > SHOWN_AT_LEAST * (2 if person == ADI else 1)


def test_what_was_typed_comes_back_as_text(app: Flask, filled: Filled) -> None:
    http = app.test_client()
    http.set_cookie("mailroom_session", signed_in(filled, ADI))
    token = http.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    names = [
        "name", "email", "note", "addresses", "subject", "html", "reason", "approval_above", "days", "file",
        "pasted", "template", "sender", "token", "kind", "language", "next", "q", "state", "role", "password",
    ]  # fmt: skip
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.endpoint.startswith(
            ("account.", "privacy.", "unsubscribe.")
        ):
            known = filled.args(rule.endpoint, ADI)
            with app.test_request_context():
                url = rule.build({name: known.get(name, 1) for name in rule.arguments}, append_unknown=False)
            assert url
            form = {**dict.fromkeys(names, EVIL), "csrf_token": token}
            with http.post(url[1], data=form) as answer:
                if answer.mimetype == "text/html":
                    assert read(answer.get_data(as_text=True)).wrong == [], rule.endpoint


def test_in_a_browser_nothing_of_it_runs(app: Flask, filled: Filled) -> None:
    said: list[str] = []
    with chromium() as browser, serving(app) as address:
        context = browser.new_context()
        context.add_cookies([{"name": "mailroom_session", "value": signed_in(filled, ADI), "url": address}])
        page = context.new_page()
        page.on("dialog", lambda dialog: said.append(dialog.message))
        looks = 0
        for endpoint, url in filled.pages(app, ADI):
            if endpoint not in LOOKED_AT or "?" in url:
                continue
            page.goto(address + url)
            assert page.evaluate("typeof pwned") == "undefined", url
            assert page.locator("script:not([src])").count() == 0, url
            assert page.locator("img[src=x], [onerror]").count() == 0, url
            looks += EVIL in page.locator("body").inner_text()
        assert looks >= len(LOOKED_AT) - 3
        context.close()
    assert said == []


# Pages on which such texts stand in different ways: tables, forms, selects, evidence, reports, messages.
LOOKED_AT = (
    {f"{name}.index" for name in ("overview", "gateway", "activity", "reports", "suppressions", "team")}
    | {f"{name}.one" for name in ("batches", "history", "decisions", "lists", "approvals")}
    | {"send.check", "send.new", "templates.edit", "templates.compare"}
)


def test_a_text_that_was_not_escaped_would_be_noticed() -> None:
    for html in (
        f"<p>{EVIL}</p>",
        f'<input value="{EVIL}">',
        '<a href="javascript:pwned=1">x</a>',
        "<a href=' data:text/html,x'>x</a>",
        "<p onclick=x>",
        "<base href=//jahat.example>",
        "<iframe src=//jahat.example></iframe>",
    ):
        assert read(html).wrong, html
