"""The measurement of how small it is: with a program of a few lines in place of those that are measured."""

import sys
from pathlib import Path

import pytest
import requests

from bench import footprint, peers
from bench.footprint import Program

SERVER = (
    "import http.server, sys, time; data = bytearray(30_000_000)\n"
    "class Page(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        if self.path == '/large': data.extend(b'x' * 20_000_000)\n"
    "        self.send_response(200); self.end_headers(); self.wfile.write(b'ok')\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Page).serve_forever()\n"
)


def visit(address: str) -> None:
    requests.get(f"{address}/large", timeout=30)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    """A server that keeps 30 MB, and 20 more once it is visited; nothing has to be installed for it."""
    monkeypatch.setattr(footprint, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(footprint, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(footprint, "STARTS", 2)
    monkeypatch.setattr(peers, "VENV", tmp_path / "venv")
    return Program(
        "A server", (), lambda _python, port, _folder: [sys.executable, "-c", SERVER, str(port)], visit
    )


def test_start_memory_and_idling_are_measured(program: Program) -> None:
    found = footprint.measure(program)
    assert 0 < found.start < footprint.LONGEST_START_SECONDS
    assert found.idle_mb > 30
    assert found.visited_mb > found.idle_mb + 15
    assert 0 <= found.cpu_percent < 100


def test_what_is_installed_is_added_up(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_bytes(b"x" * 1_500_000)
    (tmp_path / "b").write_bytes(b"x" * 500_000)
    # A link to Python itself counts as a link.
    (tmp_path / "python").symlink_to(tmp_path / "b")
    assert footprint.installed_mb(tmp_path) == pytest.approx(2.0, abs=0.01)


def test_a_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = Program(
        "Broken", (), lambda *_: [sys.executable, "-c", "raise SystemExit('no such thing')"], visit
    )
    with pytest.raises(AssertionError, match="no such thing"), footprint.running(broken, "", tmp_path):
        pass


def test_one_that_cannot_be_installed_is_named_below_the_table(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footprint, "PROGRAMS", (program,))
    monkeypatch.setattr(footprint, "install", lambda _program: "no network")
    lines = list(footprint.footprint())
    assert lines[-1] == "\nA server could not be installed: no network"
    assert lines[-2] == "| Mailroom is to keep to | 2 | 80 | | 1 | 200 |"
