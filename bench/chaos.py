"""`python -m bench.chaos`: how many mails are lost or sent twice when the dashboard is killed again and again.

Thousands of mails go through `python app.py` to a sandbox gateway that fails now and then, before or after it has
accepted a mail. The process is killed (SIGKILL) at random moments and started again, until no mail waits any more.
Then the gateway's own ledger is counted. `--naive` breaks one rule: what was on the wire when the process was
killed is simply queued again.
"""

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.count import Count, count
from tests.faults.dashboard import Dashboard, prepare_folder, set_pace
from tests.sandbox_server import running_sandbox

KINDS = ("500_before", "500_after", "reset_before", "reset_after", "html_502", "malformed_json")
WITNESS = "lain@contoh.id"


@dataclass(frozen=True)
class Plan:
    """What is done: so many mails, kills, and a share of sends that the gateway spoils; drawn from a seed.

    patience: seconds that mails in doubt may take when nothing else is left to do. quick: whether doubts are looked
    up without the usual long waits, for a short run.
    """

    mails: int = 10_000
    kills: int = 50
    faults: float = 0.02
    seed: int = 1
    naive: bool = False
    patience: float = 120.0
    quick: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a plan.

    on_the_wire: mails that had no answer yet at the kills. spoiled: answers that proved nothing. seconds: from the
    first start to the last answer.
    """

    plan: Plan
    count: Count
    on_the_wire: int
    spoiled: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost or sent twice, every mail is there, and every rule holds."""
        whole = sum(self.count.states.values()) == self.plan.mails
        return whole and not (self.count.lost or self.count.doubled or self.count.broken)


def run(plan: Plan, folder: Path) -> Outcome:
    """Carries the plan out in a fresh data folder below `folder`."""
    chance = random.Random(plan.seed)
    with running_sandbox("--limit", "0") as sandbox:
        dashboard = Dashboard(folder / "data", sandbox, plan.quick)
        prepare_folder(dashboard.folder, sandbox, plan.mails)
        set_pace(dashboard.folder, 1000)
        shares = dict.fromkeys(KINDS, plan.faults / len(KINDS))
        sandbox.faults(**shares, seed=plan.seed, latency_ms=20, latency_jitter_ms=60)
        started = time.monotonic()
        try:
            on_the_wire = _kill_again_and_again(dashboard, plan, chance)
            _finish(dashboard, plan.patience)
            seconds = time.monotonic() - started
            dashboard.stop()
        finally:
            dashboard.close()
        return _outcome(plan, dashboard, on_the_wire, seconds)


def _kill_again_and_again(dashboard: Dashboard, plan: Plan, chance: random.Random) -> int:
    """How many mails were on the wire at the kills; afterwards the dashboard runs."""
    on_the_wire = 0
    for goal in sorted(chance.choices(range(plan.mails * 9 // 10), k=plan.kills)):
        dashboard.start()
        dashboard.wait(partial(_has_got_to, dashboard, goal), seconds=300)
        time.sleep(chance.uniform(0, 0.1))
        dashboard.kill()
        on_the_wire += dashboard.states()["sending"]
        if plan.naive:
            _queue_again(dashboard.folder)
    dashboard.start()
    return on_the_wire


def _finish(dashboard: Dashboard, patience: float) -> None:
    """Returns when no mail waits, and none is in doubt or it seems to stay so."""
    dashboard.wait(lambda: not {"queued", "sending"} & dashboard.states().keys(), seconds=600)
    end = time.monotonic() + patience
    while dashboard.states().keys() & {"queued", "sending", "unknown"} and time.monotonic() < end:
        # Another program on the same account sends a mail now and then: a quiet account proves nothing.
        dashboard.sandbox.strangers(1, WITNESS)
        time.sleep(1)


def _outcome(plan: Plan, dashboard: Dashboard, on_the_wire: int, seconds: float) -> Outcome:
    ledger = [entry for entry in dashboard.sandbox.ledger() if entry["email"] != WITNESS]
    spoiled = dashboard.rows(
        "SELECT count(*) FROM attempts WHERE outcome = 'unknown' AND duration_ms IS NOT NULL"
    )
    return Outcome(plan, count(dashboard.folder, ledger), on_the_wire, spoiled[0][0], seconds)


def _has_got_to(dashboard: Dashboard, goal: int) -> bool:
    """Whether so many mails have left the queue and not come back."""
    rows = dashboard.rows("SELECT sum(n) FROM batch_counts WHERE shown <> 'queued'")
    return int(rows[0][0] or 0) >= goal


def _queue_again(folder: Path) -> None:
    """What a program does that takes “no answer” for “not sent”."""
    with closing(sqlite3.connect(folder / "mailroom.db")) as db, db:
        db.execute(
            "UPDATE attempts SET finished_at = started_at, outcome = 'later' WHERE finished_at IS NULL"
        )
        db.execute("UPDATE mails SET state = 'queued' WHERE state = 'sending'")


def table(outcome: Outcome) -> str:
    """The outcome as a table to print."""
    plan, found = outcome.plan, outcome.count
    rows: Sequence[tuple[str, object]] = (
        ("mails queued", plan.mails),
        ("the dashboard killed", f"{plan.kills} times, {outcome.on_the_wire} mails on the wire"),
        ("answers that proved nothing", outcome.spoiled),
        ("lost", found.lost),
        ("sent twice", found.doubled),
        ("still in doubt, or for a person to decide", found.in_doubt),
        ("accepted", found.states.get("accepted", 0)),
        ("rules broken", len(found.broken)),
        ("seconds", round(outcome.seconds)),
    )
    return "\n".join(f"{name:<42} {value:>10}" for name, value in rows)


def main() -> int:
    """Exit code 0 when nothing was lost or sent twice and every rule holds, otherwise 1."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--mails", type=int, default=Plan.mails)
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument(
        "--faults", type=float, default=Plan.faults, help="share of sends that the gateway spoils"
    )
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--naive", action="store_true", help="queue again what was on the wire at a kill")
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="mailroom-chaos-") as folder:
        outcome = run(plan, Path(folder))
    print(table(outcome))
    for broken in outcome.count.broken[:20]:
        print(broken, file=sys.stderr)
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
