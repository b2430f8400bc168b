"""What the measurements ran on, and what a process used, from /proc."""

import os
import platform
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process used until now: seconds of CPU, and the most memory it held, in MB."""

    cpu: float
    peak_mb: float


def usage(pid: int) -> Usage:
    """What a running process used until now, without its children."""
    # The name in brackets may hold spaces, so the fields are counted from behind it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS, int(peak.split()[1]) / 1024)


def resident_mb(pid: int) -> float:
    """The memory a running process holds now, without its children, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def family_mb(pid: int) -> float:
    """The most memory that a process and its living children held so far, each at its own time, added, in MB."""
    peak = 0.0
    with suppress(OSError, StopIteration):
        peak = usage(pid).peak_mb
        own = Path(f"/proc/{pid}/cmdline").read_bytes()
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            # Until it runs a program of its own, a new process has the memory of its parent, not as much again.
            if Path(f"/proc/{child}/cmdline").read_bytes() != own:
                peak += family_mb(int(child))
    return peak


def describe() -> str:
    """One line: cores, processor, memory, system, Python and SQLite."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores of {cpu}, {memory:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
