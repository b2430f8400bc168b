"""What is counted: kept by triggers in the database (`schema`), recounted here to compare or to mend."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom.figures import COUNTED
from mailroom.medians import BETWEEN, TOOK
from mailroom.store import Store

# The column that a time is counted in.
_TOOK = "CASE {} END".format(
    " ".join(f"WHEN seconds < {end} THEN '{took}'" for took, (_, end) in zip(TOOK, BETWEEN, strict=True))
)


def _rows(table: str, keys: str, columns: Iterable[str]) -> str:
    """A table whose counts stand side by side, as one that has a row for each of them, called `shown`."""
    return " UNION ALL ".join(
        f"SELECT {keys}, '{column}' AS shown, {column} AS n FROM {table} WHERE {column} <> 0"  # noqa: S608
        for column in columns
    )


# Each table of counts: what is counted by, its counts by that, and the rows that they are the sum of.
_TABLES = {
    "report_counts": ("period, template_id, sender_email, user_id, shown", "report_counts", "reported"),
    "report_domains": (
        "period, domain, shown",
        f"({_rows('report_domains', 'period, domain', COUNTED)})",
        "reported",
    ),
    "report_batches": ("batch_id, period, shown", "report_batches", "reported WHERE length(period) = 10"),
    "report_times": ("period, kind, what, seconds", "report_times", "reported_times"),
    # These are added up from other counts, which are compared with the mails themselves.
    "report_ones": (
        "kind, period, what, shown",
        f"({_rows('report_ones', 'kind, period, what', (*COUNTED, *TOOK))})",
        "(SELECT kind, period, what, shown, n FROM reported_ones UNION ALL "  # noqa: S608
        f"SELECT kind, period, what, {_TOOK}, n FROM report_times)",
    ),
    "totals": ("kind, shown", "totals", "mails m JOIN batches b ON b.id = m.batch_id"),
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
_SUMS = ", ".join(f"sum(n * (shown = '{state}'))" for state in COUNTED)
_TOOKS = ", ".join(f"sum(times * (seconds >= {begin} AND seconds < {end}))" for begin, end in BETWEEN)
_AGAIN = {
    "report_counts": "SELECT substr(period, 1, width), template_id, sender_email, user_id, shown, sum(n) "
    "FROM by_batch, widths GROUP BY 1, 2, 3, 4, 5",
    "report_domains": f"SELECT substr(period, 1, width), domain, {_SUMS} FROM by_domain, widths "  # noqa: S608
    "GROUP BY 1, 2",
    "report_batches": "SELECT batch_id, period, shown, sum(n) FROM by_batch GROUP BY 1, 2, 3",
    "report_times": "SELECT substr(period, 1, width), kind, CASE kind WHEN 'all' THEN '' WHEN 'sender' "
    "THEN sender_email WHEN 'template' THEN CAST(template_id AS TEXT) ELSE CAST(user_id AS TEXT) END, seconds, sum(n) "
    "FROM by_batch, widths, (SELECT 'all' AS kind UNION ALL SELECT 'template' UNION ALL SELECT 'sender' "
    "UNION ALL SELECT 'person') WHERE seconds IS NOT NULL GROUP BY 1, 2, 3, 4",
    "report_ones": f"SELECT kind, period, what, {_SUMS}, {_TOOKS} FROM (SELECT *, 0 AS seconds, 0 AS times "  # noqa: S608
    "FROM reported_ones UNION ALL SELECT kind, period, what, '', 0, seconds, n FROM report_times) GROUP BY 1, 2, 3",
    "totals": "SELECT kind, shown, count(*) FROM mails m JOIN batches b ON b.id = m.batch_id GROUP BY 1, 2",
}


def _rebuild(db: Database) -> int:
    # Only the names above are put together here, nothing from outside.
    for table, sql in _ONCE.items():
        db.execute(f"CREATE TEMP TABLE {table} AS {sql}")
    # Counts that follow from other counts are counted anew as well, not once more with each row of those.
    followed = db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('report_counts', 'report_times')"
    ).fetchall()
    for name, _sql in followed:
        db.execute(f"DROP TRIGGER {name}")
    for table, sql in _AGAIN.items():
        db.execute(f"DELETE FROM {table}")  # noqa: S608
        widths = "WITH widths(width) AS (VALUES (10), (7))"
        db.execute(f"INSERT INTO {table} {widths} {sql}")
    for _name, sql in followed:
        db.execute(sql)
    for table in _ONCE:
        db.execute(f"DROP TABLE temp.{table}")
    db.execute(
        "UPDATE batches SET last_day = max(substr(created_at, 1, 10), coalesce((SELECT "
        "max(substr(coalesce(accepted_at, changed_at), 1, 10)) FROM mails WHERE batch_id = batches.id), ''))"
    )
    return sum(int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in _TABLES)  # noqa: S608


def _differences(db: Database, table: str) -> list[Difference]:
    columns, kept, counted = _TABLES[table]
    many = "sum(n)" if table == "report_ones" else "count(*)"
    rows = db.execute(
        f"SELECT {columns}, sum(kept), sum(counted) FROM ("  # noqa: S608
        f"SELECT {columns}, n AS kept, 0 AS counted FROM {kept} UNION ALL "
        f"SELECT {columns}, 0, {many} FROM {counted} GROUP BY {columns}) "
        f"GROUP BY {columns} HAVING sum(kept) <> sum(counted)"
    )
    return [Difference(table, " ".join(map(str, row[:-2])), row[-2], row[-1]) for row in map(tuple, rows)]
