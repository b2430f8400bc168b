"""A real browser for tests: Debian's Chromium, a console that has to stay empty, screenshots to look at."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.sandbox_server import ROOT, Sandbox

CHROMIUM = "/usr/bin/chromium-headless-shell"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = ROOT / "tests" / "screens"
DESK = (1440, 900)
PHONE = (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(
    browser: Browser,
    size: tuple[int, int] = DESK,
    dark: bool = False,
    script: bool = True,
    shut_out: bool = False,
) -> Iterator[Page]:
    """A fresh browser window; afterwards nothing may stand in its console.

    shut_out: whether somebody is shut out while a page of theirs asks again, which Chromium notes as well.
    """
    said: list[str] = []
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        accept_downloads=True,
    )
    context.on("console", lambda message: said.append(_line(message)))
    context.on("weberror", lambda error: said.append(str(error.error)))
    page = context.new_page()
    page.set_default_timeout(15_000)
    try:
        yield page
    finally:
        context.close()
    # A form that is refused answers 422, which Chromium notes like a fault.
    known = ("status of 422", "status of 401") if shut_out else ("status of 422",)
    left = [line for line in said if not any(one in line for one in known)]
    assert left == [], left


def _line(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text} ({message.page.url if message.page else ''})"


def shoot(page: Page, name: str, whole: bool = True) -> None:
    """A picture of the whole page, or of what the window shows of it, in tests/screens/."""
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=whole)


@contextmanager
def running_dashboard(folder: Path, sandbox: Sandbox) -> Iterator[str]:
    """Starts `python app.py` as an admin would; gives the one-time set-up link that it prints."""
    environment = {
        **os.environ,
        "OCA_GATEWAY_URL": sandbox.url,
        "MAILROOM_SANDBOX": "1",
        "MAILROOM_DATA": str(folder),
        "MAILROOM_PORT": "0",
    }
    command = [sys.executable, "app.py"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = process.stdout.readline() + process.stdout.readline()
            found = re.search(r"http://\S+/setup/\S+", printed)
            assert found, printed
            yield found.group()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=90) == 0
