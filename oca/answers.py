"""Turning what the gateway answers, in any of its shapes, into our values or into one of the errors."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from oca.contract import ID_KEYS, NO_BODY, SUCCESS_KEYS, status_word
from oca.errors import GatewayError, ParamFault, UnreadableAnswer, error_for, whole_code
from oca.messages import HistoryPage, Status
from oca.words import N_

MAX_DETAIL = 2000
_MAX_ID = 200
_MAX_FAULTS = 50
_MAX_PAGE = 4096
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_NOTHING: dict[str, object] = {}


@dataclass(frozen=True)
class Answer:
    """One answer of the gateway; `body` is None where it was longer than we read."""

    http_status: int
    body: bytes | None
    retry_after: float | None
    redact: Callable[[str], str]

    @property
    def ok(self) -> bool:
        """Whether the HTTP status is one of success."""
        return 200 <= self.http_status < 300


def receipt_id(answer: Answer) -> str:
    """The id the gateway gave a mail it accepted: a 2xx, JSON, success true and an id, flat or inside `data`."""
    data = _success(answer)
    inner = _inside(data)
    msg_id = _msg_id(inner) or _msg_id(_object(data))
    if _says_yes(data) and msg_id:
        return msg_id
    raise _failure(answer, data)


def read_status(answer: Answer, asked: str) -> Status:
    """What the gateway says became of the mail with the id `asked`."""
    data = _success(answer)
    row = _inside(data)
    if not isinstance(row.get("status"), str) or _says_no(_object(data)):
        raise _failure(answer, data)
    if _msg_id(row) not in ("", asked):
        raise UnreadableAnswer(
            N_("The gateway answered about another mail than the one asked for."),
            http_status=answer.http_status,
        )
    return _row(row, asked)


def read_history(answer: Answer, page: int, limit: int) -> HistoryPage:
    """A page of the gateway's history: an envelope with `data`, or a bare list.

    A row without an id makes the whole page unreadable: on a page with gaps nothing can be proven absent.
    """
    data = _success(answer)
    envelope, rows = _rows(data)
    if rows is None or _says_no(envelope):
        raise _failure(answer, data)
    if not all(_msg_id(_object(row)) for row in rows):
        raise UnreadableAnswer(
            N_("The gateway's history holds a row without an id."), http_status=answer.http_status
        )
    items = tuple(_row(_object(row), _msg_id(_object(row))) for row in rows)
    return HistoryPage(
        page=_count(envelope.get("page"), page),
        # A bare list does not say how many pages there are, nor at how many rows the gateway cuts a page:
        # only an empty one is sure to be behind the last.
        pages=_count(envelope.get("pages"), page + 1 if items else page),
        total_inpage=_count(envelope.get("total_inpage"), len(items)),
        limit=_count(envelope.get("limit"), limit),
        items=items,
        newest_first=_newest_first(items),
        counted=whole_code(envelope.get("pages")) is not None,
    )


def _success(answer: Answer) -> object:
    """The JSON of a 2xx; raises the error that any other answer amounts to."""
    data = _json(answer)
    if not answer.ok or data is None:
        raise _failure(answer, data)
    return data


def _failure(answer: Answer, data: object) -> GatewayError:
    faults = _faults(data)
    codes = [whole_code(fault.get("code")) for fault in faults]
    known = [code for code in codes if error_for(code, None) is not error_for(None, None)]
    code = next(iter(known or codes), None)
    params = tuple(_param(entry) for entry in _messages(faults) if isinstance(entry, dict))
    return error_for(code, answer.http_status)(
        code=code,
        http_status=answer.http_status,
        params=params,
        detail=_detail(answer, data),
        retry_after=answer.retry_after,
    )


def _faults(data: object) -> list[dict[str, object]]:
    errors = _object(data).get("errors")
    found = errors if isinstance(errors, list) else [errors]
    return [fault for fault in found[:_MAX_FAULTS] if isinstance(fault, dict)]


def _messages(faults: list[dict[str, object]]) -> list[object]:
    """What the faults say: a sentence each, or a list of objects, one for each parameter at fault."""
    said: list[object] = []
    for fault in faults:
        message = fault.get("message")
        said += message if isinstance(message, list) else [message]
    return said[:_MAX_FAULTS]


def _param(entry: dict[str, object]) -> ParamFault:
    name = entry.get("param", entry.get("path"))  # "path" in later versions of express-validator
    return ParamFault(_line(name, 100), _line(entry.get("msg"), 500), entry.get("value"))


def _detail(answer: Answer, data: object) -> str:
    if data is None:
        page = (answer.body or b"")[:_MAX_PAGE].decode("utf-8", "replace")
        return _line(answer.redact(_TAGS.sub(" ", page)), 300)
    said = _messages(_faults(data)) or [_object(data).get("message")]
    words = [str(_param(entry)) if isinstance(entry, dict) else _line(entry, MAX_DETAIL) for entry in said]
    return "; ".join(filter(None, words))[:MAX_DETAIL]


def _json(answer: Answer) -> object:
    """The body as JSON, the token and broken characters taken out of every text; None where it is none."""
    if answer.body is None:
        return None
    try:
        return _tidy(json.loads(answer.body), answer.redact)
    except (ValueError, RecursionError):
        return None


def _tidy(value: object, redact: Callable[[str], str]) -> object:
    if isinstance(value, str):
        # Half characters can neither be stored nor printed.
        return redact(value.encode("utf-8", "replace").decode())
    if isinstance(value, list):
        return [_tidy(entry, redact) for entry in value]
    if isinstance(value, dict):
        return {str(_tidy(key, redact)): _tidy(entry, redact) for key, entry in value.items()}
    return value


def _object(data: object) -> dict[str, object]:
    return data if isinstance(data, dict) else _NOTHING


def _inside(data: object) -> dict[str, object]:
    inner = _object(data).get("data")
    return inner if isinstance(inner, dict) else _object(data)


def _rows(data: object) -> tuple[dict[str, object], list[object] | None]:
    if isinstance(data, list):
        return _NOTHING, data
    envelope = _object(data)
    for holder in (envelope, _inside(data)):
        rows = holder.get("data")
        if isinstance(rows, list):
            return {**envelope, **holder}, rows
    return envelope, None


def _says_yes(data: object) -> bool:
    holders = (_object(data), _inside(data))
    yes = any(holder.get(key) is True for holder in holders for key in SUCCESS_KEYS)
    return yes and not any(map(_says_no, holders))


def _says_no(holder: dict[str, object]) -> bool:
    return any(holder.get(key) is False for key in SUCCESS_KEYS)


def _msg_id(row: dict[str, object]) -> str:
    for key in ID_KEYS:
        value = row.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**30:
            return str(value)
        if isinstance(value, str) and 0 < len(value.strip()) <= _MAX_ID and value.strip().isprintable():
            return value.strip()
    return ""


def _row(row: dict[str, object], msg_id: str) -> Status:
    raw = _line(row.get("status"), 100)
    body = row.get("message_body")
    return Status(
        msg_id=msg_id,
        email=_line(row.get("email"), 320),
        status=status_word(raw),
        raw=raw,
        created_at=_moment(row.get("created_at")),
        message_body=body if isinstance(body, str) and body != NO_BODY else None,
    )


def _line(value: object, longest: int) -> str:
    """A text on one line without control characters, so that it can be logged and printed; "" for no text."""
    if not isinstance(value, str):
        return ""
    visible = "".join(character if character.isprintable() else " " for character in value[: 8 * longest])
    return " ".join(visible.split())[:longest]


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _count(value: object, otherwise: int) -> int:
    number = whole_code(value)
    return number if number is not None and 0 <= number < 10**9 else otherwise


def _newest_first(items: tuple[Status, ...]) -> bool:
    times = [item.created_at for item in items if item.created_at is not None]
    return len(times) == len(items) and times == sorted(times, reverse=True)
