"""What was found when something was looked at: how bad it is, and a sentence with the next step."""

from dataclasses import dataclass
from typing import Literal

from mailroom.problems import Sentence, say

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. check: its name. sentence: how it is and, unless it is ok, what to do."""

    level: Level
    check: str
    sentence: Sentence


def ok(check: str, text: str, **values: object) -> Finding:
    """All is well with it."""
    return Finding("ok", check, say(text, **values))


def warn(check: str, text: str, **values: object) -> Finding:
    """Somebody should look after it."""
    return Finding("warn", check, say(text, **values))


def fail(check: str, text: str, **values: object) -> Finding:
    """Something does not work, or is not safe."""
    return Finding("fail", check, say(text, **values))
