"""One person's data: what is held on an address, as a file for them, and its erasure."""

from flask import Blueprint, Response, flash, request, send_file
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import privacy
from mailroom.privacy import Erased
from views.here import me, see_other, service, show, whole
from views.privacy_file import packed
from views.suppressions import words
from views.words import number

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")

# As long as an address can be, RFC 5321.
LONGEST = 254


@blueprint.get("/")
def one() -> Response:
    """What is held on an address, when one is asked about."""
    typed = request.args.get("email", "")
    email = _email(typed)
    fault = _("Write the whole address, with its @.") if typed.strip() and not email else ""
    found = privacy.held(service().store, email) if email else None
    return show(
        "privacy/one.html",
        status=422 if fault else 200,
        held=found,
        typed=typed,
        fault=fault,
        reasons=words(),
    )


@blueprint.post("/export")
def export() -> Response:
    """Everything that is held, as a file; that it was taken is noted."""
    here, email = service(), _email(request.form.get("email", ""))
    if not email:
        return see_other("privacy.one")
    held = privacy.export(here.store, email, me().id, here.clock())
    file = packed(held, privacy.mails, here)
    response = send_file(file, "application/zip", as_attachment=True, download_name=_("data") + ".zip")
    response.call_on_close(file.close)
    return response


@blueprint.get("/erase")
def ask_erase() -> Response:
    """Asks, with numbers, and says what stays."""
    email = _email(request.args.get("email", ""))
    if not email:
        return see_other("privacy.one")
    held = privacy.held(service().store, email)
    if not held.anything:
        return see_other("privacy.one", email=email)
    return show("privacy/erase.html", held=held)


@blueprint.post("/erase")
def erase() -> Response:
    """Erases what can be, and says what became of it."""
    here, email = service(), _email(request.form.get("email", ""))
    if not email:
        return see_other("privacy.one")
    lists = request.form.getlist("list", type=whole)
    gone = privacy.erase(here.store, email, lists, request.form.getlist("draft"), me().id, here.clock())
    flash(_said(gone), "ok")
    return see_other("privacy.one", email=email)


def _email(text: str) -> str:
    """An address, "" for what cannot be one."""
    text = text.strip()
    return text if "@" in text and text.isprintable() and len(text) <= LONGEST else ""


def _said(gone: Erased) -> str:
    """What went, in numbers."""
    said = [
        ngettext(
            "%(n)s mail lost address and content.",
            "%(n)s mails lost address and content.",
            gone.mails,
            n=number(gone.mails),
        )
    ]
    if gone.lists:
        n = number(gone.lists)
        said.append(
            ngettext("%(n)s saved list was removed.", "%(n)s saved lists were removed.", gone.lists, n=n)
        )
    if gone.drafts:
        n = number(gone.drafts)
        said.append(ngettext("%(n)s draft was removed.", "%(n)s drafts were removed.", gone.drafts, n=n))
    return " ".join(said)
