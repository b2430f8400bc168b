"""Who may do what: every route against the table, and the guard that holds them together."""

import re
from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from mailroom import suppressions, tokens
from mailroom.people import RANKS, Role
from mailroom.service import Service
from tests.house import CAST, Browser
from tests.live import A_TOKEN, prepare_records
from views import access

Client = Callable[[str], Browser]

PEOPLE = ("", "vino", "edo", "sari", "adi")


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every rule with each of its methods and an address that it answers."""
    stand_ins = {"int": "1", "path": "mailroom.css", "": "x"}
    for rule in app.url_map.iter_rules():
        url = re.sub(r"<(?:(\w+):)?\w+>", lambda found: stand_ins[found[1] or ""], rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, url


def seen(answer: Response) -> str:
    """What a person was told: sign in, not for your role, or something of the page itself."""
    if answer.status_code == 303 and (answer.location or "").startswith("/sign-in"):
        return "sign in"
    return "not you" if answer.status_code == 403 else "in"


def promised(endpoint: str, person: str) -> str:
    least = access.POLICY[endpoint]
    if least == "anyone":
        return "in"
    if not person:
        return "sign in"
    return "in" if RANKS.index(CAST[person].role) >= RANKS.index(least) else "not you"


def test_every_route_is_in_the_table_and_the_table_names_no_other(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(access.POLICY)


def test_the_table_gives_each_role_no_less_than_the_one_below_it() -> None:
    assert RANKS == ("viewer", "editor", "sender", "admin")
    assert {CAST[person].role for person in PEOPLE if person} == set(RANKS) == set(get_args(Role))
    assert set(access.POLICY.values()) <= {"anyone", *RANKS}


def test_an_editor_writes_templates_and_neither_sends_nor_sees_lists_and_tokens() -> None:
    theirs = {endpoint for endpoint, least in access.POLICY.items() if least == "editor"}
    assert {endpoint.partition(".")[0] for endpoint in theirs} == {"templates", "trials"}
    # A row of a list is a recipient's; a template's test is filled with what the editor types.
    assert {name for name in theirs if name.startswith("trials")} == {"trials.ask", "trials.of_template"}
    for page in ("send", "confirm", "approvals", "lists", "schedule"):
        roles = {least for endpoint, least in access.POLICY.items() if endpoint.startswith(page + ".")}
        assert roles == {"sender"}, page


@pytest.mark.parametrize("person", PEOPLE)
def test_every_route_answers_as_the_table_says(app: Flask, client: Client, person: str) -> None:
    browser = client(person)
    for rule, method, url in routes(app):
        # Without a token nothing is done, and who may come in learns that only then.
        with browser.http.open(url, method=method) as answer:
            assert seen(answer) == promised(rule.endpoint, person), (method, url)
            # Nothing works by itself in this mailroom, and health.check says so.
            assert answer.status_code < 500 or rule.endpoint == "health.check", (method, url)


@pytest.mark.parametrize("person", PEOPLE)
def test_every_route_that_changes_something_wants_a_token(app: Flask, client: Client, person: str) -> None:
    browser = client(person)
    for rule, method, url in routes(app):
        # A recipient's unsubscribe link is signed itself; without a good signature nothing is done.
        if rule.endpoint.startswith("unsubscribe."):
            assert browser.http.open(url, method=method).status_code == 404, (method, url)
        elif method != "GET" and promised(rule.endpoint, person) == "in":
            assert browser.http.open(url, method=method).status_code == 400, (method, url)
            wrong = browser.http.open(url, method=method, data={"csrf_token": "ImFiYyI.x.y"})
            assert wrong.status_code == 400, (method, url)


def test_looking_never_changes_anything(app: Flask) -> None:
    assert {method for _, method, _ in routes(app)} <= {"GET", "POST"}


def kept(service: Service) -> list[str]:
    """Everything in the database but the trail, which notes downloads too."""
    lines = service.store.read().conn.iterdump()
    return [
        line for line in lines if not line.startswith(('INSERT INTO "activity"', 'INSERT INTO "sqlite_seq'))
    ]


def test_asking_for_the_head_of_a_page_changes_nothing_either(
    app: Flask, service: Service, client: Client
) -> None:
    # A HEAD goes to the same function as a GET, and needs no token.
    prepare_records(service)
    suppressions.add(service.store, ["joko@contoh.id"], "hand", "", 1, service.clock())
    spare = A_TOKEN[:-4] + "dGVz"
    tokens.add(service.store, service.keys, "Lain", spare.encode(), 25, 1, service.clock())
    browser = client("adi")
    before = kept(service)
    for _rule, method, url in routes(app):
        if method == "GET":
            for number in "123":
                question = {"email": "joko@contoh.id", "role": "viewer", "sure": "1"}
                browser.http.head(url.replace("1", number), query_string=question).close()
    assert kept(service) == before


# The guard


@pytest.fixture
def page(app: Flask) -> str:
    """A page of its own that nobody has put into the table."""
    app.add_url_rule("/baru", "baru.index", lambda: "isi")
    return "/baru"


def test_a_page_nobody_put_into_the_table_is_for_nobody(client: Client, page: str) -> None:
    assert seen(client("").get(page)) == "sign in"
    assert client("adi").get(page).status_code == 403


@pytest.mark.parametrize(
    ("least", "let_in"),
    [
        ("viewer", {"vino", "edo", "sari", "adi"}),
        ("editor", {"edo", "sari", "adi"}),
        ("sender", {"sari", "adi"}),
        ("admin", {"adi"}),
    ],
)
def test_the_table_decides_who_is_let_in(
    client: Client, page: str, monkeypatch: pytest.MonkeyPatch, least: str, let_in: set[str]
) -> None:
    browsers = {person: client(person) for person in PEOPLE}
    monkeypatch.setattr(access, "POLICY", {**access.POLICY, "baru.index": least})
    assert {person for person in PEOPLE if browsers[person].get(page).text == "isi"} == let_in


def test_without_the_guard_everything_would_be_open(app: Flask, client: Client, page: str) -> None:
    browser = client("")
    assert browser.get(page).text != "isi"
    app.before_request_funcs[None].remove(access._guard)
    assert browser.get(page).text == "isi"


def test_a_menu_is_offered_only_what_is_there_and_allowed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "POLICY", {**access.POLICY, "nowhere.index": "anyone"})
    answers = {}
    for person in PEOPLE:
        cookies = client(person).http
        with cookies:
            cookies.get("/sign-in")
            names = ("gateway.add_token", "send.new", "batches.index", "account.sign_in", "nowhere.index")
            answers[person] = [access.may(name) for name in names]
    assert answers == {
        "": [False, False, False, True, False],
        "vino": [False, False, True, True, False],
        "edo": [False, False, True, True, False],
        "sari": [False, True, True, True, False],
        "adi": [True, True, True, True, False],
    }


def test_a_strangers_large_request_is_turned_away_unread(client: Client) -> None:
    browser = client("")
    large = {"csrf_token": "x", "email": "x" * 100_000}
    assert browser.http.post("/sign-in", data=large).status_code == 413
    assert seen(browser.http.post("/send/", data=large)) == "sign in"


# Signed out


def test_signed_out_a_page_leads_to_sign_in_and_back(client: Client) -> None:
    answer = client("").get("/history/?q=a%26b&before=7")
    assert answer.location == "/sign-in?next=/history/?q%3Da%2526b%26before%3D7"
    assert client("").get("/").location == "/sign-in"


def test_signed_out_a_fragment_sends_the_whole_page_to_sign_in(client: Client) -> None:
    answer = client("").http.get(
        "/batches/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/batches/?state=running"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/batches/?state%3Drunning"
    assert not answer.text


def test_signed_out_a_form_leads_back_to_the_page_it_was_on(client: Client) -> None:
    referrer = {"Referer": "http://localhost/templates/new"}
    answer = client("").http.post("/templates/", headers=referrer)
    assert answer.location == "/sign-in?next=/templates/new"


@pytest.mark.parametrize(
    "url", ["http://elsewhere.example/x", "http://[", "//localhost//e", "javascript:x", ""]
)
def test_signed_out_nobody_is_led_to_another_place(client: Client, url: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": url}
    assert client("").http.get("/batches/", headers=headers).headers["HX-Redirect"] == "/sign-in"


@pytest.mark.parametrize(
    "target", ["/", "/history/?q=https://contoh.id", "/batches/12", "/a?next=//e", "/x%20y#z"]
)
def test_a_path_of_ours_is_inside(target: str) -> None:
    assert access.inside(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "history",
        "//e.example",
        "///e.example",
        "/\\e.example",
        "\\\\e.example",
        "/%09/e.example",
        "/\t/e.example",
        "/\n/e.example",
        "/%0a/e.example",
        "/%2fe.example",
        "/%5ce.example",
        "https:e.example",
        "https://e.example",
        "javascript:alert(1)",
        " //e.example",
        "\x00/e",
        "/x?y=\r\nSet-Cookie: a=b",
        "/" + "x" * 2000,
    ],
)
def test_what_may_lead_elsewhere_is_not_inside(client: Client, target: str) -> None:
    assert access.inside(target) == ""
    browser = client("")
    who = CAST["vino"]
    form = {"csrf_token": browser.csrf("/sign-in"), "email": who.email, "password": who.password}
    answer = browser.http.post("/sign-in", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.location) == (303, "/")


# The cookie


def cookie(browser: Browser) -> str:
    found = browser.http.get_cookie("mailroom_session")
    assert found
    return found.value


def test_a_copied_cookie_is_worth_nothing_after_signing_out(client: Client) -> None:
    vino, thief = client("vino"), client("")
    thief.http.set_cookie("mailroom_session", cookie(vino))
    assert seen(thief.get("/history/")) == "in"
    vino.post_form("/sign-out")
    assert seen(thief.get("/history/")) == "sign in"


def test_signing_in_gives_a_new_cookie_each_time(client: Client) -> None:
    assert cookie(client("vino")) != cookie(client("vino"))


@pytest.mark.parametrize("value", ["", "x", "1", "' OR '1'='1", "x" * 4000])
def test_an_invented_cookie_lets_nobody_in(client: Client, value: str) -> None:
    browser = client("")
    browser.http.set_cookie("mailroom_session", value)
    assert seen(browser.get("/history/")) == "sign in"


def test_flask_logins_own_ways_in_are_shut(client: Client) -> None:
    browser = client("")
    with browser.http.session_transaction() as session:
        session["_user_id"] = "1"
        session["_fresh"] = True
        session["_remember"] = "set"
    assert seen(browser.get("/history/")) == "sign in"


def test_a_cookie_of_another_program_on_the_host_locks_nobody_out(client: Client) -> None:
    browser = client("vino")
    browser.http.set_cookie("remember_token", "1|abc")
    assert seen(browser.get("/history/")) == "in"


def test_somebody_shut_out_is_out_at_the_next_click(service: Service, client: Client) -> None:
    browser = client("vino")
    with service.store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026-11-23T00:00:00.000Z' WHERE email = 'vino@contoh.id'")
    assert seen(browser.get("/history/")) == "sign in"


def test_a_new_role_holds_at_the_next_click(service: Service, client: Client) -> None:
    browser = client("adi")
    with service.store.write() as db:
        db.execute("UPDATE users SET role = 'viewer' WHERE email = 'adi@contoh.id'")
    assert browser.get("/gateway/tokens/add").status_code == 403


def test_a_fragment_that_is_no_longer_theirs_brings_the_whole_page_anew(
    service: Service, client: Client
) -> None:
    browser = client("sari")
    with service.store.write() as db:
        db.execute("UPDATE users SET role = 'viewer' WHERE email = 'sari@contoh.id'")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/send/?template=1"}
    answer = browser.http.get("/send/fields", headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (403, "/send/?template=1")
    assert not answer.text
    headers["HX-Current-URL"] = "http://elsewhere.example/"
    assert browser.http.get("/send/fields", headers=headers).headers["HX-Redirect"] == "/"
