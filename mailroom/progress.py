"""How fast mails go out, and when a batch will be done: one reckoning, before it is queued and while it goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom.batches import Batch
from mailroom.store import Store
from mailroom.times import iso, parse

# How far back the pace is measured, and for how long there must be something to measure.
PACE_SECONDS = 10
LEAST_SECONDS = 2.0
# Enough for the measured time at the usual limits; at higher ones a shorter time tells as much.
NEWEST_ATTEMPTS = 600


@dataclass(frozen=True)
class Estimate:
    """When the last mail of a batch will be handed over. between: mails of other batches that go out before it."""

    between: int
    seconds: float
    done_at: datetime


@dataclass(frozen=True)
class Pace:
    """How a batch goes at the moment.

    per_second: its own mails. answer_ms: the gateway's answer time, None when nothing was answered lately.
    unreachable: whether the last try did not even reach the gateway. estimate: None when nothing goes out.
    """

    per_second: float
    answer_ms: int | None
    unreachable: bool
    estimate: Estimate | None


def estimate(
    store: Store, token_id: int, mails: int, per_second: float, now: datetime, batch_id: int = 0
) -> Estimate:
    """When `mails` mails will be out, begun at `now`, with what else runs on the token taken into account.

    per_second: what the token hands over, all batches together. batch_id: the batch that they are, if it is
    queued already. Batches of one token take turns mail by mail, so of each other batch at most as many go first.
    """
    row = next(
        store.read().query(
            # CROSS keeps the order: the few batches that wait are found first, not all that ever ran.
            "SELECT coalesce(sum(min(waiting, ?)), 0) AS between_them FROM (SELECT sum(c.n) AS waiting "
            "FROM batch_counts c CROSS JOIN batches b ON b.id = c.batch_id WHERE c.n > 0 "
            "AND c.shown IN ('queued', 'sending') AND b.token_id = ? AND b.state = 'running' AND b.id <> ? "
            "GROUP BY b.id)",
            [mails, token_id, batch_id],
        )
    )
    between = int(row["between_them"])
    seconds = (mails + between) / per_second
    return Estimate(between, seconds, now + timedelta(seconds=seconds))


def pace(store: Store, batch: Batch, per_second_limit: float, now: datetime) -> Pace:
    """How fast the batch went in the last seconds, and how long it still needs at its token's pace."""
    row = next(
        store.read().query(
            "SELECT count(*) AS n, coalesce(sum(m.batch_id = :batch), 0) AS own, min(a.started_at) AS first, "
            "avg(a.duration_ms) FILTER (WHERE m.batch_id = :batch) AS ms FROM "
            "(SELECT mail_id, started_at, duration_ms, outcome FROM attempts ORDER BY id DESC LIMIT :newest) a "
            "JOIN mails m ON m.id = a.mail_id JOIN batches b ON b.id = m.batch_id "
            "WHERE b.token_id = :token AND a.started_at > :since "
            # What the gateway did not take goes out again, so it is no progress.
            "AND coalesce(a.outcome, '') NOT IN ('later', 'unreachable', 'token', 'account')",
            {"batch": batch.id, "token": batch.token_id, "newest": NEWEST_ATTEMPTS,
             "since": iso(now - timedelta(seconds=PACE_SECONDS))},
        )
    )  # fmt: skip
    measured = (now - parse(row["first"])).total_seconds() if row["n"] else 0.0
    rate = row["n"] / measured if measured >= LEAST_SECONDS else per_second_limit
    unreachable = batch.waiting > 0 and _unreachable(store, batch.token_id)
    goes = batch.shown == "running" and batch.waiting > 0 and not unreachable
    return Pace(
        row["own"] / max(measured, 1.0),
        round(row["ms"]) if row["ms"] is not None else None,
        unreachable,
        estimate(store, batch.token_id, batch.waiting, rate, now, batch.id) if goes else None,
    )


def _unreachable(store: Store, token_id: int) -> bool:
    row = next(
        store.read().query(
            "SELECT a.outcome FROM (SELECT id, mail_id, outcome FROM attempts ORDER BY id DESC LIMIT ?) a "
            "JOIN mails m ON m.id = a.mail_id JOIN batches b ON b.id = m.batch_id "
            "WHERE b.token_id = ? AND a.outcome IS NOT NULL ORDER BY a.id DESC LIMIT 1",
            [NEWEST_ATTEMPTS, token_id],
        ),
        None,
    )
    return row is not None and row["outcome"] == "unreachable"
