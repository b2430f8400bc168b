"""What the team prefers: set by an admin on the Settings page, kept with who changed it and when."""

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds
from mailroom.people import RANKS, Role
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
LARGEST_APPROVAL = 10_000_000
# Within a week failed mails can be sent again, and the same list is noticed when it is sent twice.
FORGET_DAYS = (7, 3650)
MOST_BACKUPS = 100


@dataclass(frozen=True)
class Preferences:
    """What the team prefers, as it is until somebody changes it.

    approval_above: batches of more mails need a second person; None for never. office_from, office_to: `HH:MM` in
    the team's zone, the first before the second. office_days: weekdays, Monday being 0. suppress_failed: whether an
    address that a mail could not be delivered to goes on the do-not-mail list by itself. forget_after_days: old mails
    lose address and content then (`retention`); None for never. backup_keep: how many backups the program keeps, of
    those it makes once a day at backup_at (`HH:MM` in the team's zone); None to make none.
    second_factor_roles: roles that need a second factor.
    """

    approval_above: int | None = None
    office_from: str = "08:00"
    office_to: str = "17:00"
    office_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    suppress_failed: bool = False
    forget_after_days: int | None = None
    backup_keep: int | None = 7
    backup_at: str = "02:30"
    second_factor_roles: tuple[Role, ...] = ()


@dataclass(frozen=True)
class Changed:
    """When preferences were last changed, and by whom (a person's name)."""

    at: str
    by: str


def get(store: Store) -> Preferences:
    """What the team prefers now."""
    return read(store.read())


def read(db: Database) -> Preferences:
    """The same, for whoever holds a transaction already."""
    known = {field.name for field in fields(Preferences)}
    found = {
        row["name"]: json.loads(row["value"])
        for row in db.query("SELECT name, value FROM preferences")
        if row["name"] in known
    }
    for name in ("office_days", "second_factor_roles"):
        if name in found:
            found[name] = tuple(found[name])
    return Preferences(**found)


def last_changed(store: Store) -> Changed | None:
    """The last change of any of them; None while all are as they were at first."""
    row = next(
        store.read().query(
            "SELECT p.changed_at AS at, u.name AS by FROM preferences p JOIN users u ON u.id = p.changed_by "
            "ORDER BY p.changed_at DESC LIMIT 1"
        ),
        None,
    )
    return Changed(**row) if row else None


def save(store: Store, wanted: Preferences, user_id: int, now: datetime) -> list[str]:
    """The names of the preferences that are different from now on.

    Raises Problem beside the one that cannot be.
    """
    _refuse(wanted)
    with store.write() as db:
        before, after = asdict(read(db)), asdict(wanted)
        changed = [name for name in after if after[name] != before[name]]
        db.conn.executemany(
            "INSERT INTO preferences (name, value, changed_at, changed_by) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at, "
            "changed_by = excluded.changed_by",
            [(name, json.dumps(after[name]), iso(now), user_id) for name in changed],
        )
        for name in changed:
            deed = deeds.PreferenceChanged(name, json.dumps(before[name]), json.dumps(after[name]))
            activity.note(db, deed, now, user_id)
        return changed


def _refuse(wanted: Preferences) -> None:
    above = wanted.approval_above
    if above is not None and not 0 <= above <= LARGEST_APPROVAL:
        raise Problem(
            N_("Give a whole number of mails, or leave it empty for never."), field="approval_above"
        )
    days = wanted.forget_after_days
    if days is not None and not FORGET_DAYS[0] <= days <= FORGET_DAYS[1]:
        raise Problem(
            N_("Give a number of days from %(least)s to %(most)s, or leave it empty for never."),
            field="forget_after_days",
            least=FORGET_DAYS[0],
            most=FORGET_DAYS[1],
        )
    if wanted.backup_keep is not None and not 1 <= wanted.backup_keep <= MOST_BACKUPS:
        raise Problem(N_("Give a number from 1 to %(most)s."), field="backup_keep", most=MOST_BACKUPS)
    for name in ("office_from", "office_to", "backup_at"):
        if not _TIME.fullmatch(getattr(wanted, name)):
            raise Problem(N_("Give a time such as 08:00."), field=name)
    if wanted.office_from >= wanted.office_to:
        raise Problem(N_("Business hours end after they begin."), field="office_to")
    if not wanted.office_days or not set(wanted.office_days) <= set(range(7)):
        raise Problem(
            N_("Tick at least one day; otherwise nothing would ever go out in business hours."),
            field="office_days",
        )
    if not set(wanted.second_factor_roles) <= set(RANKS):
        raise Problem(N_("There is no such role."), field="second_factor_roles")
