"""The numbers of reports: right in every grouping, and the same whichever way they are put together."""

import json
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from statistics import median_low

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom import medians, periods, reports, states
from mailroom.figures import FIGURES, Narrowed
from mailroom.periods import Range
from mailroom.problems import Problem
from mailroom.reported_mails import Selection, count, page, walk
from mailroom.states import Change
from mailroom.store import Store
from tests.records import NOON, add_batch

DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
NOVEMBER = Range(date(2026, 11, 1), date(2026, 11, 30))


def accept(store: Store, mail_id: int, days: int = 0) -> None:
    at = NOON + timedelta(days=days)
    with store.write() as db:
        states.transition(db, mail_id, "queued", "sending", Change(at, "", "sender"))
        states.transition(
            db, mail_id, "sending", "accepted", Change(at, "", "sender"), gateway_id=f"x{mail_id}"
        )


def deliver(store: Store, mail_id: int, new: states.Delivery, seconds: float, days: int = 0) -> None:
    at = NOON + timedelta(days=days, seconds=seconds)
    with store.write() as db:
        states.deliver(db, mail_id, "pending", new, new, Change(at, new, "delivery"), None)


@pytest.fixture
def sent(store: Store) -> Store:
    """Two batches: one of yesterday and today, one of last month; delivered, failed, refused, cancelled."""
    add_batch(store, ["joko@contoh.id", "siti@gmail.com", "adi@gmail.com"])
    add_batch(store, ["rina@contoh.id", "budi@gmail.com", "tono@gmail.com"], "Promo")
    accept(store, 1, -1)
    accept(store, 2)
    accept(store, 3)
    deliver(store, 1, "delivered", 40, -1)
    deliver(store, 2, "opened", 20)
    deliver(store, 3, "failed", 30)
    accept(store, 4, -30)
    deliver(store, 4, "delivered", 7, -30)
    with store.write() as db:
        states.transition(db, 5, "queued", "cancelled", Change(NOON, "", "user:1"))
    return store


# Ranges


@settings(deadline=None)
@given(one=DAYS, other=DAYS)
def test_whole_months_and_the_days_around_them_are_the_days_of_the_range(one: date, other: date) -> None:
    within = Range(min(one, other), max(one, other))
    days: list[str] = []
    for period in within.periods():
        if len(period) == 10:
            days.append(period)
        else:
            first = date.fromisoformat(period + "-01")
            days += [str(first + timedelta(n)) for n in range(31) if str(first + timedelta(n))[:7] == period]
    assert days == list(within.periods("day")) == [str(one.first) for one in within.parts("day")]
    for unit in periods.UNITS:
        parts = within.parts(unit)
        assert (parts[0].first, parts[-1].last) == (within.first, within.last)
        assert all(a.last + timedelta(1) == b.first for a, b in pairwise(parts))


@settings(deadline=None)
@given(one=DAYS, other=DAYS)
def test_the_range_before_ends_where_the_range_begins(one: date, other: date) -> None:
    within = Range(min(one, other), max(one, other))
    before = within.before
    assert before.last + timedelta(1) == within.first
    whole = within.first.day == 1 and (within.last + timedelta(1)).day == 1
    assert before.first.day == 1 if whole else before.days == within.days


def test_october_is_compared_with_september() -> None:
    october = periods.preset("last-month", date(2026, 11, 23))
    assert october == Range(date(2026, 10, 1), date(2026, 10, 31))
    assert october.before == Range(date(2026, 9, 1), date(2026, 9, 30))
    assert Range(date(2026, 1, 1), date(2026, 3, 31)).before == Range(date(2025, 10, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-11-23", "2026-11-22", "to"),
        ("2016-01-01", "2026-01-01", "from"),
        ("gestern", "2026-11-22", "from"),
        ("2026-11-22", "", "to"),
        ("2026-11-22", "9999-12-31", "to"),
        ("0001-01-01", "2026-12-31", "from"),
    ],
)
def test_what_is_no_range_is_said_beside_its_field(first: str, last: str, field: str) -> None:
    with pytest.raises(Problem) as problem:
        periods.typed(first, last)
    assert problem.value.field == field


# Numbers


def test_the_figures_of_a_month_and_of_the_month_before(sent: Store) -> None:
    made = reports.report(sent, NOVEMBER, "day")
    figures = {name: made.total[name] for name in FIGURES}
    assert figures == {
        "sent": 3, "delivered": 2, "opened": 1, "failed": 1, "refused": 0, "undecided": 0, "pending": 0, "unsent": 1,
    }  # fmt: skip
    assert made.total.rate == pytest.approx(2 / 3)
    assert made.total.median == 20
    assert (made.before["sent"], made.before["delivered"], made.before.median) == (1, 1, 7)
    assert len(made.lines) == 30
    assert [(line.key, line.figures["sent"], line.figures.median) for line in made.lines if line.figures] == [
        ("2026-11-22", 1, 40),
        ("2026-11-23", 2, 20),
    ]


@pytest.mark.parametrize("by", reports.GROUPS)
def test_the_rows_of_every_grouping_add_up_to_the_total(sent: Store, by: reports.By) -> None:
    within = Range(date(2026, 10, 20), date(2026, 11, 23))
    made = reports.report(sent, within, by)
    for name in FIGURES:
        assert sum(line.figures[name] for line in made.lines) == made.total[name], name
        assert sum(line.figures[name] for line in made.bars) == made.total[name], name
    assert made.total["sent"] == 4


def test_rows_by_template_batch_person_domain_have_names(sent: Store) -> None:
    def rows(by: reports.By) -> list[tuple[str, int]]:
        return [(line.name, line.figures["sent"]) for line in reports.report(sent, NOVEMBER, by).lines]

    assert rows("template") == [("Tagihan", 3)]
    assert rows("sender") == [("tim@contoh.id", 3)]
    assert rows("person") == [("Adi", 3)]
    assert rows("batch") == [("Promo", 0), ("Tagihan", 3)]
    assert rows("domain") == [("gmail.com", 2), ("contoh.id", 1)]


def test_a_report_is_narrowed_to_a_template_a_sender_or_a_person(sent: Store) -> None:
    for only in (Narrowed(template_id=1), Narrowed(sender="tim@contoh.id"), Narrowed(user_id=1)):
        for by in ("day", "batch", "template"):
            assert reports.report(sent, NOVEMBER, by, only).total["sent"] == 3
            assert reports.report(sent, NOVEMBER, by, only).lines
        assert reports.report(sent, NOVEMBER, "day", only).total.median == 20
    for only in (Narrowed(template_id=9), Narrowed(sender="x@contoh.id"), Narrowed(user_id=9)):
        assert reports.report(sent, NOVEMBER, "batch", only).lines == []
        assert not reports.report(sent, NOVEMBER, "day", only).total
    with pytest.raises(Problem):
        reports.report(sent, NOVEMBER, "domain", Narrowed(template_id=1))


def _hours(n: int) -> int:
    return n * 3600


TIMES = st.lists(
    st.tuples(
        st.sampled_from(("2026-11-01", "2026-11-02", "2026-11-20")),
        st.sampled_from(("1", "2")),
        st.one_of(st.integers(0, 70), st.integers(1, 70).map(lambda n: n * 60), st.integers(1, 99).map(_hours)),
        st.integers(0, 5),
    ),
    unique_by=lambda one: one[:3],
    max_size=40,
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counted=TIMES)
def test_a_median_is_the_middle_of_all_times(store: Store, counted: list[tuple[str, str, int, int]]) -> None:
    with store.write() as db:
        db.execute("DELETE FROM report_times")
        for day, what, seconds, n in counted:
            db.execute("INSERT INTO report_times VALUES (?, 'template', ?, ?, ?)", [day, what, seconds, n])
    asked = json.dumps(["2026-11-01", "2026-11-02", "2026-11-20"])

    def middle(of: dict[str, list[int]]) -> dict[str, int]:
        return {key: median_low(times) for key, times in of.items() if times}

    by_what: dict[str, list[int]] = defaultdict(list)
    by_week: dict[str, list[int]] = defaultdict(list)
    for day, what, seconds, n in counted:
        by_what[what] += [seconds] * n
        by_week[str(periods.part_of(day, "week"))] += [seconds] * n if what == "1" else []
    assert medians.of_kind(store.read(), asked, "template", None) == middle(by_what)
    found = medians.over_periods(store.read(), asked, "template", "1", "week")
    assert {str(day): median for day, median in found.items()} == middle(by_week)


def test_batches_come_a_page_at_a_time_and_none_twice(store: Store) -> None:
    for n in range(reports.BATCHES + 3):
        add_batch(store, [f"a{n}@contoh.id"], f"Nomor {n}")
        accept(store, n + 1)
    first = reports.report(store, NOVEMBER, "batch")
    assert first.more
    then = reports.report(store, NOVEMBER, "batch", before=first.more)
    assert then.more is None
    names = [line.name for line in first.lines + then.lines]
    assert names == [f"Nomor {n}" for n in reversed(range(reports.BATCHES + 3))]


def test_a_report_reads_counters_and_never_the_mails(sent: Store) -> None:
    read: list[str] = []
    sent.read().conn.set_trace_callback(read.append)
    for by in reports.GROUPS:
        reports.report(sent, NOVEMBER, by)
    sent.read().conn.set_trace_callback(None)
    assert read
    assert [sql for sql in read if "mails" in sql] == []
    for sql in read:
        plan = " ".join(row[3] for row in sent.read().execute("EXPLAIN QUERY PLAN " + sql))
        assert "SCAN report_counts" not in plan
        assert "SCAN report_domains" not in plan
        assert "SCAN report_times" not in plan
        assert "SCAN report_ones" not in plan


def test_today_is_the_day_of_the_teams_zone(store: Store) -> None:
    assert reports.today(store, NOON.replace(hour=17)) == date(2026, 11, 24)
    begin, end = reports.moments(store, Range(date(2026, 11, 24), date(2026, 11, 24)))
    assert begin == NOON.replace(hour=17)
    assert end == begin + timedelta(days=1)


# The mails behind the numbers


def test_every_mail_of_a_selection_is_met_once_while_mails_move_on(store: Store) -> None:
    for n in range(4):
        add_batch(store, [f"a{n}x{i}@{'contoh.id' if i % 3 else 'gmail.com'}" for i in range(7)])
    for mail_id in range(1, 29):
        accept(store, mail_id)
    for selection, ids in (
        (Selection(NOVEMBER), list(range(28, 0, -1))),
        (Selection(NOVEMBER, "sent"), list(range(28, 0, -1))),
        (Selection(NOVEMBER, "sent", batch_id=2), list(range(14, 7, -1))),
        (Selection(NOVEMBER, "sent", Narrowed(template_id=9)), []),
        (
            Selection(NOVEMBER, "sent", domain="gmail.com"),
            [n for n in range(28, 0, -1) if (n - 1) % 7 % 3 == 0],
        ),
        (Selection(Range(date(2026, 10, 1), date(2026, 10, 31)), "sent"), []),
    ):
        met = []
        for mail in walk(store, selection, portion=3):
            met.append(mail.id)
            # Meanwhile it and others become something else that counts.
            if mail.shown == "accepted" and mail.id % 2:
                deliver(store, mail.id, "delivered", 5)
        assert met == ids, selection
        assert count(store, selection) == len(ids)
        first, more = page(store, selection)
        assert [mail.id for mail in first] == ids[:50]
        assert more is None
        assert [mail.id for mail in walk(store, selection, before=10)] == [n for n in ids if n < 10]


def test_no_read_is_left_open_between_two_portions(store: Store) -> None:
    add_batch(store, [f"a{i}@contoh.id" for i in range(9)])
    for mail_id in range(1, 10):
        accept(store, mail_id)
    mails = walk(store, Selection(NOVEMBER), portion=3)
    next(mails)
    # With a reader in its way the log could not be taken back into the file.
    with store.write() as db:
        db.execute("UPDATE batches SET name = 'x'")
    busy = store.read().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    assert busy == 0
    assert len(list(mails)) == 8


@pytest.mark.parametrize("figure", ["", "sent", "failed"])
def test_the_mails_of_a_batch_are_found_by_an_index(store: Store, figure: str) -> None:
    add_batch(store, ["a@contoh.id", "b@contoh.id"])
    accept(store, 1)
    accept(store, 2)
    deliver(store, 2, "failed", 3)
    asked: list[str] = []
    store.read().conn.set_trace_callback(asked.append)
    list(walk(store, Selection(NOVEMBER, figure)))
    list(walk(store, Selection(NOVEMBER, figure, domain="contoh.id")))
    store.read().conn.set_trace_callback(None)
    plans = [
        row[3]
        for sql in asked
        if "FROM mails" in sql
        for row in store.read().execute("EXPLAIN QUERY PLAN " + sql)
    ]
    assert plans
    assert [step for step in plans if step.startswith("SCAN mails")] == []
