"""What the browser is given: nothing from elsewhere, nothing inline, colours that can be read."""

import gzip
import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "static"
PAGES = sorted((ROOT / "templates").rglob("*.html"))
OURS = {
    "README.md",
    "mailroom.css",
    "templates.css",
    "editor.js",
    "keys.js",
    "print.js",
    "copy.js",
    "passkeys.js",
    "favicon.svg",
}
CSS = (STATIC / "mailroom.css").read_text()
SVG = "{http://www.w3.org/2000/svg}"


def in_pages(pattern: str) -> list[str]:
    """Every match in a page template, as `file: match`. Comments of the template language do not count."""
    found = []
    for page in PAGES:
        text = re.sub(r"\{#.*?#\}", "", page.read_text(), flags=re.DOTALL)
        for match in re.finditer(pattern, text, re.IGNORECASE):
            found.append(f"{page.relative_to(ROOT)}: {match.group(0)}")
    return found


def sprite_names() -> list[str]:
    return [symbol.attrib["id"] for symbol in ElementTree.parse(STATIC / "icons.svg").iter(f"{SVG}symbol")]


def test_every_vendored_file_is_the_one_the_readme_names() -> None:
    sums = dict(re.findall(r"^([0-9a-f]{64})  (\S+)$", (STATIC / "README.md").read_text(), re.MULTILINE))
    files = {path.name for path in STATIC.iterdir()} - OURS
    assert set(sums.values()) == files
    for digest, name in sums.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest, name


def test_no_page_and_no_stylesheet_refers_to_another_host() -> None:
    assert in_pages(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?:https?:)?//""") == []
    for name in ("mailroom.css", "templates.css"):
        assert re.findall(r"url\(|@import|//\w", (STATIC / name).read_text()) == [], name
    sprite = (STATIC / "icons.svg").read_text() + (STATIC / "favicon.svg").read_text()
    assert re.findall(r"href|https?://(?!www\.w3\.org/2000/svg)", sprite) == []


def test_no_page_carries_inline_style_or_script() -> None:
    assert in_pages(r"\sstyle\s*=|<style\b|\son[a-z]+\s*=|javascript:|<script(?![^>]*\ssrc=)") == []


def test_no_page_uses_words_htmx_4_dropped_or_the_house_leaves_out() -> None:
    words = r"hx-disabled-elt|hx-ext\b|hx-boost|hx-on\b|htmx:(?:after|before)[A-Z]|[\"']js:"
    assert in_pages(f"(?-i:{words})") == []


def test_every_icon_a_page_names_is_in_the_sprite() -> None:
    names = sprite_names()
    assert sorted(set(names)) == sorted(names)
    used = in_pages(r"""(?:\bicon\(|\bicon=)["'][\w-]+""")
    assert [use for use in used if re.split(r"[\"']", use)[1] not in names] == []


@pytest.mark.parametrize("name", ["editor.js", "keys.js", "print.js", "copy.js", "passkeys.js"])
def test_our_own_scripts_make_no_html_of_text_and_ask_no_server(name: str) -> None:
    script = (STATIC / name).read_text()
    words = r"innerHTML|insertAdjacent|outerHTML|eval|Function\(|fetch|XMLHttp|import|\.style\b"
    assert re.findall(words, script) == []
    assert len(gzip.compress(script.encode())) <= 4_000


def test_the_stylesheet_stays_small() -> None:
    assert len(gzip.compress(CSS.encode())) <= 12_000


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


STATES = ("wait", "go", "ask", "good", "seen", "warn", "bad")
ON_PAGE = [
    (word, ground) for word in ("ink", "soft", "accent", "good", "bad") for ground in ("paper", "card")
]
WORDS = [
    *ON_PAGE,
    *((state, f"{state}-ground") for state in STATES),
    *(("ink", ground) for ground in ("wait-ground", "bad-ground", "accent-ground", "go-ground")),
    ("soft", "accent-ground"),
    ("accent", "accent-ground"),
    ("accent", "wait-ground"),
    ("on-accent", "accent"),
    ("warn", "paper"),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("word", "ground"), WORDS)
def test_every_word_can_be_read_on_its_ground(word: str, ground: str, theme: int) -> None:
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
    tokens = {name: values for name, *values in pairs}
    assert contrast(tokens[word][theme], tokens[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_edge_of_a_form_field_can_be_seen(theme: int) -> None:
    edge, card, paper = (
        re.findall(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CSS)[0][theme]
        for name in ("edge", "card", "paper")
    )
    assert contrast(edge, card) >= 3
    assert contrast(edge, paper) >= 3
