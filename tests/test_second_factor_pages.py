"""Second factors as a person at the browser meets them: set up, asked for, and asked of a role."""

import json
import logging
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pyotp
import pytest
from werkzeug.test import TestResponse

from mailroom import activity, second_factors
from mailroom.service import Service
from tests.authenticator import Authenticator
from tests.house import CAST, Browser
from tests.page import faults
from tests.test_your_account_pages import cookie, signed_in
from views import access

Client = Callable[[str], Browser]

PAGE = "/account/"
APP = "/account/second-factor/app"
PASSKEY = "/account/second-factor/passkeys/new"
STEP = "/sign-in/second-step/"


def secret_on(page: str) -> str:
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert found, page
    return found[1].replace(" ", "")


def codes_on(page: str) -> list[str]:
    found = re.search(r'id="codes">([^<]+)<', page)
    assert found, page
    return found[1].split()


def set_up_app(browser: Browser) -> tuple[str, list[str]]:
    """The secret of an app set up on the pages, and the recovery codes that were shown."""
    assert browser.post_form(APP, form_at=PAGE).location == APP
    page = browser.get(APP)
    assert faults(page) == []
    secret = secret_on(page.text)
    # The code of the half minute before, so that a test can go on with the present one.
    before = pyotp.TOTP(secret).at(service_now(browser), counter_offset=-1)
    answer = browser.post_form(f"{APP}/confirm", {"code": before}, APP)
    assert (answer.status_code, faults(answer)) == (200, [])
    return secret, codes_on(answer.text)


def service_now(browser: Browser) -> Any:
    app: Any = browser.http.application
    return app.extensions["mailroom"].clock()


def half_way(browser: Browser, person: str = "vino", target: str = "") -> TestResponse:
    who = CAST[person]
    page = f"/sign-in?next={target}" if target else "/sign-in"
    return browser.post_form(page, {"email": who.email, "password": who.password}, page)


def options(page: str) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]+)"', page)
    assert found, page
    asked: dict[str, Any] = json.loads(unescape(found[1]))
    return asked


def challenge(page: str) -> str:
    found = re.search(r'name="challenge" value="([^"]+)"', page)
    assert found
    return found[1]


def register(browser: Browser, passkey: Authenticator, name: str = "Laptop kantor") -> TestResponse:
    page = browser.get(PASSKEY).text
    form: dict[str, object] = {
        "name": name,
        "challenge": challenge(page),
        "response": passkey.make(options(page)),
    }
    return browser.post_form(PASSKEY, form, PASSKEY)


def signed(page: str, passkey: Authenticator) -> dict[str, object]:
    return {"challenge": challenge(page), "response": passkey.sign(options(page))}


# An app


def test_an_app_is_set_up_with_its_first_code_and_shows_recovery_codes_once(
    service: Service, client: Client
) -> None:
    browser, phone = client("vino"), client("vino")
    before = cookie(browser)
    browser.post_form(APP, form_at=PAGE)
    wrong = browser.post_form(f"{APP}/confirm", {"code": "000000"}, APP)
    assert (wrong.status_code, faults(wrong)) == (422, [])
    assert "This code does not fit." in wrong.text
    secret, codes = set_up_app(browser)
    assert len(codes) == 10
    assert cookie(browser) != before
    assert not signed_in(phone)
    page = browser.get(PAGE)
    assert faults(page) == []
    assert "10 are left." in page.text
    for url in (PAGE, "/account/second-factor/", "/activity/"):
        assert secret not in browser.get(url).text
        assert codes[0] not in browser.get(url).text
    # The form of the codes' page still works.
    assert browser.get(APP).location == "/account/second-factor/"
    kinds = {entry.kind for entry in activity.newest(service.store)}
    assert {"signed_in", "second_factor_added", "recovery_codes_made"} <= kinds


def test_the_picture_holds_what_the_text_says_and_nobody_keeps_the_page(client: Client) -> None:
    browser = client("vino")
    browser.post_form(APP, form_at=PAGE)
    answer = browser.get(APP)
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'src="data:image/svg+xml' in answer.text
    assert f"otpauth://totp/Mailroom:vino%40contoh.id?secret={secret_on(answer.text)}" in answer.text


def test_looking_at_the_set_up_makes_no_secret(service: Service, client: Client) -> None:
    browser = client("vino")
    assert browser.get(APP).location == "/account/second-factor/"
    assert service.store.read().execute("SELECT count(*) FROM totp_secrets").fetchone()[0] == 0


def test_new_codes_and_removing_the_app(service: Service, client: Client) -> None:
    browser = client("vino")
    _, codes = set_up_app(browser)
    new = codes_on(browser.post_form("/account/second-factor/recovery-codes", form_at=PAGE).text)
    assert not set(new) & set(codes)
    ask = browser.get(f"{APP}/remove")
    assert faults(ask) == []
    assert "your recovery codes are worth nothing" in ask.text
    assert browser.post_form(f"{APP}/remove", form_at=PAGE).status_code == 303
    page = browser.get(PAGE).text
    assert "Codes of your app are no longer asked for." in page
    assert "Set up a second factor" in page
    assert half_way(client("")).location == "/"
    assert [entry.who for entry in activity.newest(service.store, kind="second_factor_removed")] == ["Vino"]
    assert len(activity.newest(service.store, kind="recovery_codes_made")) == 2


# Signing in in two steps


def test_after_the_password_a_code_is_asked_for_and_leads_to_where_one_wanted(client: Client) -> None:
    secret, _ = set_up_app(client("vino"))
    browser = client("")
    answer = half_way(browser, target="/history/?q%3Dbudi")
    assert (answer.status_code, answer.location) == (303, f"{STEP}?next=/history/?q%3Dbudi")
    assert not signed_in(browser)
    page = browser.get(answer.location)
    assert (page.status_code, faults(page)) == (200, [])
    code = pyotp.TOTP(secret).at(service_now(browser))
    done = browser.post_form(f"{STEP}code?next=/history/?q%3Dbudi", {"code": code}, answer.location)
    assert (done.status_code, done.location) == (303, "/history/?q=budi")
    assert signed_in(browser)
    # The same code again, and the same step again, are refused.
    other = client("")
    half_way(other)
    again = other.post_form(f"{STEP}code", {"code": code}, STEP)
    assert (again.status_code, faults(again)) == (422, [])
    assert "was used already" in again.text
    assert not signed_in(other)


def test_the_step_is_worth_nothing_in_another_browser_or_a_second_time(client: Client) -> None:
    _, codes = set_up_app(client("vino"))
    browser = client("")
    half_way(browser)
    token = browser.csrf(STEP)
    form = browser.http.get_cookie("mailroom_form")
    assert form
    assert client("").get(STEP).status_code == 410
    assert browser.http.post(f"{STEP}code", data={"csrf_token": token, "code": codes[0]}).status_code == 303
    # Whoever had copied the cookie of the step comes too late.
    thief = client("")
    thief.http.set_cookie("mailroom_form", form.value)
    late = thief.http.post(f"{STEP}code", data={"csrf_token": token, "code": codes[1]})
    assert (late.status_code, faults(late)) == (410, [])
    assert not signed_in(thief)


def test_a_recovery_code_lets_in_and_is_then_gone(client: Client) -> None:
    _, codes = set_up_app(client("vino"))
    for expected in (303, 422):
        browser = client("")
        half_way(browser)
        assert browser.post_form(f"{STEP}code", {"code": codes[0]}, STEP).status_code == expected
    half_way(browser)
    browser.post_form(f"{STEP}code", {"code": codes[1]}, STEP)
    assert "8 are left." in browser.get(PAGE).text


@pytest.mark.parametrize("target", ["//e.example", "/%2fe.example", "https:e.example"])
def test_the_second_step_leads_nowhere_else(client: Client, target: str) -> None:
    _, codes = set_up_app(client("vino"))
    browser = client("")
    half_way(browser)
    form = {"csrf_token": browser.csrf(STEP), "code": codes[0]}
    answer = browser.http.post(f"{STEP}code", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.location) == (303, "/")


def test_before_the_password_is_right_nothing_says_that_there_is_a_second_factor(client: Client) -> None:
    set_up_app(client("vino"))
    browser, pages = client(""), []
    for email in ("vino@contoh.id", "sari@contoh.id", "tidak.ada@contoh.id"):
        answer = browser.post_form("/sign-in", {"email": email, "password": "salah-salah"}, "/sign-in")
        pages.append(
            (answer.status_code, answer.text.replace(email, "").replace(browser.csrf("/sign-in"), ""))
        )
    assert {status for status, _ in pages} == {422}
    assert len({len(page) for _, page in pages}) == 1
    assert browser.get(STEP).status_code == 410


# Passkeys


def test_a_passkey_is_named_listed_and_signs_in_alone(service: Service, client: Client) -> None:
    assert "passkey" not in client("").get("/sign-in").text
    browser, passkey = client("vino"), Authenticator()
    page = browser.get(PASSKEY)
    assert faults(page) == []
    assert "Passkeys need JavaScript" in page.text
    for name, sentence in (("", "Give it a name"), ("x" * 61, "Give it a name")):
        refused = register(browser, Authenticator(), name)
        assert (refused.status_code, faults(refused)) == (422, [])
        assert sentence in refused.text
    assert len(codes_on(register(browser, passkey).text)) == 10
    assert "Laptop kantor" in browser.get(PAGE).text
    assert [entry.who for entry in activity.newest(service.store, kind="passkey_added")] == ["Vino"]
    stranger = client("")
    page = stranger.get("/sign-in?next=/history/")
    assert faults(page) == []
    answer = stranger.post_form("/sign-in/passkey?next=/history/", signed(page.text, passkey), "/sign-in")
    assert (answer.status_code, answer.location) == (303, "/history/")
    assert signed_in(stranger)
    assert activity.newest(service.store, kind="signed_in")[0].details == {"method": "passkey"}
    page = client("adi").get("/activity/")
    assert faults(page) == []
    assert "Signed in (passkey)." in page.text


def test_an_answer_sent_twice_or_from_another_browser_lets_nobody_in(client: Client) -> None:
    passkey = Authenticator()
    register(client("vino"), passkey)
    browser, thief = client(""), client("")
    form = signed(browser.get("/sign-in").text, passkey)
    stolen = thief.post_form("/sign-in/passkey", form, "/sign-in")
    assert (stolen.status_code, faults(stolen)) == (422, [])
    assert "Nobody could be signed in with this passkey." in stolen.text
    form["csrf_token"] = browser.csrf("/sign-in")
    copied = browser.http.get_cookie("mailroom_form")
    assert copied
    assert browser.http.post("/sign-in/passkey", data=form).status_code == 303
    # With the form cookie as well, the challenge is spent.
    thief.http.set_cookie("mailroom_form", copied.value)
    assert thief.http.post("/sign-in/passkey", data=form).status_code == 422
    assert not signed_in(thief)


def test_a_passkey_after_the_password_needs_the_password_first(client: Client) -> None:
    passkey = Authenticator()
    register(client("vino"), passkey)
    browser = client("")
    half_way(browser)
    page = browser.get(STEP).text
    assert options(page)["allowCredentials"]
    form = signed(page, passkey)
    alone = client("")
    assert alone.post_form(f"{STEP}passkey", form, "/sign-in").status_code == 410
    assert browser.post_form(f"{STEP}passkey", form, STEP).status_code == 303
    assert signed_in(browser)


def test_a_passkey_is_removed_by_its_owner_alone(client: Client) -> None:
    browser, other = client("vino"), client("sari")
    register(browser, Authenticator())
    found = re.search(r"passkeys/(\d+)/remove", browser.get(PAGE).text)
    assert found
    url = f"/account/second-factor/passkeys/{found[1]}/remove"
    assert other.get(url).status_code == 404
    other.post_form(url, form_at=PAGE)
    ask = browser.get(url)
    assert faults(ask) == []
    assert "Remove the passkey “Laptop kantor”?" in ask.text
    assert browser.post_form(url, form_at=PAGE).status_code == 303
    assert "Laptop kantor" not in browser.get(PAGE).text.replace("The passkey is removed", "")


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("", "localhost", "http://localhost"),
        ("https://mailroom.contoh.id", "mailroom.contoh.id", "https://mailroom.contoh.id"),
        ("https://mailroom.contoh.id:8443", "mailroom.contoh.id", "https://mailroom.contoh.id:8443"),
    ],
)
def test_where_a_passkey_is_good_comes_from_the_setting_or_the_address(
    service: Service, client: Client, url: str, host: str, origin: str
) -> None:
    object.__setattr__(service.settings, "url", url)
    browser = client("vino")
    assert options(browser.get(PASSKEY).text)["rp"]["id"] == host
    assert register(browser, Authenticator(origin)).status_code == 200
    assert register(browser, Authenticator("https://jahat.example", b"lain")).status_code == 422


# Asking again


def test_whoever_finds_a_browser_open_is_asked_for_the_password_first(
    service: Service, client: Client
) -> None:
    browser = client("vino")
    with service.store.write() as db:
        db.execute("UPDATE sessions SET confirmed_at = '2026-01-01T00:00:00.000Z'")
    answer = browser.get(PASSKEY)
    assert answer.location == f"/account/confirm?next={PASSKEY}"
    assert browser.post_form(APP, form_at=PAGE).location == "/account/confirm"
    page = browser.get(answer.location)
    assert faults(page) == []
    wrong = browser.post_form(answer.location, {"password": "salah-salah-salah"}, answer.location)
    assert (wrong.status_code, faults(wrong)) == (422, [])
    assert browser.get(PASSKEY).status_code == 303
    right = browser.post_form(answer.location, {"password": CAST["vino"].password}, answer.location)
    assert right.location == PASSKEY
    assert browser.get(PASSKEY).status_code == 200
    assert (
        browser.post_form("/account/confirm?next=//e.example", {"password": CAST["vino"].password}).location
        == PAGE
    )


# Asked of a role


def ask_of(client: Client, *roles: str) -> TestResponse:
    form: dict[str, object] = {
        "office_from": "08:00", "office_to": "17:00", "office_days": ["0"], "second_factor_roles": list(roles)
    }  # fmt: skip
    admin = client("adi")
    admin.post_form("/settings/", form, "/settings/")
    return admin.get("/settings/")


def test_asking_it_of_a_role_says_how_many_that_is(service: Service, client: Client) -> None:
    set_up_app(client("vino"))
    page = ask_of(client, "viewer", "sender", "superuser")
    assert faults(page) == []
    assert "1 person is asked to set up a second factor" in page.text
    assert "everybody has one" in page.text
    noted = activity.newest(service.store, kind="preference_changed")
    assert any(entry.details["name"] == "second_factor_roles" for entry in noted)
    assert faults(client("adi").get("/activity/")) == []


def test_whoever_has_to_have_one_can_open_nothing_else_until_it_is_there(client: Client) -> None:
    browser, other = client("sari"), client("vino")
    ask_of(client, "sender")
    assert signed_in(other)
    for url in ("/", "/history/", "/account/", "/send/"):
        answer = browser.get(url)
        assert (answer.status_code, answer.location) == (303, "/account/second-factor/"), url
    poll = browser.get("/batches/", part=True)
    assert (poll.status_code, poll.headers["HX-Redirect"], poll.text) == (401, "/account/second-factor/", "")
    page = browser.get("/account/second-factor/")
    assert faults(page) == []
    assert "Your team asks everybody of your role" in page.text
    assert 'href="/history/"' not in page.text
    set_up_app(browser)
    assert signed_in(browser)
    assert browser.get("/account/").status_code == 200


def test_what_was_being_written_when_it_was_asked_for_is_not_lost(client: Client) -> None:
    browser = client("sari")
    token = browser.csrf("/templates/new")
    ask_of(client, "sender")
    form = {"csrf_token": token, "name": "Tagihan", "subject": "Tagihan", "body": "<p>Halo</p>"}
    assert browser.http.post("/templates/", data=form).location == "/account/second-factor/"
    browser.post_form(APP, form_at="/account/second-factor/")
    secret = secret_on(browser.get(APP).text)
    code = pyotp.TOTP(secret).at(service_now(browser))
    page = browser.post_form(f"{APP}/confirm", {"code": code}, APP).text
    assert 'href="/again"' in page
    assert "Tagihan" in browser.get("/again").text


def test_without_the_guard_they_could_open_everything(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = client("sari")
    ask_of(client, "sender")
    assert not signed_in(browser)
    monkeypatch.setattr(second_factors, "missing", lambda *_: False)
    assert signed_in(browser)


def test_removing_the_last_one_leads_back_to_setting_one_up(client: Client) -> None:
    browser = client("sari")
    ask_of(client, "sender")
    set_up_app(browser)
    browser.post_form(f"{APP}/remove", form_at=PAGE)
    assert browser.get("/history/").location == "/account/second-factor/"


def test_what_leads_to_a_second_factor_is_open_to_every_role() -> None:
    assert {access.POLICY[endpoint] for endpoint in access.SETTING_UP} == {"viewer"}


def test_nothing_that_lets_a_person_in_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser = client("vino")
    secret, codes = set_up_app(browser)
    other = client("")
    half_way(other)
    other.post_form(f"{STEP}code", {"code": codes[0]}, STEP)
    for word in (secret, codes[0], cookie(other), CAST["vino"].password):
        assert word not in caplog.text
