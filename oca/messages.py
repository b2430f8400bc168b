"""What goes to the gateway and what comes back, as plain values."""

import hashlib
import mimetypes
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from oca.contract import StatusWord
from oca.words import N_

# Control characters, line and paragraph separators, half characters: none belongs in a mail's header,
# and the HTTP layer would pass a line break on verbatim.
_FORBIDDEN = {"Cc", "Zl", "Zp", "Cs"}

_EMPTY = {
    "to": N_("The recipient's address is missing."),
    "subject": N_("The subject is missing."),
    "html": N_("The mail has no content."),
    "sender_email": N_("The sender's address is missing."),
    "sender_name": N_("The sender's name is missing."),
    "filename": N_("The attachment has no file name."),
}
_CONTROL = {
    "to": N_("The recipient's address holds a line break or another control character."),
    "subject": N_("The subject holds a line break or another control character."),
    "html": N_("The mail's content holds half a character that cannot be sent."),
    "sender_email": N_("The sender's address holds a line break or another control character."),
    "sender_name": N_("The sender's name holds a line break or another control character."),
    "filename": N_("The attachment's file name holds a line break or another control character."),
    "content_type": N_("The attachment's type holds a line break or another control character."),
}


class InvalidMessage(ValueError):
    """A message that must not be sent as it is; `field` names the part at fault."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Attachment:
    """One file to send along."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"

    @classmethod
    def from_path(cls, path: str | Path) -> "Attachment":
        """The file at this path, its type guessed from its name. Raises OSError."""
        path = Path(path)
        guess, _ = mimetypes.guess_type(path.name)
        return cls(path.name, path.read_bytes(), guess or "application/octet-stream")

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Message:
    """One mail to one recipient, rendered and ready to send."""

    to: str
    subject: str
    html: str
    sender_email: str
    sender_name: str
    attachment: Attachment | None = None

    @property
    def body(self) -> bytes:
        """The HTML as it is sent: UTF-8."""
        return self.html.encode()

    @property
    def body_sha256(self) -> str:
        """The SHA-256 of the body, in hex."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def body_bytes(self) -> int:
        """The size of the body in bytes."""
        return len(self.body)

    def check(self) -> None:
        """Raise InvalidMessage where a required part is empty or could break out of its place."""
        lines = {
            "to": self.to,
            "subject": self.subject,
            "sender_email": self.sender_email,
            "sender_name": self.sender_name,
        }
        if self.attachment:
            lines["filename"] = self.attachment.filename
            _refuse_control("content_type", self.attachment.content_type)
        for name, value in (*lines.items(), ("html", self.html)):
            if not value.strip():
                raise InvalidMessage(name, _EMPTY[name])
        for name, value in lines.items():
            _refuse_control(name, value)
        try:
            self.html.encode()
        except UnicodeEncodeError:  # half a character
            raise InvalidMessage("html", _CONTROL["html"]) from None


def _refuse_control(name: str, value: str) -> None:
    # What is printable holds none of them, and is told much faster.
    if not value.isprintable() and any(unicodedata.category(character) in _FORBIDDEN for character in value):
        raise InvalidMessage(name, _CONTROL[name])


@dataclass(frozen=True)
class Receipt:
    """The gateway's word that it took a mail."""

    msg_id: str
    http_status: int
    duration_ms: int


@dataclass(frozen=True)
class Status:
    """What the gateway says became of a mail.

    `raw` is the gateway's own word. `message_body` is None where the gateway does not give the body back.
    """

    msg_id: str
    email: str
    status: StatusWord
    raw: str
    created_at: datetime | None
    message_body: str | None


HistoryItem = Status


@dataclass(frozen=True)
class HistoryPage:
    """One page of the gateway's history.

    `newest_first` is True only where every row shows a time and the times never rise; nothing about
    missing mails can be concluded from a page where it is False. `counted`: whether the gateway said how many
    `pages` there are; a bare list does not, and `pages` is then a guess.
    """

    page: int
    pages: int
    total_inpage: int
    limit: int
    items: tuple[Status, ...]
    newest_first: bool
    counted: bool = True
