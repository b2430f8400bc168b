"""Looking changes nothing: every page is asked for, whole and in part, and the database is the same afterwards."""

from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from app import create_app
from mailroom import activity
from mailroom.service import Service
from tests.filled import ADI, SARI, Filled, fill
from tests.house import Browser

# Addresses that were taken away are noted, which is all that these change.
NOTED = {"lists.download", "suppressions.export", "report_files.mails_file"}

# Pages that only somebody not signed in sees, or that need a gateway or an editor that is open.
NOT_HERE = {"account.setup", "account.sign_in", "account.again", "gateway_history.ask_take", "templates.preview_mail",
            "joining.join", "joining.reset", "health.check", "second_factors.ask_remove_passkey",
            "second_step.ask", "second_factors.app"}  # fmt: skip


@pytest.fixture
def filled(service: Service) -> Filled:
    return fill(service)


def dump(service: Service) -> Counter[str]:
    """Every line of the database but when sessions were last seen, and the trail, which is looked at apart."""
    leave = ('INSERT INTO "sessions"', 'INSERT INTO "activity"', 'INSERT INTO "sqlite_sequence"')
    return Counter(
        line for line in service.store.read().conn.iterdump() if not line.startswith(leave)
    ) + Counter(
        repr(tuple(row)) for row in service.store.read().execute("SELECT id_hash, user_id FROM sessions")
    )


@pytest.mark.parametrize(("person", "number"), [("adi", ADI), ("sari", SARI)])
def test_looking_at_every_page_changes_nothing(filled: Filled, person: str, number: int) -> None:
    app = create_app(filled.service)
    browser = Browser(app, person)
    before, last = dump(filled.service), activity.head(filled.service.store.read()).id
    seen = Counter(look(app, browser, filled, number))
    assert dump(filled.service) == before
    shown = {endpoint for endpoint, answer in seen if answer == 200}
    if person == "adi":
        assert gets(app) - shown <= NOT_HERE
    noted = [entry.kind for entry in activity.newest(filled.service.store) if entry.id > last]
    assert set(noted) == {"addresses_exported"}
    assert len(noted) == sum(
        n for (endpoint, answer), n in seen.items() if endpoint in NOTED and answer == 200
    )


def look(app: Flask, browser: Browser, filled: Filled, number: int) -> Iterator[tuple[str, int]]:
    for endpoint, url in filled.pages(app, number):
        for part in (False, True):
            # To its end: a download is made while it is read.
            with browser.http.get(url, headers={"HX-Request": "true", "HX-Request-Type": "partial"} if part else {},
                                  buffered=True) as answer:  # fmt: skip
                # Nothing runs by itself here, and the one word says so.
                assert answer.status_code < 500 or endpoint == "health.check", url
                yield endpoint, answer.status_code


def gets(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}


def test_a_page_that_changed_something_would_be_noticed(filled: Filled) -> None:
    before = dump(filled.service)
    with filled.service.store.write() as db:
        db.execute("UPDATE batches SET name = name || '.' WHERE id = 1")
    assert dump(filled.service) != before
