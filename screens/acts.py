"""What is done on a page before it is looked at."""

from collections.abc import Callable

from playwright.sync_api import Page

SESSION = "mailroom_session"
FORM = "main form"


def press(key: str) -> Callable[[Page], None]:
    """Presses a key."""
    return lambda page: page.keyboard.press(key)


def unfold(page: Page) -> None:
    """Opens everything that can be unfolded."""
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")


def fill(form: str = FORM, **fields: str) -> Callable[[Page], None]:
    """Fills in fields of the first such form and sends it, past the browser's own checks, to see what it says."""

    def act(page: Page) -> None:
        _type(page, form, fields)
        with page.expect_navigation():
            _send(page, form)

    return act


def expire(path: str, **fields: str) -> Callable[[Page], None]:
    """Sends the form of the page at `path` after the session ended, and signs in again: it is offered anew."""

    def act(page: Page) -> None:
        home = page.evaluate("location.origin")
        page.goto(home + path)
        cookies = page.context.cookies()
        _type(page, FORM, fields)
        page.context.clear_cookies(name=SESSION)
        with page.expect_navigation():
            _send(page, FORM)
        page.context.add_cookies([one for one in cookies if one["name"] == SESSION])  # type: ignore[misc]
        page.goto(home + "/again")

    return act


def _type(page: Page, form: str, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        page.locator(form).first.locator(f"[name='{name}']").first.fill(value)


def _send(page: Page, form: str) -> None:
    page.locator(form).first.evaluate("(one) => { one.noValidate = true; one.requestSubmit() }")
