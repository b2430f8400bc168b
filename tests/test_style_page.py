"""The page Style: every part once, for admins; the contrasts that it shows are those of the stylesheet."""

import re
from collections.abc import Callable

from flask import Flask

from tests.house import Browser
from tests.page import faults
from views.style import STATES

Client = Callable[[str], Browser]


def test_every_state_that_pages_know_is_shown_with_what_it_means(app: Flask, client: Client) -> None:
    source = (app.jinja_env.loader or app.jinja_loader).get_source(app.jinja_env, "_parts.html")[0]  # type: ignore[union-attr]
    assert set(STATES) == set(re.findall(r'state == "(\w+)"', source))
    page = client("adi").get("/style/")
    assert faults(page) == []
    assert page.text.count('class="pill') >= len(STATES)
    assert "The gateway took the mail but could not deliver it." in page.text


def test_the_contrasts_are_told_for_both_themes(client: Client) -> None:
    found = [float(one) for one in re.findall(r"([\d.]+) : 1</td>", client("adi").get("/style/").text)]
    assert len(found) >= 20
    assert min(found) >= 4.5


def test_only_admins_are_shown_it(client: Client) -> None:
    assert client("sari").get("/style/").status_code == 403
