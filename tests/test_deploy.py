"""What installs and runs Mailroom on a machine agrees with the program, and takes nothing from it that it needs."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import oca
from tests.sandbox_server import ROOT
from views.access import MAX_SEND_REQUEST_BYTES

DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "mailroom.service").read_text()
INSTALL = (DEPLOY / "install").read_text()
GUIDE = (ROOT / "docs" / "install.md").read_text()
SCRIPTS = [DEPLOY / name for name in ("install", "uninstall", "mailroom")]


def of_unit(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_run_and_shellcheck_finds_nothing(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_everything_the_program_is_made_of_is_installed() -> None:
    (copied,) = re.findall(r"-cf - (.*?) \|", INSTALL.replace("\\\n", " "), re.DOTALL)
    there = set(copied.split())
    assert all((ROOT / name).exists() for name in there)
    imported = {
        node.module.partition(".")[0]
        for path in [ROOT / "app.py", *(ROOT / "views").glob("*.py"), *(ROOT / "mailroom").glob("*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    needed = {name for name in imported if (ROOT / name).is_dir()}
    assert needed == {"mailroom", "oca", "views"}
    assert there >= needed | {
        "app.py",
        "templates",
        "static",
        "translations",
        "requirements.txt",
        "CHANGELOG.md",
    }


def test_a_stop_waits_as_long_as_an_answer_may_take() -> None:
    connect, read = inspect.signature(oca.Client).parameters["timeout"].default
    # Once for the first byte, and as long again for the rest.
    assert int(of_unit("TimeoutStopSec")) > connect + 2 * read
    assert of_unit("KillSignal") == "SIGTERM"
    assert of_unit("KillMode") == "mixed"
    assert f"at most\n{of_unit('TimeoutStopSec')};" in GUIDE


def test_service_settings_and_commands_speak_of_the_same_places() -> None:
    settings = dict(
        line.split("=", 1)
        for line in (DEPLOY / "mailroom.env").read_text().splitlines()
        if line[:1].isalpha()
    )
    known = set(re.findall(r'"((?:MAILROOM|OCA)_[A-Z_]+)"', (ROOT / "mailroom" / "settings.py").read_text()))
    set_by_install = set(re.findall(r"set_setting ([A-Z_]+)", INSTALL))
    assert (set(settings) | set_by_install) <= known
    assert settings["MAILROOM_DATA"] == f"/var/lib/{of_unit('StateDirectory')}"
    assert of_unit("EnvironmentFile") == "/etc/mailroom/mailroom.env"
    assert of_unit("ExecStart").startswith(of_unit("WorkingDirectory") + "/")
    for place in (settings["MAILROOM_DATA"], of_unit("EnvironmentFile"), of_unit("WorkingDirectory")):
        assert place in GUIDE
        assert place in INSTALL or place.rpartition("/")[0] in INSTALL


def test_the_web_server_lets_through_what_the_program_takes() -> None:
    caddy = (DEPLOY / "mailroom.caddy").read_text()
    assert f"max_size {MAX_SEND_REQUEST_BYTES // 1_000_000}MB" in caddy
    assert "not path /u/* /static/*" in caddy


def test_every_command_and_file_the_guide_names_exists() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in re.findall(r"(?:`|^ {4})mailroom ([a-z-]+)", GUIDE, re.MULTILINE):
        assert re.search(rf"^  {name} ", listed, re.MULTILINE), name
    for link in re.findall(r"\]\(([^)#]+)", GUIDE):
        assert "://" in link or (ROOT / "docs" / link).exists(), link
    for anchor in re.findall(r"\]\(#([^)]+)", GUIDE):
        assert re.search(rf"^## {anchor.replace('-', ' ')}$", GUIDE, re.MULTILINE | re.IGNORECASE), anchor


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_service_may_do_little_but_what_it_has_to() -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(DEPLOY / "mailroom.service")]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    exposure = re.search(r"exposure level for mailroom.service: ([0-9.]+)", told)
    assert exposure, told
    assert float(exposure[1]) <= 2.0


# What is written may not be run: systemd asks the kernel for it with the same call (MemoryDenyWriteExecute).
CONFINED = """
import ctypes, os, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
WORK = """
import app
from mailroom import compiling, passwords, workbooks
from tests.workbook_files import xlsx
app._share_one_heap()
assert passwords.fits(passwords.hashed("kereta api malam"), "kereta api malam")
assert list(workbooks.read(xlsx([["email"], ["joko@contoh.id"]])).rows())
assert "style=" in compiling.compiled("html", "<style>p { color: red }</style><p>Halo</p>")
"""


def test_libraries_and_children_work_where_nothing_written_may_be_run() -> None:
    command = [sys.executable, "-c", CONFINED, WORK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel does not know it")
    assert done.returncode == 0, done.stderr
