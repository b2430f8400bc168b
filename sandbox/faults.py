"""The switches as they stand now, and which fault hits the next call."""

import random
import threading
from collections.abc import Mapping
from typing import Any

from sandbox import switches


class Faults:
    """Safe from many threads; `defaults` replaces some of the values that `reset` goes back to."""

    def __init__(self, defaults: Mapping[str, object]) -> None:
        self._lock = threading.Lock()
        self._defaults = {switch.name: switch.default for switch in switches.SWITCHES}
        self._defaults |= switches.checked(defaults)
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._values = dict(self._defaults)
            self._random = random.Random(self._values["seed"])  # noqa: S311 - a draw to be repeated

    def set(self, changes: Mapping[str, object]) -> None:
        """Sets some switches and leaves the others; raises ValueError with a sentence and sets none."""
        good = switches.checked(changes)
        with self._lock:
            values = self._values | good
            switches.check_share_sum(values)
            self._values = values
            if "seed" in good:
                self._random = random.Random(good["seed"])  # noqa: S311

    def values(self) -> dict[str, Any]:
        with self._lock:
            return dict(self._values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def draw(self, call: str) -> str:
        """The fault that hits this call, or "ok"; a send uses up one of `next`."""
        with self._lock:
            if call == "send" and self._values["next"]:
                first, *rest = self._values["next"]
                self._values["next"] = tuple(rest)
                return str(first)
            if call not in self._values["faults_on"]:
                return "ok"
            return self._drawn_share()

    def _drawn_share(self) -> str:
        drawn = self._random.random()
        for name in switches.SHARES:
            drawn -= self._values[name]
            if drawn < 0:
                return name
        return "ok"

    def latency(self, call: str) -> float:
        """How many seconds the answer to this call comes late."""
        with self._lock:
            if call not in self._values["faults_on"]:
                return 0.0
            jitter = self._values["latency_jitter_ms"]
            late = self._values["latency_ms"] + (self._random.uniform(0, jitter) if jitter else 0)
            return float(late) / 1000
