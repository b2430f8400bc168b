"""How small it is: seconds until it answers, memory, what it uses while nothing happens, and what has to be installed.

Beside it two programs that listen too, each installed alone from PyPI into a folder in `.venv-bench`: Django's admin of
django-post_office, served by waitress as Mailroom is, whose sending is left to cron; and SahajMails, a local web app
for bulk mail by SMTP.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import requests

from bench import peers, post_office
from bench.machine import resident_mb, usage
from bench.visitor import sign_in
from mailroom import email_templates, identities, people, starter, tokens
from mailroom.service import open_service
from mailroom.settings import Settings
from tests.live import A_TOKEN
from tests.sandbox_server import ROOT

STARTS = 5
SETTLE_SECONDS = 5.0
IDLE_SECONDS = 60.0
LONGEST_START_SECONDS = 60.0
NOBODY = "http://127.0.0.1:9"  # a gateway that is never asked, for nothing is sent
# What Mailroom is to keep to: seconds, MB idle, % of a core idle, MB installed.
LIMITS = (2.0, 80.0, 1.0, 200.0)

EMAIL, PASSWORD = (
    "adi@contoh.id",
    "kereta api malam adi",
)  # of an account that lives as long as the measurement
PAGES = (
    "/", "/send/", "/batches/", "/history/", "/reports/", "/lists/", "/templates/", "/templates/new", "/do-not-mail/",
    "/gateway/", "/activity/", "/settings/", "/settings/machine/",
)  # fmt: skip
ADMIN = ("", "email/", "emailtemplate/", "emailtemplate/add/", "log/", "attachment/", "attachment/add/")


@dataclass(frozen=True)
class Program:
    """One that is measured.

    requirements: pip's arguments. command: what starts it on a port, with its Python and a folder of its own.
    prepare: fills that folder before. visit: asks for each main page of the one at an address once. first: the page
    that is waited for.
    """

    name: str
    requirements: Sequence[str]
    command: Callable[[str, int, Path], list[str]]
    visit: Callable[[str], None]
    prepare: Callable[[str, Path], None] = lambda _python, _folder: None
    environment: Mapping[str, str] = field(default_factory=dict)
    first: str = "/"


@dataclass(frozen=True)
class Small:
    """What was measured: seconds until the first answer, MB idle after the start and after a visit of each main page,
    % of a core while nothing happens, MB that are installed.
    """

    start: float
    idle_mb: float
    visited_mb: float
    cpu_percent: float
    installed_mb: float


def footprint() -> Iterator[str]:
    """How small each is: medians of five starts; a minute in which nobody asks; installed alone."""
    yield "| | first answer after s | MB idle | MB after each main page | % of a core idle | installed MB |"
    yield "|---|---|---|---|---|---|"
    missing = []
    for program in PROGRAMS:
        why = install(program)
        if why:
            missing.append(f"\n{program.name} could not be installed: {why}")
            continue
        found = measure(program)
        yield (
            f"| {program.name} | {found.start:.2f} | {found.idle_mb:.0f} | {found.visited_mb:.0f} "
            f"| {found.cpu_percent:.2f} | {found.installed_mb:.0f} |"
        )
    yield "| Mailroom is to keep to | {:.0f} | {:.0f} | | {:.0f} | {:.0f} |".format(*LIMITS)
    yield from missing


def install(program: Program) -> str:
    """Why it could not be installed alone, in a few words, or "" when it is there."""
    return peers.install("installed", program.requirements, _room(program))


def measure(program: Program) -> Small:
    """What it takes: the starts one after the other, the rest with the last one."""
    with tempfile.TemporaryDirectory(prefix="footprint-") as name:
        folder = Path(name)
        python = peers.python(_room(program))
        program.prepare(python, folder)
        starts = []
        for _ in range(STARTS - 1):
            with running(program, python, folder) as (_, _, took):
                starts.append(took)
        with running(program, python, folder) as (address, pid, took):
            starts.append(took)
            time.sleep(SETTLE_SECONDS)
            before, begun = usage(pid).cpu, time.monotonic()
            idle = resident_mb(pid)
            time.sleep(IDLE_SECONDS)
            percent = 100 * (usage(pid).cpu - before) / (time.monotonic() - begun)
            program.visit(address)
            visited = resident_mb(pid)
    return Small(median(starts), idle, visited, percent, installed_mb(_room(program)))


@contextmanager
def running(program: Program, python: str, folder: Path) -> Iterator[tuple[str, int, float]]:
    """The address and process id of the program, and the seconds it took to its first answer; ended afterwards."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, **program.environment, "HOME": str(folder), "MAILROOM_DATA": str(folder / "data"),
                   "MAILROOM_PORT": str(port)}  # fmt: skip
    begun = time.monotonic()
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            program.command(python, port, folder), cwd=ROOT, env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait(address + program.first, process, folder / "log")
            yield address, process.pid, time.monotonic() - begun
        finally:
            process.terminate()


def installed_mb(folder: Path) -> float:
    """The size of all files in a virtual environment, those of Python itself aside, in MB."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _room(program: Program) -> Path:
    return peers.VENV / ("alone-" + re.sub(r"\W+", "-", program.name.lower()))


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + LONGEST_START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        with suppress(requests.RequestException):
            if requests.get(url, timeout=LONGEST_START_SECONDS).status_code < 500:
                return
        time.sleep(0.01)


def _prepare_mailroom(_python: str, folder: Path) -> None:
    """A mailroom that could send: an admin, a token, a sender, a template."""
    service = open_service(Settings(gateway_url=NOBODY, data=folder / "data"))
    try:
        store, now = service.store, service.clock()
        people.add(store, EMAIL, "Adi", "admin", PASSWORD, now)
        tokens.add(store, service.keys, "Utama", A_TOKEN.encode(), 25, 1, now)
        identities.add(store, "tagihan@contoh.id", "Tim Tagihan", 1, now)
        email_templates.save(store, None, "Tagihan", starter.SUBJECT, starter.HTML, 1, now)
    finally:
        service.close()


def _visit_mailroom(address: str) -> None:
    visitor = sign_in(address, EMAIL, PASSWORD)
    for page in PAGES:
        visitor.get(page)
    visitor.close()


def _prepare_post_office(python: str, folder: Path) -> None:
    command = [python, "-m", "bench.footprint_worker", "prepare", str(folder), EMAIL, PASSWORD]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)


def _visit_post_office(address: str) -> None:
    with requests.Session() as session:
        form = session.get(f"{address}/admin/login/", timeout=60).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token, form
        data = {"csrfmiddlewaretoken": token[1], "username": EMAIL, "password": PASSWORD, "next": "/admin/"}
        assert "Log out" in session.post(f"{address}/admin/login/", data=data, timeout=60).text
        for page in ADMIN:
            answer = session.get(f"{address}/admin/post_office/{page}", timeout=60)
            assert answer.status_code == 200, page


def _visit_sahajmails(address: str) -> None:
    for page in ("/", "/static/js/app.js", "/static/js/api.js", "/static/css/app.css", "/health"):
        assert requests.get(address + page, timeout=60).status_code == 200, page


PROGRAMS = (
    Program(
        "Mailroom",
        ("--require-hashes", "-r", str(ROOT / "requirements.txt")),
        lambda python, _port, _folder: [python, "app.py"],
        _visit_mailroom,
        _prepare_mailroom,
        {"OCA_GATEWAY_URL": NOBODY},
        "/sign-in",
    ),
    Program(
        "django-post-office 3.12.0, its admin",
        (*post_office.PINNED, "waitress==3.0.2"),
        lambda python, port, folder: [
            python,
            "-m",
            "bench.footprint_worker",
            "serve",
            str(folder),
            str(port),
        ],
        _visit_post_office,
        _prepare_post_office,
        first="/admin/login/",
    ),
    Program(
        "SahajMails 2.0.2",
        ("sahajmails==2.0.2",),
        lambda python, port, _folder: [
            python,
            "-m",
            "sahajmails",
            "run",
            "--no-browser",
            "--port",
            str(port),
        ],
        _visit_sahajmails,
    ),
)

if __name__ == "__main__":
    sys.exit("run: python -m bench footprint")
