"""`flask send`: from a shell or from cron, beside the running program and without it; queued once or not at all."""

import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mailroom import (
    activity,
    asking,
    batches,
    email_templates,
    identities,
    people,
    preferences,
    spool,
    suppressions,
)
from mailroom.asking import NoAnswer, Question
from mailroom.preferences import Preferences
from mailroom.problems import Problem
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.wishes import LIST, Answer, Wish
from tests.house import add_people
from tests.live import Live, live_mailroom, prepare_records
from tests.sandbox_server import ROOT, Sandbox, running_sandbox

TEMPLATE = "Tagihan bulanan"
GOOD = "email;nama;total\nbudi@contoh.id;Budi;Rp 1\nani@contoh.id;Ani;Rp 2\n"
BAD = GOOD + "rusak.contoh.id;Siti;Rp 3\njoko@gmial.com;;Rp 4\n"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a mailroom with its people, one template, sender and token, and one batch."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with closing(open_service(Settings(gateway_url="http://127.0.0.1:9", data=folder))) as service:
        add_people(service)
        prepare_records(service)
    return folder


@pytest.fixture
def settings(prepared: Path, tmp_path: Path) -> Settings:
    """Those of a copy of it, open nowhere."""
    shutil.copytree(prepared, tmp_path / "data")
    return Settings(gateway_url="http://127.0.0.1:9", data=tmp_path / "data")


@pytest.fixture
def room(settings: Settings) -> Iterator[Service]:
    """The same mailroom, open and not sending."""
    with closing(open_service(settings)) as service:
        yield service


def question(room: Service, content: str = GOOD, patience: float = 5, **options: Any) -> Question:
    wish = Wish(**{"template": TEMPLATE, "list_name": "/tmp/daftar pelanggan.csv", **options})
    return Question(room.settings, wish, {LIST: io.BytesIO(content.encode())}, patience)


def asked(room: Service, content: str = GOOD, **options: Any) -> Answer:
    """What the open mailroom answers in the end."""
    with closing(question(room, content, **options)) as asking:
        room.desk.run_once()
        return list(asking.answers())[-1]


def requests_of(room: Service) -> list[Path]:
    return list(spool.folder_of(room.settings.database).iterdir())


def count(room: Service, table: str = "batches") -> int:
    return int(room.store.read().execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def command(settings: Settings, *arguments: str, given: Path) -> subprocess.Popen[str]:
    """`flask send` in a process of its own, as cron starts it."""
    environment = {
        **os.environ,
        "MAILROOM_DATA": str(settings.data),
        "OCA_GATEWAY_URL": "http://127.0.0.1:9",
    }
    line = [
        sys.executable,
        "-m",
        "flask",
        "send",
        "--template",
        TEMPLATE,
        "--recipients",
        str(given),
        *arguments,
    ]
    return subprocess.Popen(
        line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def interrupted(*_arguments: object, **_named: object) -> int:
    raise KeyboardInterrupt


def broken(*_arguments: object) -> None:
    raise RuntimeError("no")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "daftar.csv"
    path.write_text(GOOD)
    return path


def asks(room: Service, commands: int = 1) -> None:
    """Returns when so many requests are complete; fails when that takes too long."""
    end = time.monotonic() + 20
    while len(list(spool.folder_of(room.settings.database).glob("*.ask"))) != commands:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_running_program_queues_it_and_says_which_batch(room: Service) -> None:
    answer = asked(room)
    assert (answer.outcome, answer.good, answer.bad, answer.size) == ("queued", 2, 0, 2)
    batch = batches.get(room.store, answer.batch_id)
    assert batch
    assert batch.created_by == "Adi"
    entry = activity.newest(room.store)[0]
    assert (entry.kind, entry.actor, entry.who) == ("batch_queued", "shell:1", "Adi")
    assert batch.source == "shell: daftar pelanggan.csv"
    assert batch.name.startswith(TEMPLATE)
    assert answer.page == f"http://127.0.0.1:8025/batches/{batch.id}"
    assert requests_of(room) == []


def test_only_its_own_account_may_read_a_request(room: Service) -> None:
    with closing(question(room)):
        (path,) = requests_of(room)
        modes = {stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path)}
        assert modes == {0o700}
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.iterdir()} == {0o600}


def test_while_nobody_has_the_mailroom_open_the_command_queues_it_itself(
    settings: Settings, given: Path
) -> None:
    out, errors = command(settings, "--name", "Tagihan ☕ “November”", given=given).communicate(timeout=60)
    assert errors == ""
    assert "Batch 2 “Tagihan ☕ “November””: 2 mails queued." in out
    assert "/batches/2\n" in out
    assert "they go out when it runs" in out
    with closing(open_service(settings)) as room:
        assert count(room) == 2


def test_the_same_request_picked_up_again_is_queued_once(room: Service) -> None:
    with closing(question(room)) as asking:
        room.desk.run_once()
        # Killed between queueing and answering: the answer is not there.
        (path,) = requests_of(room)
        (path / spool.ANSWER).unlink()
        room.desk.run_once()
        (answer,) = asking.answers()
    assert answer.batch_id == 2
    assert answer.size == 2
    assert count(room) == 2


def test_what_was_made_sure_is_queued_although_nobody_waits_any_more(
    room: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = question(room)
    with monkeypatch.context() as ended:
        ended.setattr(batches, "queue", interrupted)
        with pytest.raises(KeyboardInterrupt):
            room.desk.run_once()
    assert count(room) == 1
    waiting.close()
    room.desk.run_once()
    assert count(room) == 2
    room.desk.run_once()
    assert requests_of(room) == []
    assert count(room) == 2


def test_a_request_that_is_withdrawn_before_it_is_picked_up_is_not_done(room: Service) -> None:
    with closing(question(room)) as asking:
        assert asking.end()
        room.desk.run_once()
    assert count(room) == 1
    assert requests_of(room) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_command_that_ends_before_it_is_answered_leaves_nothing_behind(
    room: Service, given: Path, number: signal.Signals
) -> None:
    with command(room.settings, given=given) as process:
        asks(room)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert errors == "Interrupted; nothing was queued.\n"
    room.desk.run_once()
    assert count(room) == 1
    assert requests_of(room) == []


def test_without_an_answer_in_time_it_ends_with_six_and_nothing_is_queued_later(
    room: Service, given: Path
) -> None:
    with command(room.settings, "--timeout", "1", given=given) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 6
    assert "nothing was queued" in errors
    room.desk.run_once()
    assert count(room) == 1


def test_what_is_being_queued_cannot_be_taken_back_and_that_is_said(
    room: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SURE_SECONDS", 0)
    with closing(question(room, patience=0)) as waiting:
        (path,) = requests_of(room)
        path.rename(path.with_suffix(".sure"))
        with pytest.raises(NoAnswer) as caught:
            list(waiting.answers())
        assert not caught.value.withdrawn


def test_a_program_that_was_stopped_meanwhile_is_waited_for_and_not_replaced(settings: Settings) -> None:
    room = open_service(settings)
    with closing(question(room, patience=0.5, wait=True)) as waiting:
        answers = waiting.answers()
        room.desk.run_once()
        assert not next(answers).final
        room.close()
        with pytest.raises(NoAnswer) as caught:
            list(answers)
        assert not caught.value.withdrawn
        assert not waiting.own


def test_an_older_copy_that_was_put_back_is_noticed_before_anything_is_queued(settings: Settings) -> None:
    mark = {"attempt_id": 99, "at": "2026-11-23T05:00:00.000Z"}
    settings.database.with_suffix(".mark").write_text(json.dumps(mark))
    wish = Wish(TEMPLATE, "daftar.csv")
    with closing(Question(settings, wish, {LIST: io.BytesIO(GOOD.encode())}, 5)) as asking:
        assert [answer.outcome for answer in asking.answers()] == ["queued"]
    with closing(open_service(settings)) as room:
        found = [batch.counts for batch in batches.newest(room.store)]
    assert found == [{"queued": 2}, {"unknown": 2}]


def test_one_faulty_row_holds_back_the_whole_list(room: Service, tmp_path: Path) -> None:
    given = tmp_path / "salah.csv"
    given.write_text(BAD)
    with command(room.settings, given=given) as process:
        asks(room)
        room.desk.run_once()
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "row 4: email: No @ in the address\n" in errors
    assert "row 5: nama: Missing\n" in errors
    assert "4 rows: 2 good, 2 with faults. Nothing was queued." in errors
    assert "joko@" not in errors + out
    assert count(room) == 1
    assert count(room, "drafts") == 1  # that of the batch before


def test_with_only_good_the_others_are_told_and_left_out(room: Service) -> None:
    answer = asked(room, BAD, only_good=True)
    assert (answer.outcome, answer.size, answer.bad) == ("queued", 2, 2)
    assert {fault.row for fault in answer.faults} == {4, 5}
    nothing = asked(room, "email;nama;total\nrusak;A;1\n", only_good=True)
    assert nothing.outcome == "faults"


def test_who_is_on_the_do_not_mail_list_is_a_fault(room: Service) -> None:
    suppressions.add(room.store, ["ani@contoh.id"], "hand", "", 1, room.clock())
    answer = asked(room)
    assert answer.outcome == "faults"
    assert [(fault.row, fault.column) for fault in answer.faults] == [(3, "email")]


def test_cron_twice_sends_the_same_once_unless_it_says_again(room: Service) -> None:
    first = asked(room)
    # By content, whatever the file is called and however it is written.
    second = asked(room, GOOD.replace(";", ","), list_name="lain.csv")
    assert (second.outcome, second.batch_id) == ("sent_lately", 0)
    assert f"batch {first.batch_id} " in str(second.sentence)
    assert asked(room, dry_run=True).outcome == "sent_lately"
    assert count(room) == 2
    assert asked(room, GOOD.replace("Rp 2", "Rp 3")).outcome == "queued"
    assert asked(room, again=True).outcome == "queued"
    assert count(room) == 4


def test_two_commands_at_the_same_time_send_the_same_once(room: Service, given: Path) -> None:
    with command(room.settings, given=given) as one, command(room.settings, given=given) as two:
        asks(room, commands=2)
        room.desk.run_once()
        for each in (one, two):
            each.communicate(timeout=20)
    assert sorted([one.returncode, two.returncode]) == [0, 4]
    assert count(room) == 2


def test_a_dry_run_queues_nothing(room: Service) -> None:
    assert asked(room, dry_run=True).outcome == "checked"
    assert asked(room, BAD, dry_run=True).outcome == "faults"
    assert count(room) == 1
    assert count(room, "drafts") == 1


def test_an_admin_without_a_name_is_the_first_one_and_a_viewer_may_not(room: Service) -> None:
    assert asked(room, person=" SARI@contoh.id").outcome == "queued"
    assert [batch.created_by for batch in batches.newest(room.store)][:1] == ["Sari"]
    assert "may look, not send" in str(asked(room, person="vino@contoh.id").sentence)
    assert "Nobody of the team" in str(asked(room, person="siapa@contoh.id").sentence)


def test_a_person_who_was_shut_out_may_not(room: Service) -> None:
    with room.store.write() as db:
        db.execute(
            "UPDATE users SET disabled_at = created_at WHERE email IN ('sari@contoh.id', 'adi@contoh.id')"
        )
    assert "shut out" in str(asked(room, person="sari@contoh.id").sentence)
    assert "no admin" in str(asked(room).sentence)
    people.add(room.store, "dewi@contoh.id", "Dewi", "admin", "kereta api malam dewi", room.clock())
    assert asked(room).outcome == "queued"
    assert batches.newest(room.store)[0].created_by == "Dewi"


@pytest.mark.parametrize(
    ("options", "content", "said"),
    [
        ({"template": "tidak ada"}, GOOD, "no template called “tidak ada”. There are: Tagihan bulanan."),
        ({"sender": "lain@contoh.id"}, GOOD, "There are: Tim Tagihan <tagihan@contoh.id>."),
        ({"token": "Kedua"}, GOOD, "Usable ones: Utama."),
        ({"name": "x" * 121}, GOOD, "Name the batch"),
        ({}, "email;nama\nbudi@contoh.id;Budi\n", "No column of the list is called total."),
        ({}, "siapa;nama;total\nx;Budi;1\n", "No column holds email addresses."),
        ({}, "", "empty"),
        ({}, "\x89PNG\r\n\x1a\n" + "x" * 50, ""),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    room: Service, options: dict[str, str], content: str, said: str
) -> None:
    answer = asked(room, content, **options)
    assert answer.outcome == "unusable"
    assert said in str(answer.sentence)
    assert count(room) == 1


def test_a_template_is_found_by_its_name_in_any_script(room: Service) -> None:
    email_templates.save(room.store, None, "Pengumuman 公告 Ä", "Halo", "<p>{{ nama }}</p>", 1, room.clock())
    assert asked(room, template="pengumuman 公告 ä").outcome == "queued"


def test_of_several_senders_one_is_named(room: Service) -> None:
    identities.add(room.store, "tagihan@contoh.id", "Kantor", 1, room.clock())
    assert asked(room).outcome == "unusable"
    assert asked(room, sender="tagihan@contoh.id").outcome == "unusable"
    answer = asked(room, sender="Kantor <tagihan@contoh.id>")
    batch = batches.get(room.store, answer.batch_id)
    assert batch
    assert batch.sender_name == "Kantor"


def test_a_request_of_another_version_is_answered_and_done_by_nobody(room: Service) -> None:
    with closing(question(room)) as waiting:
        (path,) = requests_of(room)
        (path / spool.REQUEST).write_text('{"new_option": true}')
        room.desk.run_once()
        (answer,) = waiting.answers()
    assert answer.outcome == "unusable"
    assert "another version" in str(answer.sentence)


def test_an_error_of_its_own_is_answered_and_tried_once(
    room: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.shell.setup_of", broken)
    assert asked(room).outcome == "failed"
    assert count(room) == 1


def test_without_a_mailroom_or_in_another_account_it_says_so(
    room: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(Problem, match="belongs to another account"):
        question(room)
    environment = {**os.environ, "MAILROOM_DATA": str(tmp_path / "nowhere")}
    line = [sys.executable, "-m", "flask", "send", "--template", "x", "--recipients", "/dev/null"]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "There is no mailroom" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_what_was_left_half_written_is_cleared_away_in_time(
    room: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spool.folder_of(room.settings.database)
    (folder / "half.new").mkdir(parents=True)
    room.desk.run_once()
    assert len(requests_of(room)) == 1
    monkeypatch.setattr(spool, "WRITING_SECONDS", -1)
    room.desk.run_once()
    assert requests_of(room) == []


def test_what_needs_a_second_person_is_not_queued(room: Service) -> None:
    preferences.save(room.store, Preferences(approval_above=1), 1, room.clock())
    assert asked(room).outcome == "approval"
    assert asked(room, "email;nama;total\nbudi@contoh.id;Budi;1\n").outcome == "queued"
    assert count(room) == 2


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def live(tmp_path: Path, sandbox: Sandbox) -> Iterator[Live]:
    """A mailroom that sends."""
    with live_mailroom(tmp_path / "data", sandbox) as live:
        yield live


def test_with_wait_it_stays_until_all_is_handed_over(live: Live, given: Path) -> None:
    with command(live.service.settings, "--wait", given=given) as process:
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert out.endswith("2 handed over.\n")
    live.agrees()


def test_with_wait_it_ends_with_one_when_a_mail_was_refused(live: Live, tmp_path: Path) -> None:
    given = tmp_path / "daftar.csv"
    given.write_text(GOOD + "refused@sandbox.test;Siti;Rp 3\n")
    with command(live.service.settings, "--wait", given=given) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out.endswith("2 handed over, 1 refused.\n")


def test_with_wait_it_ends_when_nothing_goes_on_without_somebody(live: Live, given: Path) -> None:
    live.sandbox.revoke()
    with command(live.service.settings, "--wait", given=given) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out.endswith("0 handed over, 2 still wait.\n")
    assert "turned the token down" in errors


def test_interrupted_while_it_waits_the_batch_goes_on(live: Live, given: Path) -> None:
    live.sandbox.faults(latency_ms=3000)
    try:
        with command(live.service.settings, "--wait", given=given) as process:
            assert process.stdout
            assert "2 mails queued" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        assert process.returncode == 130
        assert errors == "Interrupted. Batch 1 is queued; what waits goes out while Mailroom runs.\n"
    finally:
        live.sandbox.reset_faults()
    live.wait(lambda: not live.batch(1).waiting)
    assert live.batch(1).handed_over == 2
