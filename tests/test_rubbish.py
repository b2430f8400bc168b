"""No page answers 500, whatever a browser sends to it."""

import io
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom.service import Service
from tests.house import Browser
from tests.live import prepare_records

Client = Callable[[str], Browser]

NASTY = [
    "",
    "x",
    "-1",
    "0",
    "1e9",
    "9" * 30,
    "\x00",
    "😀",
    "%00",
    "'",
    '"><script>',
    "../../etc/passwd",
    "1" * 9000,
]
NAMES = ["before", "after", "state", "part", "row", "template", "again", "next", "width", "q"]
# Enough for an address that leads nowhere, and for files, which other tests are about.
NASTIEST = ["", "\x00", '"><script>']
FIELDS = ["name", "subject", "html", "email", "password", "pasted", "template", "sender", "token", "per_second", "base",
          "fields", "kinds", "policy", "reason", "decision", "template_id"]  # fmt: skip


def urls(app: Flask, method: str) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        # That nothing works by itself in these tests is what /healthz is there to say, with a 503.
        if method not in (rule.methods or ()) or rule.endpoint in ("static", "health.check"):
            continue
        for stand_in in ("1", "9" * 30, "-1", "x", "%00"):
            yield re.sub(r"<(?:\w+:)?\w+>", stand_in, rule.rule)


@pytest.fixture
def browser(service: Service, client: Client) -> Browser:
    prepare_records(service)
    return client("adi")


def test_no_address_breaks_a_page(app: Flask, browser: Browser) -> None:
    for url in set(urls(app, "GET")):
        for part in (False, True):
            assert browser.get(url, part=part).status_code < 500, url


def values(url: str) -> list[str]:
    return NASTIEST if any(part in ("9" * 30, "-1", "x", "%00") for part in url.split("/")) else NASTY


def test_no_question_breaks_a_page(app: Flask, browser: Browser) -> None:
    pages = [url for url in set(urls(app, "GET")) if "9" * 30 not in url and "%00" not in url]
    for url in pages:
        for value in values(url):
            question = dict.fromkeys(NAMES, value)
            # To its end: a download is made while it is read.
            with browser.http.get(url, query_string=question, buffered=True) as answer:
                assert answer.status_code < 500, (url, value[:40])


def test_no_form_breaks_a_page(app: Flask, browser: Browser) -> None:
    token = browser.csrf()
    for url in set(urls(app, "POST")):
        if url == "/sign-out":
            continue
        for value in values(url):
            form = {**dict.fromkeys(FIELDS, value), "csrf_token": token}
            assert browser.http.post(url, data=form).status_code < 500, (url, value[:40])
        for value in NASTIEST:
            form = {**dict.fromkeys(FIELDS, value), "csrf_token": token}
            files = {
                name: (io.BytesIO(value.encode("utf-8", "replace")), value or "x")
                for name in ("file", "attachment")
            }
            answer = browser.http.post(url, data={**form, **files}, content_type="multipart/form-data")
            assert answer.status_code < 500, (url, "file", value[:40])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200), raw=st.binary(max_size=300))
def test_nothing_typed_or_uploaded_breaks_the_way_to_a_batch(browser: Browser, text: str, raw: bytes) -> None:
    form: dict[str, object] = {"template": "1", "sender": "1", "name": text}
    assert browser.post_form("/send/", {**form, "pasted": text}).status_code in (303, 422)
    assert browser.post_form("/send/", {**form, "email": text, "fields": text}).status_code in (303, 422)
    with_file = {**form, "file": (io.BytesIO(raw), "daftar.csv")}
    assert browser.post_form("/send/", with_file).status_code in (303, 422)
    assert browser.post_form("/templates/", {"name": text, "subject": text, "html": text}).status_code in (
        303,
        422,
    )
    assert (
        browser.post_form("/templates/preview", {"subject": text, "html": text}, part=True).status_code < 500
    )
