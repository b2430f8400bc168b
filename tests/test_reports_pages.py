"""The Reports page: numbers, their mails, and files to take along, as each person sees them."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import python_calamine
from babel.numbers import format_decimal

from mailroom import activity, reports, states
from mailroom.service import Service
from mailroom.states import Change
from mailroom.times import iso
from tests.house import Browser
from tests.live import prepare_records
from tests.page import faults
from views import report_files, words

Client = Callable[[str], Browser]

HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>'


@pytest.fixture
def sent(service: Service) -> Service:
    """Four mails of a batch with a hostile name: delivered, opened, not delivered, and one that waits."""
    live = prepare_records(service)
    live.queue(
        "email,nama,total\n" + "".join(f"orang{n}@contoh.id,=Nama {n},1\n" for n in range(4)), name=HOSTILE
    )
    now = service.clock()
    ends: tuple[states.Delivery, ...] = ("delivered", "opened", "failed")
    for mail_id, end in enumerate(ends, 3):
        with service.store.write() as db:
            states.transition(db, mail_id, "queued", "sending", Change(now, "", "sender"))
            states.transition(
                db, mail_id, "sending", "accepted", Change(now, "", "sender"), gateway_id=f"x{mail_id}"
            )
            states.deliver(
                db, mail_id, "pending", end, end, Change(now + timedelta(seconds=9), end, "d"), iso(now)
            )
    return service


@pytest.mark.usefixtures("sent")
def test_the_page_in_every_grouping_is_sound_and_has_its_numbers(client: Client) -> None:
    browser = client("vino")
    for by in ("", *reports.GROUPS):
        answer = browser.get(f"/reports/?preset=today&by={by}")
        assert answer.status_code == 200
        assert faults(answer) == []
        assert "66.7\u00a0%" in answer.text
        assert "<script>alert" not in answer.text
        assert 'data-label="Handed over"' in answer.text


@pytest.mark.usefixtures("sent")
def test_the_overview_has_the_last_thirty_days_beside_the_thirty_before(
    client: Client, sent: Service
) -> None:
    browser = client("vino")
    page = browser.get("/")
    assert faults(page) == []
    cards = dict(re.findall(r'figure=(\w+)"><small>[^<]+</small><b>([^<]+)</b>', page.text))
    assert cards == {"sent": "3", "delivered": "66.7\u00a0%", "opened": "50\u00a0%", "failed": "1"}
    assert "none before" in page.text
    # What is refused has a card once there is any.
    with sent.store.write() as db:
        states.transition(db, 6, "queued", "sending", Change(sent.clock(), "", "sender"))
        states.transition(db, 6, "sending", "rejected", Change(sent.clock(), "", "sender"))
    assert 'figure=refused"><small>Refused</small><b>1</b>' in browser.get("/", part=True).text
    for figure, n in (("sent", 3), ("delivered", 2), ("opened", 1), ("failed", 1), ("refused", 1)):
        mails = browser.get(f"/reports/mails?preset=30-days&figure={figure}").text
        assert mails.count("row-link") == n, figure


def test_before_the_first_mail_the_page_says_what_will_be_here(client: Client) -> None:
    answer = client("sari").get("/reports/")
    assert faults(answer) == []
    assert "No mail has been handed over yet." in answer.text
    assert 'href="/send/' in answer.text


@pytest.mark.usefixtures("sent")
def test_days_without_mail_say_so(client: Client) -> None:
    answer = client("vino").get("/reports/?from=2020-01-01&to=2020-01-31")
    assert faults(answer) == []
    assert "No mail was handed over in these days." in answer.text
    assert "January 2020" in answer.text


@pytest.mark.usefixtures("sent")
def test_what_cannot_be_reported_is_said_beside_its_field(client: Client) -> None:
    browser = client("vino")
    for query, field, kept in (
        ("from=2026-11-23&to=2026-11-01", "f-to-error", 'value="2026-11-23"'),
        ("from=gestern&to=2026-11-01", "f-from-error", 'value="gestern"'),
        ("from=2010-01-01&to=2026-11-01", "f-from-error", 'value="2010-01-01"'),
        ("preset=today&by=domain&template=1", "f-by-error", 'value="domain" selected'),
        ("from=2024-01-01&to=2026-11-01&by=day", "f-by-error", 'value="day" selected'),
    ):
        answer = browser.get(f"/reports/?{query}")
        assert answer.status_code == 422, query
        assert faults(answer) == []
        assert f'id="{field}"' in answer.text
        assert kept in answer.text


@pytest.mark.usefixtures("sent")
def test_rubbish_in_the_address_breaks_nothing(client: Client) -> None:
    browser = client("vino")
    for query in (
        "preset=x&by=x&template=x&sender=x&person=x&before=x",
        "from=%00&to=%ff&by=day",
        "template=99999999999999999999&person=-1",
        "from=2026-11-23T00:00&to=" + "9" * 5000,
        "by=batch&before=9223372036854775807",
        "of_domain=%00&of_batch=99999&figure=sent&of_person=x&of_template=-1",
        "first=2026-11-23&last=x&figure=sent",
    ):
        for page in ("", "mails", "table.csv", "table.xlsx", "mails.csv", "mails.xlsx", "mails.exe"):
            with browser.get(f"/reports/{page}?{query}") as answer:
                assert answer.status_code in (200, 404, 422), (page, query)


@pytest.mark.usefixtures("sent")
def test_a_number_leads_to_just_its_mails(client: Client) -> None:
    browser = client("vino")
    for figure, addresses in {
        "sent": ["orang2", "orang1", "orang0"], "delivered": ["orang1", "orang0"], "opened": ["orang1"],
        "failed": ["orang2"], "refused": [], "undecided": [],
    }.items():  # fmt: skip
        for narrowed in (
            "",
            "&of_batch=2",
            "&of_domain=contoh.id",
            "&of_template=1",
            "&of_person=2",
            "&template=1",
        ):
            answer = browser.get(f"/reports/mails?preset=today&figure={figure}{narrowed}")
            assert faults(answer) == []
            found = [name for name in ("orang2", "orang1", "orang0") if f"{name}@contoh.id" in answer.text]
            assert found == addresses, (figure, narrowed)
        for narrowed in ("&of_batch=1", "&of_domain=gmail.com", "&of_template=9", "&person=1"):
            answer = browser.get(f"/reports/mails?preset=today&figure={figure}{narrowed}")
            assert "@contoh.id" not in answer.text


def rows_of(answer: bytes) -> list[list[str]]:
    assert answer.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.decode("utf-8-sig"))))


@pytest.mark.usefixtures("sent")
def test_the_table_as_csv_has_every_row_and_no_formula(client: Client) -> None:
    with client("vino").get("/reports/table.csv?preset=today&by=batch") as answer:
        rows = rows_of(answer.data)
    assert rows[0][:3] == ["Batch", "Handed over", "Delivered"]
    assert rows[1] == ["'" + HOSTILE, "3", "2", "1", "1", "0", "0", "0", "0", "0.6667", ""]
    assert rows[2][:2] == ["Total", "3"]


def test_the_mails_as_csv_and_as_a_workbook_say_the_same(
    sent: Service, client: Client, tmp_path: Path
) -> None:
    browser = client("vino")
    with browser.get("/reports/mails.csv?preset=today") as answer:
        assert "attachment" in answer.headers["Content-Disposition"]
        rows = rows_of(answer.data)
    assert [row[1] for row in rows] == ["Address", "orang2@contoh.id", "orang1@contoh.id", "orang0@contoh.id"]
    assert [row[3] for row in rows] == ["State", "Not delivered", "Opened", "Delivered"]
    assert rows[1][7] == "'" + HOSTILE
    local = sent.clock().astimezone(sent.settings.zone)
    assert rows[1][0][:10] == local.strftime("%Y-%m-%d")
    assert abs(datetime.fromisoformat(rows[1][0]) - local.replace(tzinfo=None)) < timedelta(minutes=5)
    with browser.get("/reports/mails.xlsx?preset=today") as answer:
        (tmp_path / "mails.xlsx").write_bytes(answer.data)
    noted = [(entry.who, entry.details) for entry in activity.newest(sent.store, kind="addresses_exported")]
    name = f"mails-{local:%Y-%m-%d}-{local:%Y-%m-%d}"
    assert noted == [("Vino", {"what": name, "rows": 3})] * 2
    sheet = python_calamine.CalamineWorkbook.from_path(str(tmp_path / "mails.xlsx")).get_sheet_by_index(0)
    cells = sheet.to_python()
    assert [row[1] for row in cells] == [row[1] for row in rows]
    # Text in a workbook is text, so it needs no mark.
    assert cells[1][7] == HOSTILE
    assert cells[1][8] == 4.0


@pytest.mark.usefixtures("sent")
def test_only_a_few_downloads_at_a_time_and_one_that_breaks_off_makes_room(client: Client) -> None:
    browser = client("vino")
    going = [browser.get("/reports/mails.csv?preset=today") for _ in range(report_files.MOST_AT_ONCE)]
    busy = browser.get("/reports/mails.csv?preset=today")
    assert busy.status_code == 503
    assert faults(busy) == []
    for answer in going:
        answer.close()
    browser.http.head("/reports/mails.csv?preset=today").close()
    again = browser.get("/reports/mails.csv?preset=today")
    assert again.status_code == 200
    again.close()


@pytest.mark.parametrize("language", ["en", "id", "de", "de_CH", "es", "hi", "ar_EG"])
def test_a_number_is_written_as_the_language_writes_it(language: str) -> None:
    for n in (0, 7, 999, 1000, 1234, 9999, 10_000, 123_456, 1_234_567, 12_345_678_901, -5, -1234):
        assert words.decimal(n, language) == format_decimal(n, locale=language)
