"""What adding people promises: the set-up link, and what a person may give as name, address and password."""

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from mailroom import invites, passwords, people
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso

NOW = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)
PASSWORD = "kereta api malam adi"


def later(**parts: float) -> datetime:
    return NOW + timedelta(**parts)


# Set-up links


def accept(store: Store, secret: str, now: datetime = NOW, email: str = "adi@contoh.id") -> User:
    return invites.accept_invite(store, secret, email, "Adi", PASSWORD, now)


def link(store: Store, now: datetime = NOW) -> str:
    secret = invites.new_setup_link(store, now)
    assert secret
    return secret


def test_the_set_up_link_makes_the_first_admin(store: Store) -> None:
    user = accept(store, link(store))
    assert (user.role, user.email, user.name, user.disabled) == ("admin", "adi@contoh.id", "Adi", False)


def test_the_set_up_link_works_once(store: Store) -> None:
    secret = link(store)
    accept(store, secret)
    assert invites.find_invite(store, secret, NOW) is None
    with pytest.raises(invites.InviteEnded):
        accept(store, secret, email="lain@contoh.id")


def test_of_people_who_open_the_link_at_once_one_gets_in(store: Store) -> None:
    secret = link(store)

    def race(number: int) -> bool:
        try:
            accept(store, secret, email=f"orang{number}@contoh.id")
        except invites.InviteEnded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(8))) == 1
    assert store.read().execute("SELECT count(*) FROM users").fetchone()[0] == 1


def test_the_set_up_link_ends_after_48_hours(store: Store) -> None:
    secret = link(store)
    assert invites.find_invite(store, secret, later(hours=47, minutes=59))
    assert invites.find_invite(store, secret, later(hours=48)) is None
    with pytest.raises(invites.InviteEnded):
        accept(store, secret, later(hours=48))


def test_a_new_set_up_link_ends_the_one_before(store: Store) -> None:
    first, second = link(store), link(store)
    assert invites.find_invite(store, first, NOW) is None
    assert invites.find_invite(store, second, NOW)


def test_there_is_no_set_up_link_once_there_is_somebody(store: Store) -> None:
    secret = link(store)
    people.add(store, "sari@contoh.id", "Sari", "sender", "kereta api malam sari", NOW)
    assert invites.new_setup_link(store, NOW) is None
    with pytest.raises(invites.InviteEnded):
        accept(store, secret)


def test_a_link_that_never_was_lets_nobody_in(store: Store) -> None:
    link(store)
    for secret in ("", "x", "' OR 1=1 --", "\udcff"):
        assert invites.find_invite(store, secret, NOW) is None


def test_a_link_stays_good_when_the_form_has_a_fault(store: Store) -> None:
    secret = link(store)
    with pytest.raises(Problem):
        invites.accept_invite(store, secret, "adi@contoh.id", "Adi", "pendek", NOW)
    assert accept(store, secret).role == "admin"


def test_an_admins_invitation_gives_its_role_and_works_once(store: Store) -> None:
    admin = people.add(store, "adi@contoh.id", "Adi", "admin", PASSWORD, NOW)
    secret_hash = hashlib.sha256(b"undangan").hexdigest()
    with store.write() as db:
        db.execute(
            "INSERT INTO invites (secret_hash, role, email, invited_by, created_at, expires_at) "
            "VALUES (?, 'viewer', 'vino@contoh.id', ?, ?, ?)",
            [secret_hash, admin.id, iso(NOW), iso(later(hours=48))],
        )
    assert invites.find_invite(store, "undangan", NOW) == invites.Invite("viewer", "vino@contoh.id", "Adi")
    assert accept(store, "undangan", email="vino@contoh.id").role == "viewer"
    with pytest.raises(invites.InviteEnded):
        accept(store, "undangan", email="lain@contoh.id")


# What a person gives


@pytest.mark.parametrize(
    ("field", "email", "name", "password"),
    [
        ("email", "adi", "Adi", PASSWORD),
        ("email", "", "Adi", PASSWORD),
        ("email", "adi@contoh.id\r\nBcc: x@y.id", "Adi", PASSWORD),
        ("name", "adi@contoh.id", "   ", PASSWORD),
        ("name", "adi@contoh.id", "A" * 81, PASSWORD),
        ("name", "adi@contoh.id", "Adi\x00", PASSWORD),
        ("name", "adi@contoh.id", "Adi\u202egnp", PASSWORD),
        ("password", "adi@contoh.id", "Adi", ""),
        ("password", "adi@contoh.id", "Adi", "sebelas-abc"),
        ("password", "adi@contoh.id", "Adi", "ab" * 101),
        ("password", "adi@contoh.id", "Adi", "aaaaaaaaaaaaaa"),
        ("password", "adi@contoh.id", "Adi", "Adi@Contoh.ID "),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(
    store: Store, field: str, email: str, name: str, password: str
) -> None:
    assert list(people.faults(email, name, password)) == [field]
    with pytest.raises(Problem) as refused:
        people.add(store, email, name, "viewer", password, NOW)
    assert refused.value.field == field
    assert not people.anybody(store)
    if password:
        assert password not in str(refused.value)


def test_every_fault_of_the_form_is_said_at_once() -> None:
    assert set(people.faults("", "", "")) == {"email", "name", "password"}


@pytest.mark.parametrize("password", ["dua belas ok", "Ж" * 11 + "ж", "a" * 199 + "b"])
def test_long_passwords_need_no_special_characters(password: str) -> None:
    assert not people.faults("adi@contoh.id", "Adi", password)


@pytest.mark.parametrize(
    "password",
    [
        "123456789012", "qwertyuiop123", "Password1234", "Password-2026!", "mailroom2026", "OCA Mailroom 1",
        "abcabcabcabc", "passwordpassword", "kopi kopi kopi ", "1q2w3e4r5t6y", "zxcvbnmasdfghjkl", "Indonesia1945",
        "rahasia12345", "iloveyou12345", "AdminAdmin!!", "qazwsxedcrfv", "Admin@telkom1",
    ],
)  # fmt: skip
def test_what_others_would_try_early_is_refused(password: str) -> None:
    assert list(people.faults("adi@contoh.id", "Adi", password)) == ["password"]


@pytest.mark.parametrize(
    "password",
    [
        "kereta api malam adi",
        "cinta kopi hitam panas",
        "passing the salt",
        "x7Gq-92mB-plw3",
        "Mailroom tanpa keluhan",
    ],
)
def test_a_well_known_word_among_others_does_no_harm(password: str) -> None:
    assert people.faults("adi@contoh.id", "Adi", password) == {}


def test_an_address_belongs_to_one_person_however_it_is_written(store: Store) -> None:
    people.add(store, "adi@contoh.id", "Adi", "admin", PASSWORD, NOW)
    with pytest.raises(Problem) as refused:
        people.add(store, "ADI@contoh.id", "Adi lain", "viewer", PASSWORD, NOW)
    assert refused.value.field == "email"


def test_a_mistake_of_the_program_is_not_called_a_taken_address(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        people.add(store, "adi@contoh.id", "Adi", "owner", PASSWORD, NOW)  # type: ignore[arg-type]


def test_a_role_may_what_the_lower_ones_may() -> None:
    adi = User(1, "adi@contoh.id", "Adi", "admin", False)
    sari = User(2, "sari@contoh.id", "Sari", "sender", False)
    assert adi.may_as("admin")
    assert adi.may_as("viewer")
    assert sari.may_as("sender")
    assert not sari.may_as("admin")


def test_a_password_fits_however_the_keyboard_composes_its_letters() -> None:
    kept = passwords.hashed("caf\u00e9 di malam hari")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.fits(kept, "cafe\u0301 di malam hari")
    assert not passwords.fits(kept, "cafe di malam hari")
    assert not passwords.fits(None, "the password of nobody")
    assert not passwords.fits("damaged", PASSWORD)


def test_the_link_and_the_password_are_not_kept_readable(store: Store) -> None:
    secret = link(store)
    accept(store, secret)
    kept = b"".join(file.read_bytes() for file in store.path.parent.glob("mailroom.db*"))
    assert b"adi@contoh.id" in kept
    assert secret.encode() not in kept
    assert PASSWORD.encode() not in kept
