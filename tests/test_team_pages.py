"""The team pages as an admin sees them, and the pages behind the links they make."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mailroom import activity, approvals, invites, resets, sign_ins, team
from mailroom.service import Service
from mailroom.sign_ins import Visitor
from mailroom.store import Store
from mailroom.times import utc_now
from tests.house import CAST, Browser
from tests.live import prepare_records
from tests.page import faults
from tests.records import give_passkey

Client = Callable[[str], Browser]

ADI, SARI, VINO, EDO = 1, 2, 3, 4
BUDI = {"name": "Budi", "email": "budi@contoh.id", "password": "kereta api malam budi"}


@pytest.fixture
def store(service: Service) -> Store:
    return service.store


@pytest.fixture
def adi(client: Client) -> Browser:
    return client("adi")


def link_on(answer: TestResponse) -> str:
    """Where the link on a page leads, as a path of this application."""
    found = re.search(r'<code class="whole" id="link">http://localhost(/\S+?)</code>', answer.text)
    assert found, answer.text
    return found.group(1)


def invite(adi: Browser, **form: object) -> str:
    """The path of the link of a fresh invitation, as the page shows it."""
    made = adi.post_form("/team/invite", {"role": "viewer", **form}, form_at="/team/invite")
    assert made.status_code == 303, made.text
    return link_on(adi.get(made.location))


def role_of(store: Store, user_id: int) -> str:
    return next(one.role for one in team.everybody(store, utc_now()) if one.id == user_id)


# Looking


def test_the_team_is_listed_with_what_an_admin_asks_about_people(store: Store, adi: Browser) -> None:
    team.disable(store, VINO, ADI, utc_now())
    answer = adi.get("/team/")
    assert faults(answer) == []
    for word in ("Adi", "(you)", "Template editor", "edo@contoh.id", "never yet", "Signed in", "Disabled"):
        assert word in answer.text, word
    # Those who are shut out stand at the end.
    assert answer.text.index("Sari") < answer.text.index("Vino")
    assert 'href="/team/" aria-current="page"' in answer.text


@pytest.mark.parametrize("person", ["sari", "edo", "vino"])
def test_the_team_is_for_admins_alone(client: Client, person: str) -> None:
    browser = client(person)
    assert browser.get("/team/").status_code == 403
    assert 'href="/team/"' not in browser.get("/").text


def test_whoever_is_alone_is_led_to_inviting(store: Store, adi: Browser) -> None:
    with store.write() as db:
        db.execute("DELETE FROM users WHERE id > 1")
    answer = adi.get("/team/")
    assert faults(answer) == []
    assert "Nobody else is in your team yet." in answer.text
    invite(adi)
    assert "Nobody else is in your team yet." not in adi.get("/team/").text


def test_every_page_about_a_person_is_well_made(service: Service, adi: Browser) -> None:
    prepare_records(service)
    for user_id in (ADI, SARI, VINO):
        for page in ("", "/role", "/disable", "/sign-out", "/reset", "/reset/link"):
            answer = adi.get(f"/team/{user_id}{page}")
            assert (answer.status_code, faults(answer)) == (200, []), (user_id, page)
    team.disable(service.store, VINO, ADI, service.clock())
    answer = adi.get(f"/team/{VINO}")
    assert faults(answer) == []
    assert "/team/3/enable" in answer.text
    assert "New password by a link" not in answer.text
    for page in ("", "/role", "/disable", "/sign-out", "/reset"):
        assert adi.get(f"/team/99{page}").status_code == 404
    assert adi.post_form("/team/99/enable").status_code == 404


# Inviting


def test_an_invited_person_joins_with_the_role_and_is_signed_in(
    app: Flask, store: Store, adi: Browser
) -> None:
    path = invite(adi, role="editor")
    budi = Browser(app)
    page = budi.get(path)
    assert (page.status_code, faults(page)) == (200, [])
    assert "Adi invites you to Mailroom. Your role: Template editor." in page.text
    joined = budi.post_form(path, dict(BUDI), form_at=path)
    assert (joined.status_code, joined.location) == (303, "/")
    assert "Welcome, Budi. Next time you sign in with budi@contoh.id." in budi.get("/").text
    assert budi.get("/templates/new").status_code == 200
    assert budi.get("/send/").status_code == 403
    answer = Browser(app).get(path)
    assert answer.status_code == 410
    assert "ask whoever invited you for a new link" in answer.text
    assert faults(answer) == []
    assert [(one.who, one.kind) for one in activity.newest(store)] == [
        ("Budi", "signed_in"),
        ("Budi", "person_joined"),
        ("Adi", "person_invited"),
        ("Adi", "signed_in"),
    ]


def test_a_link_for_one_address_takes_no_other(app: Flask, store: Store, adi: Browser) -> None:
    path = invite(adi, email="budi@contoh.id")
    budi = Browser(app)
    assert re.search(r'name="email"[^>]*value="budi@contoh.id"[^>]*readonly', budi.get(path).text)
    assert budi.post_form(path, {**BUDI, "email": "penyusup@contoh.id"}, form_at=path).status_code == 303
    assert [one.email for one in team.everybody(store, utc_now())][1] == "budi@contoh.id"


def test_a_fault_keeps_what_was_typed_but_not_the_password(app: Flask, adi: Browser) -> None:
    path = invite(adi)
    budi = Browser(app)
    wrong = {"name": "Budi <b>", "email": "budi", "password": "pendek"}
    answer = budi.post_form(path, dict(wrong), form_at=path)
    assert (answer.status_code, faults(answer)) == (422, [])
    assert 'value="Budi &lt;b&gt;"' in answer.text
    assert "pendek" not in answer.text
    taken = budi.post_form(path, {**BUDI, "email": "sari@contoh.id"}, form_at=path)
    assert taken.status_code == 422
    assert "Somebody of your team has this address already." in taken.text
    assert budi.post_form(path, dict(BUDI), form_at=path).status_code == 303


def test_the_link_is_shown_once_and_a_new_one_ends_it(app: Flask, adi: Browser) -> None:
    made = adi.post_form("/team/invite", {"role": "viewer"}, form_at="/team/invite")
    shown = adi.get(made.location)
    assert faults(shown) == []
    first = link_on(shown)
    again = adi.get(made.location)
    assert faults(again) == []
    assert first not in again.text
    assert "was shown once" in again.text
    renewed = adi.post_form(f"{made.location}/renew")
    second = link_on(adi.get(renewed.location))
    assert Browser(app).get(first).status_code == 410
    assert Browser(app).get(second).status_code == 200
    assert "Link ends" in adi.get("/team/").text


def test_a_withdrawn_invitation_is_gone_and_twice_is_no_error(app: Flask, adi: Browser) -> None:
    path = invite(adi)
    for words in ("The invitation is withdrawn", "was withdrawn"):
        answer = adi.post_form("/team/invitations/1/withdraw")
        assert answer.status_code == 303
        assert words in adi.get(answer.location).text
    assert adi.post_form("/team/invitations/1/renew").location == "/team/"
    assert adi.get("/team/invitations/1").status_code == 404
    assert Browser(app).get(path).status_code == 410


def test_what_cannot_be_invited_stays_in_the_form(adi: Browser) -> None:
    answer = adi.post_form("/team/invite", {"email": "sari@contoh.id", "role": "sender"}, "/team/invite")
    assert (answer.status_code, faults(answer)) == (422, [])
    assert 'value="sari@contoh.id"' in answer.text
    assert re.search(r'value="sender" checked', answer.text)
    answer = adi.post_form("/team/invite", {"role": "owner"}, "/team/invite")
    assert answer.status_code == 422
    assert 'id="role-error"' in answer.text


def test_an_invitation_is_no_set_up_link_and_the_other_way_round(app: Flask, adi: Browser) -> None:
    secret = invite(adi).removeprefix("/join/")
    assert Browser(app).get(f"/setup/{secret}").status_code == 410
    assert Browser(app).get("/join/x").status_code == 410


def test_whoever_is_signed_in_is_told_to_pass_the_link_on(app: Flask, adi: Browser) -> None:
    path = invite(adi)
    for answer in (adi.get(path), adi.post_form(path, dict(BUDI))):
        assert faults(answer) == []
        assert "You are signed in as Adi" in answer.text
    assert Browser(app).get(path).status_code == 200


def test_looking_at_a_link_does_not_use_it_up(app: Flask, adi: Browser) -> None:
    path = invite(adi)
    for _ in range(3):
        assert Browser(app).get(path).status_code == 200
        assert Browser(app).http.head(path).status_code == 200


# Changing


def test_a_new_role_holds_at_the_next_click(store: Store, client: Client, adi: Browser) -> None:
    vino = client("vino")
    assert vino.get("/send/").status_code == 403
    answer = adi.post_form(f"/team/{VINO}/role", {"role": "sender"})
    assert (answer.status_code, answer.location) == (303, f"/team/{VINO}")
    assert "Vino: Sender, from the next click on." in adi.get(answer.location).text
    assert vino.get("/send/").status_code == 200
    same = adi.post_form(f"/team/{VINO}/role", {"role": "sender"})
    assert "had this role already" in adi.get(same.location).text
    wrong = adi.post_form(f"/team/{VINO}/role", {"role": "x"})
    assert (wrong.status_code, role_of(store, VINO)) == (422, "sender")


def test_a_poll_of_somebody_who_was_disabled_sends_the_page_to_sign_in(
    service: Service, client: Client, adi: Browser
) -> None:
    prepare_records(service)
    vino = client("vino")
    headers = {
        "HX-Request": "true", "HX-Request-Type": "partial", "HX-Current-URL": "http://localhost/batches/1",
    }  # fmt: skip
    poll = "/batches/1?part=status"
    assert vino.http.get(poll, headers=headers).status_code == 200
    assert adi.post_form(f"/team/{VINO}/disable").status_code == 303
    out = vino.http.get(poll, headers=headers)
    assert (out.status_code, out.text) == (401, "")
    assert out.headers["HX-Redirect"] == "/sign-in?next=/batches/1"
    assert "Vino is disabled and signed out." in adi.get(f"/team/{VINO}").text


def test_before_somebody_is_disabled_the_page_says_what_goes_on(service: Service, adi: Browser) -> None:
    prepare_records(service)
    assert "1 batch that they queued goes on." in adi.get(f"/team/{SARI}/disable").text
    assert "No batch of theirs is under way." in adi.get(f"/team/{VINO}/disable").text
    adi.post_form(f"/team/{SARI}/disable")
    assert "1 batch of theirs still has mails to hand over." in adi.get(f"/team/{SARI}").text
    assert approvals.deciders(service.store, ADI) == []


def test_disabled_twice_and_enabled_twice_is_no_error(store: Store, adi: Browser) -> None:
    for url, words in (
        ("disable", "is disabled and signed out"),
        ("disable", "was disabled already"),
        ("enable", "can sign in again"),
        ("enable", "was enabled already"),
    ):
        answer = adi.post_form(f"/team/{VINO}/{url}")
        assert words in adi.get(answer.location).text
    vino = CAST["vino"]
    assert sign_ins.by_password(store, vino.email, vino.password, Visitor("127.0.0.1", "x"), utc_now())


def test_somebody_is_signed_out_everywhere(client: Client, adi: Browser) -> None:
    vino = client("vino")
    assert "They are signed in with 1 browser" in adi.get(f"/team/{VINO}/sign-out").text
    answer = adi.post_form(f"/team/{VINO}/sign-out")
    assert "1 browser is signed out." in adi.get(answer.location).text
    assert vino.get("/").status_code == 303
    adi.post_form(f"/team/{VINO}/sign-out")
    assert "Vino was signed in nowhere." in adi.get(f"/team/{VINO}").text


def test_about_oneself_one_is_asked_again(store: Store, client: Client, adi: Browser) -> None:
    team.change_role(store, SARI, "admin", ADI, utc_now())
    for url, form in (("role", {"role": "viewer"}), ("disable", {})):
        answer = adi.post_form(f"/team/{ADI}/{url}", dict(form))
        assert (answer.status_code, faults(answer)) == (422, [])
        assert 'id="f-sure-error"' in answer.text
        assert role_of(store, ADI) == "admin"
    answer = adi.post_form(f"/team/{ADI}/role", {"role": "viewer", "sure": "1"})
    assert (answer.status_code, answer.location) == (303, "/")
    assert (role_of(store, ADI), adi.get("/team/").status_code) == ("viewer", 403)
    sari = client("sari")
    assert sari.post_form(f"/team/{SARI}/role", {"role": "admin"}).status_code == 303


def test_the_last_admin_is_told_what_to_do_first(store: Store, adi: Browser) -> None:
    for url, form in (("role", {"role": "sender"}), ("disable", {})):
        answer = adi.post_form(f"/team/{ADI}/{url}", {**form, "sure": "1"})
        assert (answer.status_code, faults(answer)) == (422, [])
        assert "Somebody has to be admin. Make another person one first." in answer.text
    assert role_of(store, ADI) == "admin"


def test_an_admin_who_is_demoted_while_they_press_does_nothing(
    app: Flask, store: Store, adi: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.change_role(store, SARI, "admin", ADI, utc_now())
    token = adi.csrf("/team/")
    find = team.member

    def meanwhile(*args: object) -> team.Member:
        # After the request was let in, and before it changes anything.
        with store.write() as db:
            db.execute("UPDATE users SET role = 'viewer' WHERE id = ?", [ADI])
        return find(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(team, "member", meanwhile)
    answer = adi.http.post(f"/team/{VINO}/role", data={"csrf_token": token, "role": "admin"})
    assert answer.status_code == 403
    assert "Not for your role" in answer.text
    assert role_of(store, VINO) == "viewer"
    assert app.testing


# New passwords


def test_a_person_sets_a_new_password_by_a_link(
    app: Flask, service: Service, client: Client, adi: Browser
) -> None:
    vino = client("vino")
    made = adi.post_form(f"/team/{VINO}/reset")
    path = link_on(adi.get(made.location))
    assert "is open until" in adi.get(f"/team/{VINO}").text
    assert "You are signed in as Vino" in vino.get(path).text
    phone = Browser(app)
    page = phone.get(path)
    assert (page.status_code, faults(page)) == (200, [])
    wrong = phone.post_form(path, {"password": "pendek"}, form_at=path)
    assert (wrong.status_code, faults(wrong)) == (422, [])
    done = phone.post_form(path, {"password": "kata sandi yang baru"}, form_at=path)
    # A second factor, if they use one, is still asked for: nobody is signed in by the link alone.
    assert (done.status_code, done.location) == (303, "/sign-in")
    assert "Your new password is set." in phone.get("/sign-in").text
    assert vino.get("/").status_code == 303
    form: dict[str, object] = {"email": "vino@contoh.id", "password": "kata sandi yang baru"}
    assert phone.post_form("/sign-in", form, form_at="/sign-in").status_code == 303
    ended = Browser(app).get(path)
    assert ended.status_code == 410
    assert "ask an admin of your team for a new link" in ended.text
    assert resets.open_until(service.store, VINO, service.clock()) is None


def test_nobody_makes_a_link_for_themselves(adi: Browser) -> None:
    answer = adi.post_form(f"/team/{ADI}/reset")
    assert (answer.status_code, faults(answer)) == (422, [])
    assert "Change it under Your account." in answer.text
    assert f"/team/{ADI}/reset" not in adi.get(f"/team/{ADI}").text


def test_a_link_of_one_page_is_not_shown_on_another(adi: Browser) -> None:
    made = adi.post_form(f"/team/{VINO}/reset")
    other = adi.post_form("/team/invite", {"role": "viewer"}, "/team/invite")
    assert "was shown once" in adi.get(made.location).text
    assert link_on(adi.get(other.location)).startswith("/join/")


# Second factors


def test_a_lost_second_factor_is_removed_after_a_page_that_says_what_it_means(
    store: Store, client: Client, adi: Browser
) -> None:
    give_passkey(store, VINO)
    assert f"/team/{VINO}/second-factor" in adi.get(f"/team/{VINO}").text
    assert "Their second factor is still asked for." in adi.get(f"/team/{VINO}/reset").text
    page = adi.get(f"/team/{VINO}/second-factor")
    assert faults(page) == []
    assert "From then on the password alone lets them in" in page.text
    for words in ("Vino signs in with the password alone now.", "Vino used no second factor."):
        answer = adi.post_form(f"/team/{VINO}/second-factor")
        assert words in adi.get(answer.location).text
    assert faults(adi.get(f"/team/{VINO}/second-factor")) == []
    assert client("vino").get("/").status_code == 200
    own = adi.post_form(f"/team/{ADI}/second-factor")
    assert (own.status_code, faults(own)) == (422, [])


# The trail


def test_the_trail_says_it_in_words_without_addresses_and_secrets(
    service: Service, adi: Browser, app: Flask
) -> None:
    path = invite(adi, email="budi@contoh.id", role="editor")
    Browser(app).post_form(path, dict(BUDI), form_at=path)
    invite(adi)
    adi.post_form(f"/team/{VINO}/role", {"role": "sender"})
    adi.post_form(f"/team/{VINO}/reset")
    page = adi.get("/activity/")
    assert faults(page) == []
    for sentence in (
        "Invited whoever has the link to the team (role: Viewer).",
        "to the team (role: Template editor).",
        "from Viewer to Sender.",
        "to set a new password.",
        "Joined the team as",
    ):
        assert sentence in page.text, sentence
    kept = str(activity.newest(service.store))
    assert "budi@contoh.id" not in kept
    assert path.removeprefix("/join/") not in kept + page.text


def test_a_lapsed_invitation_is_marked_and_its_link_says_what_to_do(
    app: Flask, service: Service, adi: Browser
) -> None:
    made = invites.invite(service.store, "viewer", "", ADI, service.clock() - timedelta(hours=48))
    answer = adi.get("/team/")
    assert faults(answer) == []
    assert "The link lets nobody in any more." in answer.text
    assert Browser(app).get(f"/join/{made.secret}").status_code == 410
