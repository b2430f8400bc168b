"""What is wrong with a text of MJML, with its line: its compiler says little, and breaks where parts lie too deep.

The tags are those of https://documentation.mjml.io/.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from mailroom.markup import Part, Stretch, Tag
from mailroom.nodes import TemplateProblem, line_of
from oca.words import N_

MAX_NESTED = 60

TAGS = frozenset(
    (
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-text",
        "mj-accordion-title",
        "mj-all",
        "mj-attributes",
        "mj-body",
        "mj-breakpoint",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-class",
        "mj-column",
        "mj-divider",
        "mj-font",
        "mj-group",
        "mj-head",
        "mj-hero",
        "mj-html-attribute",
        "mj-html-attributes",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-preview",
        "mj-raw",
        "mj-section",
        "mj-selector",
        "mj-social",
        "mj-social-element",
        "mj-spacer",
        "mj-style",
        "mj-table",
        "mj-text",
        "mj-title",
        "mj-wrapper",
    )
)
# These have no end of their own (https://html.spec.whatwg.org/multipage/syntax.html#void-elements).
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905

_NO_ROOT = N_("MJML begins with <mjml> and ends with </mjml>. Write them around the mail, or choose HTML.")
_INCLUDE = N_("<mj-include> reads another file, and there is none here. Put its text in its place.")
_UNKNOWN = N_("<%(name)s> is no tag of MJML. Did you mean <%(instead)s>?")
_UNKNOWN_ALONE = N_("<%(name)s> is no tag of MJML. Take it out.")
_TOO_DEEP = N_("<%(name)s> lies within %(limit)s other tags. Make the mail simpler.")
_NOT_ENDED = N_("<%(name)s> is not closed. Write </%(name)s> where it ends.")
_NOT_OPENED = N_(
    "</%(name)s> closes something that is not open here. Take it out, or write <%(name)s> before it."
)
_CUT_OFF = N_("<%(name)s is never closed with >, or one of its values has no second quote.")
_CAPITALS = N_("MJML is written in small letters. Write <%(name)s>.")
_LOOSE = N_("A < that opens no tag is written &lt; in MJML.")
_DASHES = N_("A comment has -- in the middle, which MJML cannot read. Take it out.")
_NO_QUOTES = N_('The value of “%(attribute)s” has no quotes. Write %(attribute)s="%(value)s".')


def check(flat: str, parts: Iterable[Part]) -> None:
    """Nothing for MJML that may be given to its compiler; raises TemplateProblem with the line of the first fault.

    flat: the text with every field and condition replaced by letters; parts: what `scan` finds in it.
    """
    inside: list[Tag] = []
    root = False
    at = 0
    for tag in parts:
        _check_text(flat, at, tag)
        at = tag.end
        if not isinstance(tag, Tag):
            continue
        _check_tag(flat, tag)
        if tag.closing:
            _close(flat, tag, inside)
            continue
        root = root or (tag.name == "mjml" and not inside)
        if not tag.alone and tag.name not in VOID:
            if len(inside) == MAX_NESTED:
                raise _problem(_TOO_DEEP, flat, tag, limit=MAX_NESTED)
            inside.append(tag)
    if inside:
        raise _problem(_NOT_ENDED, flat, inside[-1])
    if not root:
        raise TemplateProblem(_NO_ROOT, "html", 1)


def _check_text(flat: str, start: int, part: Part) -> None:
    if (at := flat.find("<", start, part.start)) >= 0:
        raise TemplateProblem(_LOOSE, "html", line_of(flat, at))
    if isinstance(part, Stretch) and part.kind == "comment" and "--" in flat[part.start + 4 : part.end - 3]:
        raise TemplateProblem(_DASHES, "html", line_of(flat, part.start))


def _check_tag(flat: str, tag: Tag) -> None:
    if not tag.whole:
        raise _problem(_CUT_OFF, flat, tag)
    if tag.name.startswith("mj") and tag.name not in flat[tag.start : tag.end]:
        raise _problem(_CAPITALS, flat, tag)
    if tag.name == "mj-include":
        raise _problem(_INCLUDE, flat, tag)
    if tag.name.startswith("mj-") and tag.name not in TAGS:
        close = get_close_matches(tag.name[:40], TAGS, 1)
        raise _problem(_UNKNOWN if close else _UNKNOWN_ALONE, flat, tag, instead="".join(close))
    for one in tag.attributes:
        if one.value and not one.quoted:
            raise _problem(_NO_QUOTES, flat, tag, attribute=one.name[:40], value=one.value[:40])


def _close(flat: str, tag: Tag, inside: list[Tag]) -> None:
    if inside and inside[-1].name == tag.name:
        inside.pop()
    elif any(one.name == tag.name for one in inside):
        raise _problem(_NOT_ENDED, flat, inside[-1])
    else:
        raise _problem(_NOT_OPENED, flat, tag)


def _problem(text: str, flat: str, tag: Tag, **values: object) -> TemplateProblem:
    return TemplateProblem(text, "html", line_of(flat, tag.start), name=tag.name[:40], **values)
