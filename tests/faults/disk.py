"""A disk that a test may fill up, or cut the power of: between SQLite and the real files, for this process.

SQLite reaches its files through a table of functions (https://www.sqlite.org/vfs.html). Here `xOpen` of the usual
table is wrapped so that every file opened afterwards writes, truncates and syncs through this module.
"""

import _sqlite3
import ctypes
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SQLITE_FULL = 13
SECTOR = 512

# The name is passed on as the very pointer that came: SQLite keeps it for as long as the file is open.
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Methods(Structure):
    # sqlite3_io_methods, https://www.sqlite.org/c3ref/io_methods.html
    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", _Write),
        ("truncate", _Truncate),
        ("sync", _Sync),
        ("others", c_void_p * 13),
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class _Vfs(Structure):
    # sqlite3_vfs, https://www.sqlite.org/c3ref/vfs.html
    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", _Open),
        ("others", c_void_p * 15),
    )


@dataclass(frozen=True)
class Step:
    """One thing done to a file, and the moment when it was done (seconds since 1970)."""

    file: Path
    kind: Literal["write", "truncate", "sync"]
    offset: int
    data: bytes
    at: float


@dataclass
class Disk:
    """Everything done to the files since recording began.

    full: whether every write now fails for want of room. refused: how often one did. before: what was in each file.
    """

    full: bool = False
    refused: int = 0
    steps: list[Step] = field(default_factory=list)
    before: dict[Path, bytes] = field(default_factory=dict)

    def note(self, file: Path, kind: Literal["write", "truncate", "sync"], offset: int, data: bytes) -> None:
        """Writes a step down."""
        self.steps.append(Step(file, kind, offset, data, time.time()))


class Platter:
    """What is on the disk for certain, and what may be, when the power goes after so many of the steps."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._done = 0
        self._sure = {file: bytearray(content) for file, content in disk.before.items()}
        self._pending: dict[Path, list[Step]] = {file: [] for file in disk.before}

    def advance(self, steps: int) -> float:
        """Goes on to the moment after so many steps, and returns it; never back."""
        for step in self._disk.steps[self._done : steps]:
            pending = self._pending[step.file]
            pending.append(step)
            if step.kind == "sync":
                for done in pending:
                    _apply(done, self._sure[step.file])
                pending.clear()
        self._done = steps
        return self._disk.steps[steps - 1].at

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Writes to `folder` what a power cut leaves: of each step that was not synced all, nothing, or pieces."""
        for file, sure in self._sure.items():
            content = bytearray(sure)
            for step in self._pending[file]:
                fate = chance.choice(("kept", "gone", "torn"))
                for piece in _sectors(step) if fate == "torn" else [step]:
                    if fate == "kept" or (fate == "torn" and chance.random() < 0.5):
                        _apply(piece, content)
            (folder / file.name).write_bytes(content)


@contextmanager
def watched_disk() -> Iterator[Disk]:
    """Puts a `Disk` under every SQLite file that this process opens until the block ends; close them in it."""
    sqlite = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    sqlite.sqlite3_vfs_find.restype = c_void_p
    disk = Disk()
    usual = _Vfs.from_address(sqlite.sqlite3_vfs_find(None))
    vfs = _watching(usual, disk)
    sqlite.sqlite3_vfs_register(ctypes.byref(vfs), 1)
    try:
        yield disk
    finally:
        sqlite.sqlite3_vfs_unregister(ctypes.byref(vfs))
        sqlite.sqlite3_vfs_register(ctypes.byref(usual), 1)


# SQLite keeps bare pointers to what is made here, so it must never be collected.
_kept: list[Any] = []


def _watching(usual: _Vfs, disk: Disk) -> _Vfs:
    def opened(vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        path = Path(ctypes.string_at(name).decode()) if name else None
        if path and path not in disk.before:
            disk.before[path] = path.read_bytes() if path.exists() else b""
        result: int = usual.open(vfs, name, file, flags, out)
        if path and not result:
            handle = _File.from_address(file)
            methods = _methods(handle.methods.contents, path, disk)
            handle.methods = ctypes.pointer(methods)
        return result

    vfs = _Vfs.from_buffer_copy(usual)
    vfs.name, vfs.open = b"watched", _Open(opened)
    _kept.append(vfs)
    return vfs


def _methods(usual: _Methods, path: Path, disk: Disk) -> _Methods:
    def write(file: int, data: int, length: int, offset: int) -> int:
        if disk.full:
            disk.refused += 1
            return SQLITE_FULL
        result: int = usual.write(file, data, length, offset)
        disk.note(path, "write", offset, ctypes.string_at(data, length))
        return result

    def truncate(file: int, size: int) -> int:
        result: int = usual.truncate(file, size)
        disk.note(path, "truncate", size, b"")
        return result

    def sync(file: int, flags: int) -> int:
        result: int = usual.sync(file, flags)
        disk.note(path, "sync", 0, b"")
        return result

    methods = _Methods.from_buffer_copy(usual)
    methods.write, methods.truncate, methods.sync = _Write(write), _Truncate(truncate), _Sync(sync)
    _kept.append(methods)
    return methods


def _apply(step: Step, content: bytearray) -> None:
    if step.kind == "truncate":
        del content[step.offset :]
    elif step.kind == "write":
        content.extend(bytes(max(0, step.offset - len(content))))
        content[step.offset : step.offset + len(step.data)] = step.data


def _sectors(step: Step) -> list[Step]:
    if step.kind != "write":
        return [step]
    return [
        Step(step.file, step.kind, step.offset + at, step.data[at : at + SECTOR], step.at)
        for at in range(0, len(step.data), SECTOR)
    ]
