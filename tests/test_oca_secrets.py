"""A token appears in no text, log or file, whatever the gateway throws back at us."""

import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import oca
from tests.oca_stub import MAIL, TOKEN, Reset, Stub, answer, running_stub

PARTS = [TOKEN.secret, *TOKEN.secret.split(".")]
ECHO = {"value": TOKEN.secret, "msg": f"Bearer {TOKEN.secret} is odd", "param": TOKEN.secret}
SPELLED = "".join(f"\\u{ord(character):04x}" for character in TOKEN.secret)

REPLIES = [
    Reset,
    answer("401 No", {"errors": [{"message": f"bad token {TOKEN.secret}", "code": 45}]}),
    answer("401 No", {"errors": [{"message": f"bad token {TOKEN.secret[:40]}…", "code": 45}]}),
    answer("401 No", {"errors": [{"message": TOKEN.secret.rpartition(".")[2], "code": 45}]}),
    answer("406 No", {"errors": [{"message": [ECHO], "code": "39"}]}),
    answer("406 No", '{"errors": [{"message": "' + SPELLED + '", "code": 39}]}'),
    answer("502 Bad", f"<html><title>502</title>Authorization: Bearer {TOKEN.secret}</html>"),
    answer("502 Bad", "x" * 4000 + TOKEN.secret),
    answer("200 OK", f"<p>{TOKEN.secret}"),
    answer("200 OK", {"success": False, "message": TOKEN.secret}),
    answer("307 Away", "", f"Location: http://127.0.0.1:9/{TOKEN.secret}"),
    answer("429 Slow", "", f"Retry-After: {TOKEN.secret}"),
    b"HTTP/1.1 200 OK\r\nBearer " + TOKEN.secret.encode() + b"\r\n",
    TOKEN.secret.encode() + b"\r\n\r\n",
]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub() as stub:
        yield stub


def assert_clean(*texts: str) -> None:
    for text in texts:
        assert not any(part in text for part in PARTS), text
        assert TOKEN.secret[:30] not in text


@pytest.mark.parametrize("reply", REPLIES)
def test_no_failure_tells_the_token(
    stub: Stub, reply: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.reply = reply
    calls: list[Callable[[oca.Client], object]] = [
        lambda client: client.send(MAIL),
        lambda client: client.status("m1"),
        lambda client: client.history(),
    ]
    with oca.AuditLog(tmp_path / "audit.db") as log, stub.client(audit=log, timeout=(2.0, 0.5)) as client:
        for call in calls:
            with pytest.raises(oca.GatewayError) as caught:
                call(client)
            error = caught.value
            assert_clean(str(error), repr(error), error.detail, repr(error.params), repr(error.__dict__))
            assert_clean(*(repr(fault.value) for fault in error.params))
            assert_clean("".join(traceback.format_exception(error)), repr(error.__context__))
        assert_clean(repr(log.attempts()), repr(client), repr(vars(client)))
    for file in tmp_path.iterdir():
        assert_clean(file.read_bytes().decode("latin-1"))
    assert_clean(caplog.text)


def test_a_receipt_and_a_status_do_not_carry_the_token_either(stub: Stub) -> None:
    stub.reply = answer("200 OK", {"success": True, "msg_id": f"m1-{TOKEN.secret}"})
    assert_clean(repr(stub.client().send(MAIL)))
    row = {"msg_id": "m1", "status": TOKEN.secret, "message_body": TOKEN.secret, "email": TOKEN.secret}
    stub.reply = answer("200 OK", [row])
    assert_clean(repr(stub.client().history()))
