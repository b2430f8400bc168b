"""Every shape an answer may come in, and that nonsense is an error of the family and never a crash."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oca
from oca.answers import MAX_DETAIL, Answer, read_history, read_status, receipt_id

ROW = {
    "email": "joko@contoh.id",
    "message_body": "<p>Halo</p>",
    "created_at": "2024-07-31T18:01:32.680Z",
    "status": "delivered",
    "msg_id": "m1",
}


def the(body: object, http_status: int = 200) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(http_status, content, None, lambda text: text)


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "msg_id": "m1"},
        {"status": True, "msg_uid": "m1"},
        {"success": True, "msgid": "m1", "errors": []},
        {"success": True, "data": {"msg_id": "m1"}},
        {"data": {"status": True, "msgid": "m1"}},
        {"success": True, "data": None, "msg_id": " m1 "},
    ],
)
def test_a_receipt_is_read_in_every_shape(body: object) -> None:
    assert receipt_id(the(body)) == "m1"


def test_a_receipt_may_be_a_number() -> None:
    assert receipt_id(the({"success": True, "msg_id": 12345678901})) == "12345678901"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>welcome to the hotel's wifi</html>",
        b'{"success": true, "msg_id": "m',
        b"[" * 100_000,
        b"\xff\xfe\xfa",
        b'{"success": true, "msg_id": ' + b"9" * 5000 + b"}",
        None,
        True,
        [],
        "m1",
        {"success": True},
        {"msg_id": "m1"},
        {"success": False, "msg_id": "m1"},
        {"success": True, "status": False, "msg_id": "m1"},
        {"success": False, "data": {"status": True, "msg_id": "m1"}},
        {"success": "true", "msg_id": "m1"},
        {"success": 1, "msg_id": "m1"},
        {"success": True, "msg_id": ""},
        {"success": True, "msg_id": None},
        {"success": True, "msg_id": True},
        {"success": True, "msg_id": ["m1"]},
        {"success": True, "msg_id": "m\n1"},
        {"success": True, "msg_id": "m" * 500},
    ],
)
def test_a_success_without_all_its_proofs_is_unknown(body: object) -> None:
    with pytest.raises(oca.UnreadableAnswer) as caught:
        receipt_id(the(body))
    assert caught.value.may_have_left
    assert caught.value.http_status == 200


def test_an_over_long_success_is_unknown() -> None:
    with pytest.raises(oca.UnreadableAnswer):
        receipt_id(Answer(200, None, None, str))


def test_success_false_with_a_code_is_the_gateways_own_no() -> None:
    body = {"success": False, "errors": [{"message": "low-balance", "code": 5}]}
    with pytest.raises(oca.LowBalance, match="low-balance") as caught:
        receipt_id(the(body))
    assert caught.value.http_status == 200


def test_a_code_outside_of_errors_proves_nothing() -> None:
    with pytest.raises(oca.UnreadableAnswer):
        receipt_id(the({"code": 5, "message": "Not Found", "details": []}))


def test_a_plain_error_keeps_the_gateways_words() -> None:
    body = {"errors": [{"message": "Invalid Authentication Credentials", "code": 17}]}
    with pytest.raises(oca.InvalidCredentials) as caught:
        receipt_id(the(body, 401))
    error = caught.value
    assert (error.code, error.http_status, error.params) == (17, 401, ())
    assert error.detail == "Invalid Authentication Credentials"


@pytest.mark.parametrize("key", ["param", "path"])
def test_every_parameter_at_fault_is_kept(key: str) -> None:
    faults = [
        {"value": "x", "msg": "Invalid value", key: "email", "location": "body"},
        {"msg": "must not be empty", key: "subject", "location": "body"},
    ]
    with pytest.raises(oca.InvalidParameter) as caught:
        receipt_id(the({"errors": [{"message": faults, "code": "39"}]}, 406))
    error = caught.value
    assert error.code == 39
    assert error.params == (
        oca.ParamFault("email", "Invalid value", "x"),
        oca.ParamFault("subject", "must not be empty"),
    )
    assert error.detail == "email: Invalid value; subject: must not be empty"


def test_among_several_errors_the_first_with_a_documented_code_counts() -> None:
    body = {"errors": [{"code": 999, "message": "a"}, "?", {"code": 5, "message": "b"}, {"code": 39}]}
    with pytest.raises(oca.LowBalance) as caught:
        receipt_id(the(body, 400))
    assert caught.value.detail == "a; b"


def test_a_proxys_page_is_told_in_one_short_line() -> None:
    page = b"<html><head><style>a{}</style><title>502 Bad\nGateway</title></head><body><h1>nginx</h1></body></html>"
    with pytest.raises(oca.ServerFault) as caught:
        receipt_id(the(page, 502))
    assert caught.value.detail == "502 Bad Gateway nginx"


def test_a_flood_of_words_is_cut() -> None:
    with pytest.raises(oca.InternalError) as caught:
        receipt_id(the({"errors": [{"message": "x" * 10**5, "code": 13}] * 100}, 500))
    assert len(caught.value.detail) <= MAX_DETAIL


@pytest.mark.parametrize(
    "body",
    [
        ROW,
        {"status": True, "data": {**ROW, "msgid": "m1", "attachment": False, "history": [], "source": "api"}},
        {"success": True, "data": {**ROW, "msg_id": None, "msg_uid": "m1"}},
        {key: value for key, value in ROW.items() if key != "msg_id"},
    ],
)
def test_a_status_is_read_in_every_shape(body: object) -> None:
    created = datetime(2024, 7, 31, 18, 1, 32, 680_000, UTC)
    expected = oca.Status("m1", "joko@contoh.id", "delivered", "delivered", created, "<p>Halo</p>")
    assert read_status(the(body), "m1") == expected


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("delivered", "delivered"),
        ("Opened", "opened"),
        ("failed", "failed"),
        ("sent", "pending"),
        ("send", "pending"),
        ("deferred", "pending"),
        ("", "pending"),
    ],
)
def test_a_word_we_do_not_know_is_pending_and_kept(raw: str, word: str) -> None:
    status = read_status(the({**ROW, "status": raw}), "m1")
    assert (status.status, status.raw) == (word, raw)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"status": True}, {"status": False, "data": ROW}, {"data": [ROW]}]
)
def test_a_status_that_says_nothing_is_an_unreadable_answer(body: object) -> None:
    with pytest.raises(oca.UnreadableAnswer):
        read_status(the(body), "m1")


def test_the_status_of_another_mail_is_not_taken_for_this_one() -> None:
    with pytest.raises(oca.UnreadableAnswer, match="another mail"):
        read_status(the(ROW), "m2")


def test_an_id_the_gateway_no_longer_knows_is_told_apart() -> None:
    with pytest.raises(oca.DataNotFound):
        read_status(the({"errors": [{"message": "Data doesn't exist", "code": 33}]}, 404), "m1")


def test_a_body_the_gateway_does_not_give_back_is_none() -> None:
    assert read_status(the({**ROW, "message_body": "-"}), "m1").message_body is None


def test_half_a_character_is_replaced_so_that_every_text_can_be_stored() -> None:
    status = read_status(the({**ROW, "message_body": "a\ud83db", "email": "a\ud83d@contoh.id"}), "m1")
    assert status.message_body == "a?b"
    assert status.email.encode()


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2024-07-31T18:01:32", datetime(2024, 7, 31, 18, 1, 32, tzinfo=UTC)),
        ("2024-07-31T18:01:32+07:00", datetime(2024, 7, 31, 11, 1, 32, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (1722448892, None),
        (20240731, None),
        (None, None),
    ],
)
def test_a_time_is_read_as_utc_or_not_at_all(created: object, expected: datetime | None) -> None:
    assert read_status(the({**ROW, "created_at": created}), "m1").created_at == expected


def rows(*times: str | None) -> list[dict[str, object]]:
    return [{**ROW, "msg_id": f"m{number}", "created_at": time} for number, time in enumerate(times)]


TWO = rows("2024-07-31T18:01:33Z", "2024-07-31T18:01:32Z")


@pytest.mark.parametrize("wrap", [lambda page: page, lambda page: {"status": True, "data": page}])
def test_a_history_envelope_is_read(wrap: Callable[[Any], Any]) -> None:
    envelope = wrap({"page": 2, "pages": "7", "total_inpage": 2, "limit": 50, "data": TWO})
    page = read_history(the(envelope), 2, 50)
    assert (page.page, page.pages, page.total_inpage, page.limit) == (2, 7, 2, 50)
    assert [item.msg_id for item in page.items] == ["m0", "m1"]
    assert page.newest_first


def test_a_history_that_is_a_bare_list_is_read() -> None:
    page = read_history(the(TWO), 3, 2)
    assert (page.page, page.total_inpage, page.limit) == (3, 2, 2)
    assert page.pages == 4, "any page with rows may have a successor"
    assert read_history(the(TWO), 3, 50).pages == 4, (
        "even a short one: the gateway may cut pages where it likes"
    )
    empty = read_history(the([]), 4, 50)
    assert (empty.items, empty.pages) == ((), 4)


@pytest.mark.parametrize(
    "times", [("2024-07-31T18:01:32Z", "2024-07-31T18:01:33Z"), ("2024-07-31T18:01:32Z", None)]
)
def test_an_order_that_is_not_newest_first_is_noticed(times: tuple[str | None, ...]) -> None:
    assert not read_history(the(rows(*times)), 1, 50).newest_first


@pytest.mark.parametrize("gap", [None, "row", {}, {**ROW, "msg_id": ""}])
def test_a_history_page_with_a_gap_is_unreadable_because_it_could_hide_a_mail(gap: object) -> None:
    with pytest.raises(oca.UnreadableAnswer, match="without an id"):
        read_history(the([*TWO, gap]), 1, 50)


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, "x", {"success": False, "data": []}])
def test_a_history_without_a_list_is_unreadable(body: object) -> None:
    with pytest.raises(oca.UnreadableAnswer):
        read_history(the(body), 1, 50)


def test_a_history_page_with_nonsense_numbers_falls_back_to_what_was_asked() -> None:
    page = read_history(
        the({"page": -1, "pages": None, "limit": "x", "total_inpage": True, "data": TWO}), 1, 50
    )
    assert (page.page, page.pages, page.total_inpage, page.limit) == (1, 2, 2, 50)


KEYS = st.sampled_from(
    [
        "success",
        "status",
        "data",
        "msg_id",
        "msgid",
        "errors",
        "code",
        "message",
        "param",
        "msg",
        "created_at",
        "page",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([5, "39", "\ud800", "a\x00b", "2024-07-31T18:01:32Z"])
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=25)
BODIES = st.binary() | TREES.map(lambda tree: json.dumps(tree).encode())


@settings(deadline=None)
@given(BODIES, st.integers(100, 599))
def test_whatever_comes_back_is_a_value_or_an_error_of_the_family(body: bytes, http_status: int) -> None:
    def storable(text: str) -> bool:
        return "\x00" not in text and bool(text.encode() or True)

    for read in (
        receipt_id,
        lambda given: read_status(given, "m1"),
        lambda given: read_history(given, 1, 50),
    ):
        try:
            read(the(body, http_status))
        except oca.GatewayError as error:
            assert storable(str(error))  # noqa: PT017 – a value is as welcome as an error
            assert len(error.detail) <= MAX_DETAIL  # noqa: PT017
