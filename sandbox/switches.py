"""Every fault switch: its name, what it may be set to, what it does."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CALLS = ("send", "status", "history")


@dataclass(frozen=True)
class Switch:
    """One switch; `kind` names its check in CHECKS."""

    name: str
    kind: str
    default: Any
    says: str
    choices: tuple[str, ...] = ()


GROUPS = {
    "Answers gone wrong (shares from 0 to 1)": (
        Switch("429", "share", 0.0, "429 with code 9, not accepted"),
        Switch("500_before", "share", 0.0, "500 with code 13, not accepted"),
        Switch("500_after", "share", 0.0, "500 with code 13, yet accepted"),
        Switch("reset_before", "share", 0.0, "connection reset, not accepted"),
        Switch("reset_after", "share", 0.0, "accepted, then connection reset"),
        Switch("hang_before", "share", 0.0, "silence, not accepted"),
        Switch("hang_after", "share", 0.0, "accepted, then silence"),
        Switch("html_502", "share", 0.0, "a proxy's 502 page in HTML, not accepted"),
        Switch("html_200", "share", 0.0, "a page in HTML with status 200, not accepted"),
        Switch("malformed_json", "share", 0.0, "accepted, but the answer is not JSON"),
        Switch(
            "truncated_json", "share", 0.0, "accepted, but the connection closes in the middle of the answer"
        ),
        Switch("no_id", "share", 0.0, "accepted, but the answer holds no id"),
        Switch("gzip_bomb", "share", 0.0, "accepted, but the answer unpacks to 256 MB"),
    ),
    "Which calls, and how late": (
        Switch("next", "faults", (), "the faults of exactly the next sends, for example 500_after, ok, 429"),
        Switch("faults_on", "calls", ("send",), "the calls that faults and latency hit", CALLS),
        Switch("latency_ms", "number", 0.0, "answers come so much later (ms)"),
        Switch("latency_jitter_ms", "number", 0.0, "and up to so much later again (ms)"),
        Switch(
            "hang_s",
            "number",
            30.0,
            "how long a hanging answer stays silent before the connection closes (s)",
        ),
        Switch("redirect_to", "url", "", "calls are redirected there (307) and nothing is accepted"),
        Switch("seed", "whole", 1, "the seed that draws the shares; setting it starts the draw anew"),
    ),
    "The account": (
        Switch("revoked", "flag", False, "all tokens count as revoked: 401 with code 45"),
        Switch("low_balance", "flag", False, "sends are refused with code 5"),
        Switch("low_balance_status", "status", 402, "the HTTP status that comes with code 5"),
    ),
    "The rate limit": (
        Switch("limit", "count", 25, "requests a second for each token; 0 lifts the limit"),
        Switch("window", "choice", "fixed", "how a second is counted", ("fixed", "sliding")),
        Switch(
            "rate_headers",
            "choice",
            "printed",
            "how the rate headers are spelled",
            ("printed", "correct", "lower", "none"),
        ),
        Switch(
            "rate_reset",
            "choice",
            "seconds",
            "what the reset header holds; retry_after sends Retry-After with a 429 instead",
            ("seconds", "epoch", "epoch_ms", "retry_after"),
        ),
    ),
    "Shapes of the answers": (
        Switch("send_shape", "choice", "v2", "the answer to a send", ("v2", "v1", "data")),
        Switch("status_shape", "choice", "flat", "the answer to a look-up", ("flat", "envelope")),
        Switch("history_shape", "choice", "envelope", "the answer with the history", ("envelope", "list")),
        Switch("body_dash", "flag", False, "message_body comes back as “-”"),
    ),
    "The history": (
        Switch("history_lag_s", "number", 0.0, "mails appear in the history so much later (s)"),
        Switch(
            "history_cut", "whole", 0, "the history keeps the newest so many; if negative, the oldest; 0: all"
        ),
        Switch(
            "history_order",
            "choice",
            "newest",
            "what comes first in the history",
            ("newest", "oldest", "mixed"),
        ),
    ),
    "What becomes of a mail": (
        Switch(
            "life_delivered_after", "number", 2.0, "a mail is delivered so long after it was accepted (s)"
        ),
        Switch("life_opened_after", "number", 4.0, "and opened so long after that (s)"),
    ),
}

SWITCHES = tuple(switch for group in GROUPS.values() for switch in group)
BY_NAME = {switch.name: switch for switch in SWITCHES}
SHARES = tuple(switch.name for switch in SWITCHES if switch.kind == "share")


def checked(changes: Mapping[str, object]) -> dict[str, Any]:
    """The same switches with values of the right type.

    Raises ValueError with a sentence for an unknown name or a value that does not fit.
    """
    for name in changes:
        if name not in BY_NAME:
            raise ValueError(f"There is no switch “{name}”. The switches are: {', '.join(BY_NAME)}.")
    return {name: CHECKS[BY_NAME[name].kind](BY_NAME[name], value) for name, value in changes.items()}


def check_share_sum(values: Mapping[str, Any]) -> None:
    """Raises ValueError where the shares leave no room for each other."""
    if sum(values[name] for name in SHARES) > 1.000001:
        raise ValueError("The shares add up to more than 1; lower some of them.")


def number(switch: Switch, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise ValueError(f"“{switch.name}” takes a number, 0 or more.")
    return float(value)


def share(switch: Switch, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"“{switch.name}” takes a share from 0 to 1.")
    return float(value)


def whole(switch: Switch, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9:
        raise ValueError(f"“{switch.name}” takes a whole number.")
    return value


def count(switch: Switch, value: object) -> int:
    if whole(switch, value) < 0:
        raise ValueError(f"“{switch.name}” takes a whole number, 0 or more.")
    return whole(switch, value)


def http_status(switch: Switch, value: object) -> int:
    if not 200 <= whole(switch, value) <= 599:
        raise ValueError(f"“{switch.name}” takes an HTTP status from 200 to 599.")
    return whole(switch, value)


def flag(switch: Switch, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"“{switch.name}” takes true or false.")
    return value


def choice(switch: Switch, value: object) -> str:
    if not isinstance(value, str) or value not in switch.choices:
        raise ValueError(f"“{switch.name}” takes one of: {', '.join(switch.choices)}.")
    return value


def url(switch: Switch, value: object) -> str:
    good = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
    if not good or not re.match(r"https?://.|$", str(value)):
        raise ValueError(f"“{switch.name}” takes a URL, or an empty text for none.")
    return str(value)


def calls(switch: Switch, value: object) -> tuple[str, ...]:
    return listed(switch, value, CALLS)


def faults(switch: Switch, value: object) -> tuple[str, ...]:
    return listed(switch, value, ("ok", *SHARES))


def listed(switch: Switch, value: object, known: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or any(item not in known for item in value):
        raise ValueError(f"“{switch.name}” takes a list of: {', '.join(known)}.")
    return tuple(value)


CHECKS: dict[str, Callable[[Switch, object], Any]] = {
    "share": share,
    "number": number,
    "whole": whole,
    "count": count,
    "status": http_status,
    "flag": flag,
    "choice": choice,
    "url": url,
    "calls": calls,
    "faults": faults,
}
