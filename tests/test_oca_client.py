"""One way out: what leaves, what comes back, and what a failure proves."""

import base64
import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import oca
from tests.oca_stub import MAIL, TOKEN, Drip, Reply, Reset, Silence, Stub, answer, jwt, running_stub

TAKEN = answer("200 OK", {"success": True, "msg_id": "m1"})


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(TAKEN) as stub:
        yield stub


def test_a_mail_leaves_as_the_form_of_the_vendors_text(stub: Stub) -> None:
    html = "<p>Halo, 😀 & é</p>"
    receipt = stub.client().send(replace(MAIL, html=html, subject="Tagihan № 5"))
    assert (receipt.msg_id, receipt.http_status) == ("m1", 200)
    seen = stub.seen[0]
    assert seen.line == "POST /email/v2/send-single HTTP/1.1"
    assert seen.headers["Authorization"] == f"Bearer {TOKEN.secret}"
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body.decode(), strict_parsing=True) == {
        "email": ["joko@contoh.id"],
        "message": [base64.b64encode(html.encode()).decode()],
        "sender_email": ["tim@contoh.id"],
        "sender_name": ["Tim"],
        "subject": ["Tagihan № 5"],
    }


def test_an_attachment_makes_it_multipart(stub: Stub) -> None:
    file = oca.Attachment("tagihan.pdf", b"%PDF\r\n\x00\xff", "application/pdf")
    stub.client().send(replace(MAIL, attachment=file))
    seen = stub.seen[0]
    head = f"Content-Type: {seen.headers['Content-Type']}\r\n\r\n".encode()
    parts = {
        part.get_param("name", header="Content-Disposition"): part
        for part in BytesParser().parsebytes(head + seen.body).walk()
        if not part.is_multipart()
    }
    assert set(parts) == {"email", "message", "sender_email", "sender_name", "subject", "attachment"}
    assert parts["attachment"].get_filename() == "tagihan.pdf"
    assert parts["attachment"].get_content_type() == "application/pdf"
    assert b"%PDF\r\n\x00\xff" in seen.body


def test_look_ups_ask_the_documented_and_inferred_urls(stub: Stub) -> None:
    client = stub.client()
    stub.reply = answer("200 OK", {"status": "delivered", "msg_id": "a/b?c"})
    assert client.status("a/b?c").status == "delivered"
    stub.reply = answer("200 OK", {"page": 2, "pages": 2, "total_inpage": 0, "limit": 10, "data": []})
    client.history(page=2, limit=10)
    client.check()
    assert [seen.line for seen in stub.seen] == [
        "GET /email/v2/email/status/a%2Fb%3Fc HTTP/1.1",
        "GET /email/v2/email/history?page=2&limit=10 HTTP/1.1",
        "GET /email/v2/email/history?page=1&limit=1 HTTP/1.1",
    ]


@pytest.mark.parametrize("nonsense", ["", ".", ".."])
def test_an_id_that_would_climb_out_of_its_url_is_refused(stub: Stub, nonsense: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        stub.client().status(nonsense)
    assert stub.seen == []


def test_a_connection_is_used_again(stub: Stub) -> None:
    client = stub.client()
    for _ in range(5):
        client.send(MAIL)
    assert stub.connections == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_stays_here(stub: Stub, code: int) -> None:
    with running_stub(TAKEN) as elsewhere:
        huge = gzip.compress(bytes(50_000_000))
        location = f"Location: {elsewhere.url}/{TOKEN.secret}"
        stub.reply = answer(f"{code} Moved", huge, location, "Content-Encoding: gzip")
        client = stub.client()
        tracemalloc.start()
        with pytest.raises(oca.UnexpectedRedirect) as caught:
            client.send(MAIL)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert caught.value.may_have_left
    assert elsewhere.connections == 0
    assert peak < 20_000_000, "its body is read with bounds too"


def test_a_netrc_file_and_proxies_are_not_asked(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login joko password rahasia\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    stub.client().send(MAIL)
    assert stub.seen[0].headers["Authorization"] == f"Bearer {TOKEN.secret}"


def test_cookies_are_not_kept(stub: Stub) -> None:
    stub.reply = answer("200 OK", {"success": True, "msg_id": "m1"}, "Set-Cookie: a=b; Path=/")
    client = stub.client()
    client.send(MAIL)
    client.send(MAIL)
    assert "Cookie" not in stub.seen[1].headers


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_an_endless_answer_is_read_only_so_far(stub: Stub, encoding: str) -> None:

    zeros = bytes(100_000_000)
    packed = {"gzip": gzip.compress(zeros), "deflate": zlib.compress(zeros), "identity": zeros}[encoding]
    stub.reply = answer("200 OK", packed, f"Content-Encoding: {encoding}")
    client = stub.client()
    tracemalloc.start()
    with pytest.raises(oca.UnreadableAnswer):
        client.send(MAIL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    stub.reply = TAKEN
    assert client.send(MAIL).msg_id == "m1", "the next call is not disturbed by what was left unread"


def test_an_answer_packed_with_gzip_is_read(stub: Stub) -> None:
    packed = gzip.compress(b'{"success": true, "msg_id": "m1"}')
    stub.reply = answer("200 OK", packed, "Content-Encoding: gzip")
    assert stub.client().send(MAIL).msg_id == "m1"


@pytest.mark.parametrize(
    "reply",
    [
        Reset,
        Silence,
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        answer("200 OK", "not gzip", "Content-Encoding: gzip"),
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{",
    ],
)
def test_after_the_first_byte_no_whole_answer_means_unknown(stub: Stub, reply: bytes) -> None:
    stub.reply = reply
    with pytest.raises(oca.NoAnswer) as caught:
        stub.client(timeout=(2.0, 1.0)).send(MAIL)
    assert caught.value.may_have_left
    assert len(stub.seen) == 1, "and it is never sent again by itself"


def test_an_answer_that_drips_is_given_up_in_time(stub: Stub) -> None:
    stub.reply = Drip
    with pytest.raises(oca.NoAnswer) as caught:
        stub.client(timeout=(2.0, 0.2)).send(MAIL)
    assert caught.value.http_status == 200


def test_a_connection_that_died_while_idle_gives_no_proof_or_a_new_one(stub: Stub) -> None:
    replies: Iterator[Reply] = iter([TAKEN, Reset])
    stub.reply = lambda _: next(replies)
    client = stub.client()
    client.send(MAIL)
    with pytest.raises(oca.NoAnswer) as caught:
        client.send(MAIL)
    assert caught.value.may_have_left


def test_a_closed_port_is_unreachable_and_nothing_left() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        client = oca.Client(TOKEN, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(oca.Unreachable) as caught:
            client.send(MAIL)
    assert not caught.value.may_have_left
    assert caught.value.__context__ is None


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with pytest.raises(oca.Unreachable, match="name could not be found"):
        oca.Client(TOKEN, base_url="https://gateway.invalid").send(MAIL)


def answering_the_first_byte_with(reply: bytes, listener: socket.socket) -> threading.Thread:
    """Somebody who does not speak TLS."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_failed_tls_handshake_is_unreachable(reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = answering_the_first_byte_with(reply, listener)
        client = oca.Client(TOKEN, base_url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(oca.Unreachable) as caught:
            client.send(MAIL)
        thread.join()
    assert not caught.value.may_have_left


def test_a_gateway_whose_certificate_nobody_vouches_for_never_sees_the_token(tmp_path: Path) -> None:
    with running_stub(TAKEN, certificate=self_signed(tmp_path)) as stub:
        with pytest.raises(oca.Unreachable, match="secure connection"):
            stub.client().send(MAIL)
        assert stub.seen == []


def self_signed(folder: Path) -> Path:
    """A certificate for this machine, in force but vouched for by itself alone; its file also holds the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "both.pem").write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    return folder / "both.pem"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("401 Unauthorized", {"errors": [{"message": "x", "code": 45}]}, oca.TokenInvalid),
        ("413 Payload Too Large", "<h1>413</h1>", oca.TooLarge),
        ("502 Bad Gateway", "<h1>Bad Gateway</h1>", oca.ServerFault),
        ("200 OK", "<h1>Welcome</h1>", oca.UnreadableAnswer),
        ("500 Oops", {"errors": [{"message": "x", "code": 13}]}, oca.InternalError),
        ("402 Payment", {"errors": [{"message": "x", "code": "5"}]}, oca.LowBalance),
    ],
)
def test_an_answer_becomes_its_error(
    stub: Stub, status: str, body: object, kind: type[oca.GatewayError]
) -> None:
    stub.reply = answer(status, body)
    with pytest.raises(kind) as caught:
        stub.client().send(MAIL)
    assert caught.value.http_status == int(status[:3])


@pytest.mark.parametrize(
    ("header", "wait"), [("Retry-After: 7", 7.0), ("X-RateLimit-Reset: 3", 3.0), ("X: y", None)]
)
def test_a_429_says_how_long_and_holds_the_budget(stub: Stub, header: str, wait: float | None) -> None:
    stub.reply = answer("429 Too Many", {"errors": [{"message": "x", "code": 9}]}, header)
    pace = oca.Pace()
    with pytest.raises(oca.RateLimited) as caught:
        stub.client(pace=pace).send(MAIL)
    assert caught.value.retry_after == wait
    assert not caught.value.may_have_left
    assert pace.take(timeout=0.1) is None


def test_rate_headers_teach_the_budget(stub: Stub) -> None:
    stub.reply = answer(
        "200 OK", {"success": True, "msg_id": "m1"}, "X-RateLimit-limit: 10", "X-RateLmit-Remaining: 9"
    )
    pace = oca.Pace()
    stub.client(pace=pace).send(MAIL)
    assert pace.per_second == 10


def test_the_gateways_clock_is_compared_with_ours(stub: Stub) -> None:
    now = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)
    date = format_datetime(now - timedelta(hours=1), usegmt=True)
    stub.reply = answer("200 OK", {"success": True, "msg_id": "m1"}, f"Date: {date}")
    client = stub.client(now=lambda: now)
    assert client.clock_offset is None
    client.send(MAIL)
    assert client.clock_offset == -3600


def test_a_slot_that_was_taken_before_is_not_taken_again(stub: Stub) -> None:
    pace = oca.Pace()
    slot = pace.take()
    stub.client(pace=pace).send(MAIL, slot=slot)
    assert pace.used_last_second() == 1


def test_a_slot_is_given_back_where_the_message_is_refused_here(stub: Stub) -> None:
    pace = oca.Pace()
    slot = pace.take()
    with pytest.raises(oca.InvalidMessage):
        stub.client(pace=pace).send(replace(MAIL, subject="a\nb"), slot=slot)
    assert pace.used_last_second() == 0
    assert stub.seen == []


def test_a_closed_budget_lets_nothing_leave(stub: Stub) -> None:
    pace = oca.Pace()
    client = stub.client(pace=pace)
    pace.close()
    with pytest.raises(oca.Unreachable):
        client.send(MAIL)
    with pytest.raises(oca.Unreachable):
        client.history()
    assert stub.seen == []


def test_closing_a_client_leaves_a_shared_budget_open(stub: Stub) -> None:
    pace = oca.Pace()
    with stub.client(pace=pace):
        pass
    assert pace.take()


@pytest.mark.parametrize(
    "url",
    [
        "http://webapigw.ocatelkom.co.id",
        "http://127.0.0.1.contoh.id",
        "http://localhost.contoh.id",
        "http://10.0.0.1",
        "https://joko:rahasia@contoh.id",
        "https://contoh.id/?a=b",
        "https://contoh.id/#a",
        "ftp://127.0.0.1",
        "contoh.id",
        "",
    ],
)
def test_an_address_that_would_endanger_the_token_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"gateway's address must"):
        oca.Client(TOKEN, base_url=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost/x/", "http://[::1]:1", "https://contoh.id/"]
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    oca.Client(TOKEN, base_url=url).close()


@pytest.mark.parametrize("bad", ["\n", "\r\nX: y", " ", "é", ""])
def test_a_token_made_by_hand_cannot_break_the_header(bad: str) -> None:
    secret = jwt() + bad if bad else ""
    with pytest.raises(ValueError, match="cannot be sent") as caught:
        oca.Client(oca.Token(secret))
    assert jwt() not in str(caught.value)
