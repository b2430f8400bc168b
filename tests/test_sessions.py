"""What signing in promises: who gets in, how fast one may guess, how long it lasts, and what is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailroom import passwords, people, sessions, sign_ins, throttle
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.sign_ins import Entered, Visitor
from mailroom.store import Store

NOW = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)
PASSWORD = "kereta api malam adi"
HOME = "203.0.113.7"


def later(**parts: float) -> datetime:
    return NOW + timedelta(**parts)


@pytest.fixture(autouse=True)
def adi(store: Store) -> User:
    return people.add(store, "adi@contoh.id", "Adi", "admin", PASSWORD, NOW)


def sign_in(
    store: Store,
    email: str = "adi@contoh.id",
    password: str = PASSWORD,
    address: str = HOME,
    now: datetime = NOW,
) -> str:
    entered = sign_ins.by_password(store, email, password, Visitor(address, "Mozilla/5.0"), now)
    assert isinstance(entered, Entered)
    return entered.session_id


def refusal(store: Store, email: str = "adi@contoh.id", address: str = HOME, now: datetime = NOW) -> str:
    with pytest.raises(Problem) as refused:
        sign_in(store, email, "kata sandi yang salah", address, now)
    return str(refused.value)


def everything_kept(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob("mailroom.db*"))


# Signing in


def test_an_unknown_account_and_a_wrong_password_get_the_same_words_and_the_same_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = []

    class Counting:
        def verify(self, known: str, password: str) -> bool:
            parameters.append(known.rsplit("$", 2)[0])
            return hasher.verify(known, password)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    assert refusal(store) == refusal(store, email="tidak.ada@contoh.id")
    assert len(parameters) == 2
    assert parameters[0] == parameters[1]


def test_the_address_may_be_written_with_capitals_and_spaces(store: Store) -> None:
    assert sign_in(store, email=" ADI@Contoh.id ")


def test_somebody_shut_out_gets_the_same_words(store: Store) -> None:
    words = refusal(store)
    shut_out(store)
    with pytest.raises(Problem) as refused:
        sign_in(store)
    assert str(refused.value) == words


def test_after_five_wrong_tries_the_sixth_waits_and_is_told_how_long(store: Store) -> None:
    for _ in range(5):
        assert "do not belong together" in refusal(store)
    assert "Wait 15 seconds" in refusal(store)
    with pytest.raises(Problem, match="Wait 15 seconds"):
        sign_in(store)
    assert sign_in(store, now=later(seconds=15))


def test_each_wrong_try_more_doubles_the_wait_up_to_five_minutes(store: Store) -> None:
    now = NOW
    waits = []
    for _ in range(5):
        refusal(store, now=now)
    for _ in range(6):
        words = refusal(store, now=now)
        number = int(next(word for word in words.split() if word.isdigit()))
        waits.append(number * (60 if "minutes" in words else 1))
        now += timedelta(seconds=waits[-1])
        assert "do not belong together" in refusal(store, now=now)
    assert waits == [15, 30, 60, 120, 240, 300]


def test_an_account_without_owner_is_slowed_down_just_the_same(store: Store) -> None:
    for _ in range(5):
        refusal(store, email="tidak.ada@contoh.id")
    assert "Wait 15 seconds" in refusal(store, email="Tidak.Ada@contoh.id")


def test_nobody_is_locked_out_for_good(store: Store) -> None:
    for second in range(0, 3600, 5):
        refusal(store, now=later(seconds=second))
    assert sign_in(store, now=later(seconds=3600 + 300))


def test_a_clock_that_ran_ahead_locks_nobody_out(store: Store) -> None:
    for _ in range(5):
        refusal(store, now=later(days=1000))
    assert sign_in(store)


def test_signing_in_forgives_the_accounts_own_wrong_tries(store: Store) -> None:
    for _ in range(4):
        refusal(store)
    sign_in(store)
    for _ in range(4):
        assert "do not belong together" in refusal(store)


def test_an_address_that_tries_many_accounts_is_slowed_down(store: Store) -> None:
    for number in range(20):
        refusal(store, email=f"orang{number}@contoh.id")
    assert "Wait" in refusal(store, email="orang99@contoh.id")
    assert sign_in(store, address="198.51.100.1")


def test_knowing_one_password_gives_no_more_tries_at_others(store: Store) -> None:
    for number in range(19):
        refusal(store, email=f"orang{number}@contoh.id")
    sign_in(store)
    refusal(store, email="orang20@contoh.id")
    assert "Wait" in refusal(store, email="orang21@contoh.id")


def test_neighbouring_ipv6_addresses_count_as_one(store: Store) -> None:
    for number in range(20):
        refusal(store, email=f"orang{number}@contoh.id", address=f"2001:db8::{number + 1:x}")
    assert "Wait" in refusal(store, email="orang99@contoh.id", address="2001:db8::ffff")
    assert sign_in(store, address="2001:db8:0:1::1")


def test_tries_made_at_once_are_all_counted(store: Store) -> None:
    with ThreadPoolExecutor(16) as pool:
        words = list(pool.map(lambda _: refusal(store), range(16)))
    assert sum("do not belong together" in word for word in words) == 5


# Being signed in


def shut_out(store: Store) -> None:
    with store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026-11-23T00:00:00.000Z'")


def test_a_session_ends_after_twelve_idle_hours(store: Store, adi: User) -> None:
    session_id = sign_in(store)
    assert sessions.session_user(store, session_id, later(hours=11, minutes=59), extend=False) == adi
    assert sessions.session_user(store, session_id, later(hours=12), extend=True) is None


def test_using_it_keeps_a_session_for_fourteen_days_at_most(store: Store) -> None:
    session_id = sign_in(store)
    for hours in range(6, 14 * 24, 6):
        assert sessions.session_user(store, session_id, later(hours=hours), extend=True), hours
    assert sessions.session_user(store, session_id, later(days=14), extend=True) is None


def test_a_poll_does_not_keep_a_session_alive(store: Store) -> None:
    session_id = sign_in(store)
    for hours in range(12):
        assert sessions.session_user(store, session_id, later(hours=hours), extend=False)
    assert sessions.session_user(store, session_id, later(hours=12), extend=False) is None


def test_being_seen_is_written_once_a_minute_at_most(store: Store) -> None:
    session_id = sign_in(store)

    def seen() -> str:
        return str(store.read().execute("SELECT seen_at FROM sessions").fetchone()[0])

    sessions.session_user(store, session_id, later(seconds=59), extend=True)
    assert seen() == "2026-11-23T02:41:07.000Z"
    sessions.session_user(store, session_id, later(seconds=60), extend=True)
    assert seen() == "2026-11-23T02:42:07.000Z"


def test_signing_out_ends_this_session_and_no_other(store: Store, adi: User) -> None:
    desk, phone = sign_in(store), sign_in(store)
    sessions.sign_out(store, desk)
    assert sessions.session_user(store, desk, NOW, extend=True) is None
    assert sessions.session_user(store, phone, NOW, extend=True) == adi


def test_a_new_role_holds_from_the_next_request(store: Store) -> None:
    session_id = sign_in(store)
    with store.write() as db:
        db.execute("UPDATE users SET role = 'viewer'")
    user = sessions.session_user(store, session_id, NOW, extend=True)
    assert user
    assert user.role == "viewer"


def test_somebody_shut_out_is_out_at_the_next_request(store: Store) -> None:
    session_id = sign_in(store)
    shut_out(store)
    assert sessions.session_user(store, session_id, NOW, extend=True) is None


def test_an_endless_browser_name_is_cut(store: Store) -> None:
    sign_ins.by_password(store, "adi@contoh.id", PASSWORD, Visitor(HOME, "x" * 100_000), NOW)
    assert store.read().execute("SELECT length(browser) FROM sessions").fetchone()[0] == 200


def test_tidying_removes_what_has_ended_and_keeps_the_rest(store: Store, adi: User) -> None:
    old, new = sign_in(store), sign_in(store, now=later(hours=6))
    refusal(store)
    refusal(store, now=later(hours=12))
    sessions.tidy(store, later(hours=12))
    throttle.tidy(store, later(hours=12))
    count = store.read().execute("SELECT count(*) FROM sessions").fetchone()[0]
    failures = store.read().execute("SELECT count(*) FROM signin_failures").fetchone()[0]
    assert (count, failures) == (1, 2)
    assert sessions.session_user(store, old, later(hours=12), extend=True) is None
    assert sessions.session_user(store, new, later(hours=12), extend=True) == adi


# What is kept


def test_nothing_that_lets_a_person_in_is_kept_readable(store: Store) -> None:
    session_id = sign_in(store)
    refusal(store, email="oops my password here")
    kept = everything_kept(store.path)
    assert b"adi@contoh.id" in kept
    for word in (session_id, PASSWORD, "oops my password", "kata sandi yang salah"):
        assert word.encode() not in kept, word
