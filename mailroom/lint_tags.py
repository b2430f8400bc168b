"""Tags that mail programs drop, block or show badly: pictures, links, scripts and what was never closed."""

import html as entities
import re
from collections.abc import Iterable, Iterator

from mailroom.lint_fields import Finding
from mailroom.markup import Attribute, Part, Tag
from mailroom.problems import say
from oca.words import N_

_IMAGES = {"img": "src", "mj-image": "src", "mj-carousel-image": "src"}
_BACKGROUNDS = ("mj-section", "mj-wrapper", "mj-hero")
_LINKS = frozenset(("a", "area", "mj-button", "mj-navbar-link", "mj-image"))
_GOOD_SCHEMES = ("http", "https", "mailto", "tel")
_DANGEROUS = ("javascript", "vbscript", "data")
_DROPPED = frozenset(
    (
        "form",
        "input",
        "select",
        "textarea",
        "iframe",
        "object",
        "embed",
        "video",
        "audio",
        "base",
        "applet",
        "frame",
    )
)
# Those that change all that follows when they stay open; the end of others may be left out in HTML.
_CLOSED = frozenset(
    (
        "a",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "span",
        "div",
        "table",
        "center",
        "font",
        "small",
        "h1",
        "h2",
        "h3",
        "h4",
    )
)
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f]")

_NOT_HTTPS = N_("The picture “%(found)s” does not begin with https://. Many mail programs will not show it.")
_NO_SOURCE = N_('This picture has no address. Write src="https://…", or take it out.')
_NO_ALT = N_(
    'This picture has no alt text, which is shown while pictures are blocked. Add alt="…", or alt="" for an ornament.'
)
_DANGEROUS_LINK = N_(
    "The link “%(found)s” is blocked by mail programs. Link to a page that begins with https://."
)
_OTHER_LINK = N_("The link “%(found)s” is not one that mail programs open. Use https://, mailto: or tel:.")
_NO_SCHEME = N_("The link “%(found)s” is no complete address. Write it with https:// in front.")
_EMPTY_LINK = N_(
    "This link leads nowhere. Write its address between the quotes of href, or take the link out."
)
_SCRIPT = N_("Mail programs remove <script>, and some refuse the whole mail. Take it out.")
_IS_DROPPED = N_("Most mail programs drop <%(name)s>. Link to a page that has it instead.")
_STYLESHEET = N_("Mail programs do not load a style sheet from elsewhere. Put the styles into <style>.")
_ON_EVENT = N_(
    "Mail programs remove “%(name)s”: nothing in a mail reacts to a click but a link. Take it out."
)
_CUT_OFF = N_("<%(name)s is never closed with >, or one of its values has no second quote.")
_NOT_CLOSED = N_("<%(name)s> is not closed. Write </%(name)s> where it ends.")
_NOT_OPENED = N_("</%(name)s> closes nothing: no <%(name)s> is open here. Take it out.")


def tags(written: str, parts: Iterable[Part]) -> Iterator[Finding]:
    """What is amiss with single tags. parts: of the text, with letters in place of fields and conditions."""
    for tag in parts:
        if not isinstance(tag, Tag) or tag.closing:
            continue
        if not tag.whole:
            yield "error", tag.start, say(_CUT_OFF, name=tag.name[:40])
        yield from _picture(written, tag)
        yield from _link(written, tag)
        yield from _dropped(tag)


def unclosed(parts: Iterable[Part]) -> Iterator[Finding]:
    """Tags that are opened and not closed, or closed and not opened."""
    inside: list[Tag] = []
    for tag in parts:
        if not isinstance(tag, Tag) or tag.name not in _CLOSED or tag.alone:
            continue
        if not tag.closing:
            inside.append(tag)
        elif any(one.name == tag.name for one in inside[-50:]):
            while (last := inside.pop()).name != tag.name:
                yield "warn", last.start, say(_NOT_CLOSED, name=last.name)
        else:
            yield "warn", tag.start, say(_NOT_OPENED, name=tag.name)
    for tag in inside:
        yield "warn", tag.start, say(_NOT_CLOSED, name=tag.name)


def _picture(written: str, tag: Tag) -> Iterator[Finding]:
    name = _IMAGES.get(tag.name) or ("background-url" if tag.name in _BACKGROUNDS else "")
    if not name:
        return
    source = tag.get(name)
    if source is None and name == "background-url":
        return
    if source is None or not source.value.strip():
        yield "warn", tag.start, say(_NO_SOURCE)
    elif not _filled(written, source) and not source.value.strip().lower().startswith("https://"):
        yield "warn", source.start, say(_NOT_HTTPS, found=_short(source.value))
    if name == "src" and tag.get("alt") is None:
        yield "warn", tag.start, say(_NO_ALT)


def _link(written: str, tag: Tag) -> Iterator[Finding]:
    href = tag.get("href") if tag.name in _LINKS else None
    if href is None or _filled(written, href):
        return
    address = _INVISIBLE.sub("", entities.unescape(href.value)).lower()
    scheme = _SCHEME.match(address)
    found = _short(written[href.start : href.end])
    if address in ("", "#"):
        yield "warn", tag.start, say(_EMPTY_LINK)
    elif scheme and scheme["scheme"] in _DANGEROUS:
        yield "error", href.start, say(_DANGEROUS_LINK, found=found)
    elif scheme and scheme["scheme"] not in _GOOD_SCHEMES:
        yield "warn", href.start, say(_OTHER_LINK, found=found)
    elif not scheme and not address.startswith("#"):
        yield "warn", href.start, say(_NO_SCHEME, found=found)


def _dropped(tag: Tag) -> Iterator[Finding]:
    if tag.name == "script":
        yield "error", tag.start, say(_SCRIPT)
    elif tag.name in _DROPPED:
        yield "warn", tag.start, say(_IS_DROPPED, name=tag.name)
    elif tag.name == "link" and "stylesheet" in (((rel := tag.get("rel")) and rel.value.lower()) or ""):
        yield "warn", tag.start, say(_STYLESHEET)
    event = next((one for one in tag.attributes if one.name.startswith("on") and len(one.name) > 4), None)
    if event:
        yield "warn", tag.start, say(_ON_EVENT, name=event.name[:40])


def _filled(written: str, attribute: Attribute) -> bool:
    """Whether the value begins with a field or a condition, so that only the list knows what it is."""
    return written[attribute.start : attribute.end].lstrip().startswith(("{{", "{%"))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
