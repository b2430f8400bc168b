"""The unsubscribe link: only we make it, it holds one address, and it can be taken back for a while."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from mailroom import suppressions, unsubscribe
from mailroom.addresses import masked
from mailroom.keys import Keys
from mailroom.settings import SettingError, from_environment
from mailroom.store import Store
from mailroom.unsubscribe import Links
from tests.records import NOON, add_batch

KEY = Fernet.generate_key()
LINKS = Links(Keys([KEY]), "https://mailroom.contoh.id")


def text(links: Links, email: str) -> str:
    return links.url(email).removeprefix(links.base_url + unsubscribe.PATH)


def test_a_link_is_short_and_safe_in_an_address_and_leads_back_to_the_recipient() -> None:
    url = LINKS.url("siti.nurhaliza+promo@contoh.id")
    assert url.startswith("https://mailroom.contoh.id/u/")
    assert len(url) < 100
    assert url.rpartition("/")[2].replace("-", "").replace("_", "").isalnum()
    assert LINKS.email(text(LINKS, "siti@contoh.id")) == "siti@contoh.id"


def test_every_change_of_a_single_letter_makes_it_worthless() -> None:
    good = text(LINKS, "siti@contoh.id")
    letters = "ABab01-_"
    for place in range(len(good)):
        for letter in letters:
            changed = good[:place] + letter + good[place + 1 :]
            assert LINKS.email(changed) == ("siti@contoh.id" if changed == good else None)


@given(st.text(max_size=600))
def test_what_we_did_not_make_is_nobodys(strange: str) -> None:
    assert LINKS.email(strange) is None


def test_another_mailroom_does_not_take_it() -> None:
    assert Links(Keys([Fernet.generate_key()]), LINKS.base_url).email(text(LINKS, "siti@contoh.id")) is None


def test_a_link_made_with_an_older_key_still_works_as_long_as_the_key_is_kept() -> None:
    newer = Links(Keys([Fernet.generate_key(), KEY]), LINKS.base_url)
    assert newer.email(text(LINKS, "siti@contoh.id")) == "siti@contoh.id"
    assert newer.url("siti@contoh.id") != LINKS.url("siti@contoh.id")


def test_the_owner_recognizes_the_address_and_others_do_not() -> None:
    assert masked("siti@contoh.id") == "s•••@contoh.id"


def test_stopped_twice_is_stopped_once_and_can_be_taken_back_for_a_while(store: Store) -> None:
    unsubscribe.stop(store, "siti@contoh.id", NOON)
    unsubscribe.stop(store, "Siti@contoh.id", NOON + timedelta(minutes=30))
    line = suppressions.get(store, "siti@contoh.id")
    assert line
    assert (line.reason, line.added_at, line.added_by) == ("unsubscribed", "2026-11-23T05:00:00.000Z", "")
    late = NOON + timedelta(minutes=61)
    assert unsubscribe.may_undo(line, NOON + timedelta(minutes=59))
    assert not unsubscribe.may_undo(line, late)
    assert not unsubscribe.undo(store, "siti@contoh.id", late)
    assert unsubscribe.undo(store, "SITI@contoh.id", NOON + timedelta(minutes=59))
    assert suppressions.get(store, "siti@contoh.id") is None
    assert not unsubscribe.undo(store, "siti@contoh.id", NOON)


def test_whoever_was_on_the_list_before_stays_on_it_and_has_asked_too(store: Store) -> None:
    add_batch(store, [])
    suppressions.add(store, ["siti@contoh.id"], "import", "pindah", 1, NOON)
    unsubscribe.stop(store, "siti@contoh.id", NOON)
    line = suppressions.get(store, "siti@contoh.id")
    assert line
    assert (line.reason, line.note) == ("unsubscribed", "before: import pindah")
    assert not unsubscribe.may_undo(line, NOON)
    assert not unsubscribe.undo(store, "siti@contoh.id", NOON)


# Where links lead


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("", "http://127.0.0.1:8025"),
        ("https://mailroom.contoh.id", "https://mailroom.contoh.id"),
        ("https://mailroom.contoh.id/", "https://mailroom.contoh.id"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_the_public_address_is_the_one_set_or_where_it_listens(url: str, public: str) -> None:
    assert from_environment({"MAILROOM_URL": url}).public_url == public


@pytest.mark.parametrize(
    "url",
    ["mailroom.contoh.id", "ftp://contoh.id", "https://", "https://a/b", "https://a?b", "https://a#b", "https://u:p@a",
     "https://a:x", "https://a\n", "javascript:alert(1)", "https://a b", "https://[",
     "https://[::::]", "https://a:99999", "https://contoh.id//"],
)  # fmt: skip
def test_a_public_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="MAILROOM_URL"):
        from_environment({"MAILROOM_URL": url})


@pytest.mark.parametrize(
    ("environment", "only_here"),
    [
        ({}, True),
        ({"MAILROOM_HOST": "0.0.0.0"}, True),
        ({"MAILROOM_HOST": "::1"}, True),
        ({"MAILROOM_HOST": "10.0.0.7"}, False),
        ({"MAILROOM_URL": "http://localhost:8025"}, True),
        ({"MAILROOM_URL": "https://mailroom.contoh.id"}, False),
    ],
)
def test_an_address_nobody_else_can_reach_is_known_as_such(
    environment: dict[str, str], only_here: bool
) -> None:
    assert from_environment(environment).only_here == only_here
