"""How fast mails go out, and when a batch will be done: one reckoning, before it is queued and while it goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailroom import plans
from mailroom.batches import Batch
from mailroom.plans import Hours, Plan
from mailroom.store import Store
from mailroom.times import iso, parse

# How far back the pace is measured, and for how long there must be something to measure.
PACE_SECONDS = 10
LEAST_SECONDS = 2.0
# Enough for the measured time at the usual limits; at higher ones a shorter time tells as much.
NEWEST_ATTEMPTS = 600


@dataclass(frozen=True)
class Estimate:
    """When the last mail of a batch will be handed over.

    between: mails of other batches that go out before it. seconds: from now until then. begins_at: when its first
    mail goes. busy_seconds: how much of the time mails go out. mails: of the batch. hours: in which they go, or None.
    """

    between: int
    seconds: float
    done_at: datetime
    begins_at: datetime
    busy_seconds: float
    mails: int
    hours: Hours | None

    @property
    def waits(self) -> bool:
        """Whether its first mail does not go at once."""
        return self.begins_at > self.done_at - timedelta(seconds=self.seconds)

    def out_by(self, moment: datetime) -> int:
        """How many of its mails will have gone out by then."""
        if moment <= self.begins_at:
            return 0
        if moment >= self.done_at:
            return self.mails
        gone = (moment - self.begins_at).total_seconds()
        if self.hours:
            gone = self.hours.between(self.begins_at, moment)
        return min(self.mails, int(self.mails * gone / self.busy_seconds))


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
    store: Store,
    token_id: int,
    mails: int,
    per_second: float,
    now: datetime,
    batch_id: int = 0,
    plan: Plan = plans.AT_ONCE,
    hours: Hours | None = None,
) -> Estimate:
    """When `mails` mails will be out, with their plan and what else runs on the token taken into account.

    per_second: what the token hands over, all batches together. batch_id: the batch that they are, if it is
    queued already. hours: the team's, needed for a plan that keeps to them. Batches of one token take turns mail by
    mail, so of each other batch at most as many go first.
    """
    begins = plan.begins(now, hours) if hours else max(now, plan.start_at or now)
    until_then = (begins - now).total_seconds()
    between = max(
        0, _between(store, token_id, mails, per_second, now, batch_id) - int(until_then * per_second)
    )
    busy = max((mails + between) / per_second, max(0, mails - 1) * plan.gap.total_seconds())
    keeps = hours if plan.office_hours else None
    done = keeps.after(begins, busy) if keeps else begins + timedelta(seconds=busy)
    return Estimate(between, (done - now).total_seconds(), done, begins, busy, mails, keeps)


def _between(store: Store, token_id: int, mails: int, per_second: float, now: datetime, batch_id: int) -> int:
    row = next(
        store.read().query(
            # CROSS keeps the order: the few batches that wait are found first, not all that ever ran.
            "SELECT coalesce(sum(min(waiting, mails, coalesce(most, waiting))), 0) AS between_them FROM "
            "(SELECT sum(c.n) AS waiting, :mails AS mails, "
            # One with a pace of its own does not take every other turn.
            "CAST(b.per_minute / 60 * :mails / :per_second AS INTEGER) AS most "
            "FROM batch_counts c CROSS JOIN batches b ON b.id = c.batch_id WHERE c.n > 0 "
            "AND c.shown IN ('queued', 'sending') AND b.token_id = :token AND b.state = 'running' "
            "AND b.id <> :batch AND (b.next_at <= :now OR b.per_minute IS NOT NULL AND b.start_at <= :now) "
            "GROUP BY b.id)",
            {"mails": mails, "per_second": per_second, "token": token_id, "batch": batch_id, "now": iso(now)},
        )
    )
    return int(row["between_them"])


def pace(
    store: Store, batch: Batch, per_second_limit: float, now: datetime, hours: Hours | None = None
) -> Pace:
    """How fast the batch went in the last seconds, and how long it still needs by its plan and at its token's pace.

    hours: the team's, needed for a batch that keeps to them.
    """
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
    # A token that is not used up by batches with a pace of their own could go faster than it did.
    slow = batch.plan.per_minute is not None or batch.waits_until is not None
    rate = row["n"] / measured if measured >= LEAST_SECONDS and not slow else per_second_limit
    unreachable = batch.waiting > 0 and _unreachable(store, batch.token_id)
    goes = batch.shown in ("running", "scheduled") and batch.waiting > 0 and not unreachable
    return Pace(
        row["own"] / max(measured, 1.0),
        round(row["ms"]) if row["ms"] is not None else None,
        unreachable,
        estimate(store, batch.token_id, batch.waiting, rate, now, batch.id, batch.plan, hours)
        if goes
        else None,
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
