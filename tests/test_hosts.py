"""Names that somebody puts into a request get into nothing, and with MAILROOM_URL they get no answer but one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from mailroom.service import Service
from tests.filled import ADI, Filled, fill
from tests.house import CAST, Browser
from tests.page import faults
from views import hosts

EVIL = "jahat.example"
URL = "https://mailroom.contoh.id"
# A browser makes and uses a passkey only where the name in the page is the one that it came to itself.
PASSKEYS = {"account.sign_in", "second_step.ask", "second_factors.new_passkey"}


@pytest.fixture
def filled(service: Service) -> Filled:
    return fill(service)


def with_settings(service: Service, **changed: object) -> Service:
    return replace(service, settings=replace(service.settings, **changed))  # type: ignore[arg-type]


@pytest.fixture
def named(filled: Filled) -> Flask:
    """A mailroom that knows what it is called."""
    return create_app(with_settings(filled.service, url=URL))


def spoofed(app: Flask, host: str, **headers: str) -> Callable[[str], TestResponse]:
    http = app.test_client()
    return lambda url: http.get(url, headers={"Host": host, **headers})


OTHERS = [
    EVIL,
    f"{EVIL}:443",
    "mailroom.contoh.id.jahat.example",
    f"mailroom.contoh.id@{EVIL}",
    "xmailroom.contoh.id",
    "10.0.0.7:8025",
]


@pytest.mark.parametrize("host", OTHERS)
def test_where_it_knows_its_name_it_answers_to_no_other(named: Flask, host: str) -> None:
    for url in ("/", "/sign-in", "/batches/1", "/u/x", "/metrics/x", "/nothing"):
        answer = spoofed(named, host)(url)
        assert (answer.status_code, faults(answer)) == (421, []), url
        assert f"Open it at {URL}." in answer.text
        assert f'href="{URL}"' in answer.text
        assert EVIL not in answer.text
    assert named.test_client().post("/sign-in", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "host", ["mailroom.contoh.id", "MAILROOM.Contoh.ID:443", "localhost:8025", "127.0.0.1", "[::1]:80"]
)
def test_its_own_name_and_this_machines_are_answered(named: Flask, host: str) -> None:
    assert spoofed(named, host)("/sign-in").status_code == 200


def test_whoever_watches_asks_by_any_name(named: Flask) -> None:
    # Nothing runs by itself here, and the one word says so.
    assert spoofed(named, EVIL)("/healthz").text == "not ok\n"
    assert spoofed(named, EVIL)("/metrics").status_code == 404
    with spoofed(named, EVIL)("/static/mailroom.css") as file:
        assert file.status_code == 200, "or the page that says the right name would be a bare one"


@pytest.mark.parametrize("host", ["", "a b", "x:99999999", "[", "[::1", "a@b@c"])
def test_what_is_no_name_is_none_of_ours(host: str) -> None:
    assert not hosts.known(host, URL)


def test_without_its_name_known_what_stands_in_a_request_gets_into_no_page_and_no_redirect(
    filled: Filled,
) -> None:
    app = create_app(filled.service)
    with_it = {"Host": EVIL, "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": EVIL, "Forwarded": f"host={EVIL}"}
    adi = Browser(app, "adi")
    session = adi.http.get_cookie("mailroom_session")
    assert session
    # The cookie jar would not send it to another name; the attacker's request is the victim's in all else.
    head = {**with_it, "Cookie": f"mailroom_session={session.value}"}
    for endpoint, url in filled.pages(app, ADI):
        if endpoint in PASSKEYS:
            continue
        with app.test_client(use_cookies=False).get(url, headers=head) as answer:
            assert EVIL.encode() not in answer.data, endpoint
            assert EVIL not in str(answer.headers), endpoint
    who = CAST["vino"]
    stranger = Browser(app)
    form = {"csrf_token": stranger.csrf("/sign-in"), "email": who.email, "password": who.password}
    for answer in (
        stranger.http.get("/batches", headers={"X-Forwarded-Host": EVIL}),
        stranger.http.get("/batches?x=y", headers={"Host": EVIL}),
        stranger.http.get("//batches", headers={"Host": EVIL}),
        stranger.http.get("/batches/", headers={"X-Forwarded-Host": EVIL}),
        stranger.http.post("/sign-in?next=/history/", data=form, headers={"X-Forwarded-Host": EVIL}),
    ):
        assert re.match(r"/([a-z]|$)", str(answer.location)), answer.location
        assert EVIL not in answer.text


def links(app: Flask) -> Iterator[str]:
    """The link of an invitation as an admin is shown it, whatever else their request says."""
    adi = Browser(app)
    who, base = CAST["adi"], {"base_url": "https://mailroom.contoh.id"}
    page = adi.http.get("/sign-in", **base).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    adi.http.post(
        "/sign-in", data={"csrf_token": token, "email": who.email, "password": who.password}, **base
    )
    page = adi.http.get("/team/invite", **base).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    made = adi.http.post(
        "/team/invite", data={"csrf_token": token, "role": "viewer", "email": ""}, **base,
        headers={"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "http"},
    )  # fmt: skip
    yield adi.http.get(made.location, **base).text


def test_links_that_leave_the_house_have_the_name_that_the_settings_say(named: Flask, filled: Filled) -> None:
    for page in links(named):
        assert f"{URL}/join/" in page
        assert EVIL not in page
    assert with_settings(filled.service, url=URL).settings.public_url == URL
