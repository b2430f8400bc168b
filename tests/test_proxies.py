"""Where a request came from: only what the settings say is believed; nobody invents an address to go on guessing."""

from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from mailroom import activity, throttle
from mailroom.service import Service
from tests.house import CAST, Browser


def app_behind(service: Service, proxies: int) -> Flask:
    app = create_app(replace(service, settings=replace(service.settings, proxies=proxies)))
    app.testing = True
    return app


def guesses(app: Flask, invented: str, tries: int, real: str = "203.0.113.9") -> str:
    """The page after so many wrong passwords for as many accounts, each with an address of its own made up."""
    browser, answer = Browser(app), None
    token = browser.csrf("/sign-in")
    for n in range(tries):
        form = {"csrf_token": token, "email": f"siapa{n}@contoh.id", "password": "salah salah salah"}
        headers = {"X-Forwarded-For": invented.format(n=n, real=real), "X-Real-IP": f"10.9.9.{n}",
                   "Forwarded": f"for=10.8.8.{n}"}  # fmt: skip
        answer = browser.http.post("/sign-in", data=form, headers=headers, environ_base={"REMOTE_ADDR": real})
    assert answer is not None
    return answer.text


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password costs 50 ms of hashing, which is not what this is about."""
    monkeypatch.setattr("mailroom.passwords.fits", lambda *_: False)


@pytest.mark.parametrize(
    ("proxies", "invented"),
    [
        # Nobody in front: whatever is said of others is made up.
        (0, "198.51.100.{n}"),
        (0, "198.51.100.{n}, 127.0.0.1"),
        # One proxy in front, which adds what it saw behind what its visitor said.
        (1, "198.51.100.{n}, {real}"),
        (1, "127.0.0.1, 198.51.100.{n}, {real}"),
        (1, "rubbish{n},,, {real}"),
    ],
)
def test_no_invented_address_gets_round_the_throttle(service: Service, proxies: int, invented: str) -> None:
    app = app_behind(service, proxies)
    free = throttle.FREE_FOR_NETWORK
    assert "Too many wrong tries" not in guesses(app, invented, free)
    assert "Too many wrong tries" in guesses(app, invented, 2)


def test_behind_a_proxy_those_in_front_of_it_are_told_apart(service: Service) -> None:
    app = app_behind(service, 1)
    guesses(app, "{real}", throttle.FREE_FOR_NETWORK + 1, "203.0.113.9")
    assert "Too many wrong tries" in guesses(app, "203.0.113.9", 1, "10.0.0.1")
    assert "Too many wrong tries" not in guesses(app, "203.0.113.10", 1, "10.0.0.1")


def test_were_the_visitor_believed_the_throttle_would_be_round(service: Service) -> None:
    """What a wrong number of proxies does, and why it is for the admin to say."""
    app = app_behind(service, 2)
    assert "Too many wrong tries" not in guesses(app, "198.51.100.{n}, {real}", throttle.FREE_FOR_NETWORK + 2)


def test_the_trail_and_the_list_of_sessions_have_the_same_address(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.passwords.fits", lambda *_: True)
    app = app_behind(service, 0)
    browser, who = Browser(app), CAST["adi"]
    told = {"X-Forwarded-For": "198.51.100.7"}
    form = {"csrf_token": browser.csrf("/sign-in"), "email": who.email, "password": who.password}
    browser.http.post("/sign-in", data=form, headers=told)
    form = {"csrf_token": browser.csrf(), "email": "x@contoh.id"}
    browser.http.post("/history/address/do-not-mail", data=form, headers=told)
    assert activity.newest(service.store)[0].address == "127.0.0.1"
    rows = service.store.read().execute("SELECT DISTINCT address FROM sessions").fetchall()
    assert [row[0] for row in rows] == ["127.0.0.1"]
