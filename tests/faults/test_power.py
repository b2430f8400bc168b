"""The power goes at any moment: nothing queued is lost, and what the gateway accepted by then is not sent again."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailroom import email_templates, outcomes
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.times import iso, utc_now
from mailroom.verify import verify
from tests.faults.dashboard import prepare_folder, queue, set_pace
from tests.faults.disk import Disk, Platter, watched_disk
from tests.live import Live
from tests.sandbox_server import Sandbox

MAILS = 150
CUTS = 200


@dataclass(frozen=True)
class Run:
    """A whole batch sent while the disk was watched: queued after so many steps, handed over after so many."""

    disk: Disk
    queued: int
    handed_over: int
    ledger: list[dict[str, Any]]


@dataclass
class Left:
    """What all the cuts of a run left, added up: mails gone, mails that would be sent again, mails in doubt."""

    missing: int = 0
    again: int = 0
    in_doubt: int = 0


def record(folder: Path, sandbox: Sandbox, synchronous: str = "") -> Run:
    prepare_folder(folder, sandbox)
    set_pace(folder, 1000)
    with watched_disk() as disk:
        service = open_service(Settings(gateway_url=sandbox.url, data=folder))
        try:
            if synchronous:
                service.store._writer.execute(f"PRAGMA synchronous = {synchronous}")
            live = Live(service, sandbox, email_templates.version(service.store, 1))
            batch_id, queued = queue(live, MAILS), len(disk.steps)
            service.start()
            live.wait_handed_over(batch_id)
            return Run(disk, queued, len(disk.steps), sandbox.ledger())
        finally:
            service.close()


def cuts(run: Run, folder: Path) -> Iterator[tuple[Path, str]]:
    """Data folders as a power cut leaves them, each with the moment of the cut as the ledger writes it."""
    chance = random.Random(1)
    platter = Platter(run.disk)
    for number, steps in enumerate(sorted(chance.choices(range(run.queued, run.handed_over), k=CUTS))):
        moment = platter.advance(steps)
        left = folder / str(number)
        left.mkdir()
        platter.cut(left, chance)
        yield left, iso(datetime.fromtimestamp(moment, UTC))


def start_again(folder: Path) -> dict[str, str]:
    """Each address with the state its mail has after the next start."""
    store = Store(folder / "mailroom.db")
    try:
        with store.write() as db:
            outcomes.recover(db, utc_now())
        assert verify(store.read()) == []
        return dict(store.read().execute("SELECT email, state FROM mails"))
    finally:
        store.close()


def add_up(run: Run, folder: Path) -> Left:
    left = Left()
    for data, moment in cuts(run, folder):
        states = start_again(data)
        accepted = [entry["email"] for entry in run.ledger if entry["accepted_at"] < moment]
        left.missing += MAILS - len(states)
        left.again += sum(states.get(email) in ("queued", None) for email in accepted)
        left.in_doubt += Counter(states.values())["unknown"]
    return left


def test_in_200_power_cuts_nothing_is_lost_and_nothing_would_be_sent_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run = record(tmp_path / "data", sandbox)
    assert {file.name for file in run.disk.before} == {"mailroom.db", "mailroom.db-wal"}
    left = add_up(run, tmp_path)
    assert (left.missing, left.again) == (0, 0)
    assert left.in_doubt, "some cuts came while mails were on the wire"


def test_a_disk_that_is_not_waited_for_would_lose_queued_mails_and_send_others_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    left = add_up(record(tmp_path / "data", sandbox, "NORMAL"), tmp_path)
    assert left.missing
    assert left.again
