"""The gateway's own history, page by page, each row beside what we know of it. Reading it records nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlite_utils import Database

import oca
from mailroom import clocks, delivery, states
from mailroom.clients import Browsed, Clients
from mailroom.readings import Attempt, Rules, Window, plain
from mailroom.store import Store
from mailroom.times import Clock, parse
from oca.contract import StatusWord

LIMIT = 50

# `same`: ours, and both say the same. `news`: the gateway knows more than we. `behind`: it says less than it did.
# `stranger`: not from here. `perhaps`: may be one of ours whose answer was lost. `bare`: without an address or a time.
Standing = Literal["same", "news", "behind", "stranger", "perhaps", "bare"]


@dataclass(frozen=True)
class Row:
    """One mail as the gateway's history shows it, beside what we know of it.

    word: the gateway's own for its status; says: the one of ours it stands for. mail_id, shown: of the mail of ours
    that it is, or that it may be (`perhaps`); None and "" for a stranger.
    """

    gateway_id: str
    email: str
    word: str
    says: StatusWord
    at: datetime | None
    standing: Standing
    mail_id: int | None = None
    shown: str = ""


@dataclass(frozen=True)
class Page:
    """One page of it. number: from 1. pages: how many there are, None where the gateway does not say.

    more: whether there may be another page after it. turned: whether it is the page that was asked for.
    """

    number: int
    pages: int | None
    limit: int
    more: bool
    turned: bool
    rows: tuple[Row, ...]

    def of(self, standing: Standing) -> list[Row]:
        """Its rows of one standing."""
        return [row for row in self.rows if row.standing == standing]


def read(store: Store, clients: Clients, token_id: int, number: int, clock: Clock) -> Page:
    """One page of the history of a token's account.

    Raises LookupError for an unknown token, Problem where the gateway is not asked, oca.GatewayError where it does
    not answer.
    """
    browsed = clients.history(token_id, number, LIMIT, clock())
    return _page(store.read(), token_id, number, browsed)


def take_over(store: Store, clients: Clients, token_id: int, number: int, clock: Clock) -> int:
    """How many of our mails on that page changed now that the gateway was looked at again. Raises as `read()`."""
    page = clients.history(token_id, number, LIMIT, clock()).page
    with store.write() as db:
        return sum(
            bool(delivery.note(db, item.msg_id, item.status, item.raw, clock())) for item in page.items
        )


def _page(db: Database, token_id: int, number: int, browsed: Browsed) -> Page:
    page = browsed.page
    return Page(
        number=number,
        pages=page.pages if page.counted else None,
        limit=page.limit,
        more=bool(page.items) and number < page.pages,
        turned=page.page == number,
        rows=tuple(rows(db, token_id, page.items, browsed.clock_offset)),
    )


def rows(db: Database, token_id: int, items: Iterable[oca.Status], offset: float | None) -> Iterator[Row]:
    """The gateway's rows, each beside what we know of it.

    offset: the gateway's clock minus ours, in seconds; None where it is not known, and then nothing to an address
    whose answer we lack is called a stranger.
    """
    items = tuple(items)
    # In this order: a mail that is recorded as accepted in between is then seen as ours, and not as a stranger.
    unanswered = _unanswered(db, [item.email for item in items])
    ours = _ours(db, [item.msg_id for item in items])
    offsets = None if offset is None else clocks.Offsets.of(db, token_id, offset)
    for item in items:
        known = ours.get(item.msg_id)
        perhaps = None if known else _perhaps(item, unanswered.get(plain(item.email), []), offsets)
        standing: Standing = (
            _beside(known["delivery"], item.status)
            if known
            else "perhaps"
            if perhaps
            else "stranger"
            if "@" in item.email and item.created_at
            else "bare"
        )
        mail_id, shown = (known["id"], known["shown"]) if known else (perhaps, "")
        yield Row(item.msg_id, item.email, item.raw, item.status, item.created_at, standing, mail_id, shown)


def _beside(ours: states.Delivery, theirs: StatusWord) -> Standing:
    if ours == theirs:
        return "same"
    return "news" if (ours, theirs) in states.DELIVERY_CHANGES else "behind"


@dataclass(frozen=True)
class _Unanswered:
    """An attempt of ours that may have become a mail we know no id of. open: whether it is still in doubt."""

    mail_id: int
    attempt: Attempt
    open: bool


def _perhaps(item: oca.Status, tries: Iterable[_Unanswered], offsets: clocks.Offsets | None) -> int | None:
    """The mail of ours that this one may be, or None."""
    for tried in tries:
        if offsets is None or item.created_at is None:
            return tried.mail_id
        where = Window.of(tried.attempt, offsets.since(tried.attempt.id), Rules()).place(item.created_at)
        # The gateway may date a mail later than it accepts it, so only what is older is surely not in doubt.
        if where == "inside" or (tried.open and where != "before"):
            return tried.mail_id
    return None


def _ours(db: Database, gateway_ids: list[str]) -> dict[str, dict[str, Any]]:
    rows = db.query(
        "SELECT gateway_id, id, shown, delivery FROM mails WHERE gateway_id IN (SELECT value FROM json_each(?))",
        [json.dumps(gateway_ids)],
    )
    return {row["gateway_id"]: row for row in rows}


_ATTEMPTS = (
    "SELECT m.id AS mail_id, m.state, a.id AS attempt_id, a.to_email, a.started_at, "
    "coalesce(a.finished_at, a.started_at) AS finished_at, a.duration_ms, a.body_sha256, a.token_fingerprint "
)
# What was found is known by its id, and what was proven absent is not there.
_UNANSWERED = (
    _ATTEMPTS + "FROM json_each(:emails) e CROSS JOIN attempts a INDEXED BY attempts_unanswered "
    "ON a.to_email = e.value COLLATE NOCASE AND a.outcome = 'unknown' JOIN mails m ON m.id = a.mail_id "
    "LEFT JOIN lookups l ON l.attempt_id = a.id WHERE coalesce(l.finding, '') NOT IN ('found', 'absent') "
    "UNION ALL " + _ATTEMPTS + "FROM json_each(:emails) e CROSS JOIN mails m INDEXED BY mails_in_doubt "
    "ON m.email = e.value COLLATE NOCASE AND m.state IN ('sending', 'unknown', 'undecided') "
    "JOIN attempts a ON a.mail_id = m.id AND a.finished_at IS NULL"
)


def _unanswered(db: Database, emails: Iterable[str]) -> Mapping[str, list[_Unanswered]]:
    """The attempts to these addresses whose answer was lost or is still awaited, by address."""
    found: dict[str, list[_Unanswered]] = {}
    asked = json.dumps(sorted({email.strip() for email in emails if email}))
    for row in db.query(_UNANSWERED, {"emails": asked}):
        attempt = Attempt(
            row["attempt_id"], row["to_email"], parse(row["started_at"]), parse(row["finished_at"]),
            (row["duration_ms"] or 0) / 1000, row["body_sha256"], row["token_fingerprint"],
        )  # fmt: skip
        still = row["state"] in ("sending", "unknown", "undecided")
        found.setdefault(plain(row["to_email"]), []).append(_Unanswered(row["mail_id"], attempt, still))
    return found
