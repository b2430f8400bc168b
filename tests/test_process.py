"""The program as an admin runs it: what it prints, how it stops, what it says when it cannot start."""

import itertools
import os
import platform
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import waitress

import app
from tests.sandbox_server import ROOT


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    settings = {"MAILROOM_DATA": str(folder), "MAILROOM_PORT": "0", "OCA_GATEWAY_URL": "http://127.0.0.1:9"}
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **settings, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_stops_cleanly_however_often_one_asks(tmp_path: Path, number: int) -> None:
    with start(tmp_path / "data") as process:
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        assert "/setup/" in process.stdout.readline()
        assert requests.get(f"{address}/sign-in", timeout=10).status_code == 200
        process.send_signal(number)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors
        assert "Stopping" in rest


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("MAILROOM_PORT", "eighty"),
        ("MAILROOM_ZONE", "Mars/Olympus"),
        ("MAILROOM_HTTPS", "yes"),
        ("OCA_GATEWAY_URL", "http://gateway.example"),
        ("OCA_GATEWAY_URL", "not an address"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_in_one_sentence(
    tmp_path: Path, setting: str, value: str
) -> None:
    with start(tmp_path / "data", **{setting: value}) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert setting in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("host", "listen", "told"),
    [
        ("127.0.0.1", "127.0.0.1:0", r"http://127\.0\.0\.1:\d+"),
        ("::1", "[::1]:0", r"http://\[::1\]:\d+"),
        ("localhost", "127.0.0.1:0 [::1]:0", r"http://localhost:\d+"),
    ],
)
def test_it_tells_where_it_listens_and_hangs_up_there(host: str, listen: str, told: str) -> None:
    server = waitress.create_server(lambda *_: [], listen=listen)
    address = app._address(host, server)
    assert re.fullmatch(told, address)
    app._hang_up(server)
    port = int(address.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("::1" if host == "::1" else "127.0.0.1", port), timeout=10)


def test_a_second_copy_says_so_and_ends(tmp_path: Path) -> None:
    with start(tmp_path / "data") as first:
        assert first.stdout
        first.stdout.readline()
        with start(tmp_path / "data") as second:
            _, errors = second.communicate(timeout=30)
        first.terminate()
        assert second.returncode == 1
        assert str(first.pid) in errors
        assert "Traceback" not in errors


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have one heap anyway")
def test_its_threads_share_one_heap(tmp_path: Path) -> None:
    with start(tmp_path / "data") as process:
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        assert requests.get(f"{address}/sign-in", timeout=10).status_code == 200
        maps = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
        process.terminate()
        process.communicate(timeout=30)
    areas = []
    for area, mode, *_ in (line.split() for line in maps):
        begin, end = (int(at, 16) for at in area.split("-"))
        areas.append((begin, end, mode))
    # A thread's own heap is 64 MB that begin where 64 MB do: its used part, and behind it the rest, which nobody may
    # touch yet; see HEAP_MAX_SIZE in glibc's malloc/arena.c.
    heaps = [
        used
        for used, rest in itertools.pairwise(areas)
        if used[0] % 2**26 == 0 and used[2] == "rw-p" and rest == (used[1], used[0] + 2**26, "---p")
    ]
    assert heaps == []
