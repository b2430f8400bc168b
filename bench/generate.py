"""`python -m bench generate FOLDER --mails N`: a data folder with a year of mail in it, for looking how fast it is."""

import argparse
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import bulk, year
from mailroom import counters, email_templates, identities, people, tokens
from mailroom.people import Role
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.store import Store
from tests.live import A_TOKEN

MAILS = 10_000_000
# Of so many mails each person gets one, in the middle.
MAILS_A_PERSON = 5
PORTION = 20_000
ADMIN, PASSWORD = "adi@contoh.id", "kereta api malam adi"

_TEAM: Sequence[tuple[str, Role]] = (
    ("Adi", "admin"), ("Sari", "sender"), ("Budi", "sender"), ("Citra", "sender"), ("Dewi", "sender"),
    ("Eko", "sender"), ("Vino", "viewer"),
)  # fmt: skip
_SENDERS = ("tagihan", "info", "layanan", "promo", "sdm", "no-reply")

_BATCHES = (
    "INSERT INTO batches (id, name, form_key, template_version_id, sender_email, sender_name, size, state, created_at, "
    "created_by, kind, token_id, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'pelanggan.csv')"
)
_MAILS = (
    "INSERT INTO mails (batch_id, row, email, subject, fields, state, delivery, gateway_id, gateway_word, due_at, "
    "faults, created_at, changed_at, accepted_at, looked_at, domain, delivered_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ATTEMPTS = (
    "INSERT INTO attempts (mail_id, sender_email, sender_name, token_fingerprint, started_at, to_email, subject, "
    "body_sha256, body_bytes, finished_at, outcome, http_status, code, detail, msg_id, duration_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# Which steps led a mail to where it stands: from, to, the column that tells when, who did it.
_Step = tuple[str, str, str, str]
_QUEUED: _Step = ("", "queued", "m.created_at", "")
_CLAIMED: _Step = ("queued", "sending", "coalesce(accepted_at, changed_at)", "sender")
_ACCEPTED: _Step = ("sending", "accepted", "accepted_at", "sender")
_HANDED_OVER = (_QUEUED, _CLAIMED, _ACCEPTED)
_STEPS: Mapping[str, tuple[_Step, ...]] = {
    "accepted": _HANDED_OVER,
    "delivered": (*_HANDED_OVER, ("pending", "delivered", "delivered_at", "delivery")),
    "opened": (
        *_HANDED_OVER,
        ("pending", "delivered", "delivered_at", "delivery"),
        ("delivered", "opened", "changed_at", "delivery"),
    ),
    "failed": (*_HANDED_OVER, ("pending", "failed", "changed_at", "delivery")),
    "lost": (*_HANDED_OVER, ("pending", "lost", "changed_at", "delivery")),
    "rejected": (_QUEUED, _CLAIMED, ("sending", "rejected", "changed_at", "sender")),
    "undecided": (
        _QUEUED,
        _CLAIMED,
        ("sending", "unknown", "changed_at", "sender"),
        ("unknown", "undecided", "changed_at", "reconcile"),
    ),
    "gave_up": (
        _QUEUED,
        _CLAIMED,
        ("sending", "queued", "changed_at", "sender"),
        ("queued", "gave_up", "changed_at", "sender"),
    ),
    "skipped": (_QUEUED, ("queued", "skipped", "changed_at", "sender")),
    "cancelled": (_QUEUED, ("queued", "cancelled", "changed_at", "user:1")),
}
_LIMITED: tuple[_Step, ...] = (("sending", "queued", "coalesce(accepted_at, changed_at)", "sender"), _CLAIMED)
_WHY = {state: why for state, (_, why) in year.WORDS.items()} | {
    "undecided": "not decidable within 15 minutes: the gateway's history shows no newer mail",
    "delivered": "delivered", "opened": "opened",
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What was made. steps: seconds of each part, by name."""

    mails: int
    batches: int
    bytes: int
    steps: dict[str, float]

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())


def generate(
    folder: Path,
    mails: int,
    seed: int = 1,
    until: datetime | None = None,
    a_batch: int = year.MAILS_A_BATCH,
) -> Made:
    """Fills a new data folder; the same seed and end make the same mails, with other keys and passwords' salts.

    until: the end of the year, midnight of today in UTC when left out. a_batch: mails in a batch, on average.
    """
    until = until or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    team = _team(folder, until - timedelta(days=year.DAYS + 1))
    path = folder / "mailroom.db"
    steps: dict[str, float] = {}
    begun = time.perf_counter()

    def done(step: str) -> None:
        nonlocal begun
        steps[step], begun = time.perf_counter() - begun, time.perf_counter()

    plans = year.batches(mails, until, team.of_template, len(_TEAM) - 1, len(_SENDERS), seed, a_batch)
    with bulk.bare(path) as db:
        _fill(db, plans, team, year.Writer(seed, until, max(1, mails // MAILS_A_PERSON)))
        done("mails and attempts")
        _events(db)
        done("events")
    done("indices and search")
    store = Store(path)
    counters.rebuild(store)
    store.close()
    done("counts")
    return Made(mails, len(plans), path.stat().st_size, steps)


@dataclass(frozen=True)
class _Team:
    """What batches refer to.

    of_template: for each version, the place of its template. texts: for each, the template's name, subject and body.
    """

    of_template: tuple[int, ...]
    texts: tuple[tuple[str, str, str], ...]
    fingerprint: str


def _team(folder: Path, now: datetime) -> _Team:
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=folder))
    try:
        store = service.store
        for name, role in _TEAM:
            email = f"{name.lower()}@contoh.id"
            people.add(store, email, name, role, f"kereta api malam {name.lower()}", now)
        for name in _SENDERS:
            identities.add(store, f"{name}@contoh.id", f"Tim {name.title()}", 1, now)
        line = tokens.add(store, service.keys, "Utama", A_TOKEN.encode(), 25, 1, now)
        texts = []
        of_template = []
        for place, template in enumerate(year.templates()):
            template_id = None
            for subject, html in template.versions:
                made = email_templates.save(store, template_id, template.name, subject, html, 1, now)
                template_id = made.template_id
                texts.append((template.name, subject, html))
                of_template.append(place)
        return _Team(tuple(of_template), tuple(texts), line.fingerprint)
    finally:
        service.close()


def _fill(db: sqlite3.Connection, plans: Sequence[year.Plan], team: _Team, writer: year.Writer) -> None:
    stamp = year.stamps(datetime.fromtimestamp(plans[-1].begins / 1000, UTC))
    mails: list[year.Mail] = []
    attempts: list[year.Mail] = []
    mail_id = 0
    db.execute("BEGIN")
    for batch_id, plan in enumerate(plans, 1):
        name, subject, body = team.texts[plan.version]
        began = stamp(plan.begins)
        sender = (f"{_SENDERS[plan.sender]}@contoh.id", f"Tim {_SENDERS[plan.sender].title()}")
        state = "cancelled" if plan.cancelled else "running"
        batch = (
            f"{name}, {began[:10]}",
            f"bench-{batch_id}",
            plan.version + 1,
            *sender,
            plan.size,
            state,
            began,
        )
        db.execute(_BATCHES, (batch_id, *batch, plan.user + 1, plan.kind))
        for mail, tries in writer.mails(batch_id, plan, subject, body):
            mail_id += 1
            mails.append(mail)
            attempts.extend((mail_id, *sender, team.fingerprint, *attempt) for attempt in tries)
            if len(mails) == PORTION:
                _put(db, mails, attempts)
    _put(db, mails, attempts)
    db.execute("COMMIT")


def _put(db: sqlite3.Connection, mails: list[year.Mail], attempts: list[year.Mail]) -> None:
    db.executemany(_MAILS, mails)
    db.executemany(_ATTEMPTS, attempts)
    mails.clear()
    attempts.clear()


def _events(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TEMP TABLE steps (shown, again, n, from_state, to_state, at, why, actor, "
        "PRIMARY KEY (shown, again, n)) WITHOUT ROWID"
    )
    columns = dict.fromkeys(at for steps in _STEPS.values() for _, _, at, _ in steps)
    for shown, steps in _STEPS.items():
        for again, all_steps in ((0, steps), (1, (*steps[:2], *_LIMITED, *steps[2:]))):
            db.executemany(
                "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (shown, again, n, old, new, at, _why(old, new), actor)
                    for n, (old, new, at, actor) in enumerate(all_steps)
                ],
            )
    # Our own column names from above; each step has one of them.
    moment = " ".join(f"WHEN '{column}' THEN {column}" for column in columns)
    db.execute(
        f"INSERT INTO events (mail_id, at, from_state, to_state, why, actor) SELECT m.id, CASE s.at {moment} END, "
        "s.from_state, s.to_state, s.why, CASE s.actor WHEN '' THEN 'user:' || b.created_by ELSE s.actor END "
        "FROM mails m CROSS JOIN batches b ON b.id = m.batch_id "
        "CROSS JOIN steps s ON s.shown = m.shown AND s.again = m.faults ORDER BY m.id, s.n"
    )


def _why(old: str, new: str) -> str:
    if old == "":
        return "pelanggan.csv"
    if (old, new) == ("sending", "queued"):
        return "too many requests"
    return _WHY.get(new, "")


def report(made: Made) -> str:
    """What was made, how long each part took and how large it is."""
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in made.steps.items())
    return (
        f"{made.mails:,} mails in {made.batches:,} batches: {made.seconds:.0f} s ({parts}), "
        f"{made.bytes / 1e9:.2f} GB, {made.bytes / made.mails:.0f} bytes a mail"
    )


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when the folder was filled, 1 when there is something in it already."""
    parser = argparse.ArgumentParser(prog="python -m bench generate", description=__doc__)
    parser.add_argument("folder", type=Path, help="a new folder, to be used as MAILROOM_DATA")
    parser.add_argument("--mails", type=int, default=MAILS)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    if (wanted.folder / "mailroom.db").exists():
        print(f"{wanted.folder} has a database already; name a new folder.", file=sys.stderr)
        return 1
    print(report(generate(wanted.folder, wanted.mails, wanted.seed)))
    print(f"Sign in as {ADMIN} with the password: {PASSWORD}")
    return 0
