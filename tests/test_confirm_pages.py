"""Confirm, change the time, approve: what the pages say before anything goes, and what they refuse."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from mailroom import approvals, batches, drafts, plans, preferences
from mailroom.plans import Plan
from mailroom.preferences import Preferences
from mailroom.service import Service
from mailroom.times import iso
from tests.house import Browser
from tests.live import Live, prepare_records
from tests.page import faults

Client = Callable[[str], Browser]
LIST = "email,nama,total\na@contoh.id,A,1\nb@contoh.id,B,2\nc@contoh.id,C,3\njoko,D,4"
ADI, SARI = 1, 2


@pytest.fixture
def house(service: Service) -> Live:
    return prepare_records(service)


@pytest.fixture
def large(house: Live) -> Live:
    """A team that wants a second person for more than two mails."""
    preferences.save(house.service.store, Preferences(approval_above=2), ADI, house.service.clock())
    return house


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def day(live: Live, days: int) -> str:
    """A day so many days from today, as a form sends it."""
    return (live.service.clock().astimezone(live.service.settings.zone) + timedelta(days=days)).strftime(
        "%Y-%m-%d"
    )


def expire(live: Live, in_time: timedelta) -> None:
    with live.service.store.write() as db:
        db.execute("UPDATE tokens SET expires_at = ?", [iso(live.service.clock() + in_time)])


def queued(live: Live) -> int:
    return len(live.rows("SELECT 1 FROM batches")) - 1


# Confirm


def test_the_first_mail_and_the_last_stand_beside_the_plan(client: Client, house: Live) -> None:
    path = f"/send/{house.draft(LIST)}"
    page = client("sari").get(path + "/confirm")
    assert faults(page) == []
    assert f'src="{path}/row/2"' in page.text
    assert f'src="{path}/row/4"' in page.text
    assert "1 row with faults is left out" in text(page.text)


def test_the_estimate_follows_the_plan_while_it_is_changed(client: Client, house: Live) -> None:
    sari, path = client("sari"), f"/send/{house.draft(LIST)}/confirm"
    part = sari.get(path + f"?day={day(house, 3)}&at=09:00&per_minute=1", part=True)
    assert faults(part, whole=False) == []
    assert "<h1" not in part.text
    assert "at most 1 a minute" in text(part.text)
    assert "Schedule 3 mails" in part.text
    assert "Send 3 mails" in sari.get(path, part=True).text
    wrong = sari.get(path + "?at=09:00", part=True)
    assert wrong.status_code == 200
    assert "Choose the day as well" in wrong.text


def test_a_plan_that_cannot_be_is_refused_beside_its_field_and_nothing_is_queued(
    client: Client, house: Live
) -> None:
    sari, path = client("sari"), f"/send/{house.draft(LIST)}"
    typed: dict[str, object] = {
        "day": day(house, -1),
        "at": "09:00",
        "per_minute": "7",
        "policy": "never_lost",
    }
    page = sari.post_form(path + "/queue", typed)
    assert page.status_code == 422
    assert faults(page) == []
    assert re.search(r'id="f-at-error">.*?That time has passed', page.text, re.DOTALL)
    assert 'value="7"' in page.text
    assert re.search(r'id="f-policy"[^>]* checked', page.text)
    for rubbish in ("<script>", "0000-00-00", "9" * 3000, "\x00"):
        page = sari.post_form(path + "/queue", {"day": rubbish, "at": rubbish, "per_minute": rubbish})
        assert page.status_code == 422
        assert "<script>" not in page.text
    assert queued(house) == 0


def test_reckoning_again_changes_nothing_and_keeps_what_was_typed(client: Client, house: Live) -> None:
    sari, path = client("sari"), f"/send/{house.draft(LIST)}"
    answer = sari.post_form(path + "/reckon", {"per_minute": "2", "day": "", "policy": "never_lost"})
    assert answer.status_code == 303
    assert "csrf" not in answer.location
    page = sari.get(answer.location).text
    assert "at most 2 a minute" in text(page)
    assert re.search(r'id="f-policy"[^>]* checked', page)
    assert queued(house) == 0


def test_a_scheduled_batch_says_when_it_goes_on_its_page_and_in_the_list(client: Client, house: Live) -> None:
    sari = client("sari")
    form: dict[str, object] = {"day": day(house, 3), "at": "09:00", "per_minute": "60"}
    answer = sari.post_form(f"/send/{house.draft(LIST)}/queue", form)
    for page in (sari.get(answer.location), sari.get("/batches/"), sari.get("/")):
        assert faults(page) == []
        assert re.search(r"Scheduled for \w{3} \d+ \w{3} 09:00 · 60 a minute", text(page.text))
    assert "Change the time" in sari.get(answer.location).text
    assert "Change the time" not in client("vino").get(answer.location).text


def test_a_batch_in_business_hours_says_when_it_goes_on(client: Client, house: Live) -> None:
    closed = Preferences(office_days=((house.service.clock() + timedelta(days=3)).weekday(),))
    preferences.save(house.service.store, closed, ADI, house.service.clock())
    sari = client("sari")
    answer = sari.post_form(f"/send/{house.draft(LIST)}/queue", {"office_hours": "1"})
    page = sari.get(answer.location).text
    assert re.search(r"Business hours: goes on at \w{3} 08:00", text(page))
    assert "Send now" in page
    assert "Change the time" not in page


def test_a_token_that_dies_too_early_is_warned_of_with_numbers(client: Client, house: Live) -> None:
    sari, path = client("sari"), f"/send/{house.draft(LIST)}/confirm"
    expire(house, timedelta(days=30))
    assert "The token expires on" not in text(sari.get(path).text)
    expire(house, timedelta(seconds=90))
    page = text(sari.get(path + "?per_minute=1").text)
    assert "before all is done. By then about 2 of 3 mails will have gone out" in page
    assert "before this begins" in text(sari.get(path + f"?day={day(house, 3)}&at=09:00").text)


# Another time


def test_the_time_of_a_batch_can_be_changed_until_it_begins(client: Client, house: Live) -> None:
    service, sari = house.service, client("sari")
    plan = Plan(service.clock() + timedelta(days=2), per_minute=60)
    batch_id = batches.queue(service.store, house.draft(LIST), SARI, service.clock(), plan=plan)
    page = sari.get(f"/batches/{batch_id}/time")
    assert faults(page) == []
    assert 'value="60"' in page.text
    part = sari.get(f"/batches/{batch_id}/time?reckoned=1&per_minute=1", part=True)
    assert "at once, at most 1 a minute" in text(part.text)
    wrong = sari.post_form(f"/batches/{batch_id}/time", {"day": day(house, 90), "at": "09:00"})
    assert (wrong.status_code, faults(wrong)) == (422, [])
    form: dict[str, object] = {"day": day(house, 5), "at": "10:30"}
    assert sari.post_form(f"/batches/{batch_id}/time", form).status_code == 303
    assert "10:30" in text(sari.get(f"/batches/{batch_id}").text)
    assert house.batch(batch_id).plan.per_minute is None
    assert sari.post_form(f"/batches/{batch_id}/time").status_code == 303
    late = sari.post_form(f"/batches/{batch_id}/time", form)
    assert "does not wait for its time any more" in text(sari.get(late.location).text)
    assert house.batch(batch_id).plan == plans.AT_ONCE


def test_sending_now_asks_with_numbers_and_counts_once(client: Client, house: Live) -> None:
    service, sari = house.service, client("sari")
    plan = Plan(service.clock() + timedelta(days=2), office_hours=True)
    batch_id = batches.queue(service.store, house.draft(LIST), SARI, service.clock(), plan=plan)
    page = sari.get(f"/batches/{batch_id}/now")
    assert faults(page) == []
    assert "Send 3 mails now" in page.text
    assert house.batch(batch_id).shown == "scheduled"
    first, second = (sari.post_form(f"/batches/{batch_id}/now") for _ in "12")
    assert first.location == second.location
    assert "does not wait for its time any more" in text(sari.get(second.location).text)
    assert house.batch(batch_id).shown == "running"
    for path in ("now", "time"):
        assert client("vino").get(f"/batches/{batch_id}/{path}").status_code == 403
        assert sari.get(f"/batches/{batch_id}/{path}").status_code == 303
        assert sari.get(f"/batches/99/{path}").status_code == 404


def test_a_scheduled_batch_is_cancelled_with_numbers(client: Client, house: Live) -> None:
    service, sari = house.service, client("sari")
    plan = Plan(service.clock() + timedelta(days=2))
    batch_id = batches.queue(service.store, house.draft(LIST), SARI, service.clock(), plan=plan)
    assert "Cancel 3 mails" in sari.get(f"/batches/{batch_id}/cancel").text
    sari.post_form(f"/batches/{batch_id}/cancel")
    page = sari.get(f"/batches/{batch_id}").text
    assert "Scheduled for" not in page
    assert "Send now" not in page


# A second person


def ask(client: Client, live: Live, **form: object) -> str:
    """The id of a draft that Sari asks about on the page."""
    draft_id = live.draft(LIST)
    sari = client("sari")
    answer = sari.post_form(f"/send/{draft_id}/ask", form)
    assert answer.status_code == 303
    page = sari.get(answer.location)
    assert faults(page) == []
    assert "Waits for a second person" in page.text
    return draft_id


def fingerprint(live: Live, draft_id: str) -> dict[str, object]:
    found = approvals.get(live.service.store, draft_id)
    assert found
    return {"fingerprint": found.fingerprint}


def test_above_the_limit_the_button_asks_and_nothing_goes_past_it(client: Client, large: Live) -> None:
    sari, path = client("sari"), f"/send/{large.draft(LIST)}"
    page = sari.get(path + "/confirm")
    assert "Ask for approval" in page.text
    assert "Send 3 mails</button>" not in page.text
    assert "has looked at it: Adi." in text(page.text)
    refused = sari.post_form(path + "/queue")
    assert refused.status_code == 303
    assert "need the approval of a second person" in text(sari.get(refused.location).text)
    assert queued(large) == 0


def test_the_second_person_sees_what_would_be_sent_and_lets_it_go_once(client: Client, large: Live) -> None:
    draft_id = ask(client, large, policy="never_lost", per_minute="60")
    adi, path = client("adi"), f"/approvals/{draft_id}"
    assert "Sari asks you to approve 3 mails" in text(adi.get("/").text)
    assert re.search(r"Approvals(</span>)?<b class=.badge.>1<", adi.get("/").text)
    page = adi.get(path)
    assert faults(page) == []
    said = text(page.text)
    for sentence in ("Approve 3 mails?", "asked by Sari", "rather twice than never", "at most 60 a minute",
                 "1 row with faults is left out", "Approve and send 3 mails"):  # fmt: skip
        assert sentence in said
    assert "Yth. B" in adi.get(path + "/row/3").text
    assert adi.get(path + "/row/5").status_code == 404
    part = adi.get(path + "?row=3", part=True)
    assert f"{path}/row/3" in part.text
    assert "<h1" not in part.text
    seen = fingerprint(large, draft_id)
    first, second = (adi.post_form(path + "/approve", seen) for _ in "12")
    assert first.location == second.location
    assert queued(large) == 1
    assert "Approved by Adi" in adi.get(first.location).text
    assert adi.get(path).location == first.location
    assert client("sari").get(f"/send/{draft_id}/confirm").location == first.location


def test_several_that_wait_are_one_line_on_the_overview(client: Client, large: Live) -> None:
    for _ in "123":
        ask(client, large)
    said = text(client("adi").get("/").text)
    assert "3 batches wait for you or somebody else to approve them. They hold 9 mails." in said
    assert "asks you to approve" not in said
    assert client("adi").get("/approvals/").text.count("/approvals/") >= 3


def test_who_asked_sees_it_wait_and_can_withdraw_but_not_approve(client: Client, large: Live) -> None:
    draft_id, sari = ask(client, large), client("sari")
    page = sari.get(f"/approvals/{draft_id}")
    assert faults(page) == []
    assert "Somebody else approves it" in page.text
    assert "Approve and send" not in page.text
    refused = sari.post_form(f"/approvals/{draft_id}/approve", fingerprint(large, draft_id))
    assert "Somebody else decides" in text(sari.get(refused.location).text)
    assert "waits for a second person" in text(sari.get("/").text)
    assert sari.post_form(f"/send/{draft_id}/withdraw").status_code == 303
    assert "Ask for approval" in sari.get(f"/send/{draft_id}/confirm").text
    gone = client("adi").get(f"/approvals/{draft_id}")
    assert gone.location == "/approvals/"
    assert queued(large) == 0


def test_what_is_returned_comes_with_its_note_and_can_be_asked_again(client: Client, large: Live) -> None:
    draft_id, adi, sari = ask(client, large, per_minute="30"), client("adi"), client("sari")
    empty = adi.post_form(f"/approvals/{draft_id}/return", {"note": " "})
    assert (empty.status_code, faults(empty)) == (422, [])
    assert adi.post_form(f"/approvals/{draft_id}/return", {"note": "Salah <bulan>"}).location == "/approvals/"
    assert "Nothing waits for a second person" in adi.get("/approvals/").text
    assert "Adi returned" in text(sari.get("/").text)
    page = sari.get(f"/send/{draft_id}/confirm")
    assert faults(page) == []
    assert "Salah &lt;bulan&gt;" in page.text
    assert 'value="30"' in page.text
    sari.post_form(f"/send/{draft_id}/ask")
    assert "Tagihan" in adi.get("/approvals/").text


def test_what_has_changed_since_is_void_and_said_to_both(client: Client, large: Live) -> None:
    draft_id, adi, sari = ask(client, large), client("adi"), client("sari")
    seen = fingerprint(large, draft_id)
    with large.service.store.write() as db:
        db.execute("UPDATE senders SET removed_at = '2026'")
    page = adi.get(f"/approvals/{draft_id}")
    assert faults(page) == []
    assert "This cannot be approved any more" in page.text
    assert "Approve and send" not in page.text
    refused = adi.post_form(f"/approvals/{draft_id}/approve", seen)
    assert "nothing was sent" in text(adi.get(refused.location).text)
    again = sari.get(f"/send/{draft_id}/confirm").text
    assert "What was asked is void" in again
    assert "Ask for approval" in again
    assert queued(large) == 0


def test_a_time_that_has_passed_is_said_before_it_is_approved(client: Client, large: Live) -> None:
    draft_id = large.draft(LIST)
    past = Plan(large.service.clock() - timedelta(minutes=5))
    approvals.ask(large.service.store, draft_id, SARI, past, "never_twice", large.service.clock())
    assert "goes as soon as it is approved" in client("adi").get(f"/approvals/{draft_id}").text


def test_where_nobody_else_could_approve_the_page_says_so(client: Client, large: Live) -> None:
    draft_id = large.draft(LIST)
    sari = client("sari")
    with large.service.store.write() as db:
        db.execute("UPDATE users SET disabled_at = '2026' WHERE id = 1")
    page = sari.get(f"/send/{draft_id}/confirm")
    assert faults(page) == []
    assert "your team has nobody else" in text(page.text)
    assert "Ask for approval" not in page.text


def test_a_team_without_a_limit_never_hears_of_approvals(client: Client, house: Live) -> None:
    assert "Approvals" not in client("adi").get("/").text
    page = client("adi").get("/approvals/")
    assert faults(page) == []
    assert "Nothing waits for a second person" in page.text
    assert client("vino").get("/approvals/").status_code == 403
    draft_id = house.draft(LIST)
    assert client("adi").get(f"/approvals/{draft_id}").status_code == 303
    assert client("adi").get(f"/approvals/{draft_id}/row/2").status_code == 404
    assert client("adi").post_form(f"/send/{draft_id}/ask").status_code == 404


def test_a_list_that_waits_is_seen_by_those_who_decide_and_nobody_without_being_asked(
    client: Client, large: Live
) -> None:
    assert client("adi").get(f"/send/{large.draft(LIST)}/confirm").status_code == 404
    draft_id = ask(client, large)
    drafts.discard(large.service.store, draft_id, SARI)
    assert client("adi").get(f"/approvals/{draft_id}").status_code == 303
