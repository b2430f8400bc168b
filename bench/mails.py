"""The mail and the recipients that imports and rendering are measured with: the bill of the gallery."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jinja2

from mailroom import compiling, email_templates, filters, gallery, identities, tokens
from mailroom.email_templates import Version
from mailroom.rendering import Renderer
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.house import add_people
from tests.live import A_TOKEN

PURPOSE = "Tagihan"
_STYLE = re.compile(r"<style.*?</style>", re.S)
COLUMNS = ("email", "nama", "nomor", "total", "jatuh_tempo")


def row(number: int) -> tuple[str, str, str, int, str]:
    """One recipient as a row of the list."""
    day = number % 28 + 1
    return (
        f"orang{number}@contoh.id",
        f"Orang {number}",
        f"INV-2026-{number:06}",
        1_000_000 + number,
        f"{day:02}/12/2026",
    )


def values(number: int) -> Mapping[str, str]:
    """The same recipient as values for the mail; every second one has a link to pay with."""
    found = dict(zip(COLUMNS, map(str, row(number)), strict=True)) | {"periode": "November 2026"}
    return found | ({"tautan": f"https://contoh.id/bayar/{number}"} if number % 2 else {})


def plain_html() -> str:
    """The mail as HTML, without the rules for dark screens and the month: nothing is left to be compiled."""
    html = _STYLE.sub("", html_of_bill())
    return html.replace("{{ periode }}", "November 2026")


@contextmanager
def prepared(html: str) -> Iterator[tuple[Service, Version]]:
    """A fresh mailroom that sends nothing, with people, a sender, a token and the mail with this HTML."""
    with tempfile.TemporaryDirectory(prefix="mailroom-bench-") as folder:
        service = open_service(Settings(gateway_url="http://127.0.0.1:9", data=Path(folder) / "data"))
        try:
            store, now = service.store, service.clock()
            add_people(service)
            identities.add(store, "tagihan@contoh.id", "Tim Tagihan", 1, now)
            tokens.add(store, service.keys, "Utama", A_TOKEN.encode(), 25, 1, now)
            yield service, email_templates.save(store, None, PURPOSE, "Tagihan {{ nomor }}", html, 1, now)
        finally:
            service.close()


def filler(way: str) -> Callable[[Mapping[str, str]], str]:
    """What fills the mail in: `mailroom`, `jinja2` or `replace`, which knows neither filters nor conditions."""
    subject, html = _bill().subject, html_of_bill()
    if way == "mailroom":
        renderer = Renderer(subject, html)
        return lambda filled: renderer.render(filled).html
    if way == "jinja2":
        environment = jinja2.Environment(autoescape=True)
        environment.filters.update(rupiah=filters.rupiah, tanggal=filters.tanggal)
        heading, body = environment.from_string(subject), environment.from_string(html)
        return lambda filled: heading.render(filled) and body.render(filled)
    places = {found.group(): found.group(1) for found in re.finditer(r"\{\{\s*(\w+)[^}]*\}\}", html)}
    return lambda filled: _replaced(html, {place: filled.get(name, "") for place, name in places.items()})


def _replaced(html: str, by_place: Mapping[str, str]) -> str:
    for place, value in by_place.items():
        html = html.replace(place, value)
    return html


def html_of_bill() -> str:
    """The bill of the gallery, compiled."""
    return compiling.compiled("mjml", _bill().mjml) or ""


def _bill() -> gallery.Starter:
    bill = gallery.starter("invoice-id")
    assert bill
    return bill
