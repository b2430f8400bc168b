"""The user guide inside the product: the files of docs/guide, in the language of the reader."""

import re
from pathlib import Path

from flask import Blueprint, Response, abort, send_from_directory
from flask_babel import get_locale

from views.here import show
from views.words import LANGUAGES

blueprint = Blueprint("guide", __name__, url_prefix="/guide")

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "guide"
PAGES = ("index", "sender", "admin", "viewer")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@blueprint.get("/", defaults={"page": "index"})
@blueprint.get("/<page>")
def one(page: str) -> Response:
    """A page of the guide."""
    if page not in PAGES:
        abort(404)
    # It takes 3 MB, which whoever never opens the guide need not pay.
    from views import markdown

    language = str(get_locale())
    title, _, body = text(language, page).partition("\n")
    return show(
        "guide/one.html",
        home=page == "index",
        title=title.removeprefix("# "),
        tasks=list(zip(anchors(page), headings(language, page), strict=True)),
        body=markdown.html(body, language, anchors(page)),
    )


@blueprint.get("/pictures/<language>/<name>.png")
def picture(language: str, name: str) -> Response:
    """A picture of the guide."""
    if language not in LANGUAGES:
        abort(404)
    return send_from_directory(FOLDER / language, f"{name}.png")


def text(language: str, page: str) -> str:
    """A page as it is written: Markdown, its title in the first line."""
    return (FOLDER / language / f"{page}.md").read_text(encoding="utf-8")


def headings(language: str, page: str) -> list[str]:
    """What each task of a page is called."""
    return _HEADING.findall(text(language, page))


def anchors(page: str) -> list[str]:
    """Where each task of a page begins: the same in every language, so that pages of the product can lead there."""
    return ["-".join(re.findall(r"\w+", heading.lower())) for heading in headings("en", page)]
