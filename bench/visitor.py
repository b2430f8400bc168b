"""A browser that only waits: signs in once and measures how long each answer takes, from asking to its last byte."""

import http.client
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

import requests

WARM = 3


class Refused(AssertionError):
    """An answer that is not 200. status: what it is instead."""

    def __init__(self, path: str, status: int, body: bytes) -> None:
        super().__init__(f"{path}: {status} {body[:500]!r}")
        self.status = status


@dataclass(frozen=True)
class Times:
    """How long answers took, in milliseconds. requests: how many were measured."""

    p50: float
    p95: float
    requests: int


@dataclass(frozen=True)
class Download:
    """A long answer: its lines, bytes, and seconds from asking to its end."""

    lines: int
    bytes: int
    seconds: float


class Visitor:
    """Keeps one connection to the server at `address`. Answers that are not 200 raise Refused."""

    def __init__(self, address: str, cookie: str = "") -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        self._headers = {"Cookie": cookie} if cookie else {}

    def get(self, path: str) -> bytes:
        """The body of the answer."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Refused(path, answer.status, body)
        return body

    def download(self, path: str) -> Download:
        """What came of a long answer that is read as it comes and never held."""
        begun = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        if answer.status != 200:
            raise Refused(path, answer.status, answer.read())
        size = lines = 0
        while piece := answer.read(1 << 16):
            size += len(piece)
            lines += piece.count(b"\n")
        return Download(lines, size, time.perf_counter() - begun)

    def times(self, path: Callable[[Random], str], requests: int, patience: float) -> Times:
        """How long so many answers take, each path drawn anew, after a few that do not count.

        patience: seconds after which fewer will do.
        """
        chance, took = Random(1), list[float]()
        end = time.monotonic() + patience
        while len(took) < requests + WARM and (len(took) < 2 * WARM or time.monotonic() < end):
            wanted = path(chance)
            begun = time.perf_counter()
            self.get(wanted)
            took.append((time.perf_counter() - begun) * 1000)
        return percentiles(took[WARM:])

    def close(self) -> None:
        self._connection.close()


def percentiles(took: Sequence[float]) -> Times:
    """The middle and the 95th of a hundred, of measured milliseconds."""
    ordered = sorted(took)
    return Times(
        ordered[(len(ordered) - 1) // 2], ordered[max(0, -(-len(ordered) * 95 // 100) - 1)], len(ordered)
    )


def sign_in(address: str, email: str, password: str) -> Visitor:
    """A visitor with a session of this person."""
    with requests.Session() as session:
        session.trust_env = False
        form = session.get(f"{address}/sign-in", timeout=60).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', form)
        assert found, form
        data = {"csrf_token": found.group(1), "email": email, "password": password}
        answer = session.post(f"{address}/sign-in", data=data, timeout=60, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        return Visitor(address, "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies))
