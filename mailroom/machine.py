"""What the program uses of its machine: memory, processor, disk; and which version runs since when."""

import os
import platform
import resource
import shutil
import sqlite3
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mailroom.store import Store

_STARTED = time.monotonic()
_CHANGES = Path(__file__).parent.parent / "CHANGELOG.md"


@dataclass(frozen=True)
class Machine:
    """What is used now, in bytes and seconds.

    resident, peak: memory of the process, its children aside. cpu_seconds: of all cores, since the start, which was
    up_seconds ago. database, wal: the sizes of the file and of what is not in it yet. free: on its disk; with less
    than floor nothing is sent.
    """

    resident: int
    peak: int
    cpu_seconds: float
    up_seconds: float
    database: int
    wal: int
    free: int
    floor: int


def look(store: Store) -> Machine:
    """What is used at this moment."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resident = _resident() or peak
    return Machine(
        resident=resident,
        # The kernel adds it up only now and then.
        peak=max(peak, resident),
        cpu_seconds=time.process_time(),
        up_seconds=time.monotonic() - _STARTED,
        database=size_of(store.path),
        wal=size_of(wal_of(store.path)),
        free=shutil.disk_usage(store.path.parent).free,
        floor=store.floor_bytes,
    )


@cache
def version() -> str:
    """The newest version that the changelog tells of, as it is called there; "" without one."""
    try:
        lines = _CHANGES.read_text().splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("## ").strip() for line in lines if line.startswith("## ")), "")


def built_on() -> str:
    """The versions of Python and SQLite."""
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def wal_of(database: Path) -> Path:
    """Where SQLite keeps what is not in the database yet."""
    return database.with_name(f"{database.name}-wal")


def size_of(path: Path) -> int:
    """In bytes; 0 where there is no such file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not on Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
