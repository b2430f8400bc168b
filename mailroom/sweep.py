"""One reading of the gateway's history, newest first, for the mails that are due to be looked at.

A page answers a hundred mails for one request. The reading begins where the newest mail due should stand,
hops over stretches where none is due, and ends when every mail due was seen; the few that remain are asked for
one by one.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlite_utils import Database

import oca
from mailroom import delivery, states
from mailroom.store import Store
from mailroom.times import Clock, iso, parse

PAGE = 100
MOST_PAGES = 300
MOST_DUE = 20_000
# So few are cheaper to ask for one by one than to search for.
FEW = 3
MOST_SINGLE = 10
# A mail stands in the history when the gateway took it, which is up to one time-out before we knew.
SLACK = timedelta(seconds=70)
# From this age on, a mail that is missing in the history is asked for alone.
MISSING_AGE = timedelta(minutes=2)


@dataclass(frozen=True)
class Due:
    """A mail that is due. at: when the gateway took it, by the gateway's clock as far as we know it."""

    id: int
    gateway_id: str
    delivery: states.Delivery
    at: datetime
    accepted_at: datetime
    size: int


@dataclass
class Sweep:
    """What one reading did: pages read, mails asked for alone, mails due that were seen, mails that changed."""

    pages: int = 0
    singles: int = 0
    seen: int = 0
    changed: int = 0


@dataclass
class _Place:
    """Where in the history the reading is. before: the last page known to be newer than what is looked for."""

    page: int
    before: int = 0
    hop: int = 1
    behind: int | None = None

    def on(self) -> None:
        """To the next page."""
        self.before, self.page, self.hop = self.page, self.page + 1, 1

    def ahead(self) -> None:
        """Further on, in growing hops, up to a page that is known to be too old."""
        self.before, self.hop = self.page, self.hop * 2
        self.page = self.page + self.hop if self.behind is None else (self.page + self.behind) // 2
        self.page = max(self.page, self.before + 1)

    def back(self) -> bool:
        """Half the way back; False when there is no page between."""
        self.behind, self.page = self.page, (self.before + self.page) // 2
        self.hop = 1
        return self.before < self.page


@dataclass
class _Reading:
    store: Store
    client: oca.Client
    clock: Clock
    left: dict[str, Due]
    missing: list[Due] = field(default_factory=list)
    did: Sweep = field(default_factory=Sweep)

    def newest(self) -> datetime:
        return max(due.at for due in self.left.values())

    def take(self, page: oca.HistoryPage) -> None:
        self.did.pages += 1
        with self.store.write() as db:
            for item in page.items:
                changed = delivery.note(db, item.msg_id, item.status, item.raw, self.clock())
                self.did.changed += bool(changed)
                self.did.seen += self.left.pop(item.msg_id, None) is not None

    def give_up_newer_than(self, moment: datetime) -> None:
        """What should have stood on the pages already read was not there: it lags, or it is gone."""
        for due in [due for due in self.left.values() if due.at > moment]:
            self.missing.append(self.left.pop(due.gateway_id))

    def end(self) -> bool:
        """False, for the history goes no further: what is left is not in it."""
        self.missing += self.left.values()
        self.left.clear()
        return False


def sweep(store: Store, client: oca.Client, token_id: int, clock: Clock) -> Sweep:
    """Brings every mail of the token that is due up to date, and sets when it is looked at next.

    Raises oca.GatewayError when the gateway does not answer; what was read until then is kept.
    """
    now = clock()
    offset = timedelta(seconds=client.clock_offset or 0.0)
    due = _due(store.read(), token_id, now, offset)
    reading = _Reading(store, client, clock, {mail.gateway_id: mail for mail in due})
    if len(due) > FEW:
        place = _Place(_first_page(store.read(), due[0]))
        while len(reading.left) > FEW and reading.did.pages < MOST_PAGES and _read_on(reading, place):
            pass
    _ask_alone(reading, now)
    _later(store, [*reading.left.values(), *reading.missing], now)
    return reading.did


def _read_on(reading: _Reading, place: _Place) -> bool:
    """Whether there is a page to read after this one."""
    page = reading.client.history(page=place.page, limit=PAGE)
    reading.take(page)
    times = [item.created_at for item in page.items if item.created_at]
    if not reading.left:
        return False
    if not times:
        # Behind the last page: the guess was too far, or nothing older is kept.
        return place.back() or reading.end()
    if page.newest_first and max(times) < reading.newest() - SLACK and place.page > place.before + 1:
        return place.back()
    if place.page >= page.pages:
        return reading.end()
    if page.newest_first and min(times) > reading.newest() + SLACK:
        place.ahead()
        return True
    if page.newest_first:
        reading.give_up_newer_than(min(times) + SLACK)
    place.on()
    return bool(reading.left)


def _ask_alone(reading: _Reading, now: datetime) -> None:
    old = [due for due in reading.missing if now - due.accepted_at > MISSING_AGE]
    few = list(reading.left.values()) if len(reading.left) <= FEW else []
    for due in (few + old)[:MOST_SINGLE]:
        reading.did.changed += delivery.ask(reading.store, reading.client, due.gateway_id, reading.clock)
        reading.did.singles += 1
        reading.did.seen += 1
        reading.left.pop(due.gateway_id, None)
        reading.missing = [other for other in reading.missing if other is not due]


def _later(store: Store, unseen: list[Due], now: datetime) -> None:
    if not unseen:
        return
    with store.write() as db:
        for due in unseen:
            look_at = delivery.next_look(due.delivery, due.accepted_at, due.size, now)
            states.looked(db, due.id, None, now, look_at)


def _due(db: Database, token_id: int, now: datetime, offset: timedelta) -> list[Due]:
    rows = db.query(
        "SELECT m.id, m.gateway_id, m.delivery, m.accepted_at, b.size FROM mails m "
        "JOIN batches b ON b.id = m.batch_id WHERE m.look_at <= ? AND m.gateway_id IS NOT NULL "
        "AND b.token_id = ? ORDER BY m.look_at LIMIT ?",
        [iso(now), token_id, MOST_DUE],
    )
    found = [
        Due(row["id"], row["gateway_id"], row["delivery"], parse(row["accepted_at"]) + offset,
            parse(row["accepted_at"]), row["size"])
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda due: due.at, reverse=True)


def _first_page(db: Database, newest: Due) -> int:
    # Mails handed over since push it down the history. Those of other programs do too; then the reading hops on.
    row = next(
        db.query(
            "SELECT count(*) AS newer FROM (SELECT 1 FROM attempts a WHERE a.outcome = 'accepted' AND a.id > "
            "(SELECT max(id) FROM attempts WHERE mail_id = ?) AND a.token_fingerprint = "
            "(SELECT token_fingerprint FROM attempts WHERE mail_id = ? ORDER BY id DESC LIMIT 1) LIMIT 50000)",
            [newest.id, newest.id],
        )
    )
    return int(row["newer"]) // PAGE + 1
