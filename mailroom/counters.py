"""What is counted: kept by triggers in the database (`schema`), recounted here to compare or to mend."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom.store import Store

# Each table of counts: what its rows are counted by, and the view that says which mails are, with a condition.
_TABLES = {
    "report_counts": ("period, template_id, sender_email, user_id, shown", "reported"),
    "report_domains": ("period, domain, shown", "reported"),
    "report_batches": ("batch_id, period, shown", "reported WHERE length(period) = 10"),
    "report_times": ("period, kind, what, seconds", "reported_times"),
    "totals": ("kind, shown", "mails m JOIN batches b ON b.id = m.batch_id"),
}


@dataclass(frozen=True)
class Difference:
    """A count that is not what counting the mails again gives. at: what it is the count of."""

    table: str
    at: str
    kept: int
    counted: int


def differences(db: Database) -> list[Difference]:
    """Every count that disagrees with the mails, found by counting all of them again."""
    return [found for table in _TABLES for found in _differences(db, table)]


def rebuild(store: Store) -> int:
    """How many counts there are after counting everything anew; nothing is sent meanwhile."""
    with store.write() as db:
        return _rebuild(db)


def use_zone(store: Store, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the days of reports begin at another time from now on, so that everything was counted anew.

    The zone's standard time counts all the year round: a day that began an hour later in summer could not be
    counted by the database alone.
    """
    local = now.astimezone(zone)
    minutes = int(
        ((local.utcoffset() or local - local) - (local.dst() or local - local)).total_seconds() // 60
    )
    if store.read().execute("SELECT minutes FROM report_zone").fetchone()[0] == minutes:
        return False
    with store.write() as db:
        db.execute("UPDATE report_zone SET minutes = ?", [minutes])
        _rebuild(db)
    return True


def _rebuild(db: Database) -> int:
    # Only the names above are put together here, nothing from outside.
    for table, (columns, counted) in _TABLES.items():
        db.execute(f"DELETE FROM {table}")  # noqa: S608
        db.execute(
            f"INSERT INTO {table} SELECT {columns}, count(*) FROM {counted} GROUP BY {columns}"  # noqa: S608
        )
    db.execute(
        "UPDATE batches SET last_day = max(substr(created_at, 1, 10), coalesce((SELECT "
        "max(substr(coalesce(accepted_at, changed_at), 1, 10)) FROM mails WHERE batch_id = batches.id), ''))"
    )
    return sum(int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in _TABLES)  # noqa: S608


def _differences(db: Database, table: str) -> list[Difference]:
    columns, counted = _TABLES[table]
    rows = db.execute(
        f"SELECT {columns}, sum(kept), sum(counted) FROM ("  # noqa: S608
        f"SELECT {columns}, n AS kept, 0 AS counted FROM {table} UNION ALL "
        f"SELECT {columns}, 0, count(*) FROM {counted} GROUP BY {columns}) "
        f"GROUP BY {columns} HAVING sum(kept) <> sum(counted)"
    )
    return [Difference(table, " ".join(map(str, row[:-2])), row[-2], row[-1]) for row in map(tuple, rows)]
