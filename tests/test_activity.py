"""The activity trail: what is done is noted with who and when, and whoever touches it is found out."""

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields

import pytest

from app import create_app
from mailroom import (
    activity,
    batch_controls,
    deeds,
    email_templates,
    preferences,
    report_mail,
    restored,
    suppressions,
)
from mailroom.deeds import TemplateRemoved
from mailroom.preferences import Preferences
from mailroom.restored import Marker
from mailroom.service import Service
from mailroom.store import Store
from mailroom.verify import verify, verify_file
from tests.house import Browser
from tests.live import prepare_records
from tests.page import faults
from tests.records import NOON, add_batch
from views.activity import _SETTINGS

Client = Callable[[str], Browser]

UNLOCK = "DROP TRIGGER activity_is_not_changed; DROP TRIGGER activity_is_not_removed;"


def filled(store: Store, entries: int = 5) -> None:
    with store.write() as db:
        for n in range(1, entries + 1):
            activity.note(db, TemplateRemoved(f"Templat {n}"), NOON)


def tampered(store: Store, sql: str) -> list[str]:
    """What `verify` names after somebody changed the file behind the program's back."""
    with sqlite3.connect(store.path) as db:
        db.executescript(UNLOCK + sql)
    db.close()
    return [broken.where for broken in verify(store.read()) if broken.rule == "the activity trail is whole"]


def test_an_untouched_trail_is_whole(store: Store) -> None:
    filled(store)
    assert verify(store.read()) == []


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE activity SET details = replace(details, '3', '4') WHERE id = 3", ["entry 3"]),
        ("UPDATE activity SET at = '2020-01-01T00:00:00.000Z' WHERE id = 2", ["entry 2"]),
        ("UPDATE activity SET actor = 'user:3' WHERE id = 5", ["entry 5"]),
        ("DELETE FROM activity WHERE id = 3", ["entry 3"]),
        ("DELETE FROM activity WHERE id = 1", ["entry 1"]),
        ("DELETE FROM activity WHERE id >= 4", ["entry 4"]),
        ("DELETE FROM activity", ["entry 1"]),
        # Two entries change places: neither is where it was written.
        (
            "UPDATE activity SET id = -1 WHERE id = 2; UPDATE activity SET id = 2 WHERE id = 3; "
            "UPDATE activity SET id = 3 WHERE id = -1",
            ["entry 2", "entry 2", "entry 3", "entry 3", "entry 4"],
        ),
        # Removed, and the others moved up to hide it.
        (
            "DELETE FROM activity WHERE id = 3; UPDATE activity SET id = 3 WHERE id = 4; "
            "UPDATE activity SET id = 4 WHERE id = 5; UPDATE sqlite_sequence SET seq = 4",
            ["entry 3", "entry 3", "entry 4"],
        ),
    ],
)
def test_whatever_is_done_to_it_is_named(store: Store, sql: str, named: list[str]) -> None:
    filled(store)
    assert tampered(store, sql) == named


def test_an_entry_replaced_with_a_hash_that_fits_it_does_not_fit_the_next(store: Store) -> None:
    filled(store)
    row = list(store.read().execute("SELECT * FROM activity WHERE id = 3").fetchone())
    row[5] = json.dumps({"name": "Templat lain"})
    fitting = activity._sum(tuple(row[:-1]))
    sql = f"UPDATE activity SET details = '{row[5]}', hash = '{fitting}' WHERE id = 3"
    assert tampered(store, sql) == ["entry 4"]


def test_an_end_cut_off_together_with_its_count_is_known_to_the_mark(service: Service) -> None:
    store = service.store
    filled(store)
    service.marker.note(NOON)
    assert tampered(store, "DELETE FROM activity WHERE id > 3; UPDATE sqlite_sequence SET seq = 3") == []
    assert [broken.where for broken in verify_file(store.path)] == ["entry 5"]
    # The program notes it when it starts, for the mark forgets it then.
    marker = Marker(store)
    restored.hold(store, marker, NOON)
    marker.note(NOON)
    assert activity.newest(store)[0].details == {"known": 5, "found": 3}
    assert verify_file(store.path) == []


def test_the_program_itself_cannot_change_or_remove_an_entry(store: Store) -> None:
    filled(store)
    for sql in ("UPDATE activity SET actor = 'user:2'", "DELETE FROM activity"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"), store.write() as db:
            db.execute(sql)


def test_numbers_are_never_given_again(store: Store) -> None:
    filled(store)
    tampered(store, "DELETE FROM activity WHERE id > 3")
    filled(store, 1)
    assert activity.newest(store)[0].id == 6
    assert [broken.where for broken in verify(store.read())] == ["entry 4"]


def test_a_deed_that_is_rolled_back_is_not_noted(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.write() as db:
        db.execute("DELETE FROM activity WHERE id = ?", [activity.note(db, TemplateRemoved("Tagihan"), NOON)])
    assert activity.newest(store) == []


def test_no_other_field_and_no_list_gets_into_it(store: Store) -> None:
    with pytest.raises(TypeError):
        TemplateRemoved(name="Tagihan", secret="x")  # type: ignore[call-arg]
    for wrong in (["a@b.id"], "x" * 1001, None):
        with store.write() as db, pytest.raises(ValueError, match="template_removed: name"):
            activity.note(db, TemplateRemoved(wrong), NOON)  # type: ignore[arg-type]


def test_what_changes_the_house_is_noted_with_who_did_it(service: Service) -> None:
    live = prepare_records(service)
    store, now = service.store, service.clock()
    preferences.save(store, Preferences(approval_above=5), 1, now)
    email_templates.remove(store, live.version.template_id, now)
    email_templates.restore(store, live.version.template_id)
    email_templates.restore(store, live.version.template_id)
    batch_controls.cancel(store, 1, 2, now)
    batch_controls.cancel(store, 1, 2, now)
    suppressions.add(store, ["joko@contoh.id"], "hand", "", 1, now)
    suppressions.remove(store, "JOKO@contoh.id")
    list(suppressions.export(store, 1, now))
    found = [(entry.kind, entry.who) for entry in reversed(activity.newest(store))]
    assert found == [
        ("token_added", "Adi"),
        ("sender_added", "Adi"),
        ("template_saved", "Adi"),
        ("batch_queued", "Sari"),
        ("preference_changed", "Adi"),
        ("template_removed", ""),
        ("template_restored", ""),
        ("batch_cancelled", "Sari"),
        ("suppression_added", "Adi"),
        ("suppression_removed", ""),
        ("addresses_exported", "Adi"),
    ]
    assert verify(store.read()) == []


def test_an_address_stands_in_it_masked_and_can_still_be_asked_for(store: Store) -> None:
    add_batch(store, ["joko@contoh.id"])
    suppressions.add(store, ["joko@contoh.id"], "hand", "", 1, NOON)
    suppressions.remove(store, "joko@contoh.id")
    assert "joko@" not in str(activity.newest(store))
    about = [entry.kind for entry in activity.about(store, " Joko@Contoh.id")]
    assert about == ["suppression_removed", "suppression_added"]
    assert activity.about(store, "siti@contoh.id") == []


def test_a_button_on_a_page_notes_the_person_and_where_they_sat(service: Service, client: Client) -> None:
    live = prepare_records(service)
    client("sari").post_form(f"/templates/{live.version.template_id}/remove")
    newest = activity.newest(service.store)[0]
    assert (newest.kind, newest.who, newest.address) == ("template_removed", "Sari", "127.0.0.1")
    assert activity.door.get() == activity.NOBODY


def test_an_admin_reads_it_in_words_and_by_person_and_kind(service: Service, client: Client) -> None:
    prepare_records(service)
    adi = client("adi")
    page = adi.get("/activity/")
    assert faults(page) == []
    assert "Queued the batch “Tagihan” (number 1, mails: 2)." in page.text
    assert "Added the token “Utama”" in page.text
    only = adi.get("/activity/?by=user:2&kind=batch_queued").text
    assert "Queued the batch" in only
    assert "Added the token “Utama”" not in only
    for url in ("/activity/?by=program", "/activity/?kind=token_removed", "/activity/?before=1"):
        assert "Nothing like that has been done." in adi.get(url).text
    assert "Queued the batch" in adi.get("/activity/?by=rubbish&kind=rubbish").text
    assert client("sari").get("/activity/").status_code == 403


def test_settings_and_reasons_are_called_as_on_their_pages(service: Service, client: Client) -> None:
    store, now = service.store, service.clock()
    wanted = Preferences(approval_above=1500, office_days=(0, 5), suppress_failed=True)
    preferences.save(store, wanted, 1, now)
    suppressions.add(store, ["joko@contoh.id"], "hand", "", 1, now)
    suppressions.remove(store, "joko@contoh.id")
    page = client("adi").get("/activity/").text
    for sentence in (
        "“a second person approves above” from never to 1,500.",
        "“business hours, days” from Mon, Tue, Wed, Thu, Fri to Mon, Sat.",
        "“failed addresses go on the do-not-mail list” from no to yes.",
        "off the do-not-mail list (it was there as: By hand).",
    ):
        assert sentence in page


def test_every_setting_has_a_name_there() -> None:
    assert set(_SETTINGS) == {field.name for field in fields(Preferences)}


def test_it_goes_on_page_by_page_and_nothing_comes_twice(service: Service, client: Client) -> None:
    filled(service.store, 120)
    adi, url = client("adi"), "/activity/"
    seen: list[int] = []
    while url:
        page = adi.get(url, part=bool(seen))
        assert faults(page, whole=not seen) == []
        found = [line for line in page.text.split("“") if line.startswith("Templat ")]
        seen += [int(line.removeprefix("Templat ").partition("”")[0]) for line in found]
        _, more, rest = page.text.partition('hx-get="')
        url = rest.partition('"')[0].replace("&amp;", "&") if more else ""
    assert seen == list(range(120, 0, -1))


@dataclass(frozen=True)
class Unknown(deeds.Deed):
    KIND = "from_the_future"
    WORD = SAYS = ""


def test_a_kind_nobody_knows_is_shown_by_its_word_and_named(service: Service, client: Client) -> None:
    with service.store.write() as db:
        activity.note(db, Unknown(), NOON)
    page = client("adi").get("/activity/")
    assert faults(page) == []
    assert "from_the_future" in page.text
    assert [broken.where for broken in verify(service.store.read())] == ["entry 1"]


def test_what_was_asked_for_at_the_machine_says_so_and_whom_it_was_put_down_to(
    service: Service, client: Client
) -> None:
    with activity.from_shell(), service.store.write() as db:
        activity.note(db, TemplateRemoved("Satu"), NOON, user_id=2)
        activity.note(db, TemplateRemoved("Dua"), NOON)
    with service.store.write() as db:
        activity.note(db, TemplateRemoved("Tiga"), NOON)
    found = [(entry.actor, entry.who) for entry in activity.newest(service.store)]
    assert found == [("program", ""), ("shell", ""), ("shell:2", "Sari")]
    # Whoever may start commands may name anybody: it is not what Sari did.
    assert activity.newest(service.store, actor="user:2") == []
    page = client("adi").get("/activity/?by=shell")
    assert faults(page) == []
    assert "at the machine" in page.text
    assert ("Satu" in page.text, "Dua" in page.text, "Tiga" in page.text) == (True, True, False)


def test_the_end_that_somebody_wrote_down_has_to_be_in_it_still(store: Store) -> None:
    filled(store)
    known = activity.head_of(activity.head(store.read()).short)
    assert verify_file(store.path, known) == []
    filled(store, 2)
    assert verify_file(store.path, known) == []
    # Somebody who knows how writes the whole trail anew from the third entry, with hashes that fit.
    with sqlite3.connect(store.path) as db:
        db.executescript(UNLOCK + "DELETE FROM activity WHERE id > 2; UPDATE sqlite_sequence SET seq = 2")
    db.close()
    filled(store, 5)
    assert verify(store.read()) == []
    assert [broken.where for broken in verify_file(store.path, known)] == ["entry 5"]


@pytest.mark.parametrize(
    "text", ["", "5", "5:abc", "x:9f3a0c1e5b7d2468", "5:9f3a0c1e5b7d246g", "-1:9f3a0c1e5b7d2468"]
)
def test_what_is_no_end_of_a_trail_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        activity.head_of(text)


def test_verify_takes_the_end_that_the_page_and_the_report_tell(service: Service, client: Client) -> None:
    live = prepare_records(service)
    admin = client("adi")
    head = activity.head(service.store.read()).short
    assert f"flask verify --head {head}" in admin.get("/activity/").text
    now = service.clock()
    report = report_mail.preview(service.store, service.settings, "week", "en", now)
    assert f"The activity trail ends with entry {head}." in report.html
    runner = create_app().test_cli_runner()
    path = str(live.service.settings.database)
    good = runner.invoke(args=["verify", "--database", path, "--head", head])
    assert (good.exit_code, "every rule holds" in good.output) == (0, True)
    other = runner.invoke(args=["verify", "--database", path, "--head", "1:0123456789abcdef"])
    assert (other.exit_code, "entry 1: the activity trail still holds" in other.output) == (1, True)
    rubbish = runner.invoke(args=["verify", "--database", path, "--head", "rubbish"])
    assert (rubbish.exit_code, "is no end of a trail" in rubbish.output) == (2, True)
