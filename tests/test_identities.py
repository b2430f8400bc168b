"""Sender identities: whose name a mail may carry."""

from datetime import UTC, datetime

import pytest

from mailroom import identities, people
from mailroom.problems import Problem
from mailroom.store import Store

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)


@pytest.fixture
def adi(store: Store) -> int:
    return people.add(store, "adi@contoh.id", "Adi", "admin", "kereta api malam adi", NOW).id


def test_identities_are_listed_by_name(store: Store, adi: int) -> None:
    identities.add(store, "tagihan@contoh.id", "Tim Tagihan", adi, NOW)
    info = identities.add(store, " info@Contoh.ID ", " Info\u00a0Contoh ", adi, NOW)

    assert [line.name for line in identities.all_identities(store)] == ["Info Contoh", "Tim Tagihan"]
    assert identities.get(store, info.id) == identities.Identity(info.id, "info@contoh.id", "Info Contoh")


def test_one_address_may_have_several_names_but_each_only_once(store: Store, adi: int) -> None:
    identities.add(store, "info@contoh.id", "Info", adi, NOW)
    identities.add(store, "info@contoh.id", "Layanan", adi, NOW)

    with pytest.raises(Problem) as caught:
        identities.add(store, "INFO@contoh.id", "Info", adi, NOW)
    assert caught.value.field == "email"


@pytest.mark.parametrize(
    "email", ["", "info", "info@", "info@contoh", "a@b.id\nBcc: c@d.id", "toko@contoh.id,b@c.id"]
)
def test_what_is_no_address_is_refused(store: Store, adi: int, email: str) -> None:
    with pytest.raises(Problem) as caught:
        identities.add(store, email, "Info", adi, NOW)
    assert caught.value.field == "email"


@pytest.mark.parametrize("name", ["", "  ", "Info\r\nBcc: c@d.id", "In\x00fo", "x" * 101, "Info\u2028b"])
def test_a_name_that_would_break_the_mails_header_is_refused(store: Store, adi: int, name: str) -> None:
    with pytest.raises(Problem) as caught:
        identities.add(store, "info@contoh.id", name, adi, NOW)
    assert caught.value.field == "name"


def test_the_sandbox_domain_may_send(store: Store, adi: int) -> None:
    assert identities.add(store, "info@sandbox.test", "Info", adi, NOW).email == "info@sandbox.test"


def test_a_removed_identity_is_offered_no_more_but_still_known(store: Store, adi: int) -> None:
    info = identities.add(store, "info@contoh.id", "Info", adi, NOW)

    assert identities.remove(store, info.id, 1, NOW)
    assert not identities.remove(store, info.id, 1, NOW)
    assert identities.all_identities(store) == []
    assert identities.get(store, info.id) == info


def test_a_removed_identity_can_be_added_again(store: Store, adi: int) -> None:
    info = identities.add(store, "info@contoh.id", "Info", adi, NOW)
    identities.remove(store, info.id, 1, NOW)

    assert identities.add(store, "info@contoh.id", "Info", adi, NOW) == info
    assert identities.all_identities(store) == [info]


def test_an_unknown_identity_is_a_lookup_error(store: Store) -> None:
    with pytest.raises(LookupError):
        identities.get(store, 1)
