"""`python -m screens.lighthouse`: scores, shift and weight of seven pages on a first visit, each the median of runs."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from deploy.demo import free_port
from screens.pages import SCREENS
from screens.rooms import open_rooms
from tests.browser import CHROMIUM, QUIET

HERE = Path(__file__).parent
LIGHTHOUSE = HERE / "node_modules" / "lighthouse" / "cli" / "index.js"
PAGES = ("sign-in", "overview", "check", "batch", "history", "mail", "reports")
CATEGORIES = {"performance": 99, "accessibility": 100, "best-practices": 100}
# Everything that a first visit fetches, as it comes over the line.
MOST_BYTES = {"reports": 140_000}
MOST_BYTES_ELSEWHERE = 60_000


@dataclass(frozen=True)
class Run:
    """One look at a page. scores: by category, 0 to 100. shift: cumulative layout shift. size: bytes transferred."""

    scores: Mapping[str, float]
    shift: float
    size: float
    wrong: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when every page keeps to the limits, 1 when one does not."""
    parser = argparse.ArgumentParser(prog="python -m screens.lighthouse", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PAGES, default=PAGES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--preset", choices=("mobile", "desktop"), default="mobile")
    wanted = parser.parse_args(arguments)
    screens = {screen.name: screen for screen in SCREENS}
    failed = False
    print(
        f"{'page':12} {'performance':>11} {'accessibility':>13} {'best-practices':>14} {'shift':>6} {'kB':>6}"
    )
    with open_rooms() as rooms, _window() as (window, port):
        for name in wanted.only:
            screen = screens[name]
            room = rooms[screen.room]
            window.clear_cookies()
            if screen.who:
                room.sign_in(window, screen.who)
            url = room.url + screen.address(room.facts)
            failed |= not _told(name, [_run(url, port, wanted.preset) for _ in range(wanted.runs)])
    return 1 if failed else 0


@contextmanager
def _window() -> Iterator[tuple[BrowserContext, int]]:
    """A browser that Lighthouse can share, for its cookies to be sent with everything that a page fetches."""
    port = free_port(0)
    args = [*QUIET, f"--remote-debugging-port={port}"]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        window = playwright.chromium.launch_persistent_context(folder, executable_path=CHROMIUM, args=args)
        try:
            yield window, port
        finally:
            window.close()


def _run(url: str, port: int, preset: str) -> Run:
    command = ["node", str(LIGHTHOUSE), url, "--output=json", "--quiet", f"--port={port}"]
    command.append(f"--only-categories={','.join(CATEGORIES)}")
    if preset != "mobile":
        command.append(f"--preset={preset}")
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, Any] = json.loads(said)
    assert found["finalDisplayedUrl"] == url, found["finalDisplayedUrl"]
    print("\n".join(found["runWarnings"]), end="\n" if found["runWarnings"] else "", file=sys.stderr)
    audits = found["audits"]
    weighed = {
        one["id"] for kind in found["categories"].values() for one in kind["auditRefs"] if one["weight"] > 0
    }
    return Run(
        {name: 100 * (found["categories"][name]["score"] or 0) for name in CATEGORIES},
        audits["cumulative-layout-shift"]["numericValue"],
        audits["total-byte-weight"]["numericValue"],
        tuple(sorted(name for name in weighed if (audits[name]["score"] or 0) < 0.9)),
    )


def _told(name: str, runs: Sequence[Run]) -> bool:
    """Prints the medians of a page; whether it keeps to the limits."""
    scores = {kind: median(run.scores[kind] for run in runs) for kind in CATEGORIES}
    shift, size = median(run.shift for run in runs), median(run.size for run in runs)
    columns = (
        f"{scores['performance']:>11.0f} {scores['accessibility']:>13.0f} {scores['best-practices']:>14.0f}"
    )
    wrong = sorted({audit for run in runs for audit in run.wrong})
    print(f"{name:12} {columns} {shift:>6.3f} {size / 1000:>6.1f}  {', '.join(wrong)}", flush=True)
    good = all(scores[kind] >= least for kind, least in CATEGORIES.items())
    return good and size <= MOST_BYTES.get(name, MOST_BYTES_ELSEWHERE) and round(shift, 3) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
