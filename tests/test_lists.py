"""A list is kept as it was given: read another way, recognised when it went out lately, saved under a name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from mailroom import batches, drafts, email_templates, identities, lists, recipients, sources
from mailroom.drafts import Draft, Setup
from mailroom.problems import Problem
from mailroom.recipients import Given, Reading, Sheet
from mailroom.store import Store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SARI = 1
CSV = b"email,nama,total\nsiti@contoh.id,Siti,1\njoko@contoh.id,Joko,2\n"


@pytest.fixture
def setup(store: Store) -> Setup:
    """A template, a sender and a token to make drafts with."""
    with store.write() as db:
        db.execute(
            "INSERT INTO users (id, email, name, role, password_hash, created_at) "
            "VALUES (1, 'sari@contoh.id', 'Sari', 'sender', '', '')"
        )
        db.execute(
            "INSERT INTO tokens (name, secret, fingerprint, claims, per_second, created_at, created_by) "
            "VALUES ('Utama', x'00', 'f', '{}', 25, '', 1)"
        )
    version = email_templates.save(
        store, None, "Tagihan", "Untuk {{ nama }}", "<p>{{ nama }}: {{ total }}</p>", SARI, NOW
    )
    return Setup(
        "Tagihan", version, identities.add(store, "tim@contoh.id", "Tim", SARI, NOW).id, 1, "daftar.csv"
    )


def made(
    store: Store, setup: Setup, given: Given, reading: Reading | None = None, now: datetime = NOW
) -> Draft:
    sheet = recipients.read(given, reading)
    return drafts.get(store, drafts.create(store, SARI, setup, sheet, now), SARI)


def file(content: bytes = CSV, name: str = "daftar.csv") -> Given:
    return Given(name, content)


def count(store: Store, table: str) -> int:
    return store.read().table(table).count


# ---- Read another way ----


def test_a_list_is_kept_once_and_read_another_way_without_being_given_again(
    store: Store, setup: Setup
) -> None:
    first = made(store, setup, file(b"email,pelanggan,total\nsiti@contoh.id,Siti,1\n"))
    assert (first.good, first.layout.unfilled) == (0, ("nama",))
    reading = Reading(email=0, fields={"nama": 1, "total": 2})
    second = drafts.get(store, drafts.read_again(store, first, reading, SARI, NOW), SARI)
    assert (second.good, second.layout.unfilled, second.name) == (1, (), first.name)
    assert [row.values["nama"] for row in drafts.good_rows(store, second.id)] == ["Siti"]
    assert count(store, "sources") == 1
    # A draft never changes.
    assert drafts.get(store, first.id, SARI) == first


def test_the_layout_shows_what_stands_in_each_column(store: Store, setup: Setup) -> None:
    layout = made(store, setup, file()).layout
    assert layout.samples == (("siti@contoh.id", "joko@contoh.id"), ("Siti", "Joko"), ("1", "2"))
    assert layout.places == {"nama": 1, "total": 2}


def test_a_list_that_nothing_points_to_is_forgotten(store: Store, setup: Setup) -> None:
    one, two = made(store, setup, file()), made(store, setup, file())
    other = made(store, setup, file(name="lain.csv"))
    assert count(store, "sources") == 2
    drafts.discard(store, one.id, SARI)
    assert sources.get(store, two.source_id or 0) == file()
    drafts.discard(store, two.id, SARI)
    assert count(store, "sources") == 1
    drafts.tidy(store, NOW + timedelta(days=8))
    assert count(store, "sources") == 0
    assert other.source_id


def test_what_a_form_left_is_there_again_for_a_day(store: Store) -> None:
    spare = sources.spare(store, file(), NOW)
    drafts.tidy(store, NOW + timedelta(hours=23))
    assert sources.again(store, spare) == file()
    drafts.tidy(store, NOW + timedelta(hours=25))
    with pytest.raises(Problem, match=r"daftar\.csv.*not kept any more"):
        sources.again(store, spare)


def test_a_file_that_bears_one_of_our_words_is_still_a_file(store: Store) -> None:
    spare = sources.spare(store, file(name=recipients.PASTED), NOW)
    assert sources.again(store, spare).way == "file"


# ---- Rows in small portions ----


def test_nobody_sees_a_draft_before_its_last_row_is_in(store: Store, setup: Setup) -> None:
    seen: list[int] = []
    sheet = recipients.read(
        file(b"email,nama,total\n" + b"".join(b"a%d@contoh.id,A,1\n" % n for n in range(4500)))
    )

    def watched() -> Iterator[tuple[int, list[str]]]:
        for record in sheet.read():
            if record[0] == 4400:
                seen.append(count(store, "draft_rows"))
                (draft_id,) = (row["id"] for row in store.read().query("SELECT id FROM drafts"))
                with pytest.raises(LookupError):
                    drafts.get(store, draft_id, SARI)
            yield record

    whole = Sheet(sheet.given, sheet.reading, sheet.kind, sheet.columns, watched, sheet.samples, sheet.sheets)
    draft = drafts.get(store, drafts.create(store, SARI, setup, whole, NOW), SARI)
    assert seen == [4000]
    assert (draft.good, draft.total) == (4500, 4500)


def test_a_list_that_breaks_off_leaves_nothing_behind(store: Store, setup: Setup) -> None:
    sheet = recipients.read(file())

    def broken() -> Iterator[tuple[int, list[str]]]:
        yield from sheet.read()
        raise Problem("It is damaged.")

    with pytest.raises(Problem, match="damaged"):
        drafts.create(
            store, SARI, setup, Sheet(sheet.given, sheet.reading, sheet.kind, sheet.columns, broken), NOW
        )
    assert [count(store, table) for table in ("drafts", "draft_rows", "sources")] == [0, 0, 0]


def test_what_a_stopped_program_left_half_made_is_tidied_away(store: Store, setup: Setup) -> None:
    draft = made(store, setup, file())
    with store.write() as db:
        db.execute("UPDATE drafts SET total = NULL")
    assert drafts.tidy(store, NOW + timedelta(minutes=50)) == 0
    assert drafts.tidy(store, NOW + timedelta(minutes=70)) == 1
    assert draft.total == 2


# ---- The same content again ----


def test_the_same_content_is_recognised_whatever_file_it_came_in(store: Store, setup: Setup) -> None:
    first = made(store, setup, file())
    assert drafts.same_content(store, first, NOW) is None
    batch_id = batches.queue(store, first.id, SARI, NOW)
    assert drafts.same_content(store, first, NOW) is None, "it is the batch of this very draft"
    other = (
        b"\xff\xfe"
        + "Nama;Total;Catatan;Email\nSiti;1;x;SITI@contoh.id\nJoko;2;;joko@contoh.id\n".encode("utf-16-le")
    )
    again = drafts.same_content(store, made(store, setup, file(other, "x.txt")), NOW)
    assert again
    assert (again.id, again.name, again.size) == (batch_id, "Tagihan", 2)


@pytest.mark.parametrize(
    "content",
    [
        CSV + b"wati@contoh.id,Wati,3\n",
        CSV.replace(b"Siti", b"Sitti"),
        b"email,nama,total\njoko@contoh.id,Joko,2\nsiti@contoh.id,Siti,1\n",
    ],
)
def test_other_content_is_not_taken_for_the_same(store: Store, setup: Setup, content: bytes) -> None:
    batches.queue(store, made(store, setup, file()).id, SARI, NOW)
    assert drafts.same_content(store, made(store, setup, file(content)), NOW) is None


def test_bad_rows_do_not_count_for_the_content(store: Store, setup: Setup) -> None:
    batches.queue(store, made(store, setup, file()).id, SARI, NOW)
    assert drafts.same_content(store, made(store, setup, file(CSV + b"wati,Wati,3\n")), NOW)


def test_a_week_later_or_after_it_was_cancelled_unsent_it_is_no_repeat(store: Store, setup: Setup) -> None:
    batch_id = batches.queue(store, made(store, setup, file()).id, SARI, NOW)
    second = made(store, setup, file())
    assert drafts.same_content(store, second, NOW + timedelta(days=6))
    assert drafts.same_content(store, second, NOW + timedelta(days=8)) is None
    with store.write() as db:
        db.execute("UPDATE batch_counts SET shown = 'cancelled' WHERE batch_id = ?", [batch_id])
    assert drafts.same_content(store, second, NOW) is None


# ---- Saved lists ----


def test_a_list_is_kept_under_a_name_outlives_its_draft_and_knows_when_it_was_used(
    store: Store, setup: Setup
) -> None:
    draft = made(store, setup, file())
    list_id = lists.keep(store, draft, " Pelanggan  Bandung ", SARI, NOW)
    drafts.discard(store, draft.id, SARI)
    saved = lists.get(store, list_id)
    assert (saved.name, saved.rows, saved.created_by, saved.used_at) == ("Pelanggan Bandung", 2, "Sari", "")
    assert lists.given(store, saved) == file()
    again = made(store, setup, lists.given(store, saved), saved.reading)
    batches.queue(store, again.id, SARI, NOW)
    assert lists.get(store, list_id).used_at == "2026-11-23T09:00:00.000Z"
    drafts.tidy(store, NOW + timedelta(days=30))
    assert lists.given(store, saved) == file()


def test_two_lists_cannot_have_one_name(store: Store, setup: Setup) -> None:
    draft = made(store, setup, file())
    lists.keep(store, draft, "Pelanggan", SARI, NOW)
    other = lists.keep(store, draft, "Lain", SARI, NOW)
    for attempt in (
        lambda: lists.keep(store, draft, "PELANGGAN", SARI, NOW),
        lambda: lists.rename(store, other, "pelanggan", 1, NOW),
        lambda: lists.rename(store, other, " ", 1, NOW),
        lambda: lists.rename(store, other, "x" * 101, 1, NOW),
    ):
        with pytest.raises(Problem) as caught:
            attempt()
        assert caught.value.field == "name"
    assert [one.name for one in lists.all_lists(store)] == ["Lain", "Pelanggan"]


def test_a_newer_file_takes_the_place_and_what_was_chosen_about_the_columns_stays(
    store: Store, setup: Setup
) -> None:
    chosen = Reading(email=0, fields={"nama": 2, "total": 1}, duplicates="last")
    draft = made(store, setup, file(), chosen)
    saved = lists.get(store, lists.keep(store, draft, "Pelanggan", SARI, NOW))
    newer = file(b"email;nama;total\n" + b"".join(b"a%d@contoh.id;A;1\n" % n for n in range(3)), "baru.csv")
    drafts.discard(store, draft.id, SARI)
    assert lists.put_in_place(store, saved, newer, SARI, NOW) == 3
    now = lists.get(store, saved.id)
    assert (now.name, now.rows, now.filename) == ("Pelanggan", 3, "baru.csv")
    assert (now.reading.delimiter, now.reading.fields, now.reading.duplicates) == (";", chosen.fields, "last")
    assert count(store, "sources") == 1


def test_a_newer_file_with_other_columns_is_read_anew(store: Store, setup: Setup) -> None:
    draft = made(store, setup, file(), Reading(email=0, fields={"nama": 2, "total": 1}))
    saved = lists.get(store, lists.keep(store, draft, "Pelanggan", SARI, NOW))
    lists.put_in_place(store, saved, file(b"nama,email\nSiti,siti@contoh.id\n"), SARI, NOW)
    now = lists.get(store, saved.id)
    assert (now.reading.email, now.reading.fields) == (1, {})


def test_a_newer_file_that_cannot_be_read_changes_nothing(store: Store, setup: Setup) -> None:
    saved = lists.get(store, lists.keep(store, made(store, setup, file()), "Pelanggan", SARI, NOW))
    with pytest.raises(Problem):
        lists.put_in_place(store, saved, file(b"\x89PNG\r\n\x1a\n", "gambar.xlsx"), SARI, NOW)
    assert lists.get(store, saved.id) == saved


def test_removing_a_list_leaves_drafts_made_of_it(store: Store, setup: Setup) -> None:
    draft = made(store, setup, file())
    saved = lists.get(store, lists.keep(store, draft, "Pelanggan", SARI, NOW))
    lists.remove(store, saved)
    assert lists.all_lists(store) == []
    assert sources.get(store, draft.source_id or 0) == file()
    drafts.discard(store, draft.id, SARI)
    assert count(store, "sources") == 0
