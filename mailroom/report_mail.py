"""The report by mail, queued as every other mail is, once for each week or month, to those who get it."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import (
    activity,
    deeds,
    email_templates,
    report_content,
    report_layout,
    report_schedule,
    sending_deeds,
    states,
)
from mailroom.email_templates import Rendered, Renderer
from mailroom.gallery import Language
from mailroom.identities import get as identity
from mailroom.messages import subject_of
from mailroom.people import User
from mailroom.problems import Problem
from mailroom.report_schedule import Due, Every, Reader, Schedule
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.times import Clock, iso
from mailroom.worker import Worker
from oca.words import N_

ACTOR = "reports"
_LOOK_SECONDS = 30
_LONGEST_KEY = 64
_NEWEST = 5
_TEMPLATE = "Report by mail"
_RENDERER = Renderer(report_layout.SUBJECT, report_layout.html())


@dataclass(frozen=True)
class Sent:
    """A report that became a batch. fresh: whether this very call made it, or an earlier one did."""

    batch_id: int
    fresh: bool


def preview(store: Store, settings: Settings, every: Every, language: Language, now: datetime) -> Rendered:
    """The report of the last whole week or month, as it would be sent now."""
    within = report_schedule.last(every, now.astimezone(settings.zone).date())
    return _RENDERER.render(report_content.values(store, settings, every, within, language, now))


def send_due(store: Store, settings: Settings, now: datetime) -> list[Sent]:
    """The reports whose time has come, each queued once; empty when none is due or all were queued before.

    While the schedule lacks something, none is queued; see `report_schedule.lacks()`.
    """
    schedule = report_schedule.get(store)
    due = report_schedule.due(schedule, now, settings.zone)
    if due and report_schedule.lacks(store, schedule):
        return []
    return [
        _send_due(store, settings, schedule, one, now)
        for one in due
        if not _known(store.read(), one.form_key)
    ]


def send_now(
    store: Store,
    settings: Settings,
    every: Every,
    schedule: Schedule,
    form_key: str,
    person: User,
    now: datetime,
) -> Sent:
    """Queues the report of the last whole week or month to the person alone, marked as a test.

    schedule: its sender, token and language are used. form_key: the form's one-time key; a form sent twice lands on
    the first batch. Raises Problem when sender or token is not there.
    """
    if not 0 < len(form_key) <= _LONGEST_KEY:
        raise Problem(N_("The form was not complete. Go back and press the button again."))
    if lacking := report_schedule.lacks(store, schedule):
        raise Problem(lacking)
    key = f"test:{person.id}:{form_key}"
    within = report_schedule.last(every, now.astimezone(settings.zone).date())
    filled = report_content.values(store, settings, every, within, schedule.language, now)
    made = _Made("test", key, filled, schedule, person.id)
    with store.write() as db:
        return _queue(db, store, made, [Reader(person.id, person.name, person.email)], now)


def newest(store: Store) -> list[tuple[int, str, str]]:
    """Id, name and time of the last reports that were queued by themselves, the newest first."""
    # By the beginning of their key, which is indexed; their kind is not.
    rows = store.read().execute(
        "SELECT id, name, created_at FROM batches WHERE form_key >= 'report:' AND form_key < 'report;' "
        "ORDER BY id DESC LIMIT ?",
        [_NEWEST],
    )
    return [(row[0], row[1], row[2]) for row in rows]


class ReportMailer(Worker):
    """Sends the report when its time has come, for the life of the process."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        super().__init__("reports", _LOOK_SECONDS)
        self._store, self._settings, self._clock = store, settings, clock

    def run_once(self) -> list[Sent]:
        """The reports that were queued just now."""
        return send_due(self._store, self._settings, self._clock())

    def _round(self) -> None:
        self.run_once()


@dataclass(frozen=True)
class _Made:
    """A report with everything its batch needs, before the lock is taken. kind, form_key: of the batch."""

    kind: str
    form_key: str
    values: dict[str, str]
    schedule: Schedule
    user_id: int


def _send_due(store: Store, settings: Settings, schedule: Schedule, due: Due, now: datetime) -> Sent:
    values = report_content.values(store, settings, due.every, due.within, schedule.language, now)
    made = _Made("report", due.form_key, values, schedule, schedule.user_id)
    with store.write() as db:
        return _queue(db, store, made, report_schedule.chosen(db, schedule), now)


def _queue(db: Database, store: Store, made: _Made, to: list[Reader], now: datetime) -> Sent:
    already = _known(db, made.form_key)
    if already or not to:
        return Sent(already or 0, fresh=False)
    rendered = _RENDERER.render(made.values)
    name, fields = rendered.subject, json.dumps(made.values, ensure_ascii=False)
    version_id = email_templates.own_version(
        db, _TEMPLATE, report_layout.SUBJECT, report_layout.html(), made.user_id, now
    )
    sender = identity(store, made.schedule.sender_id)
    batch_id = int(
        db.execute(
            "INSERT INTO batches (name, form_key, kind, template_version_id, sender_email, sender_name, token_id, "
            "source, size, state, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, 'running', ?, ?)",
            [name, made.form_key, made.kind, version_id, sender.email, sender.name, made.schedule.token_id, len(to),
             iso(now), made.user_id],
        ).lastrowid
        or 0
    )  # fmt: skip
    subject = subject_of(rendered, made.kind)
    mails = [(row, reader.email, subject, fields, None) for row, reader in enumerate(to, 1)]
    states.queue(db, batch_id, states.packed(mails), states.Change(now, name, ACTOR))
    if made.kind == "report":
        activity.note(db, deeds.BatchQueued(batch_id, name, len(mails)), now)
    else:
        activity.note(db, sending_deeds.TrialSent(batch_id, name), now, made.user_id)
    return Sent(batch_id, fresh=True)


def _known(db: Database, form_key: str) -> int | None:
    row = db.execute("SELECT id FROM batches WHERE form_key = ?", [form_key]).fetchone()
    return int(row[0]) if row else None
