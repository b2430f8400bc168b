"""Why nothing goes out with a token, and what a person does next about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import oca
from mailroom import tokens
from mailroom.store import Store
from mailroom.tokens import TokenLine
from oca.words import N_

# What `Clients.check` keeps of an answer that a top-up mends.
_NO_BALANCE = (oca.LowBalance.sentence, oca.QuotaExhausted.sentence)

_TOP_UP = N_("Top up the OCA account, then check the token again; everything queued goes on by itself.")
_REPLACE = N_(
    "Generate a new token on the OCA dashboard and replace this one; everything queued goes on by itself."
)


@dataclass(frozen=True)
class Hold:
    """Nothing goes out with a token.

    kind: `balance` when the account has to be topped up, `token` when the gateway turned it down, `expired`.
    words: the gateway's own, or "". advice: what a person does next. since: as the database keeps times.
    """

    token_id: int
    token_name: str
    kind: Literal["balance", "token", "expired"]
    words: str
    advice: str
    since: str | None


def of_tokens(store: Store, now: datetime) -> list[Hold]:
    """Every token that nothing goes out with at `now`, by name."""
    return [hold for line in tokens.all_tokens(store, now) if (hold := _hold(store, line))]


def of_token(store: Store, token_id: int, now: datetime) -> Hold | None:
    """Why nothing goes out with the token at `now`; None when it is usable. Raises LookupError."""
    return _hold(store, tokens.get(store, token_id, now))


def _hold(store: Store, line: TokenLine) -> Hold | None:
    if line.state == "expired":
        return Hold(line.id, line.name, "expired", "", _REPLACE, line.expires_at)
    if line.state == "stopped":
        balance, advice = _last_word(store, line)
        kind: Literal["balance", "token"] = "balance" if balance else "token"
        return Hold(line.id, line.name, kind, line.stop_reason, advice, line.stopped_at)
    return None


def _last_word(store: Store, line: TokenLine) -> tuple[bool, str]:
    """Whether a top-up mends what stopped the token, and what to do: from the last check, or else the last try."""
    sentence, _, advice = line.check_result.partition("\n")
    # A check that only found the gateway out of reach has no advice, and says nothing about the stop.
    if advice and (line.checked_at or "") >= (line.stopped_at or ""):
        return (True, _TOP_UP) if sentence in _NO_BALANCE else (False, advice)
    row = next(
        store.read().query(
            "SELECT code, http_status, outcome FROM attempts WHERE token_fingerprint = ? "
            "AND outcome IN ('token', 'account') ORDER BY id DESC LIMIT 1",
            [line.fingerprint],
        ),
        None,
    )
    if row is None:
        return False, _REPLACE
    if row["outcome"] == "account":
        return True, _TOP_UP
    return False, oca.advice_for(row["code"], row["http_status"], row["outcome"]) or _REPLACE
