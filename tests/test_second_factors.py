"""Codes, recovery codes and passkeys: each lets its owner in, once, and nobody else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from mailroom import (
    activity,
    challenges,
    passkeys,
    people,
    preferences,
    recovery_codes,
    second_factors,
    sessions,
    sign_ins,
    throttle,
    totp,
)
from mailroom.challenges import Challenge, Purpose
from mailroom.keys import Keys
from mailroom.passkeys import Site
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.second_factors import Added
from mailroom.service import Service
from mailroom.sign_ins import Entered, Pending, PendingEnded, Visitor
from mailroom.store import Store
from tests.authenticator import Authenticator
from tests.house import CAST

NOW = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)
HOME = Visitor("203.0.113.7", "Mozilla/5.0")
SITE = Site("localhost", "http://localhost")
BROWSER = "rahasia formulir"


def later(**parts: float) -> datetime:
    return NOW + timedelta(**parts)


@pytest.fixture
def store(service: Service) -> Store:
    return service.store


@pytest.fixture
def keys(service: Service) -> Keys:
    return service.keys


@pytest.fixture
def sari(store: Store) -> User:
    found = people.by_email(store, CAST["sari"].email)
    assert found
    return found


@pytest.fixture
def session_id(store: Store, sari: User) -> str:
    return sessions.begin(store, sari.id, "203.0.113.7", "Mozilla/5.0", NOW)


def code(secret: str, now: datetime = NOW) -> str:
    return pyotp.TOTP(secret).at(now)


def set_up_app(store: Store, keys: Keys, user: User, session_id: str) -> tuple[str, Added]:
    """The secret of an app that was confirmed an hour before NOW, and what came of it."""
    before = later(hours=-1)
    totp.begin(store, keys, user.id, before)
    setup = totp.setup(store, keys, user, before)
    assert setup
    added = second_factors.add_app(store, keys, user, session_id, code(setup.secret, before), before)
    return setup.secret, added


def password(store: Store, now: datetime = NOW) -> str:
    """The id of the step after Sari's password."""
    found = sign_ins.by_password(store, CAST["sari"].email, CAST["sari"].password, HOME, now)
    assert isinstance(found, Pending)
    return found.id


def enters(store: Store, keys: Keys, given: str, now: datetime = NOW, pending_id: str = "") -> bool:
    try:
        return bool(sign_ins.by_code(store, keys, pending_id or password(store, now), given, HOME, now))
    except Problem:
        return False


def kinds(store: Store) -> list[str]:
    return [entry.kind for entry in reversed(activity.newest(store))]


# An app for codes


def test_the_app_counts_once_its_first_code_was_given(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    totp.begin(store, keys, sari.id, NOW)
    setup = totp.setup(store, keys, sari, NOW)
    assert setup
    assert "otpauth://totp/Mailroom:sari%40contoh.id?secret=" in setup.uri
    assert not second_factors.of(store, sari.id)
    assert isinstance(sign_ins.by_password(store, sari.email, CAST["sari"].password, HOME, NOW), Entered)
    with pytest.raises(Problem):
        second_factors.add_app(store, keys, sari, session_id, "000000", NOW)
    added = second_factors.add_app(store, keys, sari, session_id, code(setup.secret), NOW)
    assert len(set(added.codes)) == 10
    assert totp.setup(store, keys, sari, NOW) is None
    assert second_factors.of(store, sari.id).codes_left == 10
    assert isinstance(sign_ins.by_password(store, sari.email, CAST["sari"].password, HOME, NOW), Pending)
    assert {"second_factor_added", "recovery_codes_made"} <= set(kinds(store))


def test_a_set_up_that_was_left_lying_ends_after_an_hour(store: Store, keys: Keys, sari: User) -> None:
    totp.begin(store, keys, sari.id, NOW)
    assert totp.setup(store, keys, sari, later(minutes=59))
    assert totp.setup(store, keys, sari, later(hours=1)) is None
    totp.tidy(store, later(hours=1))
    assert store.read().execute("SELECT count(*) FROM totp_secrets").fetchone()[0] == 0


def test_a_change_ends_the_other_sessions_and_gives_this_one_a_new_id(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    other = sessions.begin(store, sari.id, "", "", NOW)
    _, added = set_up_app(store, keys, sari, session_id)
    left = [sessions.session_user(store, one, NOW, extend=False) for one in (session_id, other)]
    assert left == [None, None]
    assert sessions.session_user(store, added.session_id, NOW, extend=False) == sari


@pytest.mark.parametrize(("off", "right"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_the_clock_of_a_phone_may_be_half_a_minute_off(
    store: Store, keys: Keys, sari: User, session_id: str, off: int, right: bool
) -> None:
    secret, _ = set_up_app(store, keys, sari, session_id)
    assert enters(store, keys, code(secret, later(seconds=off))) is right


def test_a_code_lets_in_once(store: Store, keys: Keys, sari: User, session_id: str) -> None:
    secret, _ = set_up_app(store, keys, sari, session_id)
    assert enters(store, keys, f" {code(secret)[:3]} {code(secret)[3:]} ")
    assert not enters(store, keys, code(secret))
    # Nor does the one before it, which somebody may have read over a shoulder.
    assert not enters(store, keys, code(secret, later(seconds=-30)))
    assert enters(store, keys, code(secret, later(seconds=30)), later(seconds=30))


def test_without_the_step_that_is_kept_a_code_would_let_in_twice(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    secret, _ = set_up_app(store, keys, sari, session_id)
    assert enters(store, keys, code(secret))
    with store.write() as db:
        db.execute("UPDATE totp_secrets SET last_step = 0")
    assert enters(store, keys, code(secret))


def test_the_code_that_confirmed_the_app_is_used_up(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    totp.begin(store, keys, sari.id, NOW)
    setup = totp.setup(store, keys, sari, NOW)
    assert setup
    second_factors.add_app(store, keys, sari, session_id, code(setup.secret), NOW)
    assert not enters(store, keys, code(setup.secret))


def test_of_many_who_give_one_code_at_once_one_gets_in(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    secret, _ = set_up_app(store, keys, sari, session_id)
    steps = [password(store) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda step: enters(store, keys, code(secret), pending_id=step), steps)) == 1


def test_a_new_app_takes_the_place_of_the_old_one(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    old, added = set_up_app(store, keys, sari, session_id)
    new, again = set_up_app(store, keys, sari, added.session_id)
    assert again.codes == []
    assert not enters(store, keys, code(old))
    assert enters(store, keys, code(new))


# Recovery codes


def test_a_recovery_code_lets_in_once_however_it_is_typed(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    assert enters(store, keys, added.codes[0])
    assert not enters(store, keys, added.codes[0])
    assert enters(store, keys, added.codes[1].replace("-", " ").upper())
    assert second_factors.of(store, sari.id).codes_left == 8
    assert activity.newest(store, kind="recovery_code_used")[0].details == {"left": 8}


def test_without_being_used_up_a_recovery_code_would_let_in_twice(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    kept = [tuple(row) for row in store.read().execute("SELECT user_id, code_hash FROM recovery_codes")]
    assert enters(store, keys, added.codes[0])
    with store.write() as db:
        db.conn.executemany("INSERT OR IGNORE INTO recovery_codes VALUES (?, ?)", kept)
    assert enters(store, keys, added.codes[0])


def test_new_recovery_codes_make_the_old_ones_worth_nothing(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    new = second_factors.new_codes(store, sari, added.session_id, NOW)
    assert not set(new.codes) & set(added.codes)
    assert not enters(store, keys, added.codes[0])
    assert enters(store, keys, new.codes[0])


def test_the_recovery_codes_of_others_let_nobody_in(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    with store.write() as db:
        assert not recovery_codes.use(db, 3, added.codes[0])


def test_without_a_second_factor_there_are_no_recovery_codes(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    with pytest.raises(Problem):
        second_factors.new_codes(store, sari, session_id, NOW)
    _, added = set_up_app(store, keys, sari, session_id)
    second_factors.remove_app(store, sari, added.session_id, NOW)
    assert second_factors.of(store, sari.id) == second_factors.Factors(None, (), 0)
    assert isinstance(sign_ins.by_password(store, sari.email, CAST["sari"].password, HOME, NOW), Entered)


# The step between password and code


def test_the_step_after_the_password_is_good_for_one_session(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    secret, added = set_up_app(store, keys, sari, session_id)
    step = password(store)
    assert enters(store, keys, code(secret), pending_id=step)
    with pytest.raises(PendingEnded):
        sign_ins.by_code(store, keys, step, added.codes[0], HOME, NOW)
    # The recovery code was not used up in vain.
    assert second_factors.of(store, sari.id).codes_left == 10


def test_without_being_used_up_the_step_would_let_in_twice(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    secret, added = set_up_app(store, keys, sari, session_id)
    step = password(store)
    kept = tuple(store.read().execute("SELECT * FROM pending_sign_ins").fetchone())
    assert enters(store, keys, code(secret), pending_id=step)
    with store.write() as db:
        db.execute("INSERT INTO pending_sign_ins VALUES (?, ?, ?)", kept)
    assert enters(store, keys, added.codes[0], pending_id=step)


def test_the_step_ends_after_ten_minutes_and_with_a_new_password(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    step = password(store)
    assert sign_ins.waiting(store, step, later(minutes=9, seconds=59)) == sari.id
    for bad, moment in ((step, later(minutes=10)), ("", NOW), ("x", NOW)):
        with pytest.raises(PendingEnded):
            sign_ins.by_code(store, keys, bad, added.codes[0], HOME, moment)
    new = "gerobak sapi di sawah"
    sign_ins.change_password(store, sari, added.session_id, CAST["sari"].password, new, HOME, NOW)
    with pytest.raises(PendingEnded):
        sign_ins.waiting(store, step, NOW)


def test_somebody_shut_out_meanwhile_does_not_get_in(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    step = password(store)
    with store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026-11-23T00:00:00.000Z'")
    with pytest.raises(PendingEnded):
        sign_ins.by_code(store, keys, step, added.codes[0], HOME, NOW)


def test_wrong_codes_are_slowed_down_and_the_password_does_not_forgive_them(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    secret, _ = set_up_app(store, keys, sari, session_id)
    for n in range(throttle.FREE_FOR_ACCOUNT):
        # Each time half-way in again, as somebody would who knows the password, from another network.
        step = password(store)
        with pytest.raises(Problem, match="does not fit"):
            sign_ins.by_code(store, keys, step, "000000", Visitor(f"198.51.100.{n}", ""), NOW)
    with pytest.raises(Problem, match="Wait 15 seconds"):
        sign_ins.by_code(store, keys, password(store), code(secret), HOME, NOW)
    soon = later(seconds=15)
    assert enters(store, keys, code(secret, soon), soon)
    noted = activity.newest(store, kind="second_step_failed")
    assert [(entry.who, entry.details["tries"]) for entry in noted] == [("", 5)]
    assert "sari@contoh.id" not in str(noted[0].details)


def test_many_wrong_passwords_are_one_entry_in_the_trail(store: Store) -> None:
    for n in range(12):
        with pytest.raises(Problem):
            sign_ins.by_password(
                store, f"orang{n % 3}@contoh.id" if n % 4 else "sari@contoh.id", "x", HOME, NOW
            )
    throttle.tidy(store, later(minutes=14))
    assert activity.newest(store, kind="sign_ins_failed") == []
    throttle.tidy(store, later(minutes=15))
    throttle.tidy(store, later(minutes=16))
    assert [entry.details for entry in activity.newest(store, kind="sign_ins_failed")] == [
        {"tries": 12, "accounts": 1}
    ]


# Passkeys


def challenge(keys: Keys, purpose: Purpose = "sign_in", now: datetime = NOW) -> Challenge:
    return challenges.new(keys, purpose, BROWSER, now)


def add_passkey(
    store: Store, keys: Keys, user: User, session_id: str, passkey: Authenticator, name: str = "Laptop kantor"
) -> Added:
    asked = challenge(keys, "register")
    made = passkeys.registered(SITE, asked, passkey.make(passkeys.to_register(store, SITE, user, asked)))
    return second_factors.add_passkey(store, user, session_id, name, made, asked, NOW)


def answered(passkey: Authenticator, asked: Challenge, **changes: Any) -> str:
    return passkey.sign({**passkeys.to_sign_in(SITE, asked), **changes})


def comes_in(store: Store, asked: Challenge | None, response: str) -> bool:
    try:
        return bool(sign_ins.by_passkey(store, SITE, asked, response, HOME, NOW))
    except Problem:
        return False


@pytest.mark.parametrize("counts", [False, True])
def test_a_passkey_signs_in_alone_and_after_the_password(
    store: Store, keys: Keys, sari: User, session_id: str, counts: bool
) -> None:
    passkey = Authenticator(counts=counts)
    added = add_passkey(store, keys, sari, session_id, passkey)
    assert len(added.codes) == 10
    asked = challenge(keys)
    entered = sign_ins.by_passkey(store, SITE, asked, answered(passkey, asked), HOME, NOW)
    assert sessions.session_user(store, entered.session_id, NOW, extend=False) == sari
    asked = challenge(keys)
    again = sign_ins.by_second_passkey(
        store, SITE, password(store), asked, answered(passkey, asked), HOME, NOW
    )
    assert again.user_id == sari.id
    (kept,) = second_factors.of(store, sari.id).passkeys
    assert (kept.name, kept.last_used_at) == ("Laptop kantor", "2026-11-23T02:41:07.000Z")
    methods = [str(entry.details["method"]) for entry in activity.newest(store, kind="signed_in", limit=2)]
    assert methods == ["password+passkey", "passkey"]


def test_an_answer_lets_in_once(store: Store, keys: Keys, sari: User, session_id: str) -> None:
    passkey = Authenticator()
    add_passkey(store, keys, sari, session_id, passkey)
    asked = challenge(keys)
    response = answered(passkey, asked)
    assert comes_in(store, asked, response)
    assert not comes_in(store, asked, response)
    # Were spent challenges not remembered, the same answer would let in again.
    challenges.tidy(store, later(hours=1))
    assert comes_in(store, asked, response)


def test_an_answer_counts_only_where_and_for_what_it_was_asked(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    passkey = Authenticator()
    add_passkey(store, keys, sari, session_id, passkey)
    asked = challenge(keys)
    elsewhere = Authenticator("http://jahat.example", key=passkey.key, handle=passkey.handle)
    assert not comes_in(store, asked, answered(elsewhere, asked))
    assert not comes_in(store, asked, answered(passkey, asked, rpId="jahat.example"))
    assert not comes_in(store, challenge(keys), answered(passkey, asked))
    assert not comes_in(store, None, answered(passkey, asked))
    stranger = Authenticator(handle=passkey.handle)
    assert not comes_in(store, asked, answered(stranger, asked))
    other_owner = replace(passkey, handle=passkey.handle[:-4] + "AAAA")
    assert not comes_in(store, asked, answered(other_owner, asked))
    unverified = replace(passkey, verifies=False)
    assert not comes_in(store, asked, answered(unverified, asked))
    assert comes_in(store, asked, answered(passkey, asked))


@pytest.mark.parametrize(
    ("purpose", "browser", "when"),
    [
        ("second_step", BROWSER, NOW),
        ("sign_in", "peramban lain", NOW),
        ("sign_in", BROWSER, later(minutes=10)),
    ],
)
def test_a_challenge_is_good_for_one_purpose_in_one_browser_for_ten_minutes(
    keys: Keys, purpose: Purpose, browser: str, when: datetime
) -> None:
    asked = challenge(keys)
    assert challenges.given_back(keys, asked.signed, "sign_in", BROWSER, later(minutes=9)) == asked
    assert challenges.given_back(keys, asked.signed, purpose, browser, when) is None


@pytest.mark.parametrize("signed", ["", "x", "eyJ9.x", "W10.x"])
def test_an_invented_challenge_is_none(keys: Keys, signed: str) -> None:
    assert challenges.given_back(keys, signed, "sign_in", BROWSER, NOW) is None


def test_a_copy_that_counts_behind_is_refused(store: Store, keys: Keys, sari: User, session_id: str) -> None:
    passkey = Authenticator(counts=True)
    add_passkey(store, keys, sari, session_id, passkey)
    copy = replace(passkey)
    for _ in range(2):
        asked = challenge(keys)
        assert comes_in(store, asked, answered(passkey, asked))
    asked = challenge(keys)
    assert not comes_in(store, asked, answered(copy, asked))


def test_after_the_password_only_ones_own_passkey_fits(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    vino = people.by_email(store, CAST["vino"].email)
    assert vino
    add_passkey(store, keys, sari, session_id, Authenticator(name=b"kunci-sari"))
    theirs = Authenticator(name=b"kunci-vino")
    add_passkey(store, keys, vino, sessions.begin(store, vino.id, "", "", NOW), theirs)
    asked = challenge(keys)
    with pytest.raises(Problem, match="does not fit"):
        sign_ins.by_second_passkey(store, SITE, password(store), asked, answered(theirs, asked), HOME, NOW)


def test_codes_tried_by_others_do_not_keep_a_passkeys_owner_out(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    passkey = Authenticator()
    add_passkey(store, keys, sari, session_id, passkey)
    for n in range(8):
        with pytest.raises(Problem):
            sign_ins.by_code(store, keys, password(store), "000000", Visitor(f"198.51.100.{n}", ""), NOW)
    asked = challenge(keys)
    response = answered(passkey, asked)
    assert sign_ins.by_second_passkey(store, SITE, password(store), asked, response, HOME, NOW)


def test_a_removed_passkey_and_one_of_somebody_shut_out_let_nobody_in(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    first, second = Authenticator(name=b"satu"), Authenticator(name=b"dua")
    added = add_passkey(store, keys, sari, session_id, first)
    added = add_passkey(store, keys, sari, added.session_id, second, "Ponsel")
    removed = second_factors.of(store, sari.id).passkeys[0]
    second_factors.remove_passkey(store, sari, added.session_id, removed.id, NOW)
    asked = challenge(keys)
    assert not comes_in(store, asked, answered(first, asked))
    response = answered(second, asked)
    with store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026-11-23T00:00:00.000Z'")
    assert not comes_in(store, asked, response)
    assert [entry.details for entry in activity.newest(store, kind="passkey_removed")] == [
        {"name": "Laptop kantor"}
    ]


def test_nobody_removes_the_passkey_of_another(store: Store, keys: Keys, sari: User, session_id: str) -> None:
    add_passkey(store, keys, sari, session_id, Authenticator())
    vino = people.by_email(store, CAST["vino"].email)
    assert vino
    number = second_factors.of(store, sari.id).passkeys[0].id
    second_factors.remove_passkey(store, vino, sessions.begin(store, vino.id, "", "", NOW), number, NOW)
    assert second_factors.of(store, sari.id).passkeys


def test_a_passkey_is_added_once_and_a_form_sent_twice_adds_none(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    passkey = Authenticator()
    add_passkey(store, keys, sari, session_id, passkey)
    with pytest.raises(Problem, match="known already"):
        add_passkey(store, keys, sari, session_id, passkey)
    asked, new = challenge(keys, "register"), Authenticator(name=b"baru")
    made = passkeys.registered(SITE, asked, new.make(passkeys.to_register(store, SITE, sari, asked)))
    second_factors.add_passkey(store, sari, session_id, "Ponsel", made, asked, NOW)
    with pytest.raises(Problem, match="sent before"):
        second_factors.add_passkey(store, sari, session_id, "Ponsel", made, asked, NOW)


@pytest.mark.parametrize(
    "response", ["", "x", "[]", "{}", '{"id": 1, "response": {}}', '{"id": "a", "response": 1}', "9" * 30_000]
)
def test_rubbish_from_a_browser_is_no_passkey(store: Store, keys: Keys, response: str) -> None:
    asked = challenge(keys)
    assert not comes_in(store, asked, response)
    with pytest.raises(Problem, match="could not be added"):
        passkeys.registered(SITE, asked, response)


def test_a_storm_of_wrong_passkeys_is_slowed_down_for_its_network_alone(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    passkey = Authenticator()
    add_passkey(store, keys, sari, session_id, passkey)
    asked = challenge(keys)
    for _ in range(throttle.FREE_FOR_NETWORK):
        assert not comes_in(store, asked, "{}")
    response = answered(passkey, asked)
    assert not comes_in(store, asked, response)
    assert sign_ins.by_passkey(store, SITE, asked, response, Visitor("198.51.100.1", ""), NOW)


# For others


def test_an_admins_reset_takes_everything_and_signs_out(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    _, added = set_up_app(store, keys, sari, session_id)
    added = add_passkey(store, keys, sari, added.session_id, Authenticator())
    step = password(store)
    assert second_factors.remove_all(store, sari.id, 1, NOW)
    assert second_factors.of(store, sari.id) == second_factors.Factors(None, (), 0)
    assert sessions.session_user(store, added.session_id, NOW, extend=False) is None
    with pytest.raises(PendingEnded):
        sign_ins.waiting(store, step, NOW)
    entry = activity.newest(store, kind="second_factors_removed")[0]
    assert (entry.who, "sari@contoh.id" in str(entry.details)) == ("Adi", False)


def test_who_would_be_asked_is_counted_by_role(store: Store, keys: Keys, sari: User, session_id: str) -> None:
    assert second_factors.without(store) == {"admin": 1, "sender": 1, "editor": 1, "viewer": 1}
    set_up_app(store, keys, sari, session_id)
    assert second_factors.without(store) == {"admin": 1, "editor": 1, "viewer": 1}


def test_a_role_that_needs_one_misses_it_until_it_is_set_up(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    assert not second_factors.missing(store, sari)
    wanted = replace(preferences.get(store), second_factor_roles=("sender", "admin"))
    preferences.save(store, wanted, 1, NOW)
    assert preferences.get(store) == wanted
    assert second_factors.missing(store, sari)
    set_up_app(store, keys, sari, session_id)
    assert not second_factors.missing(store, sari)


def test_nothing_that_lets_a_person_in_is_kept_readable(
    store: Store, keys: Keys, sari: User, session_id: str
) -> None:
    secret, added = set_up_app(store, keys, sari, session_id)
    step = password(store)
    kept = b"".join(file.read_bytes() for file in store.path.parent.glob("mailroom.db*"))
    assert b"sari@contoh.id" in kept
    for word in (secret, step, added.session_id, *added.codes, added.codes[0].replace("-", "")):
        assert word.encode() not in kept
