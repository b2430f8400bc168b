"""One reading of the gateway's history, and the window of time in which an attempt may stand there.

Three facts carry every proof that is built on this. The history is sorted, newest first. New rows push older ones
to later pages and nothing else moves, so reading from page 1 on passes every row that was there at the start. And it
may lag: only a row newer than the attempt, seen in the same reading, shows that its own row would be there by now.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import oca
from oca.contract import StatusWord

# What went quiet for long may be held up in the gateway for as long again, up to this.
LONGEST_SETTLE_SECONDS = 60.0

Where = Literal["before", "inside", "after", "untimed"]


@dataclass(frozen=True)
class Rules:
    """How careful a proof is; every time in seconds.

    margin: how far the two clocks may be apart in spite of the `Date` header. settle: how long after the attempt's
    end the gateway may still be at work on it. give_up_after: since the history could first be read. page: rows asked
    for at a time. most_pages: in one reading. first_pause, longest_pause: between two looks. again_after: before a
    mail that did not leave is sent again, doubled with each fault.
    """

    margin: float = 5.0
    settle: float = 5.0
    give_up_after: float = 15 * 60.0
    page: int = 100
    most_pages: int = 500
    first_pause: float = 2.0
    longest_pause: float = 60.0
    again_after: float = 5.0


@dataclass(frozen=True)
class Attempt:
    """One try to hand a mail over, by our clock. duration: seconds on a clock that never steps, where measured."""

    id: int
    email: str
    started_at: datetime
    finished_at: datetime
    duration: float
    body_sha256: str
    fingerprint: str


@dataclass(frozen=True)
class Window:
    """When the gateway may have accepted an attempt, by the gateway's clock, margins included."""

    start: datetime
    end: datetime
    settled: datetime

    @classmethod
    def of(cls, attempt: Attempt, offsets: tuple[float, float], rules: Rules) -> "Window":
        """offsets: the least and the most that the gateway's clock was ahead of ours, in seconds."""
        length, margin = timedelta(seconds=attempt.duration), timedelta(seconds=rules.margin)
        # A step of our clock in the middle makes one of the two wrong, and the duration tells how far.
        start = min(attempt.started_at, attempt.finished_at - length) + timedelta(seconds=offsets[0]) - margin
        end = max(attempt.finished_at, attempt.started_at + length) + timedelta(seconds=offsets[1]) + margin
        settle = rules.settle + min(attempt.duration, LONGEST_SETTLE_SECONDS)
        return cls(start, end, end + timedelta(seconds=settle))

    def place(self, moment: datetime | None) -> Where:
        """Where a row's time lies."""
        if moment is None:
            return "untimed"
        return "before" if moment < self.start else "after" if moment > self.end else "inside"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the history, and where it stood when it was first seen, both counted from 1.

    word: the gateway's own for its status. body_sha256: of its body, or "" where that is not given; a reading of
    20,000 rows would not fit into memory with their bodies.
    """

    msg_id: str
    email: str
    created_at: datetime | None
    status: StatusWord
    word: str
    body_sha256: str
    page: int
    row: int

    @classmethod
    def of(cls, item: oca.Status, page: int, row: int) -> "Row":
        """The row as the client read it, without its body."""
        body = (item.message_body or "").encode("utf-8", "replace")
        digest = hashlib.sha256(body).hexdigest() if item.message_body is not None else ""
        return cls(item.msg_id, item.email, item.created_at, item.status, item.raw, digest, page, row)


@dataclass
class Reading:
    """One way through the history, from its newest page on; a row that moved to a later page counts once.

    ordered: every page ran from new to old. ended: the gateway showed its last page. whole: nothing older was ever
    cut off, so that the last page is the beginning of the account. total: rows on the pages, repeats included.
    gateway_now: the gateway's clock at the end of the reading; None where it does not say.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    by_email: dict[str, list[Row]] = field(default_factory=dict)
    pages: int = 0
    total: int = 0
    ordered: bool = True
    ended: bool = False
    stuck: bool = False
    whole: bool = False
    newest: datetime | None = None
    oldest: datetime | None = None
    oldest_id: str = ""
    gateway_now: datetime | None = None

    def add(self, page: oca.HistoryPage) -> None:
        """Takes in the next page."""
        number = self.pages + 1
        self.pages = number
        fresh = [n for n, item in enumerate(page.items, 1) if item.msg_id not in self.rows]
        if page.page != number or (page.items and not fresh):
            # A gateway that does not turn the page, or one that fills pages faster than we read.
            self.stuck = True
            return
        self.ordered = self.ordered and page.newest_first
        self.total += len(page.items)
        for n in fresh:
            self._take(Row.of(page.items[n - 1], number, n))
        self.ended = not page.items or number >= page.pages

    def covers(self, moment: datetime) -> bool:
        """Whether every row since `moment` has been seen: rows clearly older have, in order, or there are none."""
        older = self.oldest is not None and self.oldest < moment
        return self.ordered and (older or (self.ended and self.whole))

    def to(self, email: str) -> list[Row]:
        """The rows to this address, whatever the case of its letters."""
        return self.by_email.get(plain(email), [])

    def _take(self, row: Row) -> None:
        self.rows[row.msg_id] = row
        self.by_email.setdefault(plain(row.email), []).append(row)
        moment = row.created_at
        if moment is None:
            return
        self.newest = moment if self.newest is None else max(self.newest, moment)
        if self.oldest is None or moment <= self.oldest:
            self.oldest, self.oldest_id = moment, row.msg_id


def plain(email: str) -> str:
    """An address as two are compared."""
    return email.strip().casefold()
