"""The rate headers in every spelling and unit, and the other words about time."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from oca.headers import gateway_time, rate_limits, retry_after

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)
EPOCH = NOW.timestamp()


def headers(**values: str) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): value for name, value in values.items()})


@pytest.mark.parametrize(
    "names",
    [
        ("X-RateLimit-limit", "X-RateLmit-Remaining", "X-RateLimit-Reset"),
        ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
        ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
        ("X-RATELMIT-LIMIT", "X-RATELMIT-REMAINING", "X-RATELMIT-RESET"),
    ],
)
def test_the_rate_headers_are_read_in_every_spelling(names: tuple[str, str, str]) -> None:
    found = rate_limits(CaseInsensitiveDict(zip(names, ("25", "24", "1"), strict=True)), NOW)
    assert (found.limit, found.remaining, found.reset_in) == (25, 24, 1)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("1", 1),
        ("0.4", 0.4),
        ("0", 0.05),
        ("3600", 60),
        (str(int(EPOCH + 2)), 2),
        (str(int(EPOCH * 1000 + 700)), 0.7),
        (str(int(EPOCH - 5)), 0.05),
        (str(int(EPOCH + 9000)), 60),
    ],
)
def test_a_reset_is_told_apart_by_its_size_and_clamped(reset: str, seconds: float) -> None:
    assert rate_limits(headers(X_RateLimit_Reset=reset), NOW).reset_in == pytest.approx(seconds)


def test_a_reset_is_measured_on_the_gateways_own_clock() -> None:
    theirs = NOW + timedelta(hours=1)
    found = headers(
        X_RateLimit_Reset=str(int(theirs.timestamp()) + 3), Date=format_datetime(theirs, usegmt=True)
    )
    assert rate_limits(found, NOW).reset_in == 3
    assert gateway_time(found) == theirs


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7), ("0", 0.05), ("9999", 60), (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9)],
)
def test_retry_after_counts_before_the_reset(told: str, seconds: float) -> None:
    assert retry_after(headers(Retry_After=told, X_RateLimit_Reset="1"), NOW) == pytest.approx(seconds)


def test_without_retry_after_the_reset_counts_and_without_both_nothing_is_told() -> None:
    assert retry_after(headers(X_RateLimit_Reset="2"), NOW) == 2
    assert retry_after(headers(), NOW) is None


@settings(deadline=None)
@given(
    st.text()
    | st.sampled_from(["nan", "inf", "-1", "1e9", "25, 25", "9" * 16, "٣", "Mon, 99 Foo 0 0:0:0 GMT"])
)
def test_nonsense_in_a_header_is_ignored_or_kept_within_bounds(text: str) -> None:
    nonsense = headers(Retry_After=text, Date=text, X_RateLimit_Limit=text, X_RateLimit_Reset=text)
    wait = retry_after(nonsense, NOW)
    assert wait is None or 0.05 <= wait <= 60
    limit = rate_limits(nonsense, NOW).limit
    assert limit is None or limit >= 0
    gateway_time(nonsense)
