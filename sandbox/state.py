"""What one running sandbox holds, for every endpoint to find."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.limit import Limiter
from sandbox.tokens import Tokens
from sandbox.traffic import Traffic


@dataclass(frozen=True)
class State:
    ledger: Ledger
    tokens: Tokens
    faults: Faults
    limiter: Limiter
    traffic: Traffic


def state() -> State:
    """The parts of the sandbox that answers the current request."""
    return cast(State, current_app.extensions["sandbox"])
