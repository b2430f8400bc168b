"""Everything that can go wrong between a mail and the gateway, as one family of exceptions.

Each class knows what its fault means for a mail that was being sent (`verdict`) and what a person does
next (`advice`). The numbers are the error codes of the vendor's V2 text and, where marked V1, of its older
pages. A verdict other than "unknown" is a proof: the mail was not accepted.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from oca.words import N_

Verdict = Literal["refused", "token", "account", "later", "unreachable", "unknown"]

_NEW_TOKEN = N_("Download a new token from the OCA dashboard and upload it; everything queued is kept.")
_LOOK_FIRST = N_("Look the mail up in the gateway's history before sending it again: it may have left.")
_TOP_UP = N_("Top up the OCA account, then resume; everything queued is kept.")
_CORRECT = N_("Correct what the gateway names and send a new mail; the same mail would be refused again.")


@dataclass(frozen=True)
class ParamFault:
    """One parameter the gateway found fault with. The value is personal data and stays out of texts."""

    param: str
    msg: str
    value: object = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.param}: {self.msg}" if self.param else self.msg


class GatewayError(Exception):
    """Any failure of a call to the gateway.

    `sentence` says what happened, `detail` holds the gateway's own words (at most 2,000 characters, the
    token blotted out), `retry_after` the seconds to wait where the gateway said so.
    """

    number: ClassVar[int | None] = None
    verdict: ClassVar[Verdict] = "unknown"
    advice: ClassVar[str] = _LOOK_FIRST
    sentence: str = N_("The call to the gateway failed.")

    def __init__(
        self,
        sentence: str | None = None,
        *,
        code: int | None = None,
        http_status: int | None = None,
        params: tuple[ParamFault, ...] = (),
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.sentence = sentence or type(self).sentence
        super().__init__(self.sentence)
        self.code = code
        self.http_status = http_status
        self.params = params
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.sentence} ({self.detail})" if self.detail else self.sentence

    @property
    def may_have_left(self) -> bool:
        """False only where it is proven that the gateway did not accept the mail."""
        return self.verdict == "unknown"


class LowBalance(GatewayError):
    """Code 5: the account has not enough balance left, at whatever HTTP status."""

    number = 5
    verdict = "account"
    sentence = N_("The OCA account has not enough balance left.")
    advice = _TOP_UP


class RateLimited(GatewayError):
    """429, code 9: too many requests in one second."""

    number = 9
    verdict = "later"
    sentence = N_("The gateway asks us to slow down.")
    advice = N_("Nothing to do: the mail is sent again after a short wait.")


class InternalError(GatewayError):
    """500, code 13: an internal error of the gateway, usually temporary."""

    number = 13
    sentence = N_("The gateway had an internal error.")


class InvalidCredentials(GatewayError):
    """401, code 17 (V1): the credentials are not valid."""

    number = 17
    verdict = "token"
    sentence = N_("The gateway does not accept these credentials.")
    advice = _NEW_TOKEN


class MissingAuthorization(GatewayError):
    """401, code 19: no Authorization header arrived."""

    number = 19
    verdict = "token"
    sentence = N_("The gateway did not see the token.")
    advice = _NEW_TOKEN


class DataNotFound(GatewayError):
    """404, code 33: the gateway does not know what was asked for, or no longer."""

    number = 33
    sentence = N_("The gateway does not know this mail, or no longer.")
    advice = N_("Check the mail's id; the gateway may have dropped the mail from its records.")


class InvalidParameter(GatewayError):
    """406, code 39: a parameter is missing or wrong; `params` names each."""

    number = 39
    verdict = "refused"
    sentence = N_("The gateway refused the mail: something in it is missing or wrong.")
    advice = _CORRECT


class UserNotFound(GatewayError):
    """404, code 41 (V1): the account behind the token does not exist."""

    number = 41
    verdict = "token"
    sentence = N_("The gateway does not know the account of this token.")
    advice = N_("Ask the owner of the OCA account, or upload another token; everything queued is kept.")


class TokenNotSupplied(GatewayError):
    """401, code 43: the Authorization header carried no token."""

    number = 43
    verdict = "token"
    sentence = N_("The gateway did not find a token in the request.")
    advice = _NEW_TOKEN


class TokenInvalid(GatewayError):
    """401, code 45, or 401 without a code we know: the token is not valid."""

    number = 45
    verdict = "token"
    sentence = N_("The gateway does not accept this token.")
    advice = _NEW_TOKEN


class AccountExpired(GatewayError):
    """401, code 51 (V1): the account has expired."""

    number = 51
    verdict = "token"
    sentence = N_("The OCA account has expired.")
    advice = N_("Renew the OCA account, then resume; everything queued is kept.")


class QuotaExhausted(GatewayError):
    """401, code 55 (V1): the quota is used up."""

    number = 55
    verdict = "account"
    sentence = N_("The quota of the OCA account is used up.")
    advice = _TOP_UP


class TemplateNotFound(GatewayError):
    """406, code 59: documented for WhatsApp; for email treated as refused."""

    number = 59
    verdict = "refused"
    sentence = N_("The gateway refused the mail: it does not know the template.")
    advice = _CORRECT


class BadRequest(GatewayError):
    """400: the gateway cannot make sense of the request."""

    verdict = "refused"
    sentence = N_("The gateway refused the mail as malformed.")
    advice = _CORRECT


class TooLarge(GatewayError):
    """413: more bytes than the gateway takes."""

    verdict = "refused"
    sentence = N_("The mail is too large for the gateway.")
    advice = N_("Make the attachment or the content smaller and send a new mail.")


class Unreachable(GatewayError):
    """Nothing was written to the network: no name, no connection, no TLS."""

    verdict = "unreachable"
    sentence = N_("The gateway could not be reached.")
    advice = N_("Check this machine's network and the gateway's address; the mail did not leave.")


class NoAnswer(GatewayError):
    """The request left, at least in part, and no whole answer came back."""

    sentence = N_("The request left, but no whole answer came back.")


class UnreadableAnswer(GatewayError):
    """An answer of success that does not say what it must: no JSON, no id, no success, or far too long."""

    sentence = N_("The gateway answered, but not in a way we can read.")


class UnexpectedRedirect(GatewayError):
    """A redirect: never followed, because the token would travel with it."""

    sentence = N_("The gateway sent us to another address, and we did not follow.")
    advice = N_("Check the gateway's address in the settings; look the mail up before sending it again.")


class ServerFault(GatewayError):
    """Any 5xx that is not code 13: often a proxy in front of the gateway."""

    sentence = N_("The gateway, or a proxy in front of it, had a fault.")


class UnexpectedAnswer(GatewayError):
    """An HTTP status that no document names."""

    sentence = N_("The gateway answered with a status we do not know.")


_DOCUMENTED: tuple[type[GatewayError], ...] = (
    LowBalance,
    RateLimited,
    InternalError,
    InvalidCredentials,
    MissingAuthorization,
    DataNotFound,
    InvalidParameter,
    UserNotFound,
    TokenNotSupplied,
    TokenInvalid,
    AccountExpired,
    QuotaExhausted,
    TemplateNotFound,
)
_BY_CODE = {kind.number: kind for kind in _DOCUMENTED}
_BY_STATUS = {
    400: BadRequest,
    401: TokenInvalid,
    406: InvalidParameter,
    413: TooLarge,
    429: RateLimited,
}
# The HTTP status of "low balance" is open, so its code counts even at a 5xx. Any other code at a 5xx proves
# nothing: the fault may have come after the mail was accepted.
_AT_5XX = (LowBalance, QuotaExhausted, InternalError)

_BY_VERDICT: dict[str, type[GatewayError]] = {
    "refused": BadRequest,
    "token": TokenInvalid,
    "account": LowBalance,
    "later": RateLimited,
    "unreachable": Unreachable,
    "unknown": NoAnswer,
}


def whole_code(code: object) -> int | None:
    """An error code as a number; the gateway writes 39 as well as "39"."""
    if isinstance(code, int) and not isinstance(code, bool):
        return code if 0 <= code < 10**9 else None
    if isinstance(code, str) and code.strip().isascii() and code.strip().isdigit() and len(code) <= 9:
        return int(code)
    return None


def error_for(code: object, http_status: int | None) -> type[GatewayError]:
    """The class of error that an answer with this code and HTTP status amounts to.

    The code counts before the status where it is documented, except at a redirect and at most 5xx.
    """
    if http_status is not None and 300 <= http_status < 400:
        return UnexpectedRedirect
    known = _BY_CODE.get(whole_code(code))
    if http_status is not None and http_status >= 500:
        return known if known and known in _AT_5XX else ServerFault
    return known or _by_status(http_status)


def _by_status(http_status: int | None) -> type[GatewayError]:
    if http_status is None:
        return NoAnswer
    if 200 <= http_status < 300:
        return UnreadableAnswer
    return _BY_STATUS.get(http_status, UnexpectedAnswer)


def advice_for(code: object, http_status: int | None, verdict: str) -> str:
    """What a person does next about a stored attempt; empty where it went well.

    The verdict was decided with more at hand than code and status, so where they disagree it counts.
    """
    kind = error_for(code, http_status)
    if kind.verdict == verdict:
        return kind.advice
    return _BY_VERDICT[verdict].advice if verdict in _BY_VERDICT else ""
