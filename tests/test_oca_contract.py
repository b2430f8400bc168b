"""The client and the stand-in gateway walk through the contract together: every call, code and shape.

What the sandbox never says (codes of V1 and of the WhatsApp channel) is said by a stub in its place.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import requests

import oca
from oca.answers import Answer, receipt_id
from tests.oca_stub import MAIL, answer, running_stub
from tests.sandbox_server import Sandbox, mail_form, running_sandbox


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """A sandbox with its usual switches, nothing in its ledger and no limit."""
    shared.reset_faults()
    shared.faults(limit=0)
    shared.clear()
    return shared


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[oca.Client]:
    with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox, **options: Any) -> oca.Client:
    usual = {"base_url": sandbox.url, "pace": oca.Pace(1000), "timeout": (5.0, 30.0)}
    return oca.Client(oca.parse_token(sandbox.token()), **{**usual, **options})


def to(address: str) -> oca.Message:
    return replace(MAIL, to=f"{address}@sandbox.test")


# The table of requests.


@pytest.mark.parametrize("shape", ["v2", "v1", "data"])
@pytest.mark.parametrize(
    "attachment", [None, oca.Attachment("faktur é.pdf", b"%PDF\x00\xff", "application/pdf")]
)
def test_send_in_every_shape(
    sandbox: Sandbox, client: oca.Client, shape: str, attachment: oca.Attachment | None
) -> None:
    sandbox.faults(send_shape=shape)
    mail = replace(MAIL, subject="Tagihan № 5 + 😀", sender_name="Sari & Tim", attachment=attachment)
    receipt = client.send(mail)
    (entry,) = sandbox.ledger()
    assert receipt.msg_id == entry["msg_id"]
    for name in ("subject", "sender_email", "sender_name", "body_sha256", "body_bytes"):
        assert entry[name] == getattr(mail, name), name
    assert entry["email"] == mail.to
    assert entry["attachment_name"] == (attachment and attachment.filename)
    assert entry["attachment_sha256"] == (attachment and hashlib.sha256(attachment.content).hexdigest())


@pytest.mark.parametrize(("shape", "dash"), [*product(["flat", "envelope"], [False, True])])
def test_status_in_every_shape(sandbox: Sandbox, client: oca.Client, shape: str, dash: bool) -> None:
    sandbox.faults(status_shape=shape, body_dash=dash)
    msg_id = client.send(MAIL).msg_id
    status = client.status(msg_id)
    assert (status.msg_id, status.email) == (msg_id, MAIL.to)
    assert status.message_body == (None if dash else MAIL.html)
    assert status.created_at is not None


@pytest.mark.parametrize(
    ("address", "raw", "word"),
    [
        ("pending", "sent", "pending"),
        ("delivered", "delivered", "delivered"),
        ("opened", "opened", "opened"),
        ("bounced", "failed", "failed"),
        ("strange", "deferred", "pending"),
    ],
)
def test_every_status_word(sandbox: Sandbox, client: oca.Client, address: str, raw: str, word: str) -> None:
    sandbox.faults(life_delivered_after=0, life_opened_after=0)
    msg_id = client.send(to(address)).msg_id
    status = client.status(msg_id)
    assert (status.raw, status.status) == (raw, word)
    assert client.history().items == (status,)


@pytest.mark.parametrize(("shape", "dash"), [*product(["envelope", "list"], [False, True])])
def test_history_in_every_shape(sandbox: Sandbox, client: oca.Client, shape: str, dash: bool) -> None:
    sandbox.faults(history_shape=shape, body_dash=dash)
    sent = [client.send(to(f"delivered+{number}")).msg_id for number in range(5)]
    found: list[str] = []
    page, last = 0, 1
    while page < last:
        page += 1
        got = client.history(page=page, limit=2)
        last = got.pages
        found += [item.msg_id for item in got.items]
        assert (got.page, got.limit, got.total_inpage) == (page, 2, len(got.items))
        assert got.newest_first
    assert found == sent[::-1]
    assert {item.message_body for item in client.history().items} == {None if dash else MAIL.html}


@pytest.mark.parametrize("shape", ["envelope", "list"])
def test_a_history_that_cuts_pages_shorter_than_asked_is_read_to_its_end(
    sandbox: Sandbox, client: oca.Client, shape: str
) -> None:
    sandbox.strangers(150, "lain@contoh.id")
    sandbox.faults(history_shape=shape)
    first = client.history(limit=1000)
    assert (len(first.items), first.page < first.pages) == (100, True)
    assert len(client.history(page=2, limit=1000).items) == 50


def test_a_history_in_another_order_is_noticed(sandbox: Sandbox, client: oca.Client) -> None:
    for number in range(4):
        client.send(to(f"delivered+{number}"))
    for order, expected in (("newest", True), ("oldest", False)):
        sandbox.faults(history_order=order)
        assert client.history().newest_first is expected


# The table of errors.


def send_raw(sandbox: Sandbox, headers: dict[str, str]) -> Answer:
    url = f"{sandbox.url}/email/v2/send-single"
    response = requests.post(url, data=mail_form(), headers=headers, timeout=30)
    return Answer(response.status_code, response.content, None, str)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, oca.MissingAuthorization),
        ({"Authorization": "Bearer"}, oca.TokenNotSupplied),
        ({"Authorization": "Bearer x.y.z"}, oca.TokenInvalid),
    ],
)
def test_401_with_codes_19_43_45(
    sandbox: Sandbox, headers: dict[str, str], kind: type[oca.GatewayError]
) -> None:
    with pytest.raises(kind) as caught:
        receipt_id(send_raw(sandbox, headers))
    assert (caught.value.http_status, caught.value.code, caught.value.verdict) == (401, kind.number, "token")


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_revoked_or_expired_token_is_told_on_every_call(sandbox: Sandbox, how: str) -> None:
    token = oca.parse_token(sandbox.token(exp=-1 if how == "expired" else None))
    if how == "revoked":
        sandbox.revoke(token.fingerprint)
    with oca.Client(token, base_url=sandbox.url) as client:
        for call in (lambda: client.send(MAIL), lambda: client.status("m1"), client.history, client.check):
            with pytest.raises(oca.TokenInvalid):
                call()
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 17, oca.InvalidCredentials),
        (401, 51, oca.AccountExpired),
        (401, 55, oca.QuotaExhausted),
        (404, 41, oca.UserNotFound),
        (406, 59, oca.TemplateNotFound),
    ],
)
@pytest.mark.parametrize("spell", [int, str])
def test_the_codes_of_v1_and_of_the_sister_channels(
    status: int, code: int, kind: type[oca.GatewayError], spell: type
) -> None:
    body = {"errors": [{"message": "x", "code": spell(code)}]}
    with running_stub(answer(f"{status} No", body)) as stub, stub.client() as client:
        with pytest.raises(kind) as caught:
            client.send(MAIL)
        assert caught.value.code == code
        assert not caught.value.may_have_left


def test_404_with_code_33(client: oca.Client) -> None:
    with pytest.raises(oca.DataNotFound) as caught:
        client.status("nobody-knows")
    assert (caught.value.http_status, caught.value.code) == (404, 33)


def test_406_with_code_39_names_every_parameter(sandbox: Sandbox, client: oca.Client) -> None:
    with pytest.raises(oca.InvalidParameter) as caught:
        client.send(replace(MAIL, to="nobody", sender_email="tim"))
    error = caught.value
    assert (error.http_status, error.code, error.verdict) == (406, 39, "refused")
    assert [fault.param for fault in error.params] == ["email", "sender_email"]
    assert error.params[0].value == "nobody"
    assert "nobody" not in str(error)
    assert sandbox.ledger() == []


SPELLINGS = [*product(["printed", "correct", "lower"], ["seconds", "epoch", "epoch_ms"])]


@pytest.mark.parametrize(("spelling", "reset"), [*SPELLINGS, ("printed", "retry_after"), ("none", "seconds")])
def test_429_and_the_rate_headers_in_every_spelling(sandbox: Sandbox, spelling: str, reset: str) -> None:
    sandbox.faults(rate_headers=spelling, rate_reset=reset, limit=20)
    pace = oca.Pace(100)
    with client_of(sandbox, pace=pace) as client:
        client.send(MAIL)
        assert pace.per_second == (100 if spelling == "none" else 20)
        with pytest.raises(oca.RateLimited) as caught:
            client.send(to("busy"))
    assert (caught.value.http_status, caught.value.code, caught.value.verdict) == (429, 9, "later")
    wait = caught.value.retry_after
    # Whole seconds on a clock that is cut to seconds: up to two, for a window of one.
    assert wait is None if spelling == "none" else wait is not None and 0.05 <= wait <= 2
    assert pace.take(timeout=0.01) is None
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize(("fault", "accepted"), [("500_before", 0), ("500_after", 1)])
def test_500_with_code_13_may_or_may_not_have_been_accepted(
    sandbox: Sandbox, client: oca.Client, fault: str, accepted: int
) -> None:
    sandbox.faults(next=[fault])
    with pytest.raises(oca.InternalError) as caught:
        client.send(MAIL)
    assert (caught.value.http_status, caught.value.code) == (500, 13)
    assert caught.value.may_have_left
    assert len(sandbox.ledger()) == accepted


@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 406, 500, 503])
def test_low_balance_is_recognised_at_any_status(sandbox: Sandbox, client: oca.Client, status: int) -> None:
    sandbox.faults(low_balance=True, low_balance_status=status)
    with pytest.raises(oca.LowBalance) as caught:
        client.send(MAIL)
    assert (caught.value.http_status, caught.value.verdict) == (status, "account")
    assert sandbox.ledger() == []


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        ("reset_before", oca.NoAnswer, 0),
        ("reset_after", oca.NoAnswer, 1),
        ("hang_before", oca.NoAnswer, 0),
        ("hang_after", oca.NoAnswer, 1),
        ("truncated_json", oca.NoAnswer, 1),
        ("html_502", oca.ServerFault, 0),
        ("html_200", oca.UnreadableAnswer, 0),
        ("malformed_json", oca.UnreadableAnswer, 1),
        ("no_id", oca.UnreadableAnswer, 1),
        ("gzip_bomb", oca.UnreadableAnswer, 1),
    ],
)
def test_anything_else_may_or_may_not_have_been_accepted(
    sandbox: Sandbox, client: oca.Client, fault: str, kind: type[oca.GatewayError], accepted: int
) -> None:
    sandbox.faults(next=[fault], hang_s=0.3)
    with pytest.raises(kind) as caught:
        client.send(MAIL)
    assert caught.value.may_have_left
    assert len(sandbox.ledger()) == accepted, "sent once, not again by itself"
    assert client.send(MAIL).msg_id, "and the next mail is not disturbed"


@pytest.mark.parametrize(
    "fault",
    ["reset_before", "truncated_json", "html_502", "html_200", "malformed_json", "no_id", "gzip_bomb", "429"],
)
def test_look_ups_meet_the_same_faults_with_the_same_family(sandbox: Sandbox, fault: str) -> None:
    with client_of(sandbox) as client:
        msg_id = client.send(MAIL).msg_id
        sandbox.faults(**{fault: 1.0}, faults_on=["history"])
        with pytest.raises(oca.GatewayError):
            client.history()
        sandbox.faults(faults_on=["status"])
        if fault != "no_id":  # a status without an id is still the answer about the mail that was asked for
            with pytest.raises(oca.GatewayError):
                client.status(msg_id)


def test_a_redirect_is_not_followed(sandbox: Sandbox, client: oca.Client) -> None:
    with running_stub() as elsewhere:
        sandbox.faults(redirect_to=elsewhere.url, faults_on=["send", "history"])
        for call in (lambda: client.send(MAIL), client.history):
            with pytest.raises(oca.UnexpectedRedirect):
                call()
    assert elsewhere.connections == 0


def test_too_many_bytes_are_refused_for_good_or_in_doubt(sandbox: Sandbox) -> None:
    # The proxy may hang up while the mail is still on its way, and then its 413 is not always seen.
    file = oca.Attachment("film.mp4", bytes(16_000_000))
    with (
        client_of(sandbox) as client,
        pytest.raises((oca.TooLarge, oca.NoAnswer)),
    ):
        client.send(replace(MAIL, attachment=file))
    assert sandbox.ledger() == []


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_sends_and_look_ups_share_one_budget(sandbox: Sandbox, window: str) -> None:
    # With room between the budget and the limit, so that a busy machine does not make this fail.
    sandbox.faults(limit=25, window=window)
    with client_of(sandbox, pace=oca.Pace(20)) as client:
        for number in range(40):
            client.history(limit=1) if number % 2 else client.send(MAIL)
    summary = sandbox.summary()
    assert summary["answers"] == {"200": 40}
    assert summary["peak_in_one_second"] <= 25
