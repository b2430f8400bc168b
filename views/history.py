"""History: every mail, newest first, found by typed words; one mail beside the list, with all that happened to it."""

import re
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import history, search, search_words
from mailroom.search_meaning import Meaning, understand
from views import mail
from views.here import service, show, wants_part, whole
from views.words import number

blueprint = Blueprint("history", __name__, url_prefix="/history")

FILTERS = ("queued", "accepted", "delivered", "opened", "failed", "rejected", "unknown", "undecided", "cancelled",
           "gave_up", "lost", "skipped")  # fmt: skip
# So many pages stand below each other at most; what is older begins a new page.
MOST_PAGES = 10


@blueprint.get("/")
def index() -> Response:
    """The mails that fit what was typed, newest first, older ones on demand."""
    if "from" not in request.args:
        return show("history/index.html", "history/_found.html", mail=None, **_list())
    found = _list()
    answer = show("history/index.html", "history/_lines.html", mail=None, **found)
    answer.headers["HX-Replace-Url"] = _longer(found["place"])
    return answer


@blueprint.get("/<int:mail_id>")
def one(mail_id: int) -> Response:
    """One mail: beside the list on a desk, as its own page on a phone."""
    beside = {} if wants_part() else _list()
    return show("history/index.html", "history/_mail.html", **mail.shown(mail_id), **beside)


def _longer(place: dict[str, Any]) -> str:
    """The address of a list that has grown, with the mail that is open beside it, if one is."""
    open_mail = re.search(r"/history/(\d{1,18})(?:\?|$)", request.headers.get("HX-Current-URL", ""))
    if open_mail:
        return url_for("history.one", mail_id=int(open_mail[1]), **place)
    return url_for("history.index", **place)


def _list() -> dict[str, Any]:
    """What the list shows: all of its pages again, or with `from` only those mails that come below them."""
    here, text = service(), _text()
    meaning = understand(here.store, text, here.clock(), here.settings.zone)
    start, below = request.args.get("before", type=whole), request.args.get("from", type=whole)
    pages = min(max(request.args.get("pages", 1, type=whole), 1), MOST_PAGES)
    many = 1 if below else pages
    found = search.find(here.store, meaning, below or start, many * history.PAGE, many * search.BUDGET)
    counts = history.counts(here.store)
    return {
        "text": text,
        # What every link of the list takes along, so that Back and reloading show the same rows.
        "place": {"q": text or None, "before": start, "pages": pages if pages > 1 else None},
        "next_page": pages + 1 if pages < MOST_PAGES else None,
        "meaning": meaning,
        "chips": [(word, _url(search_words.without(text, at))) for at, word in enumerate(meaning.words)],
        "found": found,
        "counted": _counted(found, search.total(here.store, meaning), not (start or below)),
        "all": (
            _url(search_words.with_only(text, "status", "")),
            sum(counts.values()) if _alone(meaning) else None,
        ),
        "first": not (start or below),
        "total": sum(counts.values()),
        "filters": _filters(text, meaning, counts),
        "perhaps": _perhaps(meaning),
    }


def _text() -> str:
    """What was typed; links from before there was a search name a state."""
    text = " ".join(request.args.get("q", "")[: search_words.LONGEST + 1].split())
    state = request.args.get("state", "")
    return search_words.with_only(text, "status", state) if state in FILTERS else text


def _url(text: str) -> str:
    return url_for("history.index", q=text or None)


def _filters(text: str, meaning: Meaning, counts: dict[str, int]) -> list[tuple[str, int | None, str, bool]]:
    """The states as links that write themselves into the search; with numbers where they are those of the link."""
    return [
        (
            state,
            counts[state] if _alone(meaning) else None,
            _url(search_words.with_only(text, "status", state)),
            state in (meaning.states or ()),
        )
        for state in FILTERS
        if state in counts
    ]


def _alone(meaning: Meaning) -> bool:
    """Whether at most states are asked for, so that the numbers the database keeps are those of the links."""
    return all(word.key == "status" for word in meaning.words)


def _counted(found: search.Page, total: int | None, first: bool) -> str:
    """How many mails fit, as far as that is known without counting them."""
    if total is None and not first:
        return ""
    if total is None and found.older:
        return (
            _("more than %(n)s mails", n=number(len(found.lines)))
            if found.lines and not found.reached
            else ""
        )
    n = len(found.lines) if total is None else total
    return ngettext("%(n)s mail", "%(n)s mails", n, n=number(n))


def _perhaps(meaning: Meaning) -> str:
    """The search somebody may have meant who typed the beginning of an address as if it were of the subject, or ""."""
    bare = [
        at
        for at, word in enumerate(meaning.words)
        if not word.key and not word.quoted and word.value.isalnum()
    ]
    if not bare or meaning.email or meaning.email_start:
        return ""
    words = [word.typed for word in meaning.words]
    words[bare[0]] = search_words.word("to", words[bare[0]])
    return " ".join(words)
