"""The sandbox's rules that need no server: lives, limit, draw of the faults, and its README."""

import re
from datetime import timedelta

import pytest

from sandbox import switches
from sandbox.addresses import ADDRESSES
from sandbox.faults import Faults
from sandbox.limit import Limiter, Rate, rate_headers
from sandbox.lives import status_word
from tests.sandbox_server import ROOT


def word(email: str, seconds: float, msg_id: str = "0123456789abcdef0123") -> str:
    age = timedelta(seconds=seconds)
    return status_word(email, msg_id, age, delivered_after=2, opened_after=4)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("delivered@sandbox.test", ["sent", "delivered", "delivered", "delivered"]),
        ("Opened+Joko@Sandbox.Test", ["sent", "delivered", "opened", "opened"]),
        ("bounced@sandbox.test", ["sent", "failed", "failed", "failed"]),
        ("slow@sandbox.test", ["sent", "sent", "sent", "delivered"]),
        ("pending@sandbox.test", ["sent", "sent", "sent", "sent"]),
        ("strange@sandbox.test", ["deferred", "deferred", "deferred", "deferred"]),
    ],
)
def test_a_test_address_lives_the_life_it_is_named_for(address: str, words: list[str]) -> None:
    assert [word(address, seconds) for seconds in (1.9, 2, 6, 61)] == words


def test_the_usual_life_opens_about_a_third_and_fails_a_few() -> None:
    words = [word("bounced@contoh.id", 60, f"{number:020x}") for number in range(4000)]
    assert 0.32 < words.count("opened") / 4000 < 0.38
    assert 0.02 < words.count("failed") / 4000 < 0.04
    assert words.count("delivered") == 4000 - words.count("opened") - words.count("failed")


def test_a_fixed_window_forgets_a_second_after_its_first_request() -> None:
    limiter = Limiter()
    rates = [limiter.take("a", now, 2, "fixed") for now in (10.0, 10.9, 10.95, 11.0, 11.0, 11.0)]
    assert [rate.allowed for rate in rates if rate] == [True, True, False, True, True, False]


def test_a_sliding_window_never_lets_more_than_the_limit_into_any_second() -> None:
    limiter = Limiter()
    times = [number / 100 for number in range(500)]
    rates = [limiter.take("a", now, 25, "sliding") for now in times]
    taken = [now for now, rate in zip(times, rates, strict=True) if rate and rate.allowed]
    assert len(taken) == 125
    assert all(sum(start <= now < start + 0.999 for now in taken) <= 25 for start in taken)


def test_each_token_has_a_budget_of_its_own_and_zero_lifts_it() -> None:
    limiter = Limiter()
    first, second = limiter.take("a", 1.0, 1, "fixed"), limiter.take("b", 1.0, 1, "fixed")
    assert first == second == Rate(True, 1, 0, 1.0)
    assert limiter.take("a", 1.0, 0, "fixed") is None


@pytest.mark.parametrize(
    ("spelling", "reset_as", "headers"),
    [
        (
            "printed",
            "seconds",
            {"X-RateLimit-limit": "25", "X-RateLmit-Remaining": "0", "X-RateLimit-Reset": "1"},
        ),
        (
            "lower",
            "epoch",
            {"x-ratelimit-limit": "25", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1001"},
        ),
        (
            "correct",
            "epoch_ms",
            {"X-RateLimit-Limit": "25", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000500"},
        ),
        (
            "printed",
            "retry_after",
            {"X-RateLimit-limit": "25", "X-RateLmit-Remaining": "0", "Retry-After": "1"},
        ),
        ("none", "seconds", {}),
    ],
)
def test_the_rate_headers_come_in_every_spelling(
    spelling: str, reset_as: str, headers: dict[str, str]
) -> None:
    assert rate_headers(Rate(False, 25, 0, 0.5), spelling, reset_as, 1000.0) == headers


def test_the_same_seed_draws_the_same_faults_in_about_their_shares() -> None:
    faults = Faults({"500_after": 0.1, "429": 0.2})
    first = [faults.draw("send") for _ in range(2000)]
    faults.set({"seed": 1})
    assert [faults.draw("send") for _ in range(2000)] == first
    assert 0.08 < first.count("500_after") / 2000 < 0.12
    assert 0.17 < first.count("429") / 2000 < 0.23
    assert first.count("ok") == 2000 - first.count("500_after") - first.count("429")


def test_look_ups_are_spared_unless_faults_are_set_on_them() -> None:
    faults = Faults({"429": 1.0})
    assert (faults.draw("send"), faults.draw("status")) == ("429", "ok")
    faults.set({"faults_on": ["status"]})
    assert (faults.draw("send"), faults.draw("status")) == ("ok", "429")


def test_next_is_for_exactly_the_next_sends() -> None:
    faults = Faults({"next": ["500_after", "ok"], "reset_before": 1.0})
    assert faults.draw("history") == "ok"
    assert [faults.draw("send") for _ in range(3)] == ["500_after", "ok", "reset_before"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"latency": 3}, "no switch “latency”"),
        ({"429": 1.5}, "share from 0 to 1"),
        ({"429": float("nan")}, "share from 0 to 1"),
        ({"429": 0.6, "no_id": 0.6}, "more than 1"),
        ({"latency_ms": "3"}, "a number"),
        ({"limit": -1}, "0 or more"),
        ({"limit": True}, "whole number"),
        ({"low_balance_status": 99}, "HTTP status"),
        ({"revoked": 1}, "true or false"),
        ({"window": "round"}, "fixed, sliding"),
        ({"redirect_to": "ftp://x"}, "URL"),
        ({"redirect_to": "http://x\r\nA: b"}, "URL"),
        ({"next": "ok"}, "a list of"),
        ({"faults_on": ["login"]}, "send, status, history"),
    ],
)
def test_a_switch_that_does_not_fit_changes_nothing(changes: dict[str, object], sentence: str) -> None:
    faults = Faults({})
    before = faults.values()
    with pytest.raises(ValueError, match=re.escape(sentence)):
        faults.set({"body_dash": True, **changes})
    assert faults.values() == before


def test_an_unknown_switch_is_answered_with_all_that_exist() -> None:
    with pytest.raises(ValueError, match="no switch") as caught:
        Faults({}).set({"nonsense": 1})
    assert all(switch.name in str(caught.value) for switch in switches.SWITCHES)


def test_the_readme_names_every_switch_and_every_test_address_and_no_other() -> None:
    readme = (ROOT / "sandbox" / "README.md").read_text()
    _, addresses, table = re.split(r"## Test addresses|## Switches", readme)
    assert re.findall(r"^\| `(\w+)@`", addresses, re.MULTILINE) == list(ADDRESSES)
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [switch.name for switch in switches.SWITCHES]


def test_the_sandbox_imports_nothing_of_the_product() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "sandbox").glob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", sources, re.MULTILINE))
    assert {"sandbox", "flask"} <= imported
    assert not imported & {"oca", "mailroom", "views", "app"}
