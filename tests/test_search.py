"""Finding mails: every page together gives exactly what was asked for, whatever happens meanwhile."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailroom import search, states
from mailroom.search_meaning import Meaning, understand
from mailroom.states import Change
from mailroom.store import Store
from mailroom.times import iso
from tests.records import NOON, STAMP, add_batch

JAKARTA = ZoneInfo("Asia/Jakarta")
WORDS = ("tagihan", "kuitansi", "siti", "budi")
DOMAINS = ("contoh.id", "gmail.com", "contoh.id.au")
STATES = ("queued", "sending", "accepted", "rejected", "delivered", "cancelled")


@dataclass(frozen=True)
class Sent:
    """A batch to make: its template, sender, person, day, and its mails as address, subject, state, days later."""

    template: int
    sender: str
    person: int
    day: int
    mails: tuple[tuple[str, str, str, int], ...]


def house(store: Store) -> None:
    """Two templates, two people and a token."""
    add_batch(store, [])
    with store.write() as db:
        db.execute(
            "INSERT INTO users (id, email, name, role, password_hash, created_at) "
            "VALUES (2, 'sari@contoh.id', 'Sari', 'sender', '-', ?)",
            [STAMP],
        )
        db.execute(
            "INSERT INTO templates (id, name, created_at) VALUES (2, 'Promo \"hari\" ini', ?)", [STAMP]
        )
        db.execute(
            "INSERT INTO template_versions (id, template_id, number, subject, html, fields, created_at, created_by) "
            "VALUES (2, 2, 1, '', '', '[]', ?, 1)",
            [STAMP],
        )
        for email in ("tim@contoh.id", "promo@contoh.id"):
            db.execute(
                "INSERT INTO senders (email, name, created_at, created_by) VALUES (?, 'Tim', ?, 1)",
                [email, STAMP],
            )


def put(store: Store, sent: Sent) -> None:
    """Puts a batch into the record with its mails in their states."""
    at = NOON + timedelta(days=sent.day)
    with store.write() as db:
        batch_id = db.execute(
            "INSERT INTO batches (name, form_key, template_version_id, sender_email, sender_name, token_id, source, "
            "size, state, created_at, created_by) VALUES ('Kiriman', hex(randomblob(8)), ?, ?, 'Tim', 1, 'a.csv', ?, "
            "'running', ?, ?)",
            [sent.template, sent.sender, len(sent.mails), iso(at), sent.person],
        ).lastrowid
        rows = [(n, mail[0], mail[1], "{}", None) for n, mail in enumerate(sent.mails, 2)]
        states.queue(db, int(batch_id or 0), states.packed(rows), Change(at, "", "user:1"))
        ids = [
            row[0] for row in db.execute("SELECT id FROM mails WHERE batch_id = ? ORDER BY id", [batch_id])
        ]
        for mail_id, mail in zip(ids, sent.mails, strict=True):
            move(store, mail_id, mail[2], at + timedelta(days=mail[3]))


def move(store: Store, mail_id: int, state: str, at: datetime) -> None:
    """Brings a queued mail to a state; inside a transaction that is open."""
    db, change = store._writer, Change(at, "", "sender")
    if state in ("queued", "cancelled"):
        if state == "cancelled":
            states.transition(db, mail_id, "queued", "cancelled", change)
        return
    states.transition(db, mail_id, "queued", "sending", change)
    if state == "rejected":
        states.transition(db, mail_id, "sending", "rejected", change)
    elif state != "sending":
        states.transition(db, mail_id, "sending", "accepted", change, gateway_id=f"g{mail_id}")
    if state == "delivered":
        states.deliver(
            db, mail_id, "pending", "delivered", "", Change(at + timedelta(days=9), "", "delivery"), None
        )


def ask(store: Store, text: str) -> Meaning:
    return understand(store, text, NOON, JAKARTA)


def pages(store: Store, meaning: Meaning, limit: int = 3, budget: int = 10**6) -> Iterator[search.Page]:
    before: int | None = None
    while True:
        page = search.find(store, meaning, before, limit, budget)
        yield page
        if page.older is None:
            return
        assert before is None or page.older < before
        before = page.older


def found(store: Store, text: str, limit: int = 3, budget: int = 10**6) -> list[int]:
    return [line.id for page in pages(store, ask(store, text), limit, budget) for line in page.lines]


mails = st.tuples(
    st.builds("{}@{}".format, st.sampled_from(["siti", "sitirahma", "budi"]), st.sampled_from(DOMAINS)),
    st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
    st.sampled_from(STATES),
    st.integers(0, 3),
)
batches = st.builds(
    Sent,
    st.sampled_from([1, 2]),
    st.sampled_from(["tim@contoh.id", "promo@contoh.id"]),
    st.sampled_from([1, 2]),
    st.integers(-4, 4),
    st.lists(mails, min_size=1, max_size=6).map(tuple),
)
# Each word with what it asks of a row, as somebody who has never seen the search would check it. One of a kind each.
Row = dict[str, Any]
Asked = tuple[str, str, Callable[[Row, list[Row]], bool]]


def exactly_or_beginning(column: str, value: str) -> Callable[[Row, list[Row]], bool]:
    def is_so(row: Row, rows: list[Row]) -> bool:
        known = any(each[column] == value for each in rows)
        return bool(row[column] == value if known else row[column].startswith(value))

    return is_so


def day(row: Row) -> int:
    moment = datetime.fromisoformat(row["accepted_at"] or row["changed_at"])
    return moment.astimezone(JAKARTA).day


def a_word(word: str) -> Asked:
    return word, f'"{word}"', lambda row, _: word in row["subject"].split()


def of_states(names: list[str]) -> Asked:
    return "status", f"status:{','.join(names)}", lambda row, _: row["shown"] in names


asked: st.SearchStrategy[Asked] = st.one_of(
    st.sampled_from(WORDS).map(a_word),
    st.sampled_from(["siti@contoh.id", "budi@gmail.com", "siti@"]).map(
        lambda a: ("to", a, exactly_or_beginning("email", a))
    ),
    st.just(("to", "to:siti", lambda row, _: row["email"].startswith("siti"))),
    st.sampled_from(["contoh.id", "gmail.com"]).map(
        lambda d: ("domain", f"domain:{d}", exactly_or_beginning("domain", d))
    ),
    st.lists(st.sampled_from(STATES), min_size=1, max_size=2, unique=True).map(of_states),
    st.just(("template", 'template:"promo ""h"', lambda row, _: row["template_version_id"] == 2)),
    st.just(("sender", "sender:promo@", lambda row, _: row["sender_email"] == "promo@contoh.id")),
    st.just(("by", "by:sari", lambda row, _: row["created_by"] == 2)),
    st.integers(1, 6).map(lambda b: ("batch", f"batch:{b}", lambda row, _: row["batch_id"] == b)),
    st.integers(18, 30).map(lambda d: ("after", f"after:2026-11-{d}", lambda row, _: day(row) >= d)),
    st.integers(18, 30).map(lambda d: ("before", f"before:{d}/11/2026", lambda row, _: day(row) < d)),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with people and templates, to be copied."""
    path = tmp_path_factory.mktemp("model") / "mailroom.db"
    store = Store(path)
    house(store)
    store.close()
    return path


EVERYTHING = (
    "SELECT m.*, b.template_version_id, b.sender_email, b.created_by FROM mails m "
    "JOIN batches b ON b.id = m.batch_id ORDER BY m.id DESC"
)


@given(
    st.lists(batches, max_size=6),
    st.lists(asked, max_size=3, unique_by=lambda each: each[0]),
    st.sampled_from([20, 60, 10**6]),
    st.booleans(),
    st.sampled_from([(0, 0), (3, 0), (10**6, 10**6), (0, 10**6)]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_pages_together_are_what_was_asked_for(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sent: list[Sent],
    words: list[Asked],
    budget: int,
    disturbed: bool,
    few: tuple[int, int],
) -> None:
    # Whichever way is taken, a few that are put in order, range by range, or back through all, finds the same.
    monkeypatch.setattr(search, "_MOST_BEGINNINGS", few[0])
    monkeypatch.setattr(search, "_FEW", few[1])
    copy = tmp_path / f"{uuid4()}.db"
    shutil.copy(model, copy)
    store = Store(copy)
    try:
        for each in sent:
            put(store, each)
        rows = list(store.read().query(EVERYTHING))
        wanted = [row["id"] for row in rows if all(is_so(row, rows) for _, _, is_so in words)]
        meaning = ask(store, " ".join(text for _, text, _ in words))
        got: list[int] = []
        moved: set[int] = set()
        for page in pages(store, meaning, 3, budget):
            got += [line.id for line in page.lines]
            assert len(page.lines) <= 3
            if disturbed and rows:
                put(store, Sent(1, "tim@contoh.id", 1, 0, (("siti@contoh.id", "tagihan", "queued", 0),)))
                waiting = (
                    store.read().execute("SELECT max(id) FROM mails WHERE state = 'queued'").fetchone()[0]
                )
                with store.write():
                    move(store, waiting, "accepted", NOON)
                moved.add(waiting)
        assert got == sorted(set(got), reverse=True)
        assert [one for one in got if one not in moved] == [one for one in wanted if one not in moved]
    finally:
        store.close()
        copy.unlink()


def plans(store: Store, text: str) -> Iterator[tuple[str, str]]:
    """How SQLite goes about each statement of a search, for those that read what grows with the mails."""
    seen: list[str] = []
    db = store.read()
    db.conn.set_trace_callback(seen.append)
    try:
        search.find(store, ask(store, text))
    finally:
        db.conn.set_trace_callback(None)
    for sql in seen:
        if re.search(r"FROM (mails|subjects|batches|subject_words)\b", sql):
            yield from ((sql, row["detail"]) for row in db.query("EXPLAIN QUERY PLAN " + sql))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "siti@contoh.id",
        "siti@",
        "@contoh.id",
        "domain:cont",
        "tagihan",
        "tag",
        '"tagihan joko"',
        "status:queued",
        "status:queued,failed",
        "template:tagihan",
        "sender:tim@contoh.id",
        "batch:2",
        "by:adi",
        "after:2026-11-01 before:2026-12-01",
        "tagihan status:queued",
        "tagihan @contoh.id template:tagihan",
        "siti@ status:queued by:adi after:yesterday",
        "siti@contoh.id tagihan status:queued batch:tagihan before:today",
    ],
)
def test_no_search_reads_all_mails_or_sorts_them(store: Store, text: str) -> None:
    house(store)
    add_batch(store, ["siti@contoh.id", "budi@gmail.com"])
    for sql, step in plans(store, text):
        # The whole table, an index from its beginning to its end, or all rows put in order before the first is seen.
        assert not re.match(r"SCAN (m|mails)\b", step), sql
        assert not (step.startswith("SCAN subjects") and "M" not in step.rpartition("INDEX")[2]), sql
        # What begins so was counted before and is not much; of batches there are few.
        bounded = sql.startswith("SELECT b.id") or re.search(r"INDEXED BY .* >= .* LIMIT", sql)
        assert "TEMP B-TREE" not in step or bounded, sql


def test_a_page_ends_when_it_has_done_its_share_and_the_next_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What begins so counts as too much to be put in order, as it would among millions.
    monkeypatch.setattr(search, "_MOST_BEGINNINGS", 0)
    house(store)
    add_batch(store, ["budi@contoh.id"])
    for days in range(4, 0, -1):
        put(store, Sent(1, "tim@contoh.id", 1, -days, (("siti@gmail.com", "", "queued", 0),) * 30))
    shares = list(pages(store, ask(store, "to:budi"), 50, 40))
    assert len(shares) == 4
    assert [len(page.lines) for page in shares] == [0, 0, 0, 1]
    assert [page.reached[:10] for page in shares] == ["2026-11-21", "2026-11-20", "2026-11-19", ""]
