"""Too much is turned away by its head, before its body has come; a stranger's after a form, a person's after a zip."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import app as program
from mailroom.service import Service
from tests.house import Browser
from tests.serving import serving
from views import access, request_limits

MB = 1_000_000


@pytest.fixture
def address(service: Service) -> Iterator[tuple[str, int]]:
    """A mailroom that listens, as `python app.py` does."""
    server = program.listen(replace(service, settings=replace(service.settings, port=0)))
    with serving(server):
        yield "127.0.0.1", server.effective_port


@contextmanager
def said(address: tuple[str, int], *lines: str, body: bytes = b"") -> Iterator[socket.socket]:
    with closing(socket.create_connection(address, timeout=10)) as wire:
        head = "\r\n".join(("POST /send/ HTTP/1.1", "Host: localhost", *lines, "", ""))
        wire.sendall(head.encode() + body)
        yield wire


def answer(wire: socket.socket) -> str:
    """Everything until the other side hangs up, or has nothing more to say."""
    got = b""
    wire.settimeout(3)
    try:
        while part := wire.recv(65536):
            got += part
    except (TimeoutError, ConnectionResetError):
        pass
    return got.decode("latin-1")


def cookie(service: Service, person: str) -> str:
    found = Browser(program.create_app(service), person).http.get_cookie("mailroom_session")
    assert found
    return f"Cookie: x=y; mailroom_session={found.value}"


@pytest.mark.parametrize("length", [2 * MB, 250 * MB, 10**12, 10**30])
def test_a_stranger_is_turned_away_before_the_body_comes(address: tuple[str, int], length: int) -> None:
    with said(address, f"Content-Length: {length}", body=b"only this much") as wire:
        found = answer(wire)
    assert found.startswith("HTTP/1.1 413 ")
    assert "Connection: close" in found
    assert request_limits.TOO_LARGE.partition("\n")[0] in found
    for header in ("Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff"):
        assert header in found
    assert "waitress" not in found.lower()


def test_whoever_asks_first_whether_to_go_on_is_told_no(address: tuple[str, int]) -> None:
    with said(address, "Content-Length: 250000000", "Expect: 100-continue") as wire:
        assert answer(wire).startswith("HTTP/1.1 413 ")


def test_a_body_in_chunks_is_cut_where_it_becomes_too_large(address: tuple[str, int]) -> None:
    chunk = b"%x\r\n%s\r\n" % (MB, b"x" * MB)
    with said(address, "Transfer-Encoding: chunked", body=chunk) as wire:
        try:
            for _ in range(20):
                wire.sendall(chunk)
        except OSError:
            pass  # hung up upon
        assert answer(wire).startswith(("HTTP/1.1 413 ", ""))
    with said(address, "Transfer-Encoding: chunked", body=chunk + b"0\r\n\r\n") as wire:
        assert answer(wire).startswith("HTTP/1.1 303 "), "a form in chunks is read"


def test_nothing_of_it_is_on_the_disk(address: tuple[str, int], service: Service) -> None:
    before = sorted(path.name for path in service.settings.data.iterdir())
    with said(address, f"Content-Length: {100 * MB}", body=b"x" * 600_000) as wire:
        assert answer(wire).startswith("HTTP/1.1 413 ")
    assert sorted(path.name for path in service.settings.data.iterdir()) == before


def test_a_person_may_send_a_zip_and_is_told_by_a_page_what_is_too_large(
    address: tuple[str, int], service: Service
) -> None:
    sari = cookie(service, "sari")
    with said(address, f"Content-Length: {250 * MB}", sari, "Expect: 100-continue") as wire:
        assert wire.recv(100).startswith(b"HTTP/1.1 100 ")
    with said(address, f"Content-Length: {300 * MB}", sari) as wire:
        assert answer(wire).startswith("HTTP/1.1 413 ")
    # Signed out, the cookie is a stranger's.
    with service.store.write() as db:
        db.execute("DELETE FROM sessions")
    with said(address, f"Content-Length: {250 * MB}", sari) as wire:
        assert answer(wire).startswith("HTTP/1.1 413 ")


def test_a_form_of_whose_session_has_ended_is_still_read(address: tuple[str, int]) -> None:
    body = b"x" * (request_limits.MAX_STRANGERS_BODY_BYTES - 1)
    with said(address, f"Content-Length: {len(body)}", body=body) as wire:
        assert answer(wire).startswith("HTTP/1.1 303 ")


def test_what_is_no_request_is_answered_with_the_same_headers(address: tuple[str, int]) -> None:
    with closing(socket.create_connection(address, timeout=10)) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n")
        found = answer(wire)
    assert " 400 Bad Request" in found
    assert "Content-Security-Policy: default-src 'none'" in found


def test_two_lengths_at_once_are_no_request(address: tuple[str, int]) -> None:
    for lines in (
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
    ):
        with said(address, *lines, body=b"hello") as wire:
            assert answer(wire).startswith("HTTP/1.1 400 "), lines


def test_the_limits_fit_each_other() -> None:
    assert access.MAX_SEND_REQUEST_BYTES < request_limits.MAX_BODY_BYTES
    assert access.MAX_OPEN_REQUEST_BYTES < request_limits.MAX_STRANGERS_BODY_BYTES
    assert "parser_class = request_limits.parser" in Path(program.__file__).read_text()
