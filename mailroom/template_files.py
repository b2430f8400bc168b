"""A template as one text file, to be kept, handed on and brought back: a few lines about it, then the mail itself."""

import re
from dataclasses import dataclass

from mailroom.compiling import Kind
from mailroom.email_templates import Version
from mailroom.rendering import MAX_HTML_BYTES, TemplateProblem
from oca.words import N_

_RULE = "---"
_LINE = re.compile(r"(?P<key>name|subject|kind|marketing): ?(?P<value>.*)")

_TOO_LARGE = N_(
    "The file is larger than %(limit)s kB. A template is text; put large pictures on your web site."
)
_NO_TEXT = N_("The file holds no text. Choose one that was exported here, or an HTML or MJML file.")
_NO_END = N_("The lines at the top of the file have no end: a line “---” is missing before the mail.")
_STRANGE_LINE = N_(
    "Line %(number)s of the file, “%(found)s”, is none of name:, subject:, kind: html, kind: mjml, marketing: yes and "
    "marketing: no."
)


@dataclass(frozen=True)
class Imported:
    """What a file holds, not yet checked or kept. name, subject: "" where the file does not say."""

    name: str
    subject: str
    kind: Kind
    marketing: bool
    html: str


def export(version: Version) -> str:
    """The version as the text of a file, which `imported` reads back to the letter."""
    marketing = "yes" if version.marketing else "no"
    head = f"name: {version.template_name}\nsubject: {version.subject}\nkind: {version.kind}\nmarketing: {marketing}"
    return f"{_RULE}\n{head}\n{_RULE}\n{version.html}"


def imported(text: str) -> Imported:
    """What the text of a file holds; one that is HTML or MJML and nothing else will do.

    Raises TemplateProblem, beside `file`, for what is no template.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > 2 * MAX_HTML_BYTES:
        raise TemplateProblem(_TOO_LARGE, "file", limit=2 * MAX_HTML_BYTES // 1000)
    if not text.strip() or "\x00" in text:
        raise TemplateProblem(_NO_TEXT, "file")
    if not text.startswith(_RULE + "\n"):
        return Imported(
            "", "", "mjml" if re.match(r"\s*(<!--.*?-->\s*)?<mjml", text, re.DOTALL) else "html", False, text
        )
    head, end, html = text[len(_RULE) + 1 :].partition(f"\n{_RULE}\n")
    if not end:
        raise TemplateProblem(_NO_END, "file")
    said = dict(_said(line, number) for number, line in enumerate(head.split("\n"), 2) if line.strip())
    kind: Kind = "mjml" if said.get("kind") == "mjml" else "html"
    return Imported(said.get("name", ""), said.get("subject", ""), kind, said.get("marketing") == "yes", html)


def _said(line: str, number: int) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    known = {"kind": ("html", "mjml"), "marketing": ("yes", "no")}
    if found is None or found["value"].strip() not in known.get(found["key"], (found["value"].strip(),)):
        raise TemplateProblem(_STRANGE_LINE, "file", number, number=number, found=line[:60])
    return found["key"], found["value"].strip()
