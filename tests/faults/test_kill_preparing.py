"""Killed while somebody prepares a batch, the dashboard keeps all of what was posted or nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.conftest import MAILS
from tests.faults.dashboard import Dashboard
from tests.faults.person import Person

ROWS = 3000
LIST = "email;nama;total\n" + "".join(f"pelanggan{n}@contoh.id;Pelanggan {n};Rp {n}\n" for n in range(ROWS))
FORM = {"template": "1", "sender": "1", "token": "1", "name": "November"}
FILES = {"file": ("pelanggan.csv", LIST.encode()), "attachment": ("tagihan.pdf", b"%PDF-1.4 tagihan")}
THREE = b"email;nama;total\na@contoh.id;A;1\nb@contoh.id;B;2\nc@contoh.id;C;3\n"


@contextmanager
def sari_at(dashboard: Dashboard) -> Iterator[Person]:
    person = Person(dashboard.address, "sari")
    try:
        yield person
    finally:
        person.close()


def kept(dashboard: Dashboard, table: str) -> int:
    return int(dashboard.rows(f"SELECT count(*) FROM {table}")[0][0])


@pytest.mark.parametrize(
    ("where", "whole"), [("mailroom.attachments:keep", False), ("mailroom.drafts:create", True)]
)
def test_killed_while_a_list_is_taken_in_all_of_it_is_there_or_nothing(
    dashboard: Dashboard, where: str, whole: bool
) -> None:
    parts = ("draft_rows", "drafts", "attachments")
    before = [kept(dashboard, table) for table in parts]
    dashboard.start(where, "after", 1)
    with sari_at(dashboard) as sari:
        sari.dies("/send/", FORM, FILES)
    dashboard.wait_killed()
    more = [kept(dashboard, table) - n for table, n in zip(parts, before, strict=True)]
    assert more == ([ROWS, 1, 1] if whole else [0, 0, 0])
    dashboard.start()
    with sari_at(dashboard) as sari:
        assert sari.post("/send/", FORM, FILES).status_code == 303
    dashboard.wait_handed_over()
    dashboard.ends_well()


@pytest.mark.parametrize(
    ("where", "queued"), [("mailroom.states:queue", False), ("mailroom.batches:queue", True)]
)
def test_killed_while_a_batch_is_queued_the_same_button_leads_to_one_batch(
    dashboard: Dashboard, where: str, queued: bool
) -> None:
    dashboard.start(where, "after", 1)
    with sari_at(dashboard) as sari:
        check = sari.post("/send/", FORM, {"file": ("tiga.csv", THREE)}).headers["Location"]
        sari.dies(f"{check}/queue", {})
    dashboard.wait_killed()
    assert kept(dashboard, "batches") == 1 + queued
    dashboard.start()
    with sari_at(dashboard) as sari:
        pages = {sari.post(f"{check}/queue").headers["Location"] for _ in range(2)}
    assert len(pages) == 1
    dashboard.wait_handed_over()
    found = dashboard.ends_well()
    assert sum(found.states.values()) == MAILS + 3
