"""Your account: a person sees and changes what is theirs, and nobody else's."""

from collections.abc import Callable

import pytest

from mailroom import activity, sessions
from mailroom.service import Service
from tests.house import CAST, Browser
from tests.page import faults
from views import browsers

Client = Callable[[str], Browser]

PAGE = "/account/"
NEW = "gerobak sapi di sawah"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"
)


def cookie(browser: Browser) -> str:
    found = browser.http.get_cookie("mailroom_session")
    assert found
    return found.value


def signed_in(browser: Browser) -> bool:
    return browser.get("/history/").status_code == 200


def change(browser: Browser, present: str, new: str = NEW) -> int:
    return browser.post_form(f"{PAGE}password", {"present": present, "password": new}, PAGE).status_code


@pytest.mark.parametrize("person", CAST)
def test_whatever_the_role_the_page_is_theirs_and_well_made(client: Client, person: str) -> None:
    browser = client(person)
    assert 'href="/account/"' in browser.get("/history/").text
    answer = browser.get(PAGE)
    assert faults(answer) == []
    others = [one.email for name, one in CAST.items() if name != person]
    assert CAST[person].email in answer.text
    assert not any(email in answer.text for email in others)


# The password


def test_a_new_password_ends_the_other_sessions_and_gives_this_one_a_new_id(
    service: Service, client: Client
) -> None:
    desk, phone, other = client("vino"), client("vino"), client("sari")
    before = cookie(desk)
    assert change(desk, CAST["vino"].password) == 303
    assert "Your password is changed." in desk.get(PAGE).text
    assert not signed_in(phone)
    assert signed_in(other)
    assert cookie(desk) != before
    thief = client("")
    thief.http.set_cookie("mailroom_session", before)
    assert not signed_in(thief)
    entry = activity.newest(service.store, kind="password_changed")[0]
    assert (entry.who, entry.details) == ("Vino", {})
    again: dict[str, object] = {"email": CAST["vino"].email, "password": NEW}
    assert client("").post_form("/sign-in", again, "/sign-in").status_code == 303
    again["password"] = CAST["vino"].password
    assert client("").post_form("/sign-in", again, "/sign-in").status_code == 422


@pytest.mark.parametrize(
    ("present", "new", "sentence"),
    [
        ("salah-salah-salah", NEW, "This is not your present password."),
        ("", NEW, "This is not your present password."),
        (CAST["vino"].password, "pendek", "Take at least 12 characters"),
        (CAST["vino"].password, "Vino@contoh.id", "Your address is the first thing others would try."),
        (CAST["vino"].password, CAST["vino"].password, "This is your present password. Take another one."),
        # Somebody else's password is not the one asked for.
        (CAST["sari"].password, NEW, "This is not your present password."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_changes(
    client: Client, present: str, new: str, sentence: str
) -> None:
    desk, phone = client("vino"), client("vino")
    answer = desk.post_form(f"{PAGE}password", {"present": present, "password": new}, PAGE)
    assert (answer.status_code, faults(answer)) == (422, [])
    assert sentence in answer.text
    assert signed_in(phone)
    if len(present) > 1:
        assert present not in answer.text


def test_whoever_finds_a_browser_open_cannot_guess_the_password_in_it(client: Client) -> None:
    browser = client("vino")
    for _ in range(5):
        assert change(browser, "salah-salah-salah") == 422
    answer = browser.post_form(f"{PAGE}password", {"present": CAST["vino"].password, "password": NEW}, PAGE)
    assert "Wait 15 seconds, then try again." in answer.text
    assert signed_in(browser)


# Sessions


def test_one_of_the_sessions_is_ended_and_the_others_stay(service: Service, client: Client) -> None:
    desk, phone, tablet = client("vino"), client("vino"), client("vino")
    store, now = service.store, service.clock()
    lines = sessions.of_user(store, 3, cookie(desk), now)
    assert [line.this for line in lines] == [True, False, False]
    line = next(one.id for one in sessions.of_user(store, 3, cookie(phone), now) if one.this)
    answer = desk.post_form(f"{PAGE}sessions/end", {"session": line}, PAGE)
    assert answer.status_code == 303
    assert (signed_in(desk), signed_in(phone), signed_in(tablet)) == (True, False, True)
    desk.post_form(f"{PAGE}sessions/end", {"session": line}, PAGE)
    assert "signed out already" in desk.get(PAGE).text
    assert [entry.details for entry in activity.newest(store, kind="sessions_ended")] == [{"sessions": 1}]


def test_nobody_ends_the_sessions_of_others(service: Service, client: Client) -> None:
    adi, vino = client("adi"), client("vino")
    line = sessions.of_user(service.store, 3, cookie(vino), service.clock())[0].id
    adi.post_form(f"{PAGE}sessions/end", {"session": line}, PAGE)
    assert signed_in(vino)


def test_what_stands_beside_a_session_lets_nobody_in(service: Service, client: Client) -> None:
    vino = client("vino")
    thief = client("")
    thief.http.set_cookie(
        "mailroom_session", sessions.of_user(service.store, 3, cookie(vino), service.clock())[0].id
    )
    assert not signed_in(thief)


def test_signing_out_everywhere_else_leaves_this_one(service: Service, client: Client) -> None:
    desk, phone, tablet, other = client("vino"), client("vino"), client("vino"), client("sari")
    desk.post_form(f"{PAGE}sessions/end-others", form_at=PAGE)
    assert "2 browsers are signed out." in desk.get(PAGE).text
    assert [signed_in(one) for one in (desk, phone, tablet, other)] == [True, False, False, True]
    desk.post_form(f"{PAGE}sessions/end-others", form_at=PAGE)
    page = desk.get(PAGE).text
    assert "You were signed in nowhere else." in page
    assert "Sign out everywhere else" not in page
    assert len(activity.newest(service.store, kind="sessions_ended")) == 1


@pytest.mark.parametrize(
    ("user_agent", "words", "phone"),
    [
        (CHROME, "Chrome on Linux", False),
        (CHROME.replace("X11; Linux x86_64", "Windows NT 10.0") + " Edg/149.0", "Edge on Windows", False),
        ("Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0", "Firefox on Android", True),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/26.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
            True,
        ),
        ("curl/8.14", "Unknown browser", False),
        ("<script>alert(1)</script>", "Unknown browser", False),
        ("", "Unknown browser", False),
    ],
)
def test_a_browser_is_named_in_words(client: Client, user_agent: str, words: str, phone: bool) -> None:
    http = client("").http
    with http:
        http.get("/sign-in")
        assert (browsers.in_words(user_agent), browsers.is_phone(user_agent)) == (words, phone)
