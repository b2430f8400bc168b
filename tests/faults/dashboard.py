"""A dashboard in a process of its own, as an admin starts it, that a test may kill, freeze, stop and start again."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from mailroom import email_templates
from mailroom.reconcile import Reconciler
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.times import Clock, utc_now
from tests.faults.count import Count, count
from tests.faults.mortal import QUICK
from tests.live import Live, prepare
from tests.sandbox_server import ROOT, Sandbox

PATIENCE_SECONDS = 60.0
# Another program on the same account sends mails to this address.
STRANGER = "lain@contoh.id"


def prepare_folder(folder: Path, sandbox: Sandbox, mails: int = 0) -> None:
    """Makes a data folder with people, a token, a sender, a template and a batch of so many queued mails."""
    service = open_service(Settings(gateway_url=sandbox.url, data=folder))
    try:
        live = prepare(service, sandbox)
        if mails:
            queue(live, mails)
    finally:
        service.close()


@contextmanager
def mailroom(
    prepared: Path, folder: Path, sandbox: Sandbox, clock: Clock = utc_now, gateway: str = ""
) -> Iterator[Live]:
    """A mailroom in this process over a copy of a prepared folder, not sending yet, quick to look up doubts.

    gateway: a URL instead of the sandbox's.
    """
    shutil.copytree(prepared, folder)
    service = open_service(Settings(gateway_url=gateway or sandbox.url, data=folder), clock)
    service = replace(service, reconciler=Reconciler(service.store, service.clients, clock, QUICK))
    try:
        yield Live(service, sandbox, email_templates.version(service.store, 1))
    finally:
        service.close()


def queue(live: Live, mails: int) -> int:
    """The id of a batch of so many mails, each with an address and a content of its own."""
    return live.queue_to(*[f"orang{n}@contoh.id" for n in range(mails)])


def set_pace(folder: Path, per_second: float) -> None:
    """Lets the mailroom in a folder, open in no process, send so many mails a second."""
    with closing(sqlite3.connect(folder / "mailroom.db")) as db, db:
        db.execute("UPDATE tokens SET per_second = ?", [per_second])


class Dashboard:
    """`python app.py` over one data folder, against one sandbox; it can be started as often as it ends.

    quick: whether doubts are looked up without the usual long waits, by `tests.faults.mortal`.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, quick: bool = False) -> None:
        self.folder, self.sandbox, self.quick = folder, sandbox, quick
        self.address = ""
        self.log = folder.with_suffix(".log")  # what it said on its standard error, over all its lives
        self._process: subprocess.Popen[str] | None = None

    def start(self, *mortal: object) -> None:
        """Starts it and returns when it listens, or has ended before.

        mortal: where it is to die, as `tests.faults.mortal` reads it.
        """
        command = ["-m", "tests.faults.mortal", *map(str, mortal)] if mortal or self.quick else ["app.py"]
        environment = {
            **os.environ,
            "OCA_GATEWAY_URL": self.sandbox.url,
            "MAILROOM_SANDBOX": "1",
            "MAILROOM_DATA": str(self.folder),
            "MAILROOM_PORT": "0",
        }
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip().rpartition(" ")[2]
        if self.address:
            # It prints its address a moment before it knows what to do when it is told to stop.
            with suppress(requests.RequestException):
                requests.get(f"{self.address}/sign-in", timeout=PATIENCE_SECONDS)

    @property
    def process(self) -> "subprocess.Popen[str]":
        """The process of its present or last life."""
        assert self._process, "it was never started"
        return self._process

    def kill(self) -> None:
        """Ends it as a power switch would."""
        self.process.kill()
        self.wait_killed()

    def wait_killed(self) -> None:
        """Returns when it was killed, by itself or by anybody; fails when it ended in another way."""
        assert self.ended() == -signal.SIGKILL, self.log.read_text()

    def stop(self) -> None:
        """Ends it as a service manager does; fails unless it ends cleanly."""
        self.process.terminate()
        assert self.ended() == 0, self.log.read_text()

    def ended(self) -> int:
        """Its exit code, once it has ended; a negative one is the signal that ended it."""
        code = self.process.wait(PATIENCE_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def close(self) -> None:
        """Ends it if it still runs, whatever became of the test."""
        if self._process:
            self._process.kill()
            self.ended()

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query finds in its database, which may be open in it or not."""
        uri = f"file:{self.folder / 'mailroom.db'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as db:
            return db.execute(sql, parameters).fetchall()

    def states(self) -> Counter[str]:
        """How many mails stand where, by their state."""
        return Counter(state for (state,) in self.rows("SELECT state FROM mails"))

    def wait(self, until: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        """Returns as soon as `until()` is true; fails when that takes too long, or when it ended meanwhile."""
        end = time.monotonic() + seconds
        while not until():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"waited in vain; mails: {self.states()}\n{self.log.read_text()}"
            time.sleep(0.05)

    def wait_handed_over(self) -> None:
        """Returns when no mail waits or is on the wire any more."""
        self.wait(lambda: not {"queued", "sending"} & self.states().keys())

    def wait_settled(self) -> None:
        """Returns when no mail waits, is on the wire or in doubt; meanwhile another program sends a mail now and then.

        On a quiet account nothing is ever proven: only a newer mail in the history shows that one before it is absent.
        """

        def settled() -> bool:
            self.sandbox.strangers(1, STRANGER)
            return not {"queued", "sending", "unknown"} & self.states().keys()

        self.wait(settled)

    def ends_well(self) -> Count:
        """Stops it cleanly and counts; fails when a mail was lost or sent twice, or a rule does not hold."""
        self.stop()
        ledger = [entry for entry in self.sandbox.ledger() if entry["email"] != STRANGER]
        found = count(self.folder, ledger)
        assert found.broken == []
        assert (found.lost, found.doubled) == (0, 0), found
        return found
