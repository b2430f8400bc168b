"""Putting millions of rows into a Mailroom database: without indices and triggers, which come back as they were."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FILLED = ("batches", "mails", "attempts", "events")

# What triggers keep, made from the mails at once; what reports count is made by `mailroom.counters`.
KEPT = (
    "INSERT INTO batch_counts SELECT batch_id, shown, count(*) FROM mails GROUP BY 1, 2",
    "INSERT INTO subjects(subjects) VALUES ('rebuild')",
)


@contextmanager
def bare(path: Path) -> Iterator[sqlite3.Connection]:
    """A fast connection to the database at `path` whose large tables have no index and no trigger meanwhile.

    Nothing else may have it open, and a file whose filling was broken off is of no use.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -600000", "locking_mode = EXCLUSIVE",
                       "foreign_keys = OFF", "temp_store = FILE", "threads = 2"):  # fmt: skip
            db.execute(f"PRAGMA {pragma}")
        parts = _parts(db)
        for kind, name, _ in parts:
            db.execute(f"DROP {kind} {name}")
        yield db
        # Indices first: what is kept is counted with their help, and no trigger may count it again.
        for _, _, sql in (part for part in parts if part[0] == "index"):
            db.execute(sql)
        for sql in KEPT:
            db.execute(sql)
        for _, _, sql in (part for part in parts if part[0] == "trigger"):
            db.execute(sql)
        db.execute("PRAGMA journal_mode = WAL")


def _parts(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    marks = ", ".join("?" for _ in FILLED)
    rows = db.execute(
        f"SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL "
        f"AND tbl_name IN ({marks}) ORDER BY rowid",
        FILLED,
    )
    return [(kind, name, sql) for kind, name, sql in rows]
