"""What the program says on its way: one line each, as text or as JSON, with no address and no token in any of them.

Lines are cleaned when they are finished, so it does not matter whether an address came in the message, in what was
filled into it, or in the text of an exception that some library raised.
"""

import json
import logging
import re
import sys
import threading
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import Literal

from mailroom.addresses import masked
from mailroom.times import iso
from oca.token import without_tokens

Form = Literal["text", "json"]
KEPT = 20

_log = logging.getLogger("mailroom")

# Letters of a local part as people have them; a quote only within a word, or else it belongs to the text around, as
# in b'…'.
_LOCAL = r"(?:[\w.!#$%*+^~-]|(?<=\w)(?<!\bb)'(?=\w))"
_ADDRESS = re.compile(rf"(?<![\w.!#$%*+^~-])({_LOCAL}+)(?:@|%40)((?:[\w-]+\.)*[\w-]+|\[[\w.:]+\])")
_BEARER = re.compile(r"\b(bearer)\s+[^\s'\"]+", re.IGNORECASE)


@dataclass
class Visit:
    """The request that this thread is answering. id: made for it, or told by a proxy of ours. user_id: once known."""

    id: str
    endpoint: str
    user_id: int | None = None
    begun: float = field(default_factory=perf_counter)


visit: ContextVar[Visit | None] = ContextVar("visit", default=None)


@dataclass(frozen=True)
class Said:
    """A warning or an error that was logged lately. at: as the database keeps times."""

    at: str
    level: str
    part: str
    text: str
    request_id: str


def clean(text: str) -> str:
    """The text with every address masked and every token taken out."""
    if "@" in text or "%40" in text:
        text = _ADDRESS.sub(lambda found: masked(f"{found[1]}@{found[2]}"), text)
    return _BEARER.sub(r"\1 …", without_tokens(text))


class TextFormatter(logging.Formatter):
    """Time, level, part and, within a request, its id; then the message, and below it the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        here = visit.get()
        number = f" [{here.id}]" if here else ""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}{number}: {_message(record)}"
        return clean("\n".join(filter(None, (line, _trace(self, record)))))


class JsonFormatter(logging.Formatter):
    """One object a line; what is not known is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        here = visit.get()
        found = {
            "time": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(_message(record)),
            "request_id": here.id if here else None,
            "endpoint": here.endpoint if here else None,
            "user_id": here.user_id if here else None,
            "status": getattr(record, "status", None),
            "ms": getattr(record, "ms", None),
            "error": clean(_trace(self, record)),
        }
        return json.dumps({key: value for key, value in found.items() if value not in (None, "")},
                          ensure_ascii=False)  # fmt: skip


class Newest(logging.Handler):
    """Keeps the newest warnings and errors, for the page that shows how the machine does."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: deque[Said] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one. Of a traceback only the last line, which says what was wrong."""
        here = visit.get()
        lines = [_message(record), *_trace(logging.Formatter(), record).strip().splitlines()[-1:]]
        at = iso(datetime.fromtimestamp(record.created, UTC))
        text = clean(" – ".join(lines))[:500]
        self._said.append(Said(at, record.levelname.lower(), record.name, text, here.id if here else ""))

    def said(self) -> list[Said]:
        """What was kept, newest first."""
        return list(reversed(tuple(self._said)))


# There is one log for the whole process, and so one memory of it.
newest = Newest()


def set_up(form: Form = "text", level: int = logging.INFO) -> None:
    """Has everything logged from now on written in this form, what ends a thread or the program included."""
    # What it would do about a line that cannot be written is to print message and values as they came.
    logging.raiseExceptions = False
    lines = logging.StreamHandler()
    lines.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[lines, newest], force=True)
    logging.captureWarnings(True)
    # It names the paths of people who leave while a page is made, and paths can hold addresses and secrets of links.
    logging.getLogger("waitress").setLevel(logging.WARNING)
    threading.excepthook = _thread_ended
    sys.excepthook = _ended


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_type is not SystemExit and ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "?"
        _log.critical("the thread %s ended", name, exc_info=ended.exc_value)


def _ended(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    _log.critical("ended by a mistake", exc_info=error)


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception as error:
        # Its values do not fit; logging itself would print them all, as they came.
        message = f"{record.msg} ({type(error).__name__})"
    # On one line, so that nobody can write a line of their own by what they send.
    return message.replace("\r", "\\r").replace("\n", "\\n")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
