"""The list of screens: no page that answers a GET is left out of the pictures and of what is tested with them."""

import re

from flask import Flask

from screens.pages import NO_SCREENS, SCREENS


def gets(app: Flask) -> set[str]:
    """Every endpoint that answers a GET."""
    return {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}


def shown(app: Flask) -> set[str]:
    """The endpoints that the screens show."""
    urls = app.url_map.bind("127.0.0.1")
    paths = [re.sub(r"\{\w+\}", "1", screen.path).partition("?")[0] for screen in SCREENS]
    return {urls.match(path)[0] for path in paths if urls.test(path)}


def test_every_page_that_somebody_may_get_is_among_the_screens(app: Flask) -> None:
    assert sorted(gets(app) - shown(app) - set(NO_SCREENS)) == []


def test_what_is_said_to_be_no_screen_is_there_and_is_none(app: Flask) -> None:
    assert set(NO_SCREENS) <= gets(app)
    assert set(NO_SCREENS) & shown(app) == set()


def test_a_page_that_is_missing_from_the_list_is_noticed(app: Flask) -> None:
    app.add_url_rule("/baru", "baru.index", lambda: "isi")
    assert gets(app) - shown(app) - set(NO_SCREENS) == {"baru.index"}


def test_no_two_screens_have_the_same_name() -> None:
    names = [screen.name for screen in SCREENS]
    assert sorted(set(names)) == sorted(names)
