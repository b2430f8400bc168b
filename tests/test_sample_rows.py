"""Real rows for the preview: where they come from, and that nobody sees somebody else's."""

import pytest

from mailroom import drafts, email_templates, identities, lists, recipients, sample_rows, sources
from mailroom.drafts import Setup
from mailroom.sample_rows import Source
from mailroom.service import Service
from mailroom.sheet_reading import Reading
from mailroom.sheets import Given
from mailroom.times import iso
from tests.records import NOON, add_batch

SARI, ADI = 2, 1
CSV = b"Surel;Nama;Total\nsiti@contoh.id;Siti;100\n;;\njoko@contoh.id;Joko;\n"


@pytest.fixture
def template(service: Service) -> int:
    saved = email_templates.save(service.store, None, "T", "x", "{{ nama }} {{ total }}", SARI, NOON)
    return saved.template_id


def keep_list(service: Service, content: bytes = CSV) -> Source:
    with service.store.write() as db:
        source_id = sources.keep(db, Given("pelanggan.csv", content), NOON)
        db.execute(
            "INSERT INTO lists (name, source_id, reading, rows, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)",
            ["Pelanggan", source_id, Reading().to_json(), 2, iso(NOON), SARI],
        )
    return Source(f"list-{lists.all_lists(service.store)[0].id}", "list", "Pelanggan")


def keep_draft(service: Service, user_id: int) -> Source:
    """A draft of another template, which fills `total` alone."""
    add_batch(service.store, ["x@contoh.id"])
    other = email_templates.save(service.store, None, f"Lain {user_id}", "x", "{{ total }}", SARI, NOON)
    sender = identities.add(service.store, f"tim{user_id}@contoh.id", "Tim", SARI, NOON)
    setup = Setup("Draf", other, sender.id, 1, "pelanggan.csv")
    draft_id = drafts.create(
        service.store, user_id, setup, recipients.read(Given("pelanggan.csv", CSV)), NOON
    )
    return Source(f"draft-{draft_id}", "draft", "Draf")


def test_a_template_without_batches_drafts_or_lists_has_no_real_rows(service: Service, template: int) -> None:
    assert sample_rows.sources(service.store, template, SARI) == []
    assert sample_rows.sources(service.store, None, SARI) == []


def test_the_rows_of_the_last_batch_are_gone_through_one_by_one(service: Service, template: int) -> None:
    add_batch(service.store, ["siti@contoh.id"])
    add_batch(service.store, ["joko@contoh.id", "dewi@contoh.id"])
    [source] = sample_rows.sources(service.store, template, SARI)
    first = sample_rows.row(service.store, source, 0, ["nama"])
    assert first is not None
    assert (first.email, first.before) == ("joko@contoh.id", None)
    second = sample_rows.row(service.store, source, first.after or 0, ["nama"])
    assert second is not None
    assert (second.email, second.before, second.after) == ("dewi@contoh.id", first.number, None)
    # A number behind the last row starts again, so that another source can be chosen at any row.
    assert sample_rows.row(service.store, source, 10**9, ["nama"]) == first


def test_a_draft_is_for_whoever_made_it_and_only_when_all_its_rows_are_in(service: Service) -> None:
    mine = keep_draft(service, SARI)
    assert sample_rows.sources(service.store, None, SARI) == [mine]
    assert sample_rows.sources(service.store, None, ADI) == []
    with service.store.write() as db:
        db.execute("UPDATE drafts SET total = NULL")
    assert sample_rows.sources(service.store, None, SARI) == []


def test_a_draft_of_another_template_fills_fields_by_the_names_of_its_columns(service: Service) -> None:
    row = sample_rows.row(service.store, keep_draft(service, SARI), 3, ["nama", "total"])
    assert row is not None
    assert (row.number, row.values, row.before) == (4, {"nama": "Joko", "total": ""}, 2)


def test_a_saved_list_is_read_as_it_would_be_for_sending(service: Service, template: int) -> None:
    source = keep_list(service)
    assert source in sample_rows.sources(service.store, template, ADI)
    row = sample_rows.row(service.store, source, 0, ["nama", "total"])
    assert row is not None
    assert (row.number, row.email, row.values) == (2, "siti@contoh.id", {"nama": "Siti", "total": "100"})
    last = sample_rows.row(service.store, source, row.after or 0, ["nama", "total"])
    assert last is not None
    assert (last.number, last.email, last.values["total"], last.after) == (4, "joko@contoh.id", "", None)


def test_only_the_first_rows_of_a_saved_list_are_looked_at(service: Service) -> None:
    rows = "".join(f"r{n}@contoh.id;N{n}\n" for n in range(sample_rows.MOST_ROWS + 5))
    source = keep_list(service, f"email;nama\n{rows}".encode())
    at = sample_rows.row(service.store, source, sample_rows.MOST_ROWS + 1, ["nama"])
    assert at is not None
    assert at.after is None
