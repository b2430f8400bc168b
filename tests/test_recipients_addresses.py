"""Addresses: what can be written to, what was mistyped, and that the quick way says what the thorough one says."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from mailroom.addresses import likely_domain, read_address


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmal.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gamil.con", "gmail.com"),
        ("yaho.co.id", "yahoo.co.id"),
        ("yahooo.com", "yahoo.com"),
        ("yahoo.co.ud", "yahoo.co.id"),
        ("ymial.com", "ymail.com"),
        ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("iclod.com", "icloud.com"),
    ],
)
def test_a_mistyped_domain_is_named_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    assert likely_domain(typed) == meant
    assert str(read_address(f"Sri@{typed}")[1]) == f"Did you mean Sri@{meant}?"


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "mail.com", "email.com", "zmail.com", "hmail.com", "ymail.com", "gmx.com", "live.com", "love.com",
        "msn.com", "aol.com", "yahoo.com", "yahoo.co.id", "yahoo.co.in", "yahoo.co.uk", "yahoo.ca", "yahoo.fr",
        "hotmail.co.id", "hotmail.fr", "outlook.co.id", "outlook.com", "icloud.com", "gail.com", "telkom.co.id",
        "protonmail.com", "googlemail.com", "mail.ru", "contoh.id", "sandbox.test",
    ],
)  # fmt: skip
def test_a_real_domain_is_never_corrected(domain: str) -> None:
    assert read_address(f"sri@{domain}") == (f"sri@{domain}", None)


LABEL = st.text(st.sampled_from("abXY09-"), min_size=1, max_size=6) | st.sampled_from(
    ["xn--80ak6aa92e", "a" * 63, "a" * 64, "local", "test", "invalid", "com", "id", "123"]
)
DOMAIN = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
LOCAL = st.text(st.sampled_from("aZ9_+-.!'é \""), min_size=1, max_size=12) | st.sampled_from(
    ["a" * 64, "a" * 65]
)


def thorough(text: str) -> str | None:
    try:
        found = validate_email(
            text, allow_smtputf8=False, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError:
        return None
    return found.ascii_email or found.normalized


@given(LOCAL, DOMAIN)
def test_the_quick_way_agrees_with_email_validator(local: str, domain: str) -> None:
    text = f"{local}@{domain}".strip()
    address, fault = read_address(text)
    expected = thorough(text)
    assert (fault is None or "Did you mean" in fault.text) == (expected is not None)
    assert address == (expected or text)


@given(st.text(max_size=80) | st.text(st.sampled_from("a@.<>\"' ,;\n()[]:"), max_size=20))
def test_no_text_is_more_than_an_address_or_a_fault(text: str) -> None:
    address, fault = read_address(text)
    assert fault or "@" in address
