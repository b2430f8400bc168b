"""A sandbox gateway of their own for tests, on a free port."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its URL without a slash at the end, its process, and its controls."""

    url: str
    process: subprocess.Popen[str]

    def token(self, exp: int | None = None) -> str:
        """A new token, without the new line that its file ends in; `exp` is in seconds from now."""
        params = {} if exp is None else {"exp": exp}
        response = requests.get(f"{self.url}/_sandbox/token.txt", params=params, timeout=30)
        response.raise_for_status()
        return response.text.strip()

    def revoke(self, fingerprint: str | None = None) -> int:
        """Revokes one token or all; returns how many were good until now."""
        wanted: dict[str, Any] = {"all": True} if fingerprint is None else {"fingerprint": fingerprint}
        return int(self.control("POST", "tokens/revoke", wanted)["revoked"])

    def faults(self, **switches: Any) -> dict[str, Any]:
        """Sets these switches and leaves the others: `faults(**{"500_after": 0.1}, history_lag_s=5)`."""
        found: dict[str, Any] = self.control("PUT", "faults", switches)
        return found

    def reset_faults(self) -> None:
        self.control("DELETE", "faults")

    def ledger(self) -> list[dict[str, Any]]:
        """Every mail that was accepted, oldest first."""
        entries: list[dict[str, Any]] = []
        while page := self.control("GET", f"ledger?after={entries[-1]['seq'] if entries else 0}"):
            entries += page
        return entries

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control("GET", "ledger/summary")
        return found

    def clear(self) -> None:
        """Forgets mails and counts; tokens stay good, switches stay set."""
        self.control("DELETE", "ledger")

    def strangers(self, count: int, email: str) -> None:
        """Adds mails from another program on the same account."""
        self.control("POST", "ledger/strangers", {"count": count, "email": email})

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert response.ok, response.text
        return response.json()


@contextmanager
def running_sandbox(*args: str) -> Iterator[Sandbox]:
    """Starts `python -m sandbox --port 0` with these arguments and ends it afterwards."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", *args]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " listening on http://" in line, f"the sandbox did not start: {line!r}"
            yield Sandbox(line.split()[-1], process)
        finally:
            process.terminate()
            process.wait(timeout=10)


def mail_form(**changes: str) -> dict[str, str]:
    """The fields of a mail that the gateway takes; `html` stands for its decoded message."""
    html = changes.pop("html", "<p>Halo</p>")
    form = {
        "email": "joko@contoh.id",
        "message": base64.b64encode(html.encode()).decode(),
        "sender_email": "tim@contoh.id",
        "sender_name": "Tim",
        "subject": "Tagihan",
    }
    return form | changes
