"""Every screen under axe-core: nothing that a screen reader, a keyboard or weak eyes would stumble over."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from screens.pages import SCREENS
from screens.rooms import Name, Room, open_rooms
from screens.visitor import Look, Theme, Visitor, visiting
from tests.browser import DESK, chromium

PHONE = (360, 780)
VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe-core-4.14.1.min.js"
# Of npm `axe-core` 4.14.1, `axe.min.js`, unchanged; MPL-2.0. For tests alone: nothing of it is served.
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Frames hold mails, which are what their authors made them.
OPTIONS = {"iframes": False, "resultTypes": ["violations"]}
# What can differ between a desk by day and a phone by night, when the page is the same.
LOOKS = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def rooms() -> Iterator[Mapping[Name, Room]]:
    with open_rooms() as rooms:
        yield rooms


@pytest.fixture(scope="module")
def visitor(browser: Browser, rooms: Mapping[Name, Room]) -> Iterator[Visitor]:
    with visiting(browser, rooms, Look(1440, "light", "en"), AXE) as visitor:
        yield visitor


def violations(page: Page, run_only: list[str]) -> list[str]:
    """What axe finds, a line for each element."""
    found = page.evaluate(
        "options => axe.run(document, options).then((all) => all.violations)", OPTIONS | {"runOnly": run_only}
    )
    return [
        f"{one['id']}: {node['target'][0]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for one in found
        for node in one["nodes"]
    ]


def test_axe_is_the_one_that_was_published() -> None:
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == SHA256


def test_no_screen_has_a_violation_by_day_at_a_desk_or_by_night_on_a_phone(visitor: Visitor) -> None:
    wrong: dict[str, list[str]] = defaultdict(list)
    for screen in SCREENS:
        page = visitor.open(screen)
        for line in violations(page, TAGS):
            wrong[line].append(screen.name)
        look(page, PHONE, "dark")
        for line in violations(page, LOOKS):
            wrong[line].append(f"{screen.name} (phone)")
        look(page, DESK, "light")
    assert not wrong, "\n".join(f"{line} on {', '.join(names)}" for line, names in wrong.items())


def look(page: Page, size: tuple[int, int], theme: Theme) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    # Without motion nothing fades from one theme to the other while it is looked at.
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
