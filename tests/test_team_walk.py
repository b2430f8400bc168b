"""From an invitation to being shut out, in two browsers: what one admin does, the other person sees at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import waitress
from playwright.sync_api import Browser, Page, expect

from app import create_app
from deploy.demo import free_port
from mailroom import team
from mailroom.service import open_service
from mailroom.settings import Settings
from tests.browser import PHONE, chromium, shoot, tab
from tests.house import CAST, furnished
from tests.live import Live, prepare_records


@contextmanager
def open_mailroom(folder: Path) -> Iterator[tuple[Live, str]]:
    """A mailroom with a batch whose page renews itself, for nothing is sent; and the address of its pages."""
    port = free_port(0)
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=furnished(folder), port=port))
    server = waitress.create_server(create_app(service), host="127.0.0.1", port=port, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield prepare_records(service), f"http://127.0.0.1:{port}"
    finally:
        server.close()
        thread.join()
        service.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_somebody_is_invited_joins_gets_another_role_and_is_shut_out(
    browser: Browser, tmp_path: Path
) -> None:
    with open_mailroom(tmp_path / "data") as (live, home), tab(browser) as adi:
        sign_in(adi, home)
        link = invite(adi, "budi@contoh.id", "Template editor")
        with tab(browser, PHONE, shut_out=True) as budi:
            join(budi, link)
            change_role(adi, "Sender")
            # Nothing was loaded anew, and the next click shows what the new role may.
            budi.get_by_role("link", name="Templates").click()
            expect(budi.get_by_role("link", name="Send", exact=True)).to_be_visible()
            budi.goto(f"{home}/batches/1")
            expect(budi.locator("#status[hx-get]")).to_be_visible()
            disable(adi)
            # The page asks again by itself, and is led away.
            budi.wait_for_url("**/sign-in**")
            expect(budi.get_by_role("heading", name="Sign in")).to_be_visible()
            come_back_with_a_new_password(adi, budi)
        assert live.batch(1).waiting == 2
        assert [one.role for one in team.everybody(live.service.store, live.service.clock())][1] == "sender"


def sign_in(page: Page, home: str) -> None:
    page.goto(home + "/sign-in")
    page.get_by_label("Email address").fill(CAST["adi"].email)
    page.get_by_label("Password").fill(CAST["adi"].password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Team").click()


def invite(page: Page, email: str, role: str) -> str:
    """The link as the button copies it."""
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Email address").fill(email)
    page.get_by_label(role).check()
    page.get_by_role("button", name="Make the link").click()
    shoot(page, "90-invitation")
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.locator("#link").inner_text()
    assert page.evaluate("getSelection().toString()") == link
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("cell", name=email)).to_be_visible()
    shoot(page, "91-team-with-invitation")
    return link


def join(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.get_by_label("Email address")).to_have_value("budi@contoh.id")
    page.get_by_label("Your name").fill("Budi")
    page.get_by_label("Password").fill("kereta api malam budi")
    shoot(page, "92-join-phone")
    page.get_by_role("button", name="Join and sign in").click()
    expect(page.get_by_text("Welcome, Budi.")).to_be_visible()
    expect(page.get_by_role("link", name="Send", exact=True)).to_have_count(0)


def change_role(page: Page, role: str) -> None:
    page.get_by_role("link", name="Team").click()
    page.get_by_role("link", name="Budi").click()
    page.get_by_role("link", name="Change the role").click()
    page.get_by_label(role).check()
    page.get_by_role("button", name="Change the role").click()
    expect(page.get_by_text(f"Budi: {role}, from the next click on.")).to_be_visible()


def disable(page: Page) -> None:
    page.get_by_role("link", name="Disable").click()
    expect(page.get_by_text("They are signed out of 1 browser at once")).to_be_visible()
    shoot(page, "93-disable")
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Budi is disabled and signed out.")).to_be_visible()


def come_back_with_a_new_password(admin: Page, person: Page) -> None:
    admin.get_by_role("button", name="Enable").click()
    admin.get_by_role("link", name="New password by a link").click()
    admin.get_by_role("button", name="Make the link").click()
    person.goto(admin.locator("#link").inner_text())
    person.get_by_label("New password").fill("kereta api siang budi")
    shoot(person, "94-new-password-phone")
    person.get_by_role("button", name="Set the password").click()
    expect(person.get_by_text("Your new password is set.")).to_be_visible()
    person.get_by_label("Email address").fill("budi@contoh.id")
    person.get_by_label("Password").fill("kereta api siang budi")
    person.get_by_role("button", name="Sign in").click()
    expect(person.get_by_role("heading", name="Hello, Budi")).to_be_visible()


def test_a_link_is_selected_whole_by_one_press_without_javascript(browser: Browser, tmp_path: Path) -> None:
    with open_mailroom(tmp_path / "data") as (_, home), tab(browser, PHONE, dark=True, script=False) as page:
        sign_in(page, home)
        page.get_by_role("link", name="Invite somebody").click()
        page.get_by_role("button", name="Make the link").click()
        expect(page.get_by_role("button", name="Copy the link")).to_have_count(0)
        expect(page.locator("#link")).to_have_css("user-select", "all")
        shoot(page, "95-invitation-phone-dark")
        page.reload()
        expect(page.get_by_text("The link was shown once")).to_be_visible()
