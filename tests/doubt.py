"""A mailroom with mails in doubt, and a gateway whose past can be written; for tests of how doubt ends."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailroom.readings import Rules
from mailroom.reconcile import Outcome, Reconciler
from mailroom.times import iso
from mailroom.verify import verify
from sandbox.ledger import STRANGER, Ledger, Mail
from tests.live import Live, live_mailroom
from tests.sandbox_server import Sandbox, running_sandbox

# Looks as often as a test asks, and sends again at once.
RULES = Rules(first_pause=0, longest_pause=0, again_after=0)
MINUTE = timedelta(minutes=1)


@contextmanager
def old_sandbox(folder: Path) -> Iterator[Sandbox]:
    """A sandbox without a limit, whose account has sent mail before: one every minute of the last hour."""
    ledger = Ledger(str(folder / "sandbox.db"))
    for _ in range(60):
        ledger.accept(Mail("dulu@contoh.id", "tim@contoh.id", "Tim", "Dulu", b"<p>Dulu</p>"), STRANGER)
    ledger.close()
    now = datetime.now(UTC)
    with closing(sqlite3.connect(folder / "sandbox.db")) as db, db:
        for n in range(60):
            db.execute(
                "UPDATE mails SET accepted_at = ? WHERE seq = ?", [iso(now - MINUTE * (61 - n)), n + 1]
            )
    with running_sandbox("--limit", "0", "--data", str(folder)) as sandbox:
        yield sandbox


@contextmanager
def doubtful_mailroom(folder: Path, sandbox: Sandbox) -> Iterator[Live]:
    """A mailroom that sends, and looks nothing up by itself."""
    with live_mailroom(folder, sandbox, start=False) as live:
        with live.service.store.write() as db:
            db.execute("UPDATE tokens SET per_second = 1000")
        live.service.sender.start()
        yield live


def reconciler(live: Live, **rules: float) -> Reconciler:
    """One that looks up when it is asked to, by these rules and else by the usual ones, without pauses."""
    service = live.service
    return Reconciler(service.store, service.clients, service.clock, replace(RULES, **rules))  # type: ignore[arg-type]


def look(live: Live, **rules: float) -> Outcome:
    """One look at everything unknown."""
    return reconciler(live, **rules).run_once(1)


def send_in_doubt(live: Live, fault: str, *emails: str) -> int:
    """The id of a batch to these addresses, every mail of which is unknown now because of `fault`."""
    live.sandbox.faults(next=[fault] * len(emails))
    batch_id = live.queue_to(*emails)
    live.wait(lambda: live.batch(batch_id).counts == {"unknown": len(emails)})
    live.sandbox.faults(next=[])
    return batch_id


def a_minute_passes(live: Live) -> None:
    """The attempts that are in doubt lie a minute further back. Only for mails that the gateway did not accept."""
    with live.service.store.write() as db:
        for row in db.query(
            "SELECT a.id, a.started_at, a.finished_at FROM attempts a JOIN mails m ON m.id = a.mail_id "
            "WHERE m.state = 'unknown'"
        ):
            moved = [
                iso(datetime.fromisoformat(row[name]) - MINUTE) for name in ("started_at", "finished_at")
            ]
            db.execute(
                "UPDATE attempts SET started_at = ?, finished_at = ? WHERE id = ?", [*moved, row["id"]]
            )


def state_of(live: Live, email: str) -> str:
    [(state,)] = live.rows(f"SELECT state FROM mails WHERE email = '{email}'")
    return str(state)


def why_of(live: Live, email: str) -> str:
    """The reason of the last change of the mail's state."""
    [(why,)] = live.rows(
        "SELECT why FROM events e JOIN mails m ON m.id = e.mail_id AND e.to_state IN ('accepted', 'queued', "
        f"'undecided', 'cancelled') WHERE m.email = '{email}' ORDER BY e.id DESC LIMIT 1"
    )
    return str(why)


def arrivals(live: Live, email: str) -> int:
    """How often the gateway accepted a mail of ours to this address."""
    return sum(e["email"] == email and e["application"] != STRANGER for e in live.sandbox.ledger())


def holds(live: Live) -> bool:
    return verify(live.service.store.read()) == []
