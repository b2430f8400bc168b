"""Numbers for Prometheus: what is told, to whom, and that nobody's name or address is among them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from app import create_app
from mailroom import batch_controls, machine, waiting
from mailroom.service import Service
from mailroom.settings import SettingError, Settings, from_environment
from mailroom.tally import Tally
from tests.house import CAST, Browser
from tests.live import Live, live_mailroom, prepare_records
from tests.sandbox_server import ROOT, running_sandbox
from tests.test_process import start

Client = Callable[[str], Browser]

TOKEN = "sebuah-token-panjang"
Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Every value by its name and labels, as Prometheus' own reader finds them."""
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def ask(service: Service, **options: object) -> TestResponse:
    return create_app(service).test_client().get("/metrics", **options)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A mailroom that has handed over some mails, of which one was refused and one met a limit first."""
    with running_sandbox("--limit", "0") as sandbox:
        sandbox.faults(next=["429"])
        with live_mailroom(tmp_path_factory.mktemp("metrics") / "data", sandbox) as live:
            batch = live.queue_to("joko@contoh.id", "siti@contoh.id", "refused@sandbox.test")
            live.wait_handed_over(batch)
            yield live


def test_it_tells_what_was_sent_and_what_the_gateway_said(sent: Live) -> None:
    found = samples(ask(sent.service).text)
    handed = {
        key[1:]: value for key, value in found.items() if key[0] == "mailroom_handover_duration_seconds_count"
    }
    assert handed[("outcome=accepted", "status=200", "token=1")] == 2
    assert handed[("outcome=later", "status=429", "token=1")] == 1
    assert handed[("outcome=refused", "status=406", "token=1")] == 1
    assert found[("mailroom_mails", "state=rejected")] == 1
    assert found[("mailroom_mails", "state=undecided")] == 0
    assert found[("mailroom_queue_mails",)] == 0
    assert found[("mailroom_gateway_budget_per_second", "token=1")] == 25
    assert found[("mailroom_token_usable", "token=1")] == 1
    assert found[("mailroom_worker_last_round_timestamp_seconds", "worker=sender-1")] > 1_700_000_000


def test_it_tells_how_the_machine_does(service: Service) -> None:
    found = samples(ask(service).text)
    assert found[("mailroom_database_bytes",)] == service.store.path.stat().st_size
    for name in ("mailroom_disk_free_bytes", "process_resident_memory_bytes", "process_cpu_seconds_total"):
        assert found[(name,)] > 0, name
    assert found[("mailroom_disk_floor_bytes",)] == service.store.floor_bytes
    assert ("mailroom_info", f"version={machine.version()}") in found
    assert ("mailroom_last_backup_timestamp_seconds",) not in found
    service.backups.want(1)
    service.backups.run_once()
    assert samples(ask(service).text)[("mailroom_last_backup_timestamp_seconds",)] > 1_700_000_000


def test_it_tells_which_pages_were_asked_for_and_how_they_answered(service: Service) -> None:
    app = create_app(service)
    browser = Browser(app, "vino")
    browser.get("/history/")
    browser.get("/settings/")
    browser.get("/nowhere")
    found = samples(app.test_client().get("/metrics").text)
    name = "mailroom_http_request_duration_seconds_count"
    assert found[(name, "endpoint=history.index", "status=200")] == 1
    assert found[(name, "endpoint=settings.index", "status=403")] == 1
    assert found[(name, "endpoint=-", "status=404")] == 1


def test_no_label_is_an_address_or_a_name(service: Service) -> None:
    prepare_records(service)
    browser = Browser(create_app(service), "adi")
    browser.get("/history/address/?email=joko@contoh.id")
    text = ask(service).text
    for secret in ("@", "joko", "Utama", *(person.name for person in CAST.values())):
        assert secret not in text.replace("@prometheus", ""), secret


def test_the_page_about_it_names_every_metric_and_no_other(sent: Live) -> None:
    sent.service.backups.want(1)
    sent.service.backups.run_once()
    with sent.service.store.write() as db:
        db.execute("UPDATE tokens SET expires_at = '2027-01-01T00:00:00.000Z'")
    app = create_app(sent.service)
    app.test_client().get("/sign-in")
    text = app.test_client().get("/metrics").text
    there = set(re.findall(r"^# TYPE (mailroom_\w+)", text, re.MULTILINE))
    told = set(re.findall(r"`(mailroom_\w+)", (ROOT / "docs" / "metrics.md").read_text()))
    assert there == told


# How long the oldest one waits


def test_the_oldest_is_the_one_due_for_the_longest_in_what_goes_out_now(service: Service) -> None:
    live = prepare_records(service)
    begun = service.clock()
    other = live.queue_to("budi@contoh.id")
    later = begun + timedelta(minutes=5)
    found = waiting.queue(service.store, later)
    assert (found.mails, found.due) == (3, 3)
    assert 299 < found.oldest_seconds < 400
    batch_controls.pause(service.store, 1, 2, later)
    batch_controls.pause(service.store, other, 2, later)
    assert waiting.queue(service.store, later) == waiting.Queue(3, 0, 0.0)


def test_a_batch_planned_for_later_does_not_wait_too_long_before(service: Service) -> None:
    prepare_records(service)
    start = service.clock() + timedelta(days=3)
    with service.store.write() as db:
        db.execute(
            "UPDATE batches SET start_at = ?1, next_at = ?1",
            [start.isoformat(timespec="milliseconds").replace("+00:00", "Z")],
        )
    assert waiting.queue(service.store, start - timedelta(hours=1)) == waiting.Queue(2, 0, 0.0)
    assert waiting.queue(service.store, start + timedelta(seconds=90)).oldest_seconds == pytest.approx(
        90, abs=0.01
    )


# Who may


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 200),
        ({"environ_base": {"REMOTE_ADDR": "::1"}}, 200),
        ({"environ_base": {"REMOTE_ADDR": "::ffff:127.0.0.1"}}, 200),
        ({"base_url": "http://127.0.0.1:8025"}, 200),
        ({"base_url": "http://[::1]:8025"}, 200),
        ({"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}, 404),
        ({"environ_base": {"REMOTE_ADDR": "10.0.0.2"}}, 404),
        ({"environ_base": {"REMOTE_ADDR": ""}}, 404),
        # Through a proxy on this machine: whoever asked it is not known.
        ({"headers": {"X-Forwarded-For": "127.0.0.1"}}, 404),
        ({"headers": {"Forwarded": "for=127.0.0.1"}}, 404),
        ({"headers": {"X-Forwarded-Proto": "https"}}, 404),
        ({"headers": {"X-Real-IP": "127.0.0.1"}}, 404),
        ({"headers": {"Via": "1.1 Caddy"}}, 404),
        # A name that was made to lead here, in the browser of somebody on this machine.
        ({"base_url": "http://mailroom.contoh.id"}, 404),
        ({"base_url": "http://evil.example:8025"}, 404),
        ({"headers": {"Authorization": "Bearer "}}, 200),
        ({"headers": {"Authorization": "Bearer ", "X-Forwarded-For": "203.0.113.9"}}, 404),
    ],
)
def test_without_a_token_only_a_program_on_this_machine_is_told(
    service: Service, options: dict[str, object], status: int
) -> None:
    assert ask(service, **options).status_code == status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 404),
        (f"Bearer {TOKEN[:-1]}", 404),
        ("Bearer", 404),
        ("Bearer é", 404),
        (f"Basic {TOKEN}", 404),
        (TOKEN, 404),
        ("", 404),
    ],
)
def test_from_elsewhere_only_the_token_opens_it(service: Service, header: str, status: int) -> None:
    open_to = replace(service, settings=replace(service.settings, metrics_token=TOKEN))
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    headers = {"Authorization": header, "X-Forwarded-For": "203.0.113.9"}
    answer = ask(open_to, environ_base=elsewhere, headers=headers)
    assert answer.status_code == status
    assert TOKEN not in answer.text


def test_a_program_itself_told_through_a_proxy_is_told_nothing(tmp_path: Path) -> None:
    # waitress takes such headers away unless it is told not to, and everybody would seem to be on this machine.
    with start(tmp_path / "data") as process:
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        through = {"X-Forwarded-For": "203.0.113.9"}
        assert requests.get(f"{address}/metrics", timeout=30, headers=through).status_code == 404
        assert requests.get(f"{address}/metrics", timeout=30).status_code == 200
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("value", ["short", "with a space in it", "é" * 20, "x" * 15])
def test_a_token_that_is_none_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(SettingError) as caught:
        from_environment({"MAILROOM_METRICS_TOKEN": value})
    assert "MAILROOM_METRICS_TOKEN" in str(caught.value)
    assert value not in str(caught.value)


def test_the_token_shows_nowhere() -> None:
    settings = from_environment({"MAILROOM_METRICS_TOKEN": TOKEN})
    assert settings.metrics_token == TOKEN
    assert TOKEN not in repr(settings)
    assert Settings().metrics_token == ""


def test_counting_by_labels() -> None:
    tally = Tally()
    for seconds in (0.01, 0.2, 40.0):
        tally.note("send", "200", seconds=seconds)
    tally.note("send", "429", seconds=0.02)
    counts = tally.counts()
    assert counts[("send", "429")].n == 1
    assert (counts[("send", "200")].n, counts[("send", "200")].within) == (3, [1, 1, 1, 2, 2, 2, 2])
    assert counts[("send", "200")].seconds == pytest.approx(40.21)
