"""A client for Telkom Indonesia's OCA Email Gateway, usable on its own.

import oca
client = oca.Client(oca.read_token("token.txt"), audit=oca.AuditLog("audit.db"))
receipt = client.send(oca.Message(to=…, subject=…, html=…, sender_email=…, sender_name=…))
client.status(receipt.msg_id).status
"""

from oca.audit import (
    ATTEMPT_COLUMNS,
    AttemptFacts,
    AttemptResult,
    Audit,
    AuditLog,
    complete_attempt,
    insert_attempt,
)
from oca.client import Client
from oca.clock import clock_offset
from oca.contract import DEFAULT_BASE_URL
from oca.errors import (
    AccountExpired,
    BadRequest,
    DataNotFound,
    GatewayError,
    InternalError,
    InvalidCredentials,
    InvalidParameter,
    LowBalance,
    MissingAuthorization,
    NoAnswer,
    ParamFault,
    QuotaExhausted,
    RateLimited,
    ServerFault,
    TemplateNotFound,
    TokenInvalid,
    TokenNotSupplied,
    TooLarge,
    UnexpectedAnswer,
    UnexpectedRedirect,
    Unreachable,
    UnreadableAnswer,
    UserNotFound,
    Verdict,
    advice_for,
    error_for,
)
from oca.messages import Attachment, HistoryItem, HistoryPage, InvalidMessage, Message, Receipt, Status
from oca.pace import Pace, Slot
from oca.token import Token, TokenError, parse_token, read_token

__all__ = [
    "ATTEMPT_COLUMNS",
    "DEFAULT_BASE_URL",
    "AccountExpired",
    "Attachment",
    "AttemptFacts",
    "AttemptResult",
    "Audit",
    "AuditLog",
    "BadRequest",
    "Client",
    "DataNotFound",
    "GatewayError",
    "HistoryItem",
    "HistoryPage",
    "InternalError",
    "InvalidCredentials",
    "InvalidMessage",
    "InvalidParameter",
    "LowBalance",
    "Message",
    "MissingAuthorization",
    "NoAnswer",
    "Pace",
    "ParamFault",
    "QuotaExhausted",
    "RateLimited",
    "Receipt",
    "ServerFault",
    "Slot",
    "Status",
    "TemplateNotFound",
    "Token",
    "TokenError",
    "TokenInvalid",
    "TokenNotSupplied",
    "TooLarge",
    "UnexpectedAnswer",
    "UnexpectedRedirect",
    "Unreachable",
    "UnreadableAnswer",
    "UserNotFound",
    "Verdict",
    "advice_for",
    "clock_offset",
    "complete_attempt",
    "error_for",
    "insert_attempt",
    "parse_token",
    "read_token",
]
