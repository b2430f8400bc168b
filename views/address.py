"""One address: everything that was sent to it, and whether it is on the do-not-mail list."""

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _

from mailroom import history, one_address, recipients, search_words, suppression_lists, suppressions
from mailroom.problems import Problem
from views.here import me, see_other, service, show, whole
from views.suppressions import words
from views.words import said

blueprint = Blueprint("address", __name__, url_prefix="/history/address")

# As long as an address can be, RFC 5321.
LONGEST = 254


@blueprint.get("/")
def one() -> Response:
    """What was sent to one address, newest first, older mails on demand."""
    store, email = service().store, _email(request.args.get("email", ""))
    if not email:
        flash(_("Write the whole address to see everything that was sent to it."), "info")
        return see_other("history.index")
    before = request.args.get("before", type=whole)
    address = one_address.get(store, email)
    lines = history.of_address(store, email, before, history.PAGE + 1)
    return show(
        "address/one.html",
        "address/_lines.html",
        address=address,
        counts=[
            (state, n, url_for("history.index", q=search_words.with_only(email, "status", state)))
            for state, n in address.counts.items()
        ],
        line=suppressions.get(store, email),
        reasons=words(),
        lines=lines[: history.PAGE],
        more=len(lines) > history.PAGE,
        first=not before,
    )


@blueprint.post("/do-not-mail")
def suppress() -> Response:
    """Puts the address on the do-not-mail list."""
    here, email = service(), _email(request.form.get("email", ""))
    try:
        found = suppression_lists.addresses(recipients.pasted(email)) if email else None
        # A comma between two would make it two addresses, of which the page showed neither.
        good = found.good if found and len(found.good) == 1 and not found.bad else []
        note = request.form.get("note", "")
        added = suppressions.add(here.store, good, "hand", note, me().id, here.clock())
    except Problem as problem:
        flash(said(problem), "error")
    else:
        if added:
            flash(_("%(address)s gets no mail any more.", address=email), "ok")
        elif good:
            flash(_("It was on the do-not-mail list already."), "info")
        else:
            flash(_("That is not a valid address, so it was not put on the list."), "error")
    return see_other("address.one", email=email)


def _email(text: str) -> str:
    """An address, "" for what cannot be one."""
    text = text.strip()
    return text if "@" in text and text.isprintable() and len(text) <= LONGEST else ""
