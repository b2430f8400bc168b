"""What is logged: one line each, as text or JSON, with a number for each request, and nobody's address or token."""

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import requests
from flask import Flask

from app import create_app
from mailroom import logs
from mailroom.service import Service
from tests.house import CAST, Browser
from tests.live import A_TOKEN
from tests.test_process import start

Client = Callable[[str], Browser]

ADDRESS = "joko.widodo+promo@contoh.id"
NUMBER = re.compile("[0-9a-f]{16}")


class Log:
    """What was written to a log."""

    def __init__(self) -> None:
        self.stream = StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, object]]:
        """Each line as the object it is."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, logger: str) -> list[dict[str, object]]:
        """The lines of one part."""
        return [line for line in self.lines if line["logger"] == logger]


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """The log of this process as JSON; as text when a test asks for that. Everything down to debugging."""
    found = Log()
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(
        logs.TextFormatter() if getattr(request, "param", "") == "text" else logs.JsonFormatter()
    )
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    for one in (handler, logs.newest):
        root.addHandler(one)
    yield found
    root.setLevel(before)
    for one in (handler, logs.newest):
        root.removeHandler(one)


# Addresses and tokens


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("to joko@contoh.id now", "to j•••@contoh.id now"),
        ("<joko.widodo+promo@mail.contoh.co.id>", "<j•••@mail.contoh.co.id>"),
        ("{'to': 'joko@contoh.id', 'cc': b'siti@contoh.id'}", "{'to': 'j•••@contoh.id', 'cc': b's•••@contoh.id'}"),
        ("email=joko%40contoh.id&page=2", "email=j•••@contoh.id&page=2"),
        ("/address/joko@contoh.id/2", "/address/j•••@contoh.id/2"),
        ("o'brien@contoh.id", "o•••@contoh.id"),
        ("'joko@contoh.id'", "'j•••@contoh.id'"),
        ("Joko,joko@contoh.id;siti@contoh.id", "Joko,j•••@contoh.id;s•••@contoh.id"),
        ("ÉLODIE@contoh.id", "É•••@contoh.id"),
        ("joko@localhost", "j•••@localhost"),
        ("joko@[127.0.0.1]", "j•••@[127.0.0.1]"),
        ("mailto:joko@contoh.id.", "mailto:j•••@contoh.id."),
        ("@property and a @ b", "@property and a @ b"),
        (f"token {A_TOKEN}!", "token eyJ…!"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer …"),
        ("nothing to hide", "nothing to hide"),
    ],
)  # fmt: skip
def test_addresses_are_masked_and_tokens_taken_out_wherever_they_stand(text: str, cleaned: str) -> None:
    assert logs.clean(text) == cleaned


def test_a_long_line_is_cleaned_in_no_time() -> None:
    # A pattern that tries every beginning would need hours for this.
    assert logs.clean("a" * 2_000_000 + " %40 @") == "a" * 2_000_000 + " %40 @"


@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_an_address_and_a_token_in_an_exception_reach_no_log(app: Flask, client: Client, log: Log) -> None:
    def fails() -> str:
        try:
            raise KeyError(ADDRESS)
        except KeyError as error:
            logging.getLogger("mailroom.web").warning("to %s with %r", ADDRESS, {"token": A_TOKEN})
            raise ValueError(f"{ADDRESS} was sent with Bearer {A_TOKEN}") from error

    app.view_functions["overview.index"] = fails
    answer = client("vino").get("/")
    assert answer.status_code == 500
    for told in (log.text, str(logs.newest.said()), answer.text):
        assert "joko" not in told
        assert A_TOKEN.split(".")[1] not in told
    assert "a mistake in overview.index" in log.text
    assert "j•••@contoh.id" in log.text
    assert "ValueError" in log.text


@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_nobody_writes_a_line_of_their_own(log: Log) -> None:
    logging.getLogger("mailroom.web").info("name %s", "x\n2026-11-28 INFO forged\r")
    assert len(log.text.splitlines()) == 1
    assert "x\\n2026" in log.text.replace("\\\\", "\\")


def test_values_that_do_not_fit_are_not_printed_instead() -> None:
    record = logging.LogRecord("mailroom.web", logging.ERROR, "", 1, "%d mails", (ADDRESS,), None)
    for formatter in (logs.JsonFormatter(), logs.TextFormatter()):
        assert "%d mails (TypeError)" in formatter.format(record)
        assert "joko" not in formatter.format(record)
    logs.newest.emit(record)
    assert logs.newest.said()[0].text == "%d mails (TypeError)"


# One number for each request


def test_every_line_of_a_request_bears_the_number_that_the_answer_has(
    app: Flask, client: Client, log: Log
) -> None:
    def fails() -> str:
        logging.getLogger("mailroom.batches").info("looking")
        raise RuntimeError("broken")

    app.view_functions["overview.index"] = fails
    browser = client("vino")
    start = len(log.lines)
    answer = browser.get("/")
    number = answer.headers["X-Request-Id"]
    assert NUMBER.fullmatch(number)
    assert number in answer.text
    lines = log.lines[start:]
    assert [line["logger"] for line in lines] == ["mailroom.batches", "mailroom.web", "mailroom.access"]
    for line in lines:
        assert (line["request_id"], line["endpoint"], line["user_id"]) == (number, "overview.index", 3)
    assert "RuntimeError: broken" in str(lines[1]["error"])
    assert browser.get("/").headers["X-Request-Id"] != number


def test_a_page_that_is_not_there_needs_no_number(client: Client) -> None:
    answer = client("vino").get("/nowhere")
    assert answer.headers["X-Request-Id"] not in answer.text


@pytest.mark.parametrize(
    ("proxies", "told", "taken"),
    [
        (1, "proxy-0123.abc", True),
        (0, "proxy-0123.abc", False),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "joko@contoh.id", False),
        (1, "0123456789\x0b", False),
        (1, '<script>alert("x")</script>', False),
    ],
)
def test_only_a_proxy_of_ours_gives_the_number(
    service: Service, proxies: int, told: str, taken: bool
) -> None:
    app = create_app(replace(service, settings=replace(service.settings, proxies=proxies)))
    answer = app.test_client().get("/sign-in", headers={"X-Request-Id": told})
    assert (answer.headers["X-Request-Id"] == told) is taken
    assert taken or NUMBER.fullmatch(answer.headers["X-Request-Id"])


# The line of each request


def test_a_request_is_one_line_without_address_search_or_secret(client: Client, log: Log) -> None:
    browser = client("vino")
    start = len(log.lines)
    browser.get(f"/history/address/?email={ADDRESS}")
    browser.get("/setup/aVerySecretLink")
    browser.get("/nowhere/aVerySecretLink")
    lines = log.of("mailroom.access")[-3:]
    assert [(line.get("endpoint", ""), line["status"]) for line in lines] == [
        ("address.one", 200),
        ("account.setup", 410),
        ("", 404),
    ]
    assert str(lines[0]["message"]).startswith("GET address.one 200 ")
    assert all(isinstance(line["ms"], int) and line["level"] == "info" for line in lines)
    rest = json.dumps(log.lines[start:])
    for secret in ("joko", "aVerySecretLink", CAST["vino"].email):
        assert secret not in rest


def test_what_asks_by_itself_is_only_told_to_who_debugs(client: Client, log: Log) -> None:
    browser = client("vino")
    start = len(log.of("mailroom.access"))
    browser.get("/", part=True)
    with browser.get("/static/mailroom.css") as answer:
        assert answer.status_code == 200
    browser.get("/")
    assert [line["level"] for line in log.of("mailroom.access")[start:]] == ["debug", "debug", "info"]


# In one process, from its start


def test_as_json_every_line_is_an_object(tmp_path: Path) -> None:
    with start(tmp_path / "data", MAILROOM_LOG="json") as process:
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        assert requests.get(f"{address}/sign-in", timeout=30).status_code == 200
        process.terminate()
        _, errors = process.communicate(timeout=60)
    line = json.loads(errors.splitlines()[0])
    assert line["message"].startswith("GET account.sign_in 200")
    assert line.keys() == {"time", "level", "logger", "message", "request_id", "endpoint", "status", "ms"}


def test_a_form_that_is_none_is_named(tmp_path: Path) -> None:
    with start(tmp_path / "data", MAILROOM_LOG="xml") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.strip() == "MAILROOM_LOG is “xml”; it takes text or json."


def test_what_ends_a_thread_or_the_program_is_logged_like_the_rest(log: Log) -> None:
    def fails() -> None:
        raise ValueError(ADDRESS)

    def ends() -> None:
        raise SystemExit

    before = threading.excepthook
    threading.excepthook = logs._thread_ended
    for target in (fails, ends):
        thread = threading.Thread(target=target, name="sender")
        thread.start()
        thread.join()
    threading.excepthook = before
    try:
        fails()
    except ValueError as error:
        logs._ended(type(error), error, sys.exc_info()[2])
    assert [line["message"] for line in log.lines] == ["the thread sender ended", "ended by a mistake"]
    assert "joko" not in log.text


def test_the_newest_warnings_are_kept_and_no_more_than_a_page_shows(log: Log) -> None:
    logger = logging.getLogger("mailroom.sender")
    for n in range(logs.KEPT + 5):
        logger.warning("number %d to %s", n, ADDRESS)
    logger.info("all is well")
    said = logs.newest.said()
    assert len(said) == logs.KEPT
    assert (said[0].text, said[0].level, said[0].part) == (
        f"number {logs.KEPT + 4} to j•••@contoh.id", "warning", "mailroom.sender"
    )  # fmt: skip
    assert log.lines
