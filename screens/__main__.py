"""`python -m screens`: a picture of every screen, one folder for each width, theme and language."""

import argparse
import itertools
import re
import sys
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser, Error

from screens.pages import SCREENS, Screen
from screens.rooms import Name, Room, open_rooms
from screens.visitor import Lang, Look, Theme, visiting
from tests.browser import chromium
from tests.sandbox_server import ROOT

FOLDER = ROOT / ".screens"
WIDTHS = (360, 768, 1440)
# What the README shows.
DOCS = ("overview", "check", "batch", "mail")
DOCS_LOOK = Look(1440, "light", "en")
# The guide's are as wide as a page still looks as on a desk, so that they can be read in its column.
GUIDE = ROOT / "docs" / "guide"
GUIDE_WIDTH = 1000
_SHEET = (
    "body{font:13px sans-serif;display:grid;gap:16px;grid-template-columns:repeat(auto-fill,minmax(300px,1fr))}"
    "img{display:block;width:100%;max-height:420px;object-fit:cover;object-position:top;border:1px solid #999}"
)


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when every picture was taken, 1 when not, 2 for a name that no screen has."""
    parser = argparse.ArgumentParser(prog="python -m screens", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="screens whose names begin so")
    parser.add_argument("--width", type=int, nargs="+", choices=WIDTHS, default=WIDTHS)
    parser.add_argument("--theme", nargs="+", choices=get_args(Theme), default=get_args(Theme))
    parser.add_argument("--lang", nargs="+", choices=get_args(Lang), default=get_args(Lang))
    parser.add_argument(
        "--docs", action="store_true", help="only the four pictures of the README, into docs/"
    )
    parser.add_argument(
        "--guide", action="store_true", help="only the pictures that the guide shows, into docs/guide/"
    )
    wanted = parser.parse_args(arguments)
    chosen = [
        (number, screen)
        for number, screen in enumerate(SCREENS, 1)
        if not wanted.only or screen.name.startswith(tuple(wanted.only))
    ]
    if not chosen:
        print(f"No screen is called {' or '.join(wanted.only)}.", file=sys.stderr)
        return 2
    looks = [Look(*one) for one in itertools.product(wanted.width, wanted.theme, wanted.lang)]
    begun = time.monotonic()
    with open_rooms() as rooms, chromium() as browser:
        print(f"The mailrooms are ready after {time.monotonic() - begun:.0f} s.", flush=True)
        if wanted.docs:
            _for_the_readme(browser, rooms)
            return 0
        if wanted.guide:
            _for_the_guide(browser, rooms)
            return 0
        failed = []
        for look in looks:
            failed += _shoot(browser, rooms, look, chosen)
            print(f"{FOLDER / look.folder}/index.html after {time.monotonic() - begun:.0f} s", flush=True)
    print("\n".join(failed), end="\n" if failed else "", file=sys.stderr)
    return 1 if failed else 0


def _shoot(
    browser: Browser, rooms: Mapping[Name, Room], look: Look, chosen: Sequence[tuple[int, Screen]]
) -> list[str]:
    """Takes a picture of each screen; what went wrong, a line for each that could not be taken."""
    folder = FOLDER / look.folder
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    with visiting(browser, rooms, look) as visitor:
        for number, screen in chosen:
            path = folder / f"{number:03}-{screen.name}.png"
            # Its number changes when screens are added before it.
            for old in folder.glob(f"[0-9][0-9][0-9]-{screen.name}.png"):
                old.unlink()
            try:
                visitor.open(screen).screenshot(path=path, full_page=True, animations="disabled")
            except (AssertionError, Error) as error:
                failed.append(f"{look.folder}: {screen.name}: {error}")
    _sheet(folder)
    return failed


def _sheet(folder: Path) -> None:
    """All pictures of a folder on one page, to look through."""
    pictures = "\n".join(
        f'<a href="{escape(path.name)}"><img src="{escape(path.name)}" alt="" loading="lazy">{escape(path.stem)}</a>'
        for path in sorted(folder.glob("*.png"))
    )
    (folder / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>{folder.name}</title><style>{_SHEET}</style>\n{pictures}\n"
    )


def _for_the_readme(browser: Browser, rooms: Mapping[Name, Room]) -> None:
    with visiting(browser, rooms, DOCS_LOOK) as visitor:
        for screen in SCREENS:
            if screen.name in DOCS:
                visitor.open(screen).screenshot(path=ROOT / "docs" / f"{screen.name}.png")


def in_the_guide(language: Lang) -> set[str]:
    """The names of the screens that the guide shows in a language."""
    return {
        name
        for path in (GUIDE / language).glob("*.md")
        for name in re.findall(r"!\[[^\]]*\]\(([\w-]+)\.png\)", path.read_text())
    }


def _for_the_guide(browser: Browser, rooms: Mapping[Name, Room]) -> None:
    for language in get_args(Lang):
        with visiting(browser, rooms, Look(GUIDE_WIDTH, "light", language)) as visitor:
            for screen in SCREENS:
                if screen.name in in_the_guide(language):
                    page = visitor.open(screen)
                    page.screenshot(path=GUIDE / language / f"{screen.name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
