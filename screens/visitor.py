"""Opens a screen in Chromium as the person who would see it, in one width, theme and language."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page

from screens.pages import Screen
from screens.rooms import Name, Room

Theme = Literal["light", "dark"]
Lang = Literal["en", "id"]
HEIGHTS = {360: 780, 768: 1024, 1000: 700, 1440: 900}


@dataclass(frozen=True)
class Look:
    """How pages are looked at. width: of the window, in CSS pixels."""

    width: int
    theme: Theme
    lang: Lang

    @property
    def folder(self) -> str:
        return f"{self.width}-{self.theme}-{self.lang}"


class Visitor:
    """One window for each person and mailroom, opened when first needed and used again."""

    def __init__(
        self, browser: Browser, rooms: Mapping[Name, Room], look: Look, script: Path | None = None
    ) -> None:
        self._browser, self._rooms, self._look, self._script = browser, rooms, look, script
        self._pages: dict[tuple[Name, str], Page] = {}

    def open(self, screen: Screen) -> Page:
        """The page as the screen describes it, loaded and in its state. Fails when it answers otherwise."""
        room = self._rooms[screen.room]
        page = self._page(screen.room, screen.who)
        answer = page.goto(room.url + screen.address(room.facts))
        assert answer, screen.name
        assert answer.status == screen.status, f"{screen.name}: {answer.status} at {answer.url}"
        if screen.act:
            screen.act(page)
            page.wait_for_load_state()
        return page

    def close(self) -> None:
        """Closes every window."""
        for page in self._pages.values():
            page.context.close()

    def _page(self, name: Name, who: str) -> Page:
        if (name, who) not in self._pages:
            self._pages[name, who] = self._window(self._rooms[name], who).new_page()
        return self._pages[name, who]

    def _window(self, room: Room, who: str) -> BrowserContext:
        window = self._browser.new_context(
            viewport={"width": self._look.width, "height": HEIGHTS[self._look.width]},
            color_scheme=self._look.theme,
            reduced_motion="reduce",
            locale="id-ID" if self._look.lang == "id" else "en-GB",
        )
        if self._script:
            window.add_init_script(path=self._script)
        window.set_default_timeout(30_000)
        if who:
            room.sign_in(window, who)
        return window


@contextmanager
def visiting(
    browser: Browser, rooms: Mapping[Name, Room], look: Look, script: Path | None = None
) -> Iterator[Visitor]:
    """A visitor whose windows are closed afterwards. script: a file that every page runs first."""
    visitor = Visitor(browser, rooms, look, script)
    try:
        yield visitor
    finally:
        visitor.close()
