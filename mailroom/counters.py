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
    "report_ones": ("kind, period, what, shown", "reported_ones"),
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


# The mails are read once for their batches and once for their domains; all that is counted is added up from there.
_ONCE = {
    "by_batch": "SELECT batch_id, period, template_id, sender_email, user_id, shown, seconds, count(*) AS n "
    "FROM reported WHERE length(period) = 10 GROUP BY batch_id, period, shown, seconds",
    "by_domain": "SELECT period, domain, shown, count(*) AS n FROM reported WHERE length(period) = 10 "
    "GROUP BY domain, period, shown",
}
_AGAIN = {
    "report_counts": "SELECT substr(period, 1, width), template_id, sender_email, user_id, shown, sum(n) "
    "FROM by_batch, widths GROUP BY 1, 2, 3, 4, 5",
    "report_ones": "SELECT kind, period, what, shown, sum(n) FROM reported_ones GROUP BY 1, 2, 3, 4",
    "report_domains": "SELECT substr(period, 1, width), domain, shown, sum(n) FROM by_domain, widths GROUP BY 1, 2, 3",
    "report_batches": "SELECT batch_id, period, shown, sum(n) FROM by_batch GROUP BY 1, 2, 3",
    "report_times": "SELECT substr(period, 1, width), kind, CASE kind WHEN 'all' THEN '' WHEN 'sender' "
    "THEN sender_email WHEN 'template' THEN CAST(template_id AS TEXT) ELSE CAST(user_id AS TEXT) END, seconds, sum(n) "
    "FROM by_batch, widths, (SELECT 'all' AS kind UNION ALL SELECT 'template' UNION ALL SELECT 'sender' "
    "UNION ALL SELECT 'person') WHERE seconds IS NOT NULL GROUP BY 1, 2, 3, 4",
    "totals": "SELECT kind, shown, count(*) FROM mails m JOIN batches b ON b.id = m.batch_id GROUP BY 1, 2",
}


def _rebuild(db: Database) -> int:
    # Only the names above are put together here, nothing from outside.
    for table, sql in _ONCE.items():
        db.execute(f"CREATE TEMP TABLE {table} AS {sql}")
    for table, sql in _AGAIN.items():
        db.execute(f"DELETE FROM {table}")  # noqa: S608
        widths = "WITH widths(width) AS (VALUES (10), (7))"
        db.execute(f"INSERT INTO {table} {widths} {sql}")
    for table in _ONCE:
        db.execute(f"DROP TABLE temp.{table}")
    db.execute(
        "UPDATE batches SET last_day = max(substr(created_at, 1, 10), coalesce((SELECT "
        "max(substr(coalesce(accepted_at, changed_at), 1, 10)) FROM mails WHERE batch_id = batches.id), ''))"
    )
    return sum(int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in _TABLES)  # noqa: S608


def _differences(db: Database, table: str) -> list[Difference]:
    columns, counted = _TABLES[table]
    # These are added up from other counts, which are compared with the mails themselves.
    many = "sum(n)" if table == "report_ones" else "count(*)"
    rows = db.execute(
        f"SELECT {columns}, sum(kept), sum(counted) FROM ("  # noqa: S608
        f"SELECT {columns}, n AS kept, 0 AS counted FROM {table} UNION ALL "
        f"SELECT {columns}, 0, {many} FROM {counted} GROUP BY {columns}) "
        f"GROUP BY {columns} HAVING sum(kept) <> sum(counted)"
    )
    return [Difference(table, " ".join(map(str, row[:-2])), row[-2], row[-1]) for row in map(tuple, rows)]
