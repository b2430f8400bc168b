"""Mails a second of the whole dashboard, `python app.py`, and of a bare loop, as the sandbox on a socket sees them."""

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.machine import Usage, usage
from mailroom import batches, drafts, email_templates, identities, people, recipients, starter, tokens
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.verify import verify
from tests.faults.dashboard import Dashboard
from tests.sandbox_server import ROOT, Sandbox

LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Result:
    """One measurement: mails a second from the first to the last accepted, what the gateway counted, what it cost.

    slowest: of the rates of each token. peak: most requests in any one second. refused: answers with a 429.
    cpu, peak_mb: seconds of CPU for all the mails, and the most memory that the client's process held, in MB.
    """

    mails: int
    rate: float
    slowest: float
    peak: int
    refused: int
    cpu: float
    peak_mb: float


def middle(results: list[Result]) -> Result:
    """The result with the median rate."""
    wanted = median(result.rate for result in results)
    return min(results, key=lambda result: abs(result.rate - wanted))


def dashboard(
    sandbox: Sandbox,
    mails: int,
    token_count: int = 1,
    per_second: float = 25,
    seconds: float = LONGEST_SECONDS,
) -> Result:
    """What the dashboard makes of `mails` queued mails for each token; all of them arrive once, or it raises.

    seconds: how long that may take at most.
    """
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-") as name:
        folder = Path(name) / "data"
        _queue(folder, sandbox, mails, token_count, per_second)
        running = Dashboard(folder, sandbox)
        try:
            running.start()
            before = usage(running.process.pid)
            _wait(running, mails * token_count, seconds)
            time.sleep(0.5)
            after = usage(running.process.pid)
            running.stop()
        finally:
            running.close()
        _agrees(folder, sandbox, mails * token_count)
    return seen(sandbox, before, after)


def bare_loop(sandbox: Sandbox, mails: int, threads: int, seconds: float = 60) -> Result:
    """What `bench.bare` makes of so many mails, in a process of its own, ended after so many seconds."""
    arguments = [sandbox.url, sandbox.token(), str(mails), str(threads), str(seconds)]
    command = [sys.executable, "-m", "bench.bare", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=seconds + 90)
    before, after = json.loads(done.stdout)
    return seen(sandbox, Usage(*before), Usage(*after))


def seen(sandbox: Sandbox, before: Usage, after: Usage) -> Result:
    """What the sandbox counted since it was cleared, for a client that used so much in between."""
    ledger = sandbox.ledger()
    by_token: dict[str, list[datetime]] = defaultdict(list)
    for entry in ledger:
        by_token[entry["email"].partition("@")[0].partition(".")[2]].append(_time(entry))
    summary = sandbox.summary()
    return Result(
        mails=len(ledger),
        rate=_rate([_time(entry) for entry in ledger]),
        slowest=min((_rate(times) for times in by_token.values()), default=0.0),
        peak=summary["peak_in_one_second"],
        refused=summary["answers"].get("429", 0),
        cpu=after.cpu - before.cpu,
        peak_mb=after.peak_mb,
    )


def _time(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["accepted_at"])


def _rate(times: list[datetime]) -> float:
    took = (max(times) - min(times)).total_seconds() if times else 0.0
    return (len(times) - 1) / took if took else 0.0


def followed(sandbox: Sandbox, mails: int, per_second: float) -> int:
    """How many requests it takes to hand over so many mails and learn of each that it was delivered, sends aside."""
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-") as name:
        folder = Path(name) / "data"
        _queue(folder, sandbox, mails, 1, per_second)
        running = Dashboard(folder, sandbox)
        try:
            running.start()
            _wait(running, mails, LONGEST_SECONDS + mails / per_second)
            end = time.monotonic() + LONGEST_SECONDS
            # Mails whose end is not known yet.
            while running.rows("SELECT 1 FROM mails WHERE delivery IN ('', 'pending') LIMIT 1"):
                assert time.monotonic() < end, running.states()
                time.sleep(0.5)
            running.stop()
        finally:
            running.close()
    requests: dict[str, int] = sandbox.summary()["requests"]
    return requests["history"] + requests["status"]


def _wait(running: Dashboard, mails: int, seconds: float = LONGEST_SECONDS) -> None:
    """Returns when a fresh sandbox took so many mails; fails when that takes too long, or the dashboard ended."""
    end = time.monotonic() + seconds
    # Asks for the last one alone: the summary counts everything, which would slow down what is measured.
    while not running.sandbox.control("GET", f"ledger?after={mails - 1}&limit=1"):
        assert running.process.poll() is None, running.log.read_text()
        assert time.monotonic() < end, f"not {mails} mails within {seconds} s: {running.states()}"
        time.sleep(0.2)


def _queue(folder: Path, sandbox: Sandbox, mails: int, token_count: int, per_second: float) -> None:
    service = open_service(Settings(gateway_url=sandbox.url, data=folder))
    try:
        store, now = service.store, service.clock()
        people.add(store, "sari@contoh.id", "Sari", "admin", "kereta api malam sari", now)
        identities.add(store, "tagihan@contoh.id", "Tim Tagihan", 1, now)
        version = email_templates.save(store, None, "Tagihan", starter.SUBJECT, starter.HTML, 1, now)
        for number in range(1, token_count + 1):
            token = sandbox.token().encode()
            line = tokens.add(store, service.keys, f"Token {number}", token, per_second, 1, now)
            _batch(service, version, line.id, mails)
    finally:
        service.close()


def _batch(service: Service, version: email_templates.Version, token_id: int, mails: int) -> None:
    rows = [f"orang{n}.{token_id}@contoh.id,Orang {n},Rp {n}.000" for n in range(mails)]
    sheet = recipients.read(recipients.Given("daftar.csv", "\n".join(["email,nama,total", *rows]).encode()))
    setup = drafts.Setup("Tagihan", version, 1, token_id, "daftar.csv")
    draft_id = drafts.create(service.store, 1, setup, sheet, service.clock())
    batches.queue(service.store, draft_id, 1, service.clock())


def _agrees(folder: Path, sandbox: Sandbox, mails: int) -> None:
    """Raises AssertionError unless the database knows every mail that the gateway took, and each arrived once."""
    service = open_service(Settings(gateway_url=sandbox.url, data=folder))
    try:
        db = service.store.read()
        broken = verify(db)
        assert broken == [], broken
        ours = {
            row["gateway_id"] for row in db.query("SELECT gateway_id FROM mails WHERE state = 'accepted'")
        }
        theirs = {entry["msg_id"] for entry in sandbox.ledger()}
        assert ours == theirs, f"{len(ours)} accepted here, {len(theirs)} there"
        assert len(ours) == mails
        assert sandbox.summary()["doubled"] == 0
    finally:
        service.close()
