"""Reads an answer as a careful visitor would: what every page must have, and what it must not."""

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from werkzeug.test import TestResponse

VOID = {"input", "link", "meta", "img", "br", "hr", "use", "rect", "base", "col", "wbr", "area", "source"}


@dataclass
class Found(HTMLParser):
    """Everything about a page that the rules below ask for."""

    ids: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    labelled: set[str] = field(default_factory=set)
    inputs: list[dict[str, str | None]] = field(default_factory=list)
    forms: list[dict[str, str | None]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        # A drawing has titles too: what is said when the mouse is over one of its shapes.
        if not (tag == "title" and "svg" in self.open):
            self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if identifier := found.get("id"):
            self.ids[identifier] += 1
        if tag == "label" and found.get("for"):
            self.labelled.add(str(found["for"]))
        if tag in ("input", "select", "textarea") and found.get("type") not in ("hidden", "submit"):
            self.inputs.append(found)
        if tag == "form":
            self.forms.append(found)
        self.faults += [f"{tag} has {name}" for name in found if name == "style" or name.startswith("on")]
        if tag == "script" and not found.get("src"):
            self.faults.append("a script inside the page")
        if tag == "iframe" and "sandbox" not in found:
            self.faults.append("a frame without a sandbox")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing that is open")


def faults(answer: TestResponse, whole: bool = True) -> list[str]:
    """What is wrong with a page; empty when nothing is. whole: False for a fragment."""
    found = Found()
    found.feed(answer.text)
    wrong = list(found.faults)
    wrong += [f"id {name} stands {n} times" for name, n in found.ids.items() if n > 1]
    wrong += [
        f"no label for {one.get('name')}"
        for one in found.inputs
        if one.get("id") not in found.labelled and not one.get("aria-label")
    ]
    wrong += ["a form without an action" for form in found.forms if not form.get("action")]
    if whole:
        wrong += [f"{n} <{tag}>" for tag in ("h1", "title", "main") if (n := found.tags[tag]) != 1]
        if not re.search(r"<title>\S", answer.text):
            wrong.append("an empty title")
        if found.open:
            wrong.append(f"never closed: {found.open}")
    policy = answer.headers.get("Content-Security-Policy", "")
    if "script-src 'self'" not in policy or "unsafe" in policy:
        wrong.append(f"policy: {policy or 'none'}")
    if re.search(r"%\(\w+\)s", answer.text):
        wrong.append("a sentence with an unfilled hole")
    return wrong
