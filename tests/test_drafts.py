"""A draft holds every row of a list, shows its faults, and is its maker's alone."""

from datetime import UTC, datetime, timedelta

import pytest

from mailroom import attachments, batches, draft_rows, drafts, email_templates, identities
from mailroom.draft_rows import Fault
from mailroom.drafts import Draft, Setup
from mailroom.problems import Problem
from mailroom.recipients import Given, Sheet, read
from mailroom.store import Store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SARI, BUDI = 1, 2
LIST = (
    b"email;Nama;total\n"
    b"siti@contoh.id;Siti;1\n"
    b"joko.contoh.id;Joko;2\n"
    b"dewi@contoh.id;;3\n"
    b"siti@contoh.id;Siti;4\n"
    b"agus@contoh.id;Agus;5\n"
    b";;6;extra\n"
    b"wati@contoh.id;Wati;7\n"
)


@pytest.fixture
def setup(store: Store) -> Setup:
    """A template, a sender and a token to make drafts with."""
    with store.write() as db:
        for user_id, name in ((SARI, "sari"), (BUDI, "budi")):
            db.execute(
                "INSERT INTO users (id, email, name, role, password_hash, created_at) "
                "VALUES (?, ?, ?, 'sender', '', '')",
                [user_id, f"{name}@contoh.id", name],
            )
        db.execute(
            "INSERT INTO tokens (name, secret, fingerprint, claims, per_second, created_at, created_by) "
            "VALUES ('Utama', x'00', 'f', '{}', 25, '', 1)"
        )
    version = email_templates.save(
        store, None, "Tagihan", "Untuk {{ nama }}", "<p>{{ nama }}: {{ total }}</p>", SARI, NOW
    )
    sender = identities.add(store, "tim@contoh.id", "Tim", SARI, NOW)
    return Setup("Tagihan November", version, sender.id, 1, "pelanggan.csv")


def csv(data: bytes) -> Sheet:
    return read(Given("pelanggan.csv", data))


def made(
    store: Store, setup: Setup, sheet: Sheet | None = None, attachment: tuple[str, bytes] | None = None
) -> Draft:
    full = Setup(setup.name, setup.version, setup.sender_id, setup.token_id, setup.source, attachment)
    return drafts.get(store, drafts.create(store, SARI, full, sheet or csv(LIST), NOW), SARI)


def test_good_and_bad_rows_are_all_there(store: Store, setup: Setup) -> None:
    draft = made(store, setup)
    assert (draft.good, draft.bad, draft.total) == (3, 4, 7)
    assert (draft.reading.delimiter, draft.reading.encoding, draft.source) == (";", "UTF-8", "pelanggan.csv")
    assert draft.layout.columns == (("email", "email"), ("Nama", "nama"), ("total", "total"))
    assert [row.number for row in drafts.good_rows(store, draft.id)] == [2, 6, 8]


def test_bad_rows_come_in_order_and_in_pages(store: Store, setup: Setup) -> None:
    draft = made(store, setup)
    assert [row.number for row in drafts.bad_rows(store, draft.id, limit=3)] == [3, 4, 5]
    (last,) = drafts.bad_rows(store, draft.id, after=5, limit=3)
    assert last.number == 7
    assert {key: str(fault) for key, fault in last.errors.items()} == {
        "email": "No address",
        "nama": "Missing",
        "": "More cells than columns: extra",
    }


def test_the_faults_are_counted_by_what_to_do(store: Store, setup: Setup) -> None:
    assert draft_rows.faults(store, made(store, setup).id, ()) == [
        Fault("address", "", 2),
        Fault("missing", "nama", 2),
        Fault("duplicate", "", 1),
        Fault("row", "", 1),
    ]


def test_a_draft_is_its_makers_alone(store: Store, setup: Setup) -> None:
    draft = made(store, setup)
    with pytest.raises(LookupError):
        drafts.get(store, draft.id, BUDI)
    with pytest.raises(LookupError):
        drafts.get(store, "unknown", SARI)
    assert not drafts.discard(store, draft.id, BUDI)


def test_browsing_goes_from_good_row_to_good_row(store: Store, setup: Setup) -> None:
    draft = made(store, setup)
    assert drafts.neighbours(store, draft.id, 0) == (None, 2)
    assert drafts.neighbours(store, draft.id, 6) == (2, 8)
    assert drafts.neighbours(store, draft.id, 8) == (6, None)


def test_a_good_row_is_shown_as_it_will_arrive_and_a_bad_one_not_at_all(store: Store, setup: Setup) -> None:
    draft = made(store, setup, csv(b"email,nama,total\nsiti@contoh.id,<b>Siti,1\njoko,Joko,2\n"))
    found = drafts.render_row(store, draft, 2)
    assert found
    assert (found[1].subject, found[1].html) == ("Untuk <b>Siti", "<p>&lt;b&gt;Siti: 1</p>")
    assert drafts.render_row(store, draft, 3) is None
    assert drafts.render_row(store, draft, 99) is None


def test_a_list_that_does_not_fit_the_template_has_every_row_to_be_mended(store: Store, setup: Setup) -> None:
    draft = made(store, setup, csv(b"email\nsiti@contoh.id\n"))
    assert (draft.good, draft.bad) == (0, 1)
    assert draft.layout.unfilled == ("nama", "total")
    assert draft_rows.faults(store, draft.id, draft.layout.unfilled) == [
        Fault("column", "nama", 1),
        Fault("column", "total", 1),
    ]
    assert draft.layout.shown == (("email", "email"), ("nama", "nama"), ("total", "total"))


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x07b"])
def test_a_batch_needs_a_name_people_can_read(name: str) -> None:
    with pytest.raises(Problem) as caught:
        drafts.named(name)
    assert caught.value.field == "name"


def test_an_attachment_is_kept_once(store: Store, setup: Setup) -> None:
    one, two = (made(store, setup, attachment=("tagihan.pdf", b"%PDF-1.7")) for _ in "12")
    assert one.attachment_id is not None
    assert one.attachment_id == two.attachment_id
    kept = attachments.get(store, one.attachment_id)
    assert (kept.filename, kept.content_type, kept.size, kept.content) == (
        "tagihan.pdf",
        "application/pdf",
        8,
        b"%PDF-1.7",
    )
    assert (one.attachment_name, one.attachment_size) == ("tagihan.pdf", 8)


@pytest.mark.parametrize("content", [b"", b"x" * 10_000_001])
def test_an_empty_or_huge_attachment_is_refused(store: Store, setup: Setup, content: bytes) -> None:
    with pytest.raises(Problem) as caught:
        made(store, setup, attachment=("a.pdf", content))
    assert caught.value.field == "attachment"
    assert store.read().table("drafts").count == 0


def test_discarding_takes_the_rows_and_an_attachment_nobody_else_has(store: Store, setup: Setup) -> None:
    kept = made(store, setup, attachment=("a.pdf", b"one"))
    gone = made(store, setup, attachment=("b.pdf", b"two"))
    assert drafts.discard(store, gone.id, SARI)
    assert [row["draft_id"] for row in store.read().query("SELECT DISTINCT draft_id FROM draft_rows")] == [
        kept.id
    ]
    assert [row["filename"] for row in store.read().query("SELECT filename FROM attachments")] == ["a.pdf"]


def test_old_drafts_are_tidied_away_and_their_batches_stay(store: Store, setup: Setup) -> None:
    draft = made(store, setup, attachment=("a.pdf", b"one"))
    batch_id = batches.queue(store, draft.id, SARI, NOW)
    assert drafts.tidy(store, NOW + timedelta(days=6)) == 0
    assert drafts.tidy(store, NOW + timedelta(days=8)) == 1
    batch = batches.get(store, batch_id)
    assert batch
    assert (batch.size, batch.attachment_name) == (3, "a.pdf")
    assert batches.queue(store, draft.id, SARI, NOW) == batch_id


def test_only_the_good_rows_are_queued_with_the_values_their_template_needs(
    store: Store, setup: Setup
) -> None:
    draft = made(store, setup)
    batch_id = batches.queue(store, draft.id, SARI, NOW)
    mails = store.read().query(
        "SELECT row, email, subject FROM mails WHERE batch_id = ? ORDER BY row", [batch_id]
    )
    assert [tuple(mail.values()) for mail in mails] == [
        (2, "siti@contoh.id", "Untuk Siti"),
        (6, "agus@contoh.id", "Untuk Agus"),
        (8, "wati@contoh.id", "Untuk Wati"),
    ]
