"""Signing in with more than a password, in a real browser with a passkey of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
import waitress
from playwright.sync_api import Browser, CDPSession, Page, expect

from app import create_app
from deploy.demo import free_port
from mailroom import preferences
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.browser import PHONE, chromium, shoot, tab
from tests.house import CAST, add_people

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Clock:
    """A clock that the walk moves on, for codes of later half minutes."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def open_mailroom(folder: Path, clock: Clock) -> Iterator[tuple[Service, str]]:
    """A mailroom with its pages open at localhost, where browsers allow passkeys without https."""
    port = free_port(0)
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=folder, port=port), clock)
    add_people(service)
    server = waitress.create_server(create_app(service), host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield service, f"http://localhost:{port}"
    finally:
        server.close()
        thread.join()
        service.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def device(page: Page) -> Iterator[CDPSession]:
    """The window with a device in it that keeps passkeys. https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/"""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield session
    session.detach()


def give_password(page: Page, home: str, person: str) -> None:
    page.goto(home + "/sign-in")
    page.get_by_label("Email address").fill(CAST[person].email)
    page.get_by_label("Password").fill(CAST[person].password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def give_code(page: Page, code: str) -> None:
    page.get_by_label("Code from your app").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def no_sideways(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


def test_from_a_password_to_a_passkey(browser: Browser, tmp_path: Path) -> None:
    clock = Clock()
    with open_mailroom(tmp_path / "data", clock) as (service, home):
        with tab(browser) as page, device(page) as authenticators:
            give_password(page, home, "vino")
            codes, secret = set_up_an_app(page, clock)
            sign_out(page)
            in_with_codes(page, home, secret, codes, clock)
            in_with_a_passkey(page, home, clock, authenticators)
        asked_of_a_role(browser, home, service, clock)


def set_up_an_app(page: Page, clock: Clock) -> tuple[list[str], str]:
    page.get_by_role("link", name="Vino").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    shoot(page, "90-your-account")
    page.get_by_role("link", name="Set up a second factor").click()
    shoot(page, "91-choose")
    page.get_by_role("button", name="Set up an app").click()
    # The picture is drawn from the page itself; a policy that forbade it would show in the console.
    assert page.get_by_role("img", name="Code to scan").evaluate("img => img.naturalWidth") > 0
    shoot(page, "92-app")
    page.get_by_text("You cannot scan it?").click()
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Code from your app").fill(pyotp.TOTP(secret).at(clock.now))
    page.get_by_role("button", name="Switch it on").click()
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    shoot(page, "93-recovery-codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert codes[9] in Path(download.value.path()).read_text()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 are left.")).to_be_visible()
    return codes, secret


def in_with_codes(page: Page, home: str, secret: str, codes: list[str], clock: Clock) -> None:
    # The code that switched it on is used up.
    give_password(page, home, "vino")
    give_code(page, pyotp.TOTP(secret).at(clock.now))
    expect(page.get_by_text("was used already")).to_be_visible()
    shoot(page, "94-second-step")
    clock.now += timedelta(seconds=30)
    give_code(page, pyotp.TOTP(secret).at(clock.now))
    expect(page.get_by_role("heading", name="Hello, Vino")).to_be_visible()
    sign_out(page)
    give_password(page, home, "vino")
    give_code(page, pyotp.TOTP(secret).at(clock.now))
    expect(page.get_by_text("was used already")).to_be_visible()
    page.get_by_text("Use a recovery code").click()
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Sign in with it").click()
    expect(page.get_by_role("heading", name="Hello, Vino")).to_be_visible()
    page.goto(home + "/account/")
    expect(page.get_by_text("9 are left.")).to_be_visible()


def in_with_a_passkey(page: Page, home: str, clock: Clock, authenticators: CDPSession) -> None:
    # Too long after signing in, the password is asked for once more.
    clock.now += timedelta(minutes=11)
    page.get_by_role("link", name="Add a passkey").click()
    shoot(page, "95-password-please")
    page.get_by_label("Password").fill(CAST["vino"].password)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("What you call it").fill("Laptop kantor")
    shoot(page, "96-new-passkey")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Laptop kantor").first).to_be_visible()
    shoot(page, "97-account-with-all")
    # The same device has one already, which the browser says by itself.
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What you call it").fill("Sekali lagi")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This device has a passkey of yours already.")).to_be_visible()
    sign_out(page)
    shoot(page, "98-sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Hello, Vino")).to_be_visible()
    sign_out(page)
    # A page that was left open for longer than its challenge is good gets a new one, and goes on by itself.
    page.clock.install()
    page.goto(home + "/sign-in")
    page.clock.fast_forward("09:30")
    clock.now += timedelta(minutes=11)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Hello, Vino")).to_be_visible()
    sign_out(page)
    give_password(page, home, "vino")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Hello, Vino")).to_be_visible()
    sign_out(page)
    # A device that does not know its owner again signs nobody in.
    authenticators.send("WebAuthn.disable")
    authenticators.send("WebAuthn.enable")
    authenticators.send(
        "WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, "isUserVerified": False}}
    )
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("It was stopped, or took too long.")).to_be_visible()
    shoot(page, "99-stopped")


def asked_of_a_role(browser: Browser, home: str, service: Service, clock: Clock) -> None:
    wanted = replace(preferences.get(service.store), second_factor_roles=("sender",))
    preferences.save(service.store, wanted, 1, clock())
    with tab(browser, PHONE, dark=True) as page, device(page):
        give_password(page, home, "sari")
        expect(page.get_by_text("Your team asks everybody of your role")).to_be_visible()
        shoot(page, "100-asked-phone-dark")
        no_sideways(page)
        page.get_by_role("button", name="Set up an app").click()
        shoot(page, "101-app-phone-dark")
        no_sideways(page)
        page.goto(home + "/account/second-factor/passkeys/new")
        page.get_by_label("What you call it").fill("Ponsel Sari")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        shoot(page, "102-codes-phone-dark")
        no_sideways(page)
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        shoot(page, "103-account-phone-dark")
        no_sideways(page)
    with tab(browser, PHONE, script=False) as page:
        page.goto(home + "/sign-in")
        expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
        shoot(page, "104-sign-in-without-script")
        no_sideways(page)
    with tab(browser, dark=True) as page:
        give_password(page, home, "adi")
        page.goto(home + "/settings/")
        shoot(page, "105-settings-dark")
