"""The year of mail that browsing is measured with is what the program itself would have written."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import create_app
from bench import browse_pages, bulk, generate, visitor, year
from mailroom import one_mail
from mailroom.service import open_service
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.verify import verify_file
from tests.house import Browser

MAILS = 3_000
KEPT = (
    "batch_counts",
    "report_batches",
    "report_counts",
    "report_domains",
    "report_ones",
    "report_times",
    "totals",
)
UNTIL = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("year") / "data"
    generate.generate(made, MAILS, until=UNTIL)
    return made


@pytest.fixture
def made(folder: Path) -> Iterator[Store]:
    store = Store(folder / "mailroom.db")
    yield store
    store.close()


def found(store: Store, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.read().execute(sql)]


def test_it_breaks_no_rule(folder: Path) -> None:
    assert verify_file(folder / "mailroom.db") == []


def test_every_state_is_there_and_most_mails_arrived(made: Store) -> None:
    shown: dict[object, object] = dict(found(made, "SELECT shown, count(*) FROM mails GROUP BY 1"))  # type: ignore[arg-type]
    assert set(shown) >= {*year.SHARES, "undecided"} - {"gave_up"}
    assert sum(map(int, map(str, shown.values()))) == MAILS
    assert int(str(shown["delivered"])) > MAILS * 0.6


def test_the_schema_is_that_of_the_program(made: Store, store: Store) -> None:
    shape = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
    assert found(made, shape) == found(store, shape)


def test_a_mail_can_be_made_again_as_it_was_sent(made: Store) -> None:
    sent = [
        mail_id for (mail_id,) in found(made, "SELECT DISTINCT mail_id FROM attempts ORDER BY 1 LIMIT 200")
    ]
    bodies = [one_mail.body(made, int(str(mail_id))) for mail_id in sent]
    assert {body.proof for body in bodies if body} == {"same"}


def test_what_triggers_keep_is_what_they_would_have_kept(made: Store, store: Store) -> None:
    # The same rows once more, one after the other and with everything in place.
    _copy_with_triggers(made, store)
    for table in (*KEPT, "batches"):
        rows = f"SELECT * FROM {table}"
        assert _counted(made, rows) == _counted(store, rows), table
    words = "SELECT rowid FROM subjects WHERE subjects MATCH ? ORDER BY rowid"
    for word in ("tagihan", "siti", "inv*"):
        assert [*made.read().execute(words, [word])] == [*store.read().execute(words, [word])], word


def test_nothing_else_is_kept_by_triggers(store: Store) -> None:
    # What a trigger writes has to be made by the generator too: a new table is named above and in `bench.bulk`.
    # Nobody is signed in there.
    triggers = " ".join(
        str(sql)
        for (sql,) in found(
            store, "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name <> 'sessions'"
        )
    )
    written = set(re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", triggers)) - {"OF", "ON", "SET"}
    assert written == {*KEPT, "batches", "subjects"}


def test_the_same_seed_makes_the_same_mails(tmp_path: Path, made: Store) -> None:
    generate.generate(tmp_path / "again", MAILS, until=UNTIL)
    again = Store(tmp_path / "again" / "mailroom.db")
    try:
        for sql in ("SELECT * FROM mails ORDER BY id", "SELECT * FROM events ORDER BY id"):
            assert found(made, sql) == found(again, sql)
    finally:
        again.close()


def test_every_page_that_is_measured_is_there_and_finds_mails(folder: Path) -> None:
    service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=folder), lambda: UNTIL)
    try:
        browser = Browser(create_app(service), "adi")
        known = browse_pages.facts(service.settings.database)
        for name, path in browse_pages.pages(known).items():
            for seed in range(2):
                address = path(random.Random(seed))
                answer = browser.get(address)
                assert answer.status_code == 200, (name, address)
                may_be_empty = "state" in name or not address.startswith("/history/")
                assert may_be_empty or re.search(r'href="/history/\d+', answer.text), (name, address)
        for name, address in browse_pages.downloads(known).items():
            answer = browser.get(address)
            assert answer.status_code == 200, name
            if name == "CSV":
                assert answer.text.count("\n") > MAILS * 0.9
    finally:
        service.close()


def test_of_a_hundred_times_the_middle_and_the_95th_are_told() -> None:
    assert visitor.percentiles([float(n) for n in range(100, 0, -1)]) == visitor.Times(50, 95, 100)
    assert visitor.percentiles([7.0]) == visitor.Times(7, 7, 1)


def test_everybody_has_an_address_of_their_own() -> None:
    addresses = {year.person(number)[1] for number in range(100_000)}
    assert len(addresses) == 100_000
    assert all(len(address.partition("@")[0]) <= 64 for address in addresses)


def test_batches_are_of_all_sizes_and_add_up() -> None:
    sizes = year.sizes(1_000_000, random.Random(1))
    assert sum(sizes) == 1_000_000
    assert min(sizes) == 1
    assert max(sizes) == year.LONGEST_BATCH


def _counted(store: Store, sql: str) -> list[tuple[object, ...]]:
    # Where there was something once, a zero may stay.
    return sorted((row for row in found(store, sql) if row[-1] != 0), key=str)


def _copy_with_triggers(made: Store, store: Store) -> None:
    source = made.read()
    with store.write() as db:
        db.execute("PRAGMA defer_foreign_keys = ON")
        for table in ("users", "tokens", "senders", "templates", "template_versions", "batches"):
            rows = [tuple(row) for row in source.execute(f"SELECT * FROM {table}")]
            db.conn.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        db.execute("UPDATE batches SET last_day = ''")
        columns = [row[1] for row in source.execute("PRAGMA table_info(mails)")]
        names = ", ".join(columns)
        mails = [tuple(row) for row in source.execute(f"SELECT {names} FROM mails ORDER BY id")]
        state, delivery = columns.index("state"), columns.index("delivery")
        for mail in mails:
            queued = [*mail]
            queued[state], queued[delivery] = "queued", ""
            db.execute(f"INSERT INTO mails ({names}) VALUES ({', '.join('?' * len(columns))})", queued)
            db.execute(
                "UPDATE mails SET state = ?, delivery = ? WHERE id = ?",
                [mail[state], mail[delivery], mail[0]],
            )


def test_every_index_and_trigger_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    Store(path).close()
    shape = "SELECT name FROM sqlite_master WHERE type IN ('index', 'trigger') ORDER BY 1"
    with bulk.bare(path) as db:
        without = db.execute(shape).fetchall()
    store = Store(path)
    try:
        assert len(found(store, shape)) > len(without) + 10
    finally:
        store.close()
