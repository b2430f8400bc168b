"""Who of the team gets the report by mail, how often, from which sender; and which report is due when."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom import activity, deeds, identities, tokens
from mailroom.gallery import Language
from mailroom.periods import Range
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso, parse
from oca.words import N_

Every = Literal["week", "month"]
EVERY: tuple[Every, ...] = ("week", "month")

# In the team's zone, on the Monday after the week and on the first day after the month.
AT = time(7, 0)
# A mailroom that was off then sends it when it comes back, unless it is old news by then.
LATEST = timedelta(days=3)

_NAME = "report_mail"


@dataclass(frozen=True)
class Schedule:
    """Who gets the report, how often, and how it is sent.

    since: from which moment on it is sent every week, every month; without an entry it is not. people: the ids of
    those who get it. sender_id, token_id: 0 while none is chosen. language: of the mail. user_id: who set it up, 0
    before anybody did.
    """

    since: Mapping[Every, str] = field(default_factory=dict)
    people: tuple[int, ...] = ()
    sender_id: int = 0
    token_id: int = 0
    language: Language = "id"
    user_id: int = 0


@dataclass(frozen=True)
class Reader:
    """Somebody of the team who can get the report."""

    id: int
    name: str
    email: str


@dataclass(frozen=True)
class Due:
    """A report whose time has come: of the week or month that is over."""

    every: Every
    within: Range

    @property
    def form_key(self) -> str:
        """By which its batch is known, so that there is one however often it is begun."""
        return f"report:{self.every}:{self.within.first}"


def get(store: Store) -> Schedule:
    """How the report is sent now."""
    return read(store.read())


def read(db: Database) -> Schedule:
    """The same, for whoever holds a transaction already."""
    row = next(db.query("SELECT value, changed_by FROM preferences WHERE name = ?", [_NAME]), None)
    if row is None:
        return Schedule()
    kept = json.loads(row["value"])
    return Schedule(**{**kept, "people": tuple(kept["people"]), "user_id": row["changed_by"]})


def save(store: Store, wanted: Schedule, user_id: int, now: datetime) -> Schedule:
    """What holds from now on. A rhythm that is new begins with the next report, never with one of the past.

    wanted: of its `since` only which there are. Raises Problem beside `people`, `sender`, `token`.
    """
    _refuse(wanted)
    with store.write() as db:
        before = read(db)
        since = {every: before.since.get(every, iso(now)) for every in EVERY if every in wanted.since}
        saved = Schedule(**{**vars(wanted), "since": since, "user_id": user_id})
        if _packed(saved) != _packed(before):
            activity.note(db, _deed(saved), now, user_id)
        _write(db, saved, now)
        return saved


def lacks(store: Store, schedule: Schedule) -> str:
    """What has to be chosen before a report can be sent, one sentence; "" when nothing."""
    if schedule.sender_id not in (one.id for one in identities.all_identities(store)):
        return N_("The report has no sender. Choose who it is sent from, and save.")
    if schedule.token_id not in (line.id for line in tokens.all_tokens(store)):
        return N_("The report has no token. Choose the one it is sent with, and save.")
    return ""


def skip_past(db: Database, now: datetime) -> None:
    """Nothing that was due before now is sent any more: what an older copy of the database forgot was sent."""
    kept = read(db)
    if kept.since:
        _write(db, Schedule(**{**vars(kept), "since": dict.fromkeys(kept.since, iso(now))}), now)


def readers(store: Store) -> list[Reader]:
    """Everybody of the team who can get it, by name."""
    return _readers(store.read())


def chosen(db: Database, schedule: Schedule) -> list[Reader]:
    """Those who get it, without those who were shut out since."""
    return [reader for reader in _readers(db) if reader.id in schedule.people]


def last(every: Every, today: date) -> Range:
    """The last whole week, from Monday, or month before `today`."""
    if every == "week":
        monday = today - timedelta(days=today.weekday())
        return Range(monday - timedelta(days=7), monday - timedelta(days=1))
    end = today.replace(day=1) - timedelta(days=1)
    return Range(end.replace(day=1), end)


def due_at(within: Range, zone: ZoneInfo) -> datetime:
    """When the report of this week or month is sent: at seven in the morning after its last day."""
    return datetime.combine(within.last + timedelta(days=1), AT, zone)


def next_at(every: Every, now: datetime, zone: ZoneInfo) -> datetime:
    """When the next report is due."""
    local = now.astimezone(zone)
    due = due_at(last(every, local.date()), zone)
    if due > local:
        return due
    # A day of the week or month that comes next.
    day = (
        local.date() + timedelta(days=7)
        if every == "week"
        else local.date().replace(day=1) + timedelta(days=32)
    )
    return due_at(last(every, day), zone)


def due(schedule: Schedule, now: datetime, zone: ZoneInfo) -> list[Due]:
    """The reports whose time has come and is not long past; whether they were sent already, their form key tells."""
    found = []
    for every, since in schedule.since.items():
        within = last(every, now.astimezone(zone).date())
        at = due_at(within, zone)
        if at <= now < at + LATEST and at >= parse(since):
            found.append(Due(every, within))
    return found


def _refuse(wanted: Schedule) -> None:
    if not wanted.since:
        return
    if not wanted.people:
        raise Problem(N_("Tick at least one person who gets the report."), "people")
    if not wanted.sender_id:
        raise Problem(N_("Choose who the report is sent from."), "sender")
    if not wanted.token_id:
        raise Problem(N_("Choose the token it is sent with."), "token")


def _write(db: Database, schedule: Schedule, now: datetime) -> None:
    db.execute(
        "INSERT INTO preferences (name, value, changed_at, changed_by) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET value = excluded.value, changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        [_NAME, _packed(schedule), iso(now), schedule.user_id],
    )


def _deed(saved: Schedule) -> deeds.ReportMailSet:
    users = ", ".join(map(str, saved.people))
    return deeds.ReportMailSet(", ".join(saved.since) or "never", len(saved.people), users, saved.sender_id)


def _packed(schedule: Schedule) -> str:
    return json.dumps({name: value for name, value in asdict(schedule).items() if name != "user_id"})


def _readers(db: Database) -> list[Reader]:
    rows = db.query(
        "SELECT id, name, email FROM users WHERE disabled_at IS NULL ORDER BY name COLLATE NOCASE, id"
    )
    return [Reader(**row) for row in rows]
