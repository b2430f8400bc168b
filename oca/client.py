"""The way out to the OCA Email Gateway: send a mail, ask for its status, page through the history."""

import base64
import ipaddress
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from oca.answers import Answer, read_history, read_status, receipt_id
from oca.audit import AttemptFacts, AttemptResult, Audit
from oca.contract import AUTH_SCHEME, DEFAULT_BASE_URL, HISTORY_PATH, SEND_PATH, STATUS_PATH
from oca.errors import GatewayError, NoAnswer, Unreachable
from oca.headers import gateway_time, rate_limits, retry_after
from oca.messages import HistoryPage, Message, Receipt, Status
from oca.pace import Pace, Slot
from oca.token import Token
from oca.wire import FAULTS, Session, failure_of, nothing_left_yet, read_body
from oca.words import N_

_POOL_SIZE = 64
_ANSWER_BYTES = 1_000_000
_HISTORY_BYTES = 16_000_000
_PAUSE_WHEN_NOT_TOLD = 1.0
_URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
_HEADER_SAFE = re.compile(r"[A-Za-z0-9._-]+")

_log = logging.getLogger(__name__)


class Client:
    """A client for one token; safe to use from many threads.

    `timeout` is (seconds to connect, seconds to wait for the answer). Without a `pace` the client keeps to
    the documented 25 requests a second by itself. `clock_offset` is the gateway's clock minus
    ours in seconds, up to a second low because the Date header holds whole seconds; None before an answer.
    Raises ValueError where the token would not be safe.
    """

    def __init__(
        self,
        token: Token,
        *,
        base_url: str = DEFAULT_BASE_URL,
        audit: Audit | None = None,
        pace: Pace | None = None,
        timeout: tuple[float, float] = (5.0, 60.0),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not _HEADER_SAFE.fullmatch(token.secret):
            raise ValueError(N_("This token cannot be sent: read it with read_token()."))
        self.token = token
        self.clock_offset: float | None = None
        self._base_url = safe_url(base_url)
        self._audit = audit
        self._pace = pace or Pace()
        self._own_pace = pace is None
        self._timeout = timeout
        self._now = now
        self._session = Session(_POOL_SIZE)

    def send(self, message: Message, *, audit: Audit | None = None, slot: Slot | None = None) -> Receipt:
        """Send one mail and return the gateway's receipt.

        The attempt is on disk in `audit` (or the client's) before a byte leaves. A `slot` given was taken from
        the pace by the caller and is spent, or given back where nothing was tried. Raises InvalidMessage or
        what the audit raises, with nothing sent, and GatewayError.
        """
        audit = self._audit if audit is None else audit
        try:
            message.check()
            slot = slot or self._slot()
            attempt_id = (
                audit.begin(AttemptFacts.of(message, self.token, self._now())) if audit is not None else 0
            )
        except BaseException:
            if slot:
                slot.give_back()
            raise
        started = time.monotonic()
        try:
            answer = self._request("POST", SEND_PATH, slot=slot, **_form(message))
            receipt = Receipt(receipt_id(answer), answer.http_status, _since(started))
        except GatewayError as error:
            self._complete(audit, attempt_id, self._failed(error, _since(started)))
            raise
        self._complete(audit, attempt_id, self._accepted(receipt))
        return receipt

    def status(self, msg_id: str) -> Status:
        """What the gateway says became of the mail with this id. Raises GatewayError, among them DataNotFound."""
        if not msg_id.strip("."):
            raise ValueError(N_("This is not the id of a mail."))
        answer = self._request("GET", STATUS_PATH.format(msg_id=quote(msg_id, safe="")))
        return read_status(answer, msg_id)

    def history(self, page: int = 1, limit: int = 50) -> HistoryPage:
        """One page of the gateway's own history, pages counted from 1. Raises GatewayError."""
        asked = {"page": page, "limit": limit}
        answer = self._request("GET", HISTORY_PATH, longest=_HISTORY_BYTES, params=asked)
        return read_history(answer, page, limit)

    def check(self) -> None:
        """Ask the cheapest question that needs a token; raises GatewayError where the answer is no."""
        self.history(page=1, limit=1)

    def close(self) -> None:
        """Close the connections, and end the waiting for slots of the client's own pace."""
        if self._own_pace:
            self._pace.close()
        self._session.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(
        self,
        method: str,
        path: str,
        *,
        slot: Slot | None = None,
        longest: int = _ANSWER_BYTES,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Answer:
        """The one way out: every failure to get a whole answer leaves here as a GatewayError."""
        slot = slot or self._slot()
        http_status: int | None = None
        nothing_left_yet(slot.left)
        try:
            response = self._session.request(
                method,
                self._base_url + path,
                headers={
                    "Authorization": f"{AUTH_SCHEME} {self.token.secret}",
                    "Accept": "application/json",
                    "User-Agent": "oca-mailroom",
                    **(headers or {}),
                },
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                **content,
            )
            http_status = response.status_code
            wait = self._learn(http_status, response.headers)
            body = read_body(response, longest, self._timeout[1])
            return Answer(http_status, body, wait, self.token.redact)
        except FAULTS as fault:
            failure = NoAnswer(http_status=http_status) if http_status else failure_of(fault)
        finally:
            slot.left()  # a request that never got as far has used its turn all the same
        # Raised out here so that the library's exception, whose text is not ours, does not hang on to it.
        raise failure

    def _learn(self, http_status: int, headers: Any) -> float | None:
        now = self._now()
        theirs = gateway_time(headers)
        if theirs is not None:
            self.clock_offset = (theirs - now).total_seconds()
        limits = rate_limits(headers, now)
        self._pace.learn(limits.limit, limits.remaining, limits.reset_in)
        if http_status == 429:
            wait = retry_after(headers, now)
            self._pace.pause(wait or _PAUSE_WHEN_NOT_TOLD)
            return wait
        return retry_after(headers, now) if "Retry-After" in headers else None

    def _slot(self) -> Slot:
        slot = self._pace.take()
        if slot is None:
            raise Unreachable(N_("The client was closed before the request left."))
        return slot

    def _accepted(self, receipt: Receipt) -> AttemptResult:
        return AttemptResult(
            finished_at=self._now(),
            outcome="accepted",
            http_status=receipt.http_status,
            msg_id=receipt.msg_id,
            duration_ms=receipt.duration_ms,
        )

    def _failed(self, error: GatewayError, duration_ms: int) -> AttemptResult:
        return AttemptResult(
            finished_at=self._now(),
            outcome=error.verdict,
            http_status=error.http_status,
            code=error.code,
            detail=error.detail or error.sentence,
            duration_ms=duration_ms,
        )

    def _complete(self, audit: Audit | None, attempt_id: int, result: AttemptResult) -> None:
        """Write the result; where that fails the caller still gets it, and the attempt stays open."""
        if audit is None:
            return
        try:
            audit.complete(attempt_id, result)
        except Exception as error:
            kind = type(error).__name__
            _log.error("The result of attempt %d could not be written (%s); it stays open.", attempt_id, kind)


def _form(message: Message) -> dict[str, Any]:
    """The form of the vendor's V2 text; multipart only where there is a file."""
    fields = {
        "email": message.to,
        "sender_email": message.sender_email,
        "sender_name": message.sender_name,
        "subject": message.subject,
    }
    body = base64.b64encode(message.body).decode()
    if message.attachment is None:
        # Escaped here, for urlencode() looks at every letter of a long body by itself.
        escaped = body.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        return {"data": f"{urlencode(fields)}&message={escaped}", "headers": _URLENCODED}
    file = message.attachment
    attachment = (file.filename, file.content, file.content_type)
    return {"data": {**fields, "message": body}, "files": {"attachment": attachment}}


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def safe_url(base_url: str) -> str:
    """The address without a slash at its end. Raises ValueError where a token sent there would not be safe."""
    parts = urlsplit(base_url)
    if not parts.hostname or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ValueError(N_("The gateway's address must look like https://example.com."))
    if parts.username is not None or parts.password is not None:
        raise ValueError(N_("The gateway's address must not hold a user name or password."))
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise ValueError(N_("The gateway's address must start with https, or the token travels in clear."))
    return base_url.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
