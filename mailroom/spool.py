"""A folder beside the database in which a command puts its request for the process that has the mailroom open.

One process owns the database, so a command cannot simply open it while Mailroom runs. A folder rather than a socket:
it needs no length of path, port or password, its requests may be as large as they like, they survive the end of the
process that was working on them, and the account that may write to it is the one that may read the database.

A request is a folder of its own, and its name says how far it is. Each step is one rename, which one side wins:

- `<id>.new`: being written
- `<id>.ask`: complete; to be answered as long as the command that put it there waits for it
- `<id>.sure`: to be queued, once, whatever happens; it can no longer be withdrawn
- `<id>.gone`: withdrawn

The command holds a lock on its request while it waits, which ends with it however it ends.
"""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mailroom.store import Store

REQUEST, ANSWER, PLEDGE = "request.json", "answer.json", "pledge.json"
# The lock comes right after the folder; what is being written without one after so long is left over.
WRITING_SECONDS = 60


def folder_of(database: Path) -> Path:
    """Where the requests to the owner of a database are."""
    return database.parent / "requests"


class Ticket:
    """A request of this process, complete, and nobody else's to withdraw."""

    def __init__(self, folder: Path, document: Mapping[str, Any], files: Mapping[str, IO[bytes]]) -> None:
        """Puts a request into the folder. files: what goes with it, by name, read to their ends."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._id = secrets.token_hex(16)
        self._folder = folder
        new = self._at("new")
        new.mkdir(mode=0o700)
        try:
            self._lock = _private(new / REQUEST)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            for name, content in files.items():
                with _private(new / name) as target:
                    shutil.copyfileobj(content, target)
            self._lock.write(json.dumps(document).encode())
            self._lock.flush()
            new.rename(self._at("ask"))
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise

    def answer(self) -> dict[str, Any] | None:
        """What was answered last; None while nothing was."""
        for step in ("ask", "sure"):
            with suppress(FileNotFoundError):
                found: dict[str, Any] = json.loads((self._at(step) / ANSWER).read_bytes())
                return found
        return None

    def withdraw(self) -> bool:
        """Whether nothing will come of the request: False when it is already being queued, or was."""
        try:
            self._at("ask").rename(self._at("gone"))
        except FileNotFoundError:
            return False
        return True

    def close(self) -> None:
        """Waits no longer. A request that is being queued stays, for whoever queues it."""
        self.withdraw()
        answered = (self._at("sure") / ANSWER).exists()
        for step in ("gone", "sure") if answered else ("gone",):
            shutil.rmtree(self._at(step), ignore_errors=True)
        self._lock.close()

    def _at(self, step: str) -> Path:
        return self._folder / f"{self._id}.{step}"


class Case:
    """A request as the owner of the database finds it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def sure(self) -> bool:
        """Whether it is to be queued whatever happens."""
        return self._path.suffix == ".sure"

    @property
    def awaited(self) -> bool:
        """Whether the command that asked still waits. Raises FileNotFoundError when the request is gone."""
        with (self._path / REQUEST).open("rb") as request:
            try:
                fcntl.flock(request, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @property
    def document(self) -> Any:
        """What is asked for. Raises ValueError for what cannot be read."""
        return json.loads((self._path / REQUEST).read_bytes())

    @property
    def answer(self) -> Any:
        """What was answered last; None while nothing was."""
        return self._json(ANSWER)

    @property
    def pledge(self) -> Any:
        """What was noted when it became sure; None before."""
        return self._json(PLEDGE)

    def file(self, name: str, most: int) -> bytes:
        """The first `most` bytes of what goes with the request."""
        with (self._path / name).open("rb") as stream:
            return stream.read(most)

    def make_sure(self, pledge: Mapping[str, Any]) -> bool:
        """Whether it is now to be queued whatever happens, as `pledge` says; False when it was withdrawn."""
        sure = self._path.with_suffix(".sure")
        try:
            self._write(PLEDGE, pledge)
            self._path.rename(sure)
        except FileNotFoundError:
            return False
        self._path = sure
        # What is queued after this must find the pledge again, also after a power cut.
        _sync(sure.parent)
        return True

    def reply(self, answer: Mapping[str, Any]) -> None:
        """Gives an answer, in the place of one before."""
        with suppress(FileNotFoundError):
            self._write(ANSWER, answer)

    def remove(self) -> None:
        """Takes it out of the folder."""
        shutil.rmtree(self._path, ignore_errors=True)

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self._path / name).read_bytes())
        except FileNotFoundError:
            return None

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        fresh = self._path / f"{name}.new"
        with _private(fresh) as stream:
            stream.write(json.dumps(value).encode())
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._path / name)
        _sync(self._path)


def cases(store: Store) -> Iterator[Case]:
    """The requests to be looked after, the oldest first; what has ended without them is cleared away."""
    folder = folder_of(store.path)
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir(), key=_age):
        case = Case(path)
        if path.suffix == ".gone" or (path.suffix == ".new" and _forgotten(path)):
            case.remove()
        elif path.suffix in (".ask", ".sure"):
            with suppress(FileNotFoundError):
                yield from _looked_after(case)


def _looked_after(case: Case) -> Iterator[Case]:
    if case.awaited or (case.sure and case.answer is None):
        yield case
    else:
        # Nobody waits: what was not sure is not done, and what was answered needs no answer any more.
        case.remove()


def _age(path: Path) -> float:
    try:
        return path.stat().st_ctime
    except FileNotFoundError:
        return 0.0


def _forgotten(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return not Case(path).awaited and time.time() - _age(path) > WRITING_SECONDS
    return time.time() - _age(path) > WRITING_SECONDS


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
