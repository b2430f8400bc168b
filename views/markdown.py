"""Markdown as HTML, for the guide: its links lead to pages of the guide, and its pictures open large."""

from typing import Any

import mistune
from flask import url_for
from markupsafe import Markup, escape


def html(text: str, language: str, anchors: list[str]) -> Markup:
    """The text as HTML; what is HTML in it is shown as it is written.

    language: whose pictures it shows. anchors: of its headings of the second level, in their order.
    """
    written = mistune.Markdown(renderer=_Guide(language, anchors))(text)
    return Markup(written)  # noqa: S704 - mistune escapes all that it did not make itself


class _Guide(mistune.HTMLRenderer):
    def __init__(self, language: str, anchors: list[str]) -> None:
        super().__init__(escape=True)
        self._language, self._anchors = language, iter(anchors)

    def heading(self, text: str, level: int, **_attrs: Any) -> str:
        here = Markup(' id="{}"').format(next(self._anchors)) if level == 2 else ""
        return f"<h{level}{here}>{text}</h{level}>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not url.endswith(".md"):
            return super().link(text, url, title)
        return f'<a href="{escape(url_for("guide.one", page=url.removesuffix(".md")))}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        source = url_for("guide.picture", language=self._language, name=url.removesuffix(".png"))
        return Markup('<a href="{0}"><img src="{0}" alt="{1}"{2}></a>').format(
            source, text, Markup(' title="{}"').format(title) if title else ""
        )
