"""What a reading of the history can and cannot prove, with a gateway whose every page a test writes."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oca
from mailroom import clocks, decisions, evidence, states, tokens
from mailroom.clients import Clients
from mailroom.doubts import unknown
from mailroom.readings import Attempt, Reading, Rules, Window
from mailroom.reconcile import Outcome, Reconciler, read_history
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.settle import pause_after
from mailroom.states import Change
from mailroom.times import Clock, iso
from mailroom.tokens import TokenLine
from mailroom.verify import verify
from oca.audit import AttemptFacts, AttemptResult, complete_attempt, insert_attempt
from tests.house import furnished
from tests.live import prepare_records
from tests.oca_stub import Seen, Stub, answer, running_stub

SECOND = timedelta(seconds=1)
RULES = Rules(first_pause=0, longest_pause=0, again_after=0)


class Gateway:
    """A history that a test writes: rows are (seconds after the attempt, id, address), newest first."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.attempt = datetime.now(UTC) - timedelta(minutes=2)
        self.ahead = timedelta(0)
        self.rows: list[dict[str, object]] = []
        self.date = True
        self.before_page: Callable[[int], None] = lambda _: None
        stub.reply = self.page

    def write(self, rows: Sequence[tuple[float, str, str]]) -> None:
        self.rows = [self.row(*row) for row in rows]

    def row(self, seconds: float, msg_id: str, email: str) -> dict[str, object]:
        moment = self.attempt + self.ahead + timedelta(seconds=seconds)
        return {
            "msg_id": msg_id,
            "email": email,
            "created_at": iso(moment),
            "status": "sent",
            "message_body": "-",
        }

    def filler(self, first: float, last: float, name: str) -> list[tuple[float, str, str]]:
        """A stranger's mail every second from `first` down to `last`."""
        return [
            (n, f"{name}{n}", "lain@contoh.id") for n in (first - k for k in range(int(first - last) + 1))
        ]

    def page(self, seen: Seen) -> bytes:
        found = re.search(r"page=(\d+)&limit=(\d+)", seen.line)
        assert found
        page, limit = int(found[1]), int(found[2])
        self.before_page(page)
        rows = self.rows[(page - 1) * limit : page * limit]
        body = {"page": page, "pages": -(-len(self.rows) // limit), "limit": limit, "data": rows}
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return answer("200 OK", body, *([f"Date: {date}"] if self.date else []))


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_stub() as stub:
        yield Gateway(stub)


@pytest.fixture
def service(gateway: Gateway, tmp_path: Path) -> Iterator[Service]:
    """A mailroom with one mail, to joko@contoh.id, in doubt since two minutes."""
    service = open_service(Settings(gateway_url=gateway.stub.url, data=furnished(tmp_path / "data")))
    prepare_records(service)
    with service.store.write() as db:
        db.execute("UPDATE tokens SET per_second = 1000")
    try_in_vain(service, 1, "joko@contoh.id", gateway.attempt)
    yield service
    assert verify(service.store.read()) == []
    service.close()


def try_in_vain(service: Service, mail_id: int, email: str, at: datetime, msg_id: str = "") -> None:
    """An attempt that took 20 ms: unknown, or accepted with that id."""
    change = Change(at, "tested", "sender")
    took = at + timedelta(milliseconds=20)
    outcome = AttemptResult(took, "accepted" if msg_id else "unknown", msg_id=msg_id or None, duration_ms=20)
    fingerprint = service.clients.get(1).token.fingerprint
    facts = AttemptFacts(at, email, "tim@contoh.id", "Tim", "Tagihan", "00", 1, None, None, None, fingerprint)
    with service.store.write() as db:
        states.transition(db, mail_id, "queued", "sending", change)
        complete_attempt(db, insert_attempt(db, facts, mail_id=mail_id), outcome)
        if msg_id:
            states.transition(db, mail_id, "sending", "accepted", change, gateway_id=msg_id)
        else:
            states.transition(db, mail_id, "sending", "unknown", change)


def reconciler(service: Service, **rules: float) -> Reconciler:
    return Reconciler(service.store, service.clients, service.clock, replace(RULES, **rules))  # type: ignore[arg-type]


def look(service: Service, **rules: float) -> Outcome:
    return reconciler(service, **rules).run_once(1)


def obstacles(service: Service) -> tuple[str, ...]:
    case = decisions.case(service.store, 1)
    assert case
    return case.evidence.obstacles


# Clocks


@pytest.mark.parametrize("hours", [-24, -7, 7, 24])
def test_a_gateway_whose_clock_is_off_is_read_by_its_own_clock(
    service: Service, gateway: Gateway, hours: int
) -> None:
    gateway.ahead = timedelta(hours=hours)
    gateway.write([(60, "b", "lain@contoh.id"), (0.5, "a", "Joko@contoh.id"), (-60, "c", "lain@contoh.id")])
    assert look(service).found == 1


@pytest.mark.parametrize("hours", [-24, -7, 7, 24])
def test_a_gateway_whose_clock_is_off_proves_absence_by_its_own_clock(
    service: Service, gateway: Gateway, hours: int
) -> None:
    gateway.ahead = timedelta(hours=hours)
    gateway.write([(60, "b", "lain@contoh.id"), (-60, "c", "lain@contoh.id")])
    assert look(service).absent == 1


def test_a_history_ahead_of_the_gateways_clock_proves_nothing(service: Service, gateway: Gateway) -> None:
    # Written in local time without a zone, and lagging: what looks newer than the attempt was sent before it.
    rows = [(7 * 3600 - n * 60, f"x{n}", "lain@contoh.id") for n in range(1, 500)]
    gateway.write(rows)
    assert look(service).open == 1
    assert obstacles(service) == (evidence.CLOCKS_DISAGREE,)


def test_before_the_attempt_has_settled_nothing_is_proven_absent(service: Service, gateway: Gateway) -> None:
    gateway.write([(123, "b", "lain@contoh.id"), (-60, "c", "lain@contoh.id")])
    assert look(service, margin=5, settle=117).open == 1
    assert obstacles(service) == (evidence.TOO_EARLY,)


@pytest.mark.parametrize("hours", [-7, 7])
def test_a_history_in_another_time_zone_than_the_gateways_clock_proves_nothing(
    service: Service, gateway: Gateway, hours: int
) -> None:
    # The mail is there, its time written without a zone; and one that we know shows that something is wrong.
    try_in_vain(service, 2, "siti@contoh.id", gateway.attempt + 30 * SECOND, "tahu")
    shift = hours * 3600
    gateway.write(
        [
            (60 + shift, "b", "lain@contoh.id"),
            (30 + shift, "tahu", "siti@contoh.id"),
            (0.5 + shift, "a", "joko@contoh.id"),
            *gateway.filler(-60 + shift, -62 + shift, "x"),
            (-10 * 3600, "z", "lain@contoh.id"),
        ]
    )
    assert look(service).open == 1
    assert evidence.CLOCKS_DISAGREE in obstacles(service)


def test_a_gateway_that_does_not_say_the_time_leaves_it_to_a_person(
    service: Service, gateway: Gateway
) -> None:
    gateway.date = False
    gateway.write([(60, "b", "lain@contoh.id"), (0.5, "a", "joko@contoh.id"), (-60, "c", "lain@contoh.id")])
    assert look(service).open == 1
    assert obstacles(service) == (evidence.NO_TIME,)
    assert look(service, give_up_after=0).undecided == 1


class Steered(Clients):
    """Clients that go by a clock that a test may set."""

    def __init__(self, service: Service, clock: Clock) -> None:
        super().__init__(service.store, service.keys, service.settings.gateway_url)
        self.clock = clock

    def _client(self, line: TokenLine) -> oca.Client:
        token = tokens.secret(self._store, self._keys, line.id)
        return oca.Client(token, base_url=self._base_url, pace=self._pace(line), now=self.clock)


def after_a_step(service: Service, hours: int) -> Reconciler:
    """A reconciler whose clock, and its client's, has just been set by so many hours."""
    clocks.observe(service.store, 1, 0.0, service.clock())

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(hours=hours)

    return Reconciler(service.store, Steered(service, clock), clock, RULES)


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_step_of_our_own_clock_hides_no_mail(service: Service, gateway: Gateway, hours: int) -> None:
    gateway.write(
        [(60, "b", "lain@contoh.id"), (0.5, "a", "joko@contoh.id"), (-99999, "c", "lain@contoh.id")]
    )
    assert after_a_step(service, hours).run_once(1).found == 1


def test_a_step_of_our_own_clock_ends_no_doubt_early(service: Service, gateway: Gateway) -> None:
    gateway.write([(-60, "c", "lain@contoh.id")])
    assert look(service).open == 1
    assert after_a_step(service, 24).run_once(1).open == 1
    assert after_a_step(service, -24).run_once(1).open == 1


def test_only_a_notable_change_of_the_clocks_is_kept(service: Service) -> None:
    store, now = service.store, service.clock()
    told = [clocks.observe(store, 1, seconds, now) for seconds in (0.0, 1.5, -1.9, 3600.2, 3599.0, 0.4)]
    assert told == [True, False, False, True, False, True]
    assert clocks.Offsets.of(store.read(), 1, 0.2).since(1) == (0.0, 3600.2)
    # Attempts made since then know nothing of the hour that is over.
    assert clocks.Offsets.of(store.read(), 1, 0.2).since(2) == (0.2, 0.4)


# What stands in the history


def test_an_address_that_the_gateway_masks_is_no_proof_of_absence(service: Service, gateway: Gateway) -> None:
    try_in_vain(service, 2, "siti@contoh.id", gateway.attempt + 30 * SECOND, "tahu")
    gateway.write([(60, "b", "l***@contoh.id"), (30, "tahu", "s***@contoh.id"), (-60, "c", "l***@contoh.id")])
    assert look(service).open == 1
    assert obstacles(service) == (evidence.CLOCKS_DISAGREE,)


def test_a_mail_of_that_time_without_an_address_keeps_it_in_doubt(service: Service, gateway: Gateway) -> None:
    gateway.write([(60, "b", "lain@contoh.id"), (0.5, "a", ""), (-60, "c", "lain@contoh.id")])
    assert look(service).open == 1
    assert obstacles(service) == (evidence.NO_ADDRESS,)


def test_a_mail_to_the_address_before_the_attempt_is_not_this_one(service: Service, gateway: Gateway) -> None:
    gateway.write([(60, "b", "lain@contoh.id"), (-30, "a", "joko@contoh.id"), (-60, "c", "lain@contoh.id")])
    assert look(service).absent == 1


def test_the_first_mail_of_an_account_is_proven_absent_once_its_history_has_grown(
    service: Service, gateway: Gateway
) -> None:
    looks = reconciler(service)
    gateway.write([(50, "b", "lain@contoh.id"), (40, "c", "lain@contoh.id")])
    assert looks.run_once(1).open == 1
    assert looks.run_once(1).open == 1
    assert obstacles(service) == (evidence.NOT_FAR_ENOUGH,)
    gateway.write([(60, "a", "lain@contoh.id"), (50, "b", "lain@contoh.id"), (40, "c", "lain@contoh.id")])
    assert looks.run_once(1).absent == 1


# How the history is read


def test_a_match_counts_only_when_the_whole_window_was_read(service: Service, gateway: Gateway) -> None:
    gateway.write([(4, "a", "joko@contoh.id"), *gateway.filler(3, -60, "x")])
    assert look(service, page=2, most_pages=1).open == 1
    assert look(service, page=2).found == 1


def test_a_page_out_of_order_does_not_end_the_reading(service: Service, gateway: Gateway) -> None:
    gateway.write([(-60, "c", "lain@contoh.id"), (1, "a", "joko@contoh.id"), (2, "b", "joko@contoh.id")])
    assert look(service, page=2).undecided == 1


@pytest.mark.parametrize("shift", [0, 1, 37, 99, 100, 150])
@pytest.mark.parametrize("place", [50, 99, 100, 101, 199, 200, 240])
def test_pages_that_shift_while_they_are_read_hide_nothing(
    service: Service, gateway: Gateway, shift: int, place: int
) -> None:
    rows = gateway.filler(100, -200, "x")
    seconds = rows[place][0]
    gateway.attempt -= (
        seconds * SECOND
    )  # so that the mail stands at this place and its attempt stays where it was
    rows[place] = (seconds, "ini", "joko@contoh.id")
    gateway.write(rows)
    fresh = 0

    def more(page: int) -> None:
        nonlocal fresh
        for _ in range(shift if page > 1 else 0):
            fresh += 1
            gateway.rows.insert(0, gateway.row(100 + fresh / 1000, f"baru{fresh}", "lain@contoh.id"))

    gateway.before_page = more
    outcome = look(service, most_pages=12)
    assert outcome.absent == 0
    if shift < 50:
        assert outcome.found == 1


def test_a_gateway_that_does_not_turn_the_page_is_not_asked_for_ever(
    service: Service, gateway: Gateway
) -> None:
    rows = gateway.filler(150, 51, "x")
    gateway.write(rows)
    gateway.before_page = lambda page: gateway.write([*rows * page, *rows])
    assert look(service).open == 1
    assert len(gateway.stub.seen) == 2


def test_a_reading_ends_after_so_many_pages(service: Service, gateway: Gateway) -> None:
    gateway.write(gateway.filler(90, -300, "x"))
    assert look(service, page=10, most_pages=5).pages == 5
    assert obstacles(service) == (evidence.NOT_FAR_ENOUGH,)


def test_only_as_many_pages_are_read_as_the_attempt_is_old(service: Service, gateway: Gateway) -> None:
    gateway.write(gateway.filler(90, -3000, "x"))
    assert look(service).absent == 1
    assert len(gateway.stub.seen) == 1


def test_a_page_that_cannot_be_read_leaves_everything_as_it_was(service: Service, gateway: Gateway) -> None:
    gateway.write(gateway.filler(150, -300, "x"))

    def fall_over(page: int) -> None:
        if page == 2:
            raise ConnectionError

    gateway.before_page = fall_over
    with pytest.raises(oca.GatewayError):
        look(service)
    assert service.store.read().execute("SELECT count(*) FROM lookups").fetchone()[0] == 0
    assert [doubt.looks for doubt in unknown(service.store.read(), 1)] == [0]


def test_a_stop_ends_the_reading_and_decides_nothing(service: Service, gateway: Gateway) -> None:
    gateway.write(gateway.filler(150, -300, "x"))
    reading = read_history(service.clients.get(1), lambda: gateway.attempt, RULES, lambda: True)
    assert reading.pages == 1
    looks = reconciler(service)
    looks.stop()
    assert looks.run_once(1) == Outcome(pages=1)


def test_a_reading_decides_nothing_about_a_later_attempt(service: Service, gateway: Gateway) -> None:
    gateway.write([(60, "b", "lain@contoh.id"), (-60, "c", "lain@contoh.id")])

    def meanwhile(_: int) -> None:
        # Somebody looked it up by hand: it was sent again, and is in doubt anew.
        with service.store.write() as db:
            states.transition(db, 1, "unknown", "queued", Change(service.clock(), "absent", "reconcile"))
        try_in_vain(service, 1, "joko@contoh.id", service.clock())

    gateway.before_page = meanwhile
    assert look(service) == Outcome(pages=1)
    assert [doubt.attempt.id for doubt in unknown(service.store.read(), 1)] == [2]


# When


def test_the_first_look_comes_soon_and_the_others_ever_later(service: Service, gateway: Gateway) -> None:
    assert [pause_after(n, Rules()) for n in (1, 2, 3, 4, 5, 100)] == [4, 8, 16, 32, 60, 60]
    gateway.write([(-60, "c", "lain@contoh.id")])
    usual = Reconciler(service.store, service.clients, service.clock)
    assert usual.run_once(1).open == 1
    assert usual.run_once(1) == Outcome()
    assert len(gateway.stub.seen) == 1


def test_a_clock_set_back_makes_nobody_wait_for_the_old_time(service: Service, gateway: Gateway) -> None:
    gateway.write([(-60, "c", "lain@contoh.id")])
    Reconciler(service.store, service.clients, service.clock).run_once(1)
    earlier = Reconciler(service.store, service.clients, lambda: service.clock() - timedelta(hours=5))
    assert earlier.run_once(1).open == 1


def test_a_mail_that_fails_again_and_again_is_sent_again_ever_later(
    service: Service, gateway: Gateway
) -> None:
    gateway.write([(60, "b", "lain@contoh.id"), (-60, "c", "lain@contoh.id")])
    with service.store.write() as db:
        [doubt] = unknown(db, 1)
        db.execute("UPDATE mails SET faults = 3")
        assert doubt.faults == 0
    assert look(service, again_after=5).absent == 1
    [(faults, waits)] = service.store.read().execute(
        "SELECT faults, unixepoch(due_at) - unixepoch(changed_at) FROM mails WHERE id = 1"
    )
    assert (faults, waits) == (4, 40)


def test_what_is_sent_again_without_a_proof_waits_until_its_windows_cannot_meet(
    service: Service, gateway: Gateway
) -> None:
    gateway.write([(-60, "c", "lain@contoh.id")])
    decisions.set_policy(service.store, 1, "never_lost", 1, service.clock())
    assert look(service, give_up_after=0, margin=30).unproven == 1
    [(waits,)] = service.store.read().execute(
        "SELECT unixepoch(due_at) - unixepoch(changed_at) FROM mails WHERE id = 1"
    )
    assert waits == 60


def test_evidence_comes_back_from_the_database_as_it_went_in(service: Service, gateway: Gateway) -> None:
    gateway.write([(60, "b", "lain@contoh.id"), (0.5, "a", "joko@contoh.id"), (-60, "c", "lain@contoh.id")])
    look(service)
    [(stored,)] = service.store.read().execute("SELECT evidence FROM lookups").fetchall()
    found = evidence.Evidence.from_json(stored)
    assert json.loads(found.to_json()) == json.loads(stored)
    assert [(row.msg_id, row.where, row.page, row.row) for row in found.seen] == [("a", "inside", 1, 2)]


# The proof itself

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
ATTEMPT = Attempt(1, "joko@contoh.id", NOON, NOON, 0.0, "00", "abc")
TRUST = evidence.Trust(True, frozenset({"abc"}))


def page_of(rows: list[oca.Status], number: int, size: int) -> oca.HistoryPage:
    items = tuple(rows[(number - 1) * size : number * size])
    return oca.HistoryPage(number, -(-len(rows) // size), len(items), size, items, newest_first=True)


@settings(max_examples=400, deadline=None)
@given(
    older=st.integers(0, 12),
    newer=st.integers(0, 40),
    shown=st.lists(st.integers(0, 15), min_size=1, max_size=12),
    size=st.integers(1, 6),
    there=st.booleans(),
)
def test_however_it_lags_and_shifts_a_mail_that_left_is_never_proven_absent(
    older: int, newer: int, shown: list[int], size: int, there: bool
) -> None:
    """shown: how many more rows, oldest first, the history shows at each page that is read."""
    moments = [*range(-older * 10, 0, 10), *([0] if there else []), *range(6, 6 + newer)]
    rows = [
        oca.Status(
            f"id{n}", ATTEMPT.email if n == 0 else "x@contoh.id", "pending", "sent", NOON + n * SECOND, None
        )
        for n in moments
    ]
    rules = Rules(margin=1, settle=1)
    window = Window.of(ATTEMPT, (0.0, 0.0), rules)
    reading, visible = Reading(gateway_now=NOON + 100 * SECOND), 0
    for more in shown:
        visible += more
        if reading.ended or reading.stuck or reading.covers(window.start):
            break
        reading.add(page_of(rows[:visible][::-1], reading.pages + 1, size))
    verdict = evidence.judge(ATTEMPT, window, reading, {}, TRUST, rules)
    if there:
        assert verdict.finding in ("found", "open")
    else:
        assert verdict.finding in ("absent", "open")
