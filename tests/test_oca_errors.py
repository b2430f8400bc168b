"""Each code and status amounts to one error, which knows whether the mail may have left and what to do next."""

import pytest

import oca
from oca import GatewayError, advice_for, error_for

FAMILY = GatewayError.__subclasses__()


@pytest.mark.parametrize(
    ("status", "code", "kind", "verdict"),
    [
        (401, 19, oca.MissingAuthorization, "token"),
        (401, 43, oca.TokenNotSupplied, "token"),
        (401, 45, oca.TokenInvalid, "token"),
        (401, 17, oca.InvalidCredentials, "token"),
        (401, 51, oca.AccountExpired, "token"),
        (401, 55, oca.QuotaExhausted, "account"),
        (401, None, oca.TokenInvalid, "token"),
        (404, 33, oca.DataNotFound, "unknown"),
        (404, 41, oca.UserNotFound, "token"),
        (404, None, oca.UnexpectedAnswer, "unknown"),
        (406, 39, oca.InvalidParameter, "refused"),
        (406, "39", oca.InvalidParameter, "refused"),
        (406, None, oca.InvalidParameter, "refused"),
        (406, 59, oca.TemplateNotFound, "refused"),
        (400, None, oca.BadRequest, "refused"),
        (413, None, oca.TooLarge, "refused"),
        (429, 9, oca.RateLimited, "later"),
        (429, None, oca.RateLimited, "later"),
        (500, 13, oca.InternalError, "unknown"),
        (500, None, oca.ServerFault, "unknown"),
        (502, None, oca.ServerFault, "unknown"),
        (402, 5, oca.LowBalance, "account"),
        (500, 5, oca.LowBalance, "account"),
        (200, "5", oca.LowBalance, "account"),
        (200, 39, oca.InvalidParameter, "refused"),
        (200, None, oca.UnreadableAnswer, "unknown"),
        (307, None, oca.UnexpectedRedirect, "unknown"),
        (418, 777, oca.UnexpectedAnswer, "unknown"),
        (None, None, oca.NoAnswer, "unknown"),
    ],
)
def test_a_code_and_status_amount_to_one_error(
    status: int | None, code: object, kind: type[GatewayError], verdict: str
) -> None:
    assert error_for(code, status) is kind
    assert kind.verdict == verdict
    assert kind().may_have_left == (verdict == "unknown")
    assert advice_for(code, status, verdict) == kind.advice


@pytest.mark.parametrize("code", [9, 17, 19, 33, 39, 41, 43, 45, 51, 59])
def test_no_code_but_that_of_money_is_a_proof_at_a_5xx_or_a_redirect(code: int) -> None:
    assert error_for(code, 500)().may_have_left
    assert error_for(code, 302)().may_have_left


@pytest.mark.parametrize("odd", [True, "", "x39", "３９", "9" * 50, 10**30, -39, 39.0, [39], None])
def test_an_odd_code_counts_as_none(odd: object) -> None:
    assert error_for(odd, 406) is oca.InvalidParameter
    assert error_for(odd, 200) is oca.UnreadableAnswer


@pytest.mark.parametrize("kind", FAMILY)
def test_every_error_is_public_and_has_a_sentence_and_advice(kind: type[GatewayError]) -> None:
    assert getattr(oca, kind.__name__) is kind
    assert kind().sentence != GatewayError.sentence
    assert kind().sentence.endswith(".")
    assert kind().advice.endswith(".")


def test_the_stored_verdict_decides_the_advice_where_the_status_alone_would_mislead() -> None:
    # A 400 whose body broke off: the status says refused, but the code that was lost may have said low balance.
    assert advice_for(None, 400, "unknown") == oca.NoAnswer.advice
    assert advice_for(None, None, "unreachable") == oca.Unreachable.advice
    assert advice_for(None, 200, "accepted") == ""


def test_the_value_of_a_parameter_at_fault_stays_out_of_every_text() -> None:
    fault = oca.ParamFault("email", "Invalid value", "joko@contoh.id")
    error = oca.InvalidParameter(params=(fault,), detail=str(fault))
    for shown in (str(fault), repr(fault), str(error), repr(error)):
        assert "joko" not in shown
    assert "email: Invalid value" in str(error)
