"""The report by mail: once for each week and month, to whom the team chose, with the numbers the pages show."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app import create_app
from mailroom import (
    email_templates,
    history,
    identities,
    one_mail,
    people,
    report_content,
    report_mail,
    report_schedule,
    reports,
    restored,
    states,
    suppressions,
)
from mailroom.periods import Range
from mailroom.problems import Problem
from mailroom.report_schedule import Schedule
from mailroom.report_words import WORDS, Speech
from mailroom.service import Service
from mailroom.verify import verify
from tests.house import Browser
from tests.live import Live, live_mailroom, prepare_records
from tests.page import faults
from tests.sandbox_server import running_sandbox

JAKARTA = ZoneInfo("Asia/Jakarta")
ADI, SARI, VINO = 1, 2, 3
# A Monday; the week before is the one from 16 to 22 November.
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=JAKARTA)
WEEK = Range(date(2026, 11, 16), date(2026, 11, 22))
LONG_AGO = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def live(service: Service) -> Live:
    """A mailroom that could send, with two mails in it; nothing is sent."""
    return prepare_records(service)


@pytest.fixture
def client(live: Live) -> Callable[[str], Browser]:
    app = create_app(live.service)
    app.testing = True
    return lambda person: Browser(app, person)


def choose(
    live: Live, *every: report_schedule.Every, at: datetime = LONG_AGO, to: tuple[int, ...] = (SARI, VINO)
) -> None:
    wanted = Schedule(dict.fromkeys(every, ""), to, 1, 1, "en")
    report_schedule.save(live.service.store, wanted, ADI, at)


def due(live: Live, now: datetime) -> list[report_mail.Sent]:
    return report_mail.send_due(live.service.store, live.service.settings, now)


def queued(live: Live) -> list[tuple[object, ...]]:
    return live.rows(
        "SELECT b.name, m.email, m.subject FROM mails m JOIN batches b ON b.id = m.batch_id "
        "WHERE b.kind = 'report' ORDER BY m.id"
    )


def happen(live: Live, day: datetime, delivered: int = 0, failed: int = 0, domain: str = "contoh.id") -> None:
    """So many mails of a new batch handed over at `day`, and what became of them."""
    batch_id = live.queue_to(*(f"o{n}@{domain}" for n in range(delivered + failed)))
    store = live.service.store
    with store.write() as db:
        for n, row in enumerate(db.execute("SELECT id FROM mails WHERE batch_id = ?", [batch_id]).fetchall()):
            change, ended = states.Change(day, "", "sender"), "failed" if n < failed else "delivered"
            states.transition(db, row[0], "queued", "sending", change)
            states.transition(db, row[0], "sending", "accepted", change, gateway_id=f"x{row[0]}")
            after = states.Change(day + timedelta(seconds=12), ended, "delivery")
            states.deliver(db, row[0], "pending", ended, ended, after, None)  # type: ignore[arg-type]


def test_on_monday_at_seven_each_gets_last_week_and_nobody_a_second_one(live: Live) -> None:
    choose(live, "week")
    assert due(live, MONDAY - timedelta(seconds=1)) == []
    (sent,) = due(live, MONDAY)
    assert sent.fresh
    subject = "Delivery report: 16–22 November 2026"
    assert queued(live) == [(subject, "sari@contoh.id", subject), (subject, "vino@contoh.id", subject)]
    for again in (
        MONDAY,
        MONDAY + timedelta(hours=5),
        MONDAY - timedelta(minutes=5),
        MONDAY + timedelta(days=2),
    ):
        assert due(live, again) == []
    assert len(queued(live)) == 2
    assert verify(live.service.store.read()) == []


def test_two_at_the_same_instant_make_one(live: Live) -> None:
    choose(live, "week")
    store, settings = live.service.store, live.service.settings
    schedule, (one,) = (
        report_schedule.get(store),
        report_schedule.due(report_schedule.get(store), MONDAY, JAKARTA),
    )
    sent = [report_mail._send_due(store, settings, schedule, one, MONDAY) for _ in "12"]
    assert [made.fresh for made in sent] == [True, False]
    assert sent[0].batch_id == sent[1].batch_id


@pytest.mark.parametrize(("late", "sent"), [(timedelta(days=2, hours=23), 1), (timedelta(days=3), 0)])
def test_a_mailroom_that_was_off_sends_it_later_unless_it_is_old_news(
    live: Live, late: timedelta, sent: int
) -> None:
    choose(live, "week")
    assert len(due(live, MONDAY + late)) == sent


def test_who_turns_it_on_waits_for_the_next_and_gets_none_of_the_past(live: Live) -> None:
    choose(live, "week", at=MONDAY + timedelta(hours=1))
    assert due(live, MONDAY + timedelta(hours=2)) == []
    assert len(due(live, MONDAY + timedelta(days=7))) == 1


def test_a_change_of_who_gets_it_does_not_begin_anew(live: Live) -> None:
    choose(live, "week")
    choose(live, "week", at=MONDAY + timedelta(hours=1), to=(VINO,))
    assert len(due(live, MONDAY + timedelta(hours=2))) == 1
    assert [row[1] for row in queued(live)] == ["vino@contoh.id"]


def test_on_the_first_of_the_month_the_month_before(live: Live) -> None:
    choose(live, "week", "month")
    (sent,) = due(live, datetime(2026, 12, 1, 7, 0, tzinfo=JAKARTA) + timedelta(days=2, hours=12))
    assert sent.fresh
    assert queued(live)[0][0] == "Delivery report: November 2026"


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        ("week", MONDAY - timedelta(minutes=1), MONDAY),
        ("week", MONDAY, MONDAY + timedelta(days=7)),
        ("month", datetime(2026, 12, 31, 23, 59, tzinfo=JAKARTA), datetime(2027, 1, 1, 7, tzinfo=JAKARTA)),
        ("month", datetime(2027, 1, 1, 6, 59, tzinfo=JAKARTA), datetime(2027, 1, 1, 7, tzinfo=JAKARTA)),
        ("month", datetime(2027, 1, 1, 7, 0, tzinfo=JAKARTA), datetime(2027, 2, 1, 7, tzinfo=JAKARTA)),
    ],
)
def test_the_next_is_told_right(every: report_schedule.Every, now: datetime, expected: datetime) -> None:
    assert report_schedule.next_at(every, now, JAKARTA) == expected


def test_seven_is_seven_on_the_wall_where_clocks_are_changed() -> None:
    berlin, schedule = ZoneInfo("Europe/Berlin"), Schedule({"week": "2026-01-01T00:00:00.000Z"})
    for at in (datetime(2026, 3, 30, 5, 0, tzinfo=UTC), datetime(2026, 10, 26, 6, 0, tzinfo=UTC)):
        assert report_schedule.due(schedule, at, berlin)
        assert not report_schedule.due(schedule, at - timedelta(seconds=1), berlin)


def test_who_was_shut_out_gets_none_and_with_nobody_left_nothing_is_queued(live: Live) -> None:
    choose(live, "week", to=(VINO,))
    with live.service.store.write() as db:
        db.execute("UPDATE users SET disabled_at = 'x' WHERE id = ?", [VINO])
    due(live, MONDAY)
    assert queued(live) == []


def test_without_its_sender_nothing_is_queued_until_another_is_chosen(live: Live) -> None:
    choose(live, "week")
    store, now = live.service.store, live.service.clock()
    identities.remove(store, 1, 1, now)
    assert due(live, MONDAY) == []
    assert "no sender" in report_schedule.lacks(store, report_schedule.get(store))
    with pytest.raises(Problem, match="no sender"):
        report_mail.send_now(
            store, live.service.settings, "week", report_schedule.get(store), "k", a_person(live), MONDAY
        )
    identities.add(store, "tagihan@contoh.id", "Tim Tagihan", 1, now)
    assert len(due(live, MONDAY)) == 1


def a_person(live: Live) -> people.User:
    found = people.by_email(live.service.store, "adi@contoh.id")
    assert found
    return found


def test_after_an_older_copy_was_put_back_nothing_of_before_is_sent_again(live: Live) -> None:
    choose(live, "week")
    store, marker = live.service.store, live.service.marker
    store.path.with_suffix(".mark").write_text('{"attempt_id": 99, "at": "2026-11-23T00:00:00.000Z"}')
    restored.hold(store, marker, MONDAY + timedelta(hours=1))
    assert due(live, MONDAY + timedelta(hours=2)) == []
    assert len(due(live, MONDAY + timedelta(days=7))) == 1


def test_it_says_what_the_report_page_says(live: Live) -> None:
    store, settings = live.service.store, live.service.settings
    happen(live, MONDAY - timedelta(days=9), delivered=4)
    happen(live, MONDAY - timedelta(days=2), delivered=3, failed=2)
    total = reports.summary(store, WEEK)
    said = report_content.values(store, settings, "week", WEEK, "en", MONDAY)
    assert (said["sent"], said["delivered"], said["failed"]) == ("5", "3", "2")
    assert (total["sent"], total["delivered"], total["failed"]) == (5, 3, 2)
    assert said["headline"] == (
        "5 mails were handed over to the gateway, 25% more than in the week before. 60% of them were delivered."
    )
    assert (said["failed_bar"], said["delivered_bar"], said["opened_bar"]) == ("40", "60", "")
    assert said["median"] == "Half of the delivered mails had arrived within 12 seconds, as far as we know."
    assert (said["template_1"], said["template_1_sent"], said["template_2"]) == ("Tagihan bulanan", "5", "")
    assert said["url"].endswith("/reports/?from=2026-11-16&to=2026-11-22")


def test_it_names_what_needs_somebody(live: Live) -> None:
    store, settings = live.service.store, live.service.settings
    quiet = report_content.values(store, settings, "week", WEEK, "en", MONDAY)
    assert quiet["needs_nothing"]
    assert quiet["headline"] == "No mail was handed over in these days."
    happen(live, MONDAY - timedelta(days=2), delivered=10, failed=6, domain="mati.example")
    with store.write() as db:
        db.execute("UPDATE tokens SET stopped_at = 'x'")
    said = report_content.values(store, settings, "week", WEEK, "en", MONDAY)
    needs = [said[f"need_{n}"] for n in range(1, 5)]
    assert needs[0] == "One batch has stopped and waits for somebody."
    assert "token “Utama”" in needs[1]
    assert needs[2:] == ["6 of 16 mails to mati.example could not be delivered.", ""]
    assert not said["needs_nothing"]


def test_what_has_no_room_is_counted(live: Live) -> None:
    for n in range(8):
        happen(live, MONDAY - timedelta(days=2), failed=5, domain=f"mati{n}.example")
    said = report_content.values(live.service.store, live.service.settings, "week", WEEK, "en", MONDAY)
    assert "mati4.example" in said["need_5"]
    assert said["need_6"] == "And 3 more of this kind; the dashboard shows all."


def test_a_hostile_template_name_stays_text(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    name = '<img src=x onerror=alert(1)>{{ days }}"'
    email_templates.save(
        store, live.version.template_id, name, "s {{ nama }}", "<p>{{ nama }} {{ total }}</p>", 1, now
    )
    happen(live, MONDAY - timedelta(days=2), delivered=1)
    html = report_mail.preview(store, live.service.settings, "week", "en", MONDAY).html
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;{{ days }}" in html


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_sentence_is_there_in_both_languages_and_every_field_is_filled(
    live: Live, language: str
) -> None:
    assert WORDS["id"].keys() == WORDS["en"].keys()
    happen(live, MONDAY - timedelta(days=2), delivered=7, failed=6, domain="mati.example")
    for every in report_schedule.EVERY:
        html = report_mail.preview(live.service.store, live.service.settings, every, language, MONDAY).html  # type: ignore[arg-type]
        assert "{{" not in html
        assert f'lang="{language}"' in html


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), "16–22 November 2026"),
        (date(2026, 9, 28), date(2026, 10, 4), "28 September – 4 Oktober 2026"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 Desember 2026 – 3 Januari 2027"),
        (date(2027, 2, 1), date(2027, 2, 28), "Februari 2027"),
        (date(2027, 2, 1), date(2027, 2, 7), "1–7 Februari 2027"),
    ],
)
def test_days_are_told_in_few_words(first: date, last: date, said: str) -> None:
    assert Speech("id").days(Range(first, last)) == said


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    say = Speech("en").percent
    assert [say(share) for share in (0, 0.00001, 0.5, 0.975, 0.99999, 1)] == [
        "0%", "0.1%", "50%", "97.5%", "99.9%", "100%",
    ]  # fmt: skip


def test_it_counts_in_no_figure_and_its_template_is_in_no_list(
    live: Live, client: Callable[[str], Browser]
) -> None:
    choose(live, "week")
    store = live.service.store
    before = (history.counts(store, tests=False), email_templates.all_templates(store))
    (sent,) = due(live, MONDAY)
    with store.write() as db:
        change = states.Change(MONDAY, "", "sender")
        for row in db.execute("SELECT id FROM mails WHERE batch_id = ?", [sent.batch_id]).fetchall():
            states.transition(db, row[0], "queued", "sending", change)
            states.transition(db, row[0], "sending", "accepted", change, gateway_id=f"r{row[0]}")
    assert (history.counts(store, tests=False), email_templates.all_templates(store)) == before
    assert email_templates.removed_templates(store) == []
    assert not reports.anything(store)
    template_id = live.rows("SELECT id FROM templates WHERE hidden")[0][0]
    adi = client("adi")
    for page in (f"/templates/{template_id}", f"/batches/{sent.batch_id}", "/batches/"):
        answer = adi.get(page)
        assert answer.status_code == 200
        assert faults(answer) == []
    assert "Report</span>" in adi.get("/batches/").text.replace("</svg>", "")
    assert adi.get(f"/templates/{template_id}/edit").status_code == 404
    assert (
        adi.post_form(f"/templates/{template_id}", {"name": "x", "subject": "x", "html": "x"}).status_code
        == 404
    )


def test_a_team_may_have_a_template_of_the_same_name(live: Live) -> None:
    store, now = live.service.store, live.service.clock()
    email_templates.save(store, None, "Report by mail", "s", "<p>x</p>", 1, now)
    choose(live, "week")
    assert len(due(live, MONDAY)) == 1
    assert live.rows("SELECT name FROM templates WHERE hidden") == [("Report by mail 2",)]


def test_the_same_layout_is_one_version_however_many_reports_there_are(live: Live) -> None:
    choose(live, "week")
    for n in range(3):
        assert len(due(live, MONDAY + timedelta(days=7 * n))) == 1
    assert live.rows(
        "SELECT count(*) FROM template_versions v JOIN templates t ON t.id = v.template_id WHERE hidden"
    ) == [(1,)]


def test_the_form_keeps_what_was_chosen_and_marks_what_is_missing(
    client: Callable[[str], Browser], live: Live
) -> None:
    adi = client("adi")
    page = adi.get("/reports/mail/")
    assert faults(page) == []
    answer = adi.post_form("/reports/mail/", {"every": "week", "sender": "1", "token": "1"})
    assert answer.status_code == 422
    assert faults(answer) == []
    assert "Tick at least one person" in answer.text
    assert answer.text.count(" checked") == 1
    form: dict[str, object] = {
        "every": "week",
        "people": [2, 3, 99, "x"],
        "sender": "1",
        "token": "1",
        "language": "en",
    }
    assert adi.post_form("/reports/mail/", form).status_code == 303
    kept = report_schedule.get(live.service.store)
    assert (set(kept.since), kept.people, kept.user_id) == ({"week"}, (2, 3), ADI)
    assert adi.get("/reports/mail/").text.count(" checked") == 3
    for missing in ("sender", "token"):
        assert adi.post_form("/reports/mail/", {**form, missing: "99"}).status_code == 422
    assert report_schedule.get(live.service.store) == kept
    assert adi.post_form("/reports/mail/", {}).status_code == 303
    assert report_schedule.get(live.service.store).since == {}


def test_the_button_in_the_mail_leads_to_the_same_numbers_and_the_reports_page_to_the_form(
    live: Live, client: Callable[[str], Browser]
) -> None:
    happen(live, MONDAY - timedelta(days=2), delivered=6, failed=1)
    said = report_content.values(live.service.store, live.service.settings, "week", WEEK, "en", MONDAY)
    address = said["url"].removeprefix(live.service.settings.public_url)
    page = client("adi").get(address)
    assert page.status_code == 200
    assert 'value="2026-11-16"' in page.text
    assert 'value="2026-11-22"' in page.text
    assert said["sent"] == "7"
    assert re.search(r">\s*7\s*<", page.text)
    assert 'href="/reports/mail/"' in page.text
    assert 'href="/reports/mail/"' not in client("vino").get(address).text


def test_who_set_it_and_that_it_went_stand_in_the_trail(live: Live, client: Callable[[str], Browser]) -> None:
    choose(live, "week", "month")
    choose(live, "week", "month")
    due(live, MONDAY)
    page = client("adi").get("/activity/")
    assert faults(page) == []
    sentence = "Set the report by mail (how often: every week, every month; people: 2, by number: 2, 3)."
    assert page.text.count(sentence) == 1
    assert "Queued the batch “Delivery report: 16–22 November 2026”" in page.text


def test_without_token_or_sender_the_page_says_what_to_do(
    service: Service, client: Callable[[str], Browser]
) -> None:
    with service.store.write() as db:
        db.execute("UPDATE senders SET removed_at = 'x'")
    page = client("adi").get("/reports/mail/")
    assert faults(page) == []
    assert "To the gateway" in page.text


def test_the_settings_page_leaves_the_report_as_it_is(live: Live, client: Callable[[str], Browser]) -> None:
    choose(live, "week")
    form: dict[str, object] = {"office_from": "08:00", "office_to": "16:00", "office_days": "1"}
    assert client("adi").post_form("/settings/", form).status_code == 303
    assert set(report_schedule.get(live.service.store).since) == {"week"}


def test_one_that_gets_no_mail_is_named(live: Live, client: Callable[[str], Browser]) -> None:
    choose(live, "week")
    suppressions.add(live.service.store, ["vino@contoh.id"], "hand", "", 1, live.service.clock())
    assert "a report to them is skipped: vino@contoh.id." in client("adi").get("/reports/mail/").text


def test_only_an_admin_chooses_or_sends(client: Callable[[str], Browser], live: Live) -> None:
    for name in ("sari", "vino"):
        assert client(name).get("/reports/mail/").status_code == 403
        assert (
            client(name).post_form("/reports/mail/now", {"every": "week", "form_key": "k"}).status_code == 403
        )
    assert live.rows("SELECT count(*) FROM batches WHERE kind = 'test'") == [(0,)]


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Live]:
    with running_sandbox("--limit", "0") as sandbox, live_mailroom(tmp_path / "data", sandbox) as live:
        yield live


def test_it_arrives_and_its_pages_prove_what_was_sent(sending: Live) -> None:
    store = sending.service.store
    choose(sending, "week")
    (sent,) = due(sending, MONDAY)
    app = create_app(sending.service)
    app.testing = True
    adi = Browser(app, "adi")
    form: dict[str, object] = {"every": "month", "form_key": "kunci"}
    for expected in ("on its way to adi@contoh.id", "sent already"):
        answer = adi.post_form("/reports/mail/now", dict(form))
        assert expected in adi.get(answer.location).text
    sending.wait(lambda: len(sending.sandbox.ledger()) == 3)
    sending.wait_handed_over(sent.batch_id)
    sending.wait(lambda: not sending.rows("SELECT 1 FROM mails WHERE state <> 'accepted'"))
    sending.agrees()
    subjects = sorted(str(entry["subject"]) for entry in sending.sandbox.ledger())
    assert subjects[0].startswith("Delivery report: 16–22")
    assert subjects[2].startswith("[Test] Delivery report: ")
    for (mail_id,) in sending.rows("SELECT id FROM mails"):
        body = one_mail.body(store, int(str(mail_id)))
        assert body
        assert body.proof == "same"
