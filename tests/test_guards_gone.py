"""Each guard taken away: the attack works then, and does not while it stands. So none of them only looks like one."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

import app as program
from app import create_app
from mailroom import email_templates, sessions, throttle
from mailroom.service import Service
from tests.browser import chromium
from tests.house import CAST, Browser
from tests.live import Live, prepare_records
from tests.serving import serving
from tests.test_stored_texts import read
from views import access, headers, mail_frame

SARI, VINO = 2, 3
ATTACK = "<script>top.pwned = 1; pwned = 1; document.title = 'jahat'</script>"


@pytest.fixture
def live(service: Service) -> Live:
    return prepare_records(service)


@pytest.fixture(scope="module")
def desk() -> Iterator[Chromium]:
    with chromium() as browser:
        yield browser


def session_of(service: Service, person: int) -> str:
    return sessions.begin(service.store, person, "127.0.0.1", "x", service.clock())


def batch_state(live: Live) -> object:
    return live.rows("SELECT state FROM batches WHERE id = 1")[0][0]


# Forms of other sites


def from_another_site(app: Flask, live: Live) -> int:
    """A form that a page elsewhere sends with the cookies of somebody signed in."""
    http = app.test_client()
    http.set_cookie("mailroom_session", session_of(live.service, SARI))
    return http.post("/batches/1/pause", headers={"Origin": "https://jahat.example"}).status_code


def test_without_the_tokens_of_forms_another_site_presses_our_buttons(live: Live) -> None:
    assert (from_another_site(create_app(live.service), live), batch_state(live)) == (400, "running")
    gone = create_app(live.service)
    gone.config["WTF_CSRF_ENABLED"] = False
    assert (from_another_site(gone, live), batch_state(live)) == (303, "paused")


# Roles


def test_without_the_guard_a_viewer_does_what_a_sender_may(live: Live) -> None:
    app = create_app(live.service)
    assert Browser(app, "vino").post_form("/batches/1/pause").status_code == 403
    assert batch_state(live) == "running"
    app.before_request_funcs[None].remove(access._guard)
    assert Browser(app, "vino").post_form("/batches/1/pause").status_code == 303
    assert batch_state(live) == "paused"


def test_a_role_that_the_table_gives_too_much_is_let_in(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard is no more than the table: a line of it that says too little is what it holds people to."""
    monkeypatch.setattr(access, "POLICY", {**access.POLICY, "batches.pause": "viewer"})
    assert Browser(create_app(live.service), "vino").post_form("/batches/1/pause").status_code == 303
    assert batch_state(live) == "paused"


# Escaping, and the policy behind it


@contextmanager
def opened(desk: Chromium, app: Flask, service: Service, path: str) -> Iterator[Page]:
    """The page as somebody signed in sees it, once everything on it has come."""
    with serving(app) as address, closing(desk.new_context()) as context:
        context.add_cookies(
            [{"name": "mailroom_session", "value": session_of(service, SARI), "url": address}]
        )
        page = context.new_page()
        page.goto(address + path, wait_until="load")
        yield page


def runs(page: Page) -> bool:
    return bool(page.evaluate("typeof pwned !== 'undefined'"))


def unescaped(service: Service) -> Flask:
    app = create_app(service)
    app.jinja_env.autoescape = False
    return app


def allowing_everything(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src * 'unsafe-inline'"
    return response


def without_policy(app: Flask) -> Flask:
    # The last to be asked is the first in the list.
    app.after_request_funcs[None].insert(0, allowing_everything)
    return app


def test_unescaped_a_name_becomes_part_of_the_page_and_the_policy_alone_stops_it(
    live: Live, desk: Chromium
) -> None:
    live.queue("email,nama,total\nx@contoh.id,x,1", name=f"<b>{ATTACK}</b>"[:120])
    service, page = live.service, "/batches/2"

    def html(app: Flask) -> str:
        http = app.test_client()
        http.set_cookie("mailroom_session", session_of(service, SARI))
        return http.get(page).text

    assert read(html(create_app(service))).wrong == []
    assert "a script in the page" in read(html(unescaped(service))).wrong
    with opened(desk, unescaped(service), service, page) as seen:
        assert not runs(seen), "the policy holds where the escaping does not"
    with opened(desk, without_policy(unescaped(service)), service, page) as seen:
        assert runs(seen)
    with opened(desk, without_policy(create_app(service)), service, page) as seen:
        assert not runs(seen), "and the escaping where the policy does not"


def test_the_policy_says_so_on_every_page(live: Live) -> None:
    app = without_policy(create_app(live.service))
    assert "unsafe-inline" in app.test_client().get("/sign-in").headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers.POLICY


# The frame of a mail


def frameless(service: Service, *, sandbox: bool, policy: bool) -> Flask:
    app = create_app(service)

    def weaken(response: Response) -> Response:
        mail = "sandbox" in response.headers.get("Content-Security-Policy", "")
        if mail and not policy:
            del response.headers["Content-Security-Policy"]
            del response.headers["X-Frame-Options"]
        if not mail and not sandbox and response.mimetype == "text/html" and not response.direct_passthrough:
            response.set_data(response.get_data(as_text=True).replace(" sandbox ", " "))
        return response

    # The first in the list looks at an answer last, and compresses it.
    app.after_request_funcs[None].insert(1, weaken)
    return app


@pytest.mark.parametrize(
    ("sandbox", "policy", "works"),
    [(True, True, False), (True, False, False), (False, True, False), (False, False, True)],
)
def test_only_without_its_frame_and_its_policy_a_mail_gets_at_the_page_around_it(
    live: Live, desk: Chromium, sandbox: bool, policy: bool, works: bool
) -> None:
    service = live.service
    made = email_templates.save(
        service.store, None, "Jahat", "x", f"{ATTACK}<p>isi</p>", SARI, service.clock()
    )
    app = frameless(service, sandbox=sandbox, policy=policy)
    with opened(desk, app, service, f"/templates/{made.template_id}") as page:
        page.frame_locator("iframe.mail").get_by_text("isi").wait_for()
        assert runs(page) == works


def test_a_mail_opened_by_itself_has_no_origin(live: Live, desk: Chromium) -> None:
    """Without the word `sandbox` in its policy it would have ours, and with it the cookies of whoever looks."""
    service = live.service
    made = email_templates.save(service.store, None, "Jahat", "x", "<p>isi</p>", SARI, service.clock())
    frame = email_templates.latest(service.store, made.template_id)
    assert frame
    assert "sandbox" in mail_frame.POLICY.split("; ")
    with opened(desk, create_app(service), service, f"/templates/{made.template_id}") as page:
        address = page.frames[1].url
        page.goto(address)
        assert page.evaluate("self.origin") == "null"


# Guessing


def guess(app: Flask, tries: int) -> bool:
    """Whether the right password lets in after so many wrong ones."""
    browser, who = Browser(app), CAST["sari"]
    token = browser.csrf("/sign-in")
    for password in [*(f"salah {n}" for n in range(tries)), who.password]:
        form = {"csrf_token": token, "email": who.email, "password": password}
        answer = browser.http.post("/sign-in", data=form)
    return answer.status_code == 303


def test_without_the_throttle_passwords_are_guessed_one_after_the_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not guess(create_app(service), throttle.FREE_FOR_ACCOUNT)
    with service.store.write() as db:
        db.execute("DELETE FROM signin_failures")
    monkeypatch.setattr(throttle, "FREE_FOR_ACCOUNT", 10**9)
    monkeypatch.setattr(throttle, "FREE_FOR_NETWORK", 10**9)
    assert guess(create_app(service), 3 * 5)


# Large requests


@pytest.mark.parametrize(("guard", "answered"), [(True, b"HTTP/1.1 413 "), (False, b"HTTP/1.1 100 ")])
def test_without_its_parser_the_server_takes_whatever_a_stranger_sends(
    service: Service, monkeypatch: pytest.MonkeyPatch, guard: bool, answered: bytes
) -> None:
    server = program.listen(replace(service, settings=replace(service.settings, port=0)))
    if not guard:
        monkeypatch.setattr(HTTPChannel, "parser_class", HTTPRequestParser)
    with (
        serving(server),
        closing(socket.create_connection(("127.0.0.1", server.effective_port), timeout=10)) as wire,
    ):
        head = (
            "POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 250000000\r\nExpect: 100-continue\r\n\r\n"
        )
        wire.sendall(head.encode())
        assert wire.recv(13) == answered
