"""The one file: durable, one writer, readers that cannot write, never opened twice or by an older program."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from mailroom import copies, counters
from mailroom.schema import migrations
from mailroom.store import Store, StoreError

NOW = "2026-11-23T02:41:07.123Z"


def count(store: Store) -> int:
    return int(store.read().execute("SELECT count(*) FROM users").fetchone()[0])


def add_user(store: Store, name: str) -> None:
    with store.write() as db:
        row = {
            "email": f"{name}@contoh.id",
            "name": name,
            "role": "viewer",
            "password_hash": "-",
            "created_at": NOW,
        }
        db.table("users").insert(row)


def test_a_write_is_there_for_every_reader(store: Store) -> None:
    add_user(store, "a")
    assert count(store) == 1


def test_a_write_that_fails_leaves_nothing_behind(store: Store) -> None:
    def fails() -> None:
        with store.write() as db:
            db.execute("INSERT INTO signin_failures VALUES ('account:a', ?)", [NOW])
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        fails()
    assert store.read().execute("SELECT count(*) FROM signin_failures").fetchone()[0] == 0
    add_user(store, "after")
    assert count(store) == 1


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.read().execute("DELETE FROM users")


def test_many_threads_write_and_none_is_lost(store: Store) -> None:
    threads = [threading.Thread(target=add_user, args=(store, f"u{i}")) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(store) == 40


def test_what_was_written_is_on_the_disk_before_write_returns(store: Store) -> None:
    with store.write() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_nobody_else_on_the_machine_can_read_it(store: Store) -> None:
    add_user(store, "a")
    for path in store.path.parent.glob("mailroom.db*"):
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_a_second_copy_says_who_holds_the_database(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    first = Store(path)
    code = f"from mailroom.store import Store; from pathlib import Path; Store(Path({str(path)!r}))"
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert second.returncode != 0
    assert "Another copy of Mailroom" in second.stderr
    first.close()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    store = Store(path)
    with store.write() as db:
        row = {"migration_set": "mailroom", "name": "m2099_01_01_future", "applied_at": NOW}
        db.table("_sqlite_migrations").insert(row)
    store.close()
    with pytest.raises(StoreError, match="m2099_01_01_future"):
        Store(path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm2099%'")
    connection.commit()
    connection.close()
    Store(path).close()


def test_the_readers_of_ended_threads_are_closed(store: Store) -> None:
    for _ in range(3):
        threads = [threading.Thread(target=lambda: count(store)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    open_files = [path for path in Path("/proc/self/fd").iterdir() if path.exists()]
    readers = [path for path in open_files if str(path.readlink()).startswith(str(store.path))]
    assert len(readers) < 3 * 3 * 20
    assert len(store._readers) <= 21


def before_skipped(path: Path) -> Database:
    """A database as it was before a mail could be skipped, with one batch of two mails."""
    db = Database(path)
    migrations.apply(db, stop_before="m2026_11_23_skipped")
    db.executescript(f"""
    INSERT INTO users VALUES (1, 'adi@contoh.id', 'Adi', 'admin', '-', '{NOW}', NULL);
    INSERT INTO tokens (id, name, secret, fingerprint, claims, per_second, created_at, created_by)
        VALUES (1, 'Utama', x'00', 'f', '{{}}', 25, '{NOW}', 1);
    INSERT INTO templates VALUES (1, 'Tagihan', '{NOW}', NULL);
    INSERT INTO template_versions VALUES (1, 1, 1, 's', 'h', '[]', '{NOW}', 1);
    INSERT INTO batches (id, name, form_key, template_version_id, sender_email, sender_name, token_id, source,
        size, state, created_at, created_by) VALUES (1, 'b', 'k', 1, 'a@b.id', 'A', 1, 'l', 2, 'running', '{NOW}', 1);
    INSERT INTO mails (id, batch_id, row, email, subject, fields, state, delivery, gateway_id, due_at, created_at,
        changed_at) VALUES (7, 1, 1, 'a@c.id', 's', '{{}}', 'queued', '', NULL, '{NOW}', '{NOW}', '{NOW}'),
        (8, 1, 2, 'b@c.id', 's', '{{}}', 'accepted', 'delivered', 'x1', '{NOW}', '{NOW}', '{NOW}');
    INSERT INTO events (mail_id, at, from_state, to_state, why, actor) VALUES (7, '{NOW}', '', 'queued', '', 'user:1');
    """)
    return db


def test_a_table_made_anew_keeps_its_rows_and_what_points_to_them(tmp_path: Path) -> None:
    db = before_skipped(tmp_path / "mailroom.db")
    before = [
        tuple(row) for row in db.execute("SELECT id, email, state, shown, gateway_id FROM mails ORDER BY id")
    ]
    db.close()
    store = Store(tmp_path / "mailroom.db")
    with store.write() as after:
        rows = after.execute("SELECT id, email, state, shown, gateway_id FROM mails ORDER BY id")
        assert [tuple(row) for row in rows] == before
        assert not after.execute("PRAGMA foreign_key_check").fetchall()
        assert after.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        after.execute("UPDATE mails SET state = 'skipped' WHERE id = 7")
        counted = dict(map(tuple, after.execute("SELECT shown, n FROM batch_counts WHERE n > 0")))
        assert counted == {"skipped": 1, "delivered": 1}
        with pytest.raises(sqlite3.IntegrityError):
            after.execute(
                "INSERT INTO events (mail_id, at, from_state, to_state, why, actor) "
                "VALUES (99, '', '', '', '', '')"
            )
    store.close()


def test_a_migration_that_breaks_off_leaves_the_old_table(tmp_path: Path) -> None:
    db = before_skipped(tmp_path / "mailroom.db")
    # In the way of the index that is made last but one.
    db.execute("DROP INDEX mails_by_shown")
    db.execute("CREATE TABLE mails_by_shown (x)")
    db.close()
    with pytest.raises(sqlite3.OperationalError):
        Store(tmp_path / "mailroom.db")
    db = Database(tmp_path / "mailroom.db")
    assert [row[0] for row in db.execute("SELECT id FROM mails ORDER BY id")] == [7, 8]
    assert "mails_anew" not in db.table_names()
    db.close()


def test_a_batch_can_be_of_every_kind_also_in_a_database_that_was_there_before(tmp_path: Path) -> None:
    before_skipped(tmp_path / "mailroom.db").close()
    store = Store(tmp_path / "mailroom.db")
    with store.write() as db:
        for kind in ("report", "found", "test", "batch"):
            db.execute("UPDATE batches SET kind = ?", [kind])
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("UPDATE batches SET kind = 'other'")
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    store.close()


def test_there_are_editors_also_in_a_database_that_was_there_before(tmp_path: Path) -> None:
    before_skipped(tmp_path / "mailroom.db").close()
    store = Store(tmp_path / "mailroom.db")
    with store.write() as db:
        for role in ("viewer", "editor", "sender", "admin"):
            db.execute("UPDATE users SET role = ?", [role])
            db.execute(
                "INSERT INTO invites (secret_hash, role, created_at, expires_at) VALUES (?, ?, '', '')",
                [role, role],
            )
        for sql in ("UPDATE users SET role = 'owner'", "UPDATE invites SET role = 'owner'"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(sql)
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    store.close()


def older_database(path: Path, stop_before: str, people: int = 1) -> str:
    """The last migration of a database of an earlier version, with so many people in it."""
    with closing(sqlite3.connect(path)) as connection:
        db = Database(connection)
        migrations.apply(db, stop_before=stop_before)
        for n in range(people):
            db.execute(
                "INSERT INTO users (id, email, name, role, password_hash, created_at) "
                "VALUES (?, ?, 'Adi', 'admin', '-', ?)",
                [n + 1, f"adi{n}@contoh.id", NOW],
            )
        return migrations.applied(db)[-1].name


STEPS = [migration.name for migration in migrations._migrations]


def test_a_database_of_an_earlier_version_is_copied_before_it_is_brought_up_to_date(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mailroom.db"
    schema = older_database(path, STEPS[len(STEPS) // 2])
    with caplog.at_level("INFO", "mailroom.store"):
        Store(path).close()
        Store(path).close()
    # Once, and in time: a large one takes minutes.
    assert [message.split(" ", 2)[1] for message in caplog.messages] == ["database", "copy", "database"]
    (copy,) = copies.existing(tmp_path / "backups", "upgrade")
    assert copy.path.name.startswith(f"upgrade-{schema}-")
    assert copy.facts.schema == schema
    assert copies.existing(tmp_path / "backups") == [], "it is none of the daily ones"
    again = tmp_path / "again" / "mailroom.db"
    again.parent.mkdir()
    shutil.copy(copy.path, again)
    store = Store(again)
    assert count(store) == 1
    store.close()
    Store(path).close()
    assert copies.existing(tmp_path / "backups", "upgrade") == [copy]


def test_an_upgrade_that_is_tried_again_and_again_keeps_one_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mailroom.db"
    older_database(path, STEPS[-1])

    def fails(_: Database) -> None:
        raise RuntimeError("no upgrade today")

    with monkeypatch.context() as patch:
        patch.setattr(migrations._migrations[-1], "fn", fails)
        for _ in range(5):
            with pytest.raises(RuntimeError):
                Store(path)
    assert len(copies.existing(tmp_path / "backups", "upgrade")) == 1


def test_of_the_copies_before_upgrades_the_last_three_are_kept(tmp_path: Path) -> None:
    for n in range(4):
        folder = tmp_path / str(n)
        folder.mkdir()
        older_database(folder / "mailroom.db", STEPS[n + 1])
        if n:
            shutil.copytree(tmp_path / str(n - 1) / "backups", folder / "backups")
        Store(folder / "mailroom.db").close()
    kept = copies.existing(tmp_path / "3" / "backups", "upgrade")
    assert {copy.facts.schema for copy in kept} == set(STEPS[1:4])


def test_without_room_for_a_copy_a_database_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    schema = older_database(path, STEPS[-1])
    with pytest.raises(StoreError, match="nothing was changed"):
        Store(path, floor_bytes=2**60)
    with closing(sqlite3.connect(path)) as connection:
        assert migrations.applied(Database(connection))[-1].name == schema


def test_a_new_database_and_one_that_nobody_uses_need_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    older_database(path, STEPS[3], people=0)
    Store(path).close()
    assert not (tmp_path / "backups").exists()


def test_a_wal_that_grew_while_somebody_read_for_long_is_cut_again(store: Store) -> None:
    wal = store.path.with_name("mailroom.db-wal")
    with store.write() as db:
        assert db.execute("PRAGMA journal_size_limit").fetchone()[0] == 64_000_000
        db.execute("PRAGMA journal_size_limit = 100000").fetchone()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        for n in range(6):
            with store.write() as db:
                db.execute("INSERT INTO signin_failures VALUES (hex(zeroblob(500000)), ?)", [f"{NOW}{n}"])
    assert wal.stat().st_size > 5_000_000
    for n in range(3):
        add_user(store, f"after{n}")
    assert wal.stat().st_size < 200_000


def test_counts_of_an_older_database_stand_side_by_side_and_are_kept_from_then_on(tmp_path: Path) -> None:
    db = before_skipped(tmp_path / "mailroom.db")
    migrations.apply(db, stop_before="m2026_11_28_counts_side_by_side")
    later = NOW[:17] + "59" + NOW[19:]
    for mail_id in (7, 8):
        db.execute(
            "UPDATE mails SET state = 'accepted', delivery = 'delivered', accepted_at = ?, delivered_at = ? "
            "WHERE id = ?",
            [NOW, later, mail_id],
        )
    db.execute("UPDATE mails SET delivery = 'opened' WHERE id = 7")
    db.close()
    store = Store(tmp_path / "mailroom.db")
    day = "SELECT delivered, opened, took_45 FROM report_ones WHERE kind = 'all' AND length(period) = 10"
    assert [tuple(row) for row in store.read().execute(day)] == [(1, 1, 2)]
    assert counters.differences(store.read()) == []
    with store.write() as after:
        after.execute("UPDATE mails SET delivery = 'opened' WHERE id = 8")
        after.execute("UPDATE mails SET delivery = 'failed', delivered_at = NULL WHERE id = 7")
    assert [tuple(row) for row in store.read().execute(day)] == [(0, 1, 1)]
    assert counters.differences(store.read()) == []
    store.close()
