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


def expire(path: str, who: str, **fields: str) -> Callable[[Page], None]:
    """Sends the form of the page at `path` after the session ended, and signs in again: it is offered anew.

    who: an address and a password, for only a browser in which somebody signed in is offered anything.
    """
    email, _, password = who.partition(" ")

    def sign_in(page: Page) -> None:
        _type(page, FORM, {"email": email, "password": password})
        with page.expect_navigation():
            _send(page, FORM)

    def act(page: Page) -> None:
        home = page.evaluate("location.origin")
        page.context.clear_cookies()
        page.goto(home + "/sign-in")
        sign_in(page)
        page.goto(home + path)
        _type(page, FORM, fields)
        page.context.clear_cookies(name=SESSION)
        with page.expect_navigation():
            _send(page, FORM)
        sign_in(page)

    return act


def _type(page: Page, form: str, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        page.locator(form).first.locator(f"[name='{name}']").first.fill(value)


def _send(page: Page, form: str) -> None:
    page.locator(form).first.evaluate("(one) => { one.noValidate = true; one.requestSubmit() }")
