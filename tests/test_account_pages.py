"""Coming in and going out, as a person at the browser sees it."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from mailroom import activity, invites, people
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.house import CAST, Browser, add_people

Client = Callable[[str], Browser]

ADI = {"name": "Adi", "email": "adi@contoh.id", "password": CAST["adi"].password}


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def mailroom(folder: Path, clock: Clock, secure: bool = False) -> Iterator[tuple[Service, Flask]]:
    settings = Settings(gateway_url="http://127.0.0.1:9", data=folder, secure_cookies=secure)
    service = open_service(settings, clock)
    try:
        yield service, create_app(service)
    finally:
        service.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fresh(tmp_path: Path, clock: Clock) -> Iterator[tuple[Service, Flask]]:
    """A mailroom without anybody."""
    with mailroom(tmp_path / "fresh", clock) as made:
        yield made


@pytest.fixture
def secret(fresh: tuple[Service, Flask], clock: Clock) -> str:
    made = invites.new_setup_link(fresh[0].store, clock())
    assert made
    return made


@pytest.fixture
def nobody(fresh: tuple[Service, Flask]) -> Browser:
    return Browser(fresh[1])


def set_up(browser: Browser, secret: str, **given: str) -> TestResponse:
    return browser.post_form(f"/setup/{secret}", {**ADI, **given}, form_at=f"/setup/{secret}")


# Setting up


def test_the_first_admin_sets_up_and_is_signed_in(
    nobody: Browser, fresh: tuple[Service, Flask], secret: str
) -> None:
    answer = set_up(nobody, secret)
    entry = activity.newest(fresh[0].store, kind="signed_in")[0]
    assert (entry.who, entry.details) == ("Adi", {"method": "link"})
    assert (answer.status_code, answer.location) == (303, "/")
    page = nobody.get("/").text
    assert "Welcome, Adi. You are the admin." in page
    assert nobody.get("/gateway/tokens/add").status_code == 200


def test_a_fault_keeps_what_was_typed_but_not_the_password(nobody: Browser, secret: str) -> None:
    answer = set_up(nobody, secret, email="adi", name='Adi "<b>"', password="terlalu1234")
    assert answer.status_code == 422
    assert 'value="adi"' in answer.text
    assert 'value="Adi &#34;&lt;b&gt;&#34;"' in answer.text
    assert "terlalu1234" not in answer.text
    assert 'id="f-email-error"' in answer.text
    assert 'id="f-password-error"' in answer.text
    assert set_up(nobody, secret).status_code == 303


def test_a_used_link_says_so_and_leads_to_sign_in(
    nobody: Browser, fresh: tuple[Service, Flask], secret: str
) -> None:
    set_up(nobody, secret)
    answer = Browser(fresh[1]).get(f"/setup/{secret}")
    assert answer.status_code == 410
    assert "This link has ended" in answer.text
    assert 'href="/sign-in"' in answer.text


def test_a_link_used_while_its_form_was_open_makes_nobody(
    nobody: Browser, fresh: tuple[Service, Flask], secret: str
) -> None:
    late = Browser(fresh[1])
    token = late.csrf(f"/setup/{secret}")
    set_up(nobody, secret)
    answer = late.http.post(f"/setup/{secret}", data={**ADI, "email": "lain@contoh.id", "csrf_token": token})
    assert answer.status_code == 410


def test_an_old_link_says_how_to_get_a_new_one(nobody: Browser, clock: Clock, secret: str) -> None:
    clock.now += timedelta(hours=48)
    answer = nobody.get(f"/setup/{secret}")
    assert answer.status_code == 410
    assert "Start the program again" in answer.text


@pytest.mark.parametrize("unknown", ["x", "%27--", "%00", "a" * 3000])
def test_an_invented_link_gets_the_same_page(nobody: Browser, secret: str, unknown: str) -> None:
    assert secret
    assert nobody.get(f"/setup/{unknown}").status_code == 410


def test_the_link_never_leaves_with_a_referrer(nobody: Browser, secret: str) -> None:
    # Not "no-referrer": over https the form's own POST has to show that it comes from here.
    assert nobody.get(f"/setup/{secret}").headers["Referrer-Policy"] == "same-origin"


def test_a_storm_of_wrong_tries_does_not_keep_the_first_admin_from_setting_up(
    nobody: Browser, secret: str
) -> None:
    token = nobody.csrf(f"/setup/{secret}")
    for number in range(21):
        form = {"csrf_token": token, "email": f"orang{number}@contoh.id", "password": "x"}
        nobody.http.post("/sign-in", data=form)
    assert set_up(nobody, secret).status_code == 303


# Signing in


def test_before_there_is_anybody_sign_in_says_where_the_set_up_link_is(nobody: Browser) -> None:
    page = nobody.get("/sign-in").text
    assert "open the set-up link it printed" in page
    assert "password" not in page


def test_signing_in_goes_on_to_where_one_wanted(client: Client) -> None:
    browser = client("")
    page = browser.get("/history/?q=budi").location
    who = CAST["vino"]
    answer = browser.post_form(page, {"email": who.email, "password": who.password}, form_at=page)
    assert (answer.status_code, answer.location) == (303, "/history/?q=budi")


def test_a_wrong_password_keeps_the_address_and_forgets_the_password(client: Client) -> None:
    answer = client("").post_form(
        "/sign-in", {"email": "vino@contoh.id", "password": "salah-salah"}, "/sign-in"
    )
    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert 'value="vino@contoh.id"' in answer.text
    assert "salah-salah" not in answer.text


def test_a_wrong_password_and_no_such_account_look_the_same(client: Client) -> None:
    browser = client("")
    pages = []
    for email in ("vino@contoh.id", "tidak.ada@contoh.id"):
        answer = browser.post_form("/sign-in", {"email": email, "password": "salah-salah"}, "/sign-in")
        # Its token holds the second it was made in.
        page, tokens = re.subn(r'(name="csrf_token" value=)"[^"]+"', r"\1", answer.text)
        assert tokens == 1
        pages.append((answer.status_code, page.replace(email, "")))
    assert pages[0][0] == 422
    assert pages[0] == pages[1]


def test_too_many_wrong_tries_are_told_how_long_to_wait(client: Client) -> None:
    browser = client("")
    for _ in range(6):
        answer = browser.post_form("/sign-in", {"email": "vino@contoh.id", "password": "salah"}, "/sign-in")
    assert answer.status_code == 422
    assert "Wait 15 seconds, then try again." in answer.text


def test_whoever_is_signed_in_needs_not_sign_in_again(client: Client) -> None:
    answer = client("vino").get("/sign-in?next=/history/")
    assert (answer.status_code, answer.location) == (303, "/history/")


def test_a_form_token_from_before_signing_in_is_worth_nothing_after(client: Client) -> None:
    browser = client("")
    token = browser.csrf("/sign-in")
    who = CAST["vino"]
    browser.http.post("/sign-in", data={"csrf_token": token, "email": who.email, "password": who.password})
    assert browser.http.post("/sign-out", data={"csrf_token": token}).status_code == 400


def test_signing_out_leads_to_sign_in_and_says_so(client: Client) -> None:
    browser = client("vino")
    answer = browser.post_form("/sign-out")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert browser.http.get_cookie("mailroom_session") is None
    assert "You are signed out." in browser.get("/sign-in").text
    assert browser.get("/history/").location.startswith("/sign-in")


def test_signing_out_twice_is_no_error(client: Client) -> None:
    browser = client("vino")
    browser.post_form("/sign-out")
    assert browser.post_form("/sign-out", form_at="/sign-in").status_code == 303


# Staying signed in


def test_a_page_that_polls_does_not_keep_anybody_signed_in(tmp_path: Path, clock: Clock) -> None:
    with mailroom(tmp_path / "data", clock) as (service, app):
        add_people(service)
        polling, reading = Browser(app, "vino"), Browser(app, "sari")
        for _ in range(12):
            clock.now += timedelta(hours=1)
            polling.get("/batches/", part=True)
            assert reading.get("/batches/").status_code == 200
        assert polling.get("/batches/", part=True).status_code == 401
        assert reading.get("/batches/").status_code == 200


def test_over_https_the_cookie_is_for_this_host_alone(tmp_path: Path, clock: Clock) -> None:
    with mailroom(tmp_path / "data", clock, secure=True) as (service, app):
        secret = invites.new_setup_link(service.store, clock())
        http, url = app.test_client(), f"https://localhost/setup/{secret}"
        browser = Browser(app)
        browser.http = http
        token = browser.csrf(url)
        answer = http.post(url, data={**ADI, "csrf_token": token}, headers={"Referer": url})
        assert answer.status_code == 303
        crumbs = next(c for c in answer.headers.getlist("Set-Cookie") if "mailroom_session" in c)
        assert crumbs.startswith("__Host-mailroom_session=")
        assert set(crumbs.split("; ")[1:]) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
        assert people.anybody(service.store)
        assert http.get("https://localhost/").status_code == 200


def test_over_http_the_cookie_is_hidden_from_scripts_and_other_sites(client: Client) -> None:
    browser = client("")
    form = {
        "csrf_token": browser.csrf("/sign-in"),
        "email": "vino@contoh.id",
        "password": CAST["vino"].password,
    }
    answer = browser.http.post("/sign-in", data=form)
    crumbs = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("mailroom_session="))
    assert set(crumbs.split("; ")[1:]) == {"HttpOnly", "Path=/", "SameSite=Lax"}


def test_nothing_that_lets_a_person_in_is_logged(
    nobody: Browser, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    nobody.http.post(f"/setup/{secret}", data=ADI)
    set_up(nobody, secret, password="pendekbngt")
    set_up(nobody, secret)
    cookie = nobody.http.get_cookie("mailroom_session")
    nobody.post_form("/sign-out")
    nobody.post_form("/sign-in", {"email": "adi@contoh.id", "password": "salah sandi ini"}, "/sign-in")
    assert cookie
    for word in (secret, cookie.value, ADI["password"], "pendekbngt", "salah sandi ini", "adi@contoh.id"):
        assert word not in caplog.text
