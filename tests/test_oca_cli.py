"""`python -m oca` end to end, against the sandbox."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox_server import Sandbox, running_sandbox

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


class Shell:
    """A folder with a token file and a mail, and the environment of somebody who works there."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.folder = folder
        (folder / "token.txt").write_text(sandbox.token() + "\r\n")
        (folder / "mail.html").write_text("<p>Halo 😀</p>", "utf-8")
        self.settings = {
            "OCA_TOKEN_FILE": "token.txt",
            "OCA_GATEWAY_URL": sandbox.url,
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "oca", *arguments]
        environment = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **self.settings}
        return subprocess.run(
            command, cwd=self.folder, env=environment, input=given, capture_output=True, text=True, timeout=60
        )

    def send(self, to: str, *more: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        sender = ("--sender-email", "tim@contoh.id", "--sender-name", "Tim", "--subject", "Tagihan")
        return self.run(
            "send", "--to", to, *sender, "--html", "-" if given else "mail.html", *more, given=given
        )


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    sandbox.clear()
    return Shell(sandbox, tmp_path)


def test_a_mail_is_sent_followed_and_found_in_the_history(shell: Shell, sandbox: Sandbox) -> None:
    (shell.folder / "tagihan.pdf").write_bytes(b"%PDF")
    sent = shell.send("bounced@sandbox.test", "--attach", "tagihan.pdf")
    assert (sent.returncode, sent.stderr) == (0, "")
    (mail,) = sandbox.ledger()
    assert sent.stdout.strip() == mail["msg_id"]
    assert (mail["attachment_name"], mail["attachment_bytes"]) == ("tagihan.pdf", 4)
    status = shell.run("status", mail["msg_id"])
    assert status.returncode == 0
    assert status.stdout.split("\t")[0] == mail["msg_id"]
    history = shell.run("history", "--limit", "5")
    assert history.returncode == 0
    assert mail["msg_id"] in history.stdout
    assert history.stderr == "Page 1 of 1.\n"


def test_the_content_may_come_from_stdin(shell: Shell, sandbox: Sandbox) -> None:
    assert shell.send("joko@contoh.id", given="<p>é</p>").returncode == 0
    assert sandbox.ledger()[0]["body_bytes"] == len("<p>é</p>".encode())


def test_attempts_are_kept_in_the_folder_or_where_asked(shell: Shell) -> None:
    shell.send("joko@contoh.id")
    shell.send("joko@contoh.id", "--audit", "other.db")
    shell.settings["OCA_AUDIT"] = "third.db"
    shell.send("joko@contoh.id")
    for name in ("oca-audit.db", "other.db", "third.db"):
        db = sqlite3.connect(shell.folder / name)
        assert db.execute("SELECT outcome FROM attempts").fetchall() == [("accepted",)]
        db.close()


def test_a_refused_mail_ends_with_1_and_says_why(shell: Shell) -> None:
    done = shell.send("refused@sandbox.test")
    assert (done.returncode, done.stdout) == (1, "")
    first, advice = done.stderr.splitlines()
    assert "email: " in first
    assert advice.startswith("Correct what the gateway names")


def test_a_mail_that_may_have_left_ends_with_3(shell: Shell) -> None:
    done = shell.send("maybe@sandbox.test")
    assert done.returncode == 3
    assert "may have left" in done.stderr


def test_a_look_up_that_fails_ends_with_1_since_it_sends_nothing(shell: Shell) -> None:
    assert shell.run("status", "nobody-knows").returncode == 1


def test_an_unreachable_gateway_ends_with_1(shell: Shell) -> None:
    done = shell.send("joko@contoh.id", "--base-url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "did not leave" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "required"),
        (("send", "--to", "x"), "required"),
        (("status", "m1", "--token-file", "missing.txt"), "missing.txt"),
        (("status", "m1", "--token-file", "mail.html"), "not an OCA token"),
        (("status", "m1", "--token-file", ""), "--token-file"),
        (("status", "m1", "--base-url", "http://contoh.id"), "https"),
        (("status", ".."), "not the id"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(
    shell: Shell, arguments: tuple[str, ...], sentence: str
) -> None:
    done = shell.run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_subject_with_a_line_break_is_refused_before_anything_leaves(
    shell: Shell, sandbox: Sandbox
) -> None:
    done = shell.send("joko@contoh.id", "--subject", "a\nBcc: b")
    assert done.returncode == 2
    assert sandbox.summary()["requests"] in ({}, {"send": 0, "status": 0, "history": 0})


def test_the_token_is_no_argument_and_on_no_screen(shell: Shell) -> None:
    secret = (shell.folder / "token.txt").read_text().strip()
    for done in (shell.send("joko@contoh.id"), shell.send("html@sandbox.test"), shell.run("send", "--help")):
        assert secret not in json.dumps([done.args, done.stdout, done.stderr])
    assert "--token " not in done.stdout
