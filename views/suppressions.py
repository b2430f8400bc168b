"""Do not mail: the addresses that get no mail, who put them there and why."""

import csv
import io
from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, abort, flash, request, stream_with_context
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import batches, recipients, suppression_lists, suppressions
from mailroom.csv_files import safe_cell
from mailroom.problems import Problem, Sentence, say
from mailroom.suppression_lists import Addresses
from mailroom.suppressions import Reason, Suppression
from mailroom.texts import MAX_BYTES
from oca.words import N_
from views.here import me, see_other, service, show
from views.words import number

blueprint = Blueprint("suppressions", __name__, url_prefix="/do-not-mail")

LONGEST_SEARCH = 254
BAD_SHOWN = 50


@blueprint.get("/")
def index() -> Response:
    """The list, newest first or by the beginning of the address, of one reason if asked."""
    store = service().store
    search, before = request.args.get("q", "").strip()[:LONGEST_SEARCH], request.args.get("before", "")
    reason = request.args.get("reason", "")
    reason = reason if reason in suppressions.WHY else ""
    limit = suppressions.PAGE + 1
    if search:
        lines = suppressions.beginning(store, search, reason, before, limit)
    else:
        lines = suppressions.newest(store, reason, before, limit)
    counts = suppressions.counts(store)
    return show(
        "suppressions/index.html",
        "suppressions/_lines.html" if before else "suppressions/_list.html",
        lines=lines[: suppressions.PAGE],
        older=suppressions.place(lines[suppressions.PAGE - 1]) if len(lines) == limit else None,
        search=search,
        reason=reason,
        first=not before,
        counts=counts,
        total=sum(counts.values()),
        words=words(),
    )


@blueprint.route("/add", methods=["GET", "POST"])
def add() -> Response:
    """Puts pasted addresses on the list; what is no address stays in the form to be mended."""
    pasted = request.form.get("addresses", "")
    if request.method != "POST":
        return show("suppressions/add.html", typed=pasted, errors={}, found=None)
    try:
        found = suppression_lists.addresses(recipients.pasted(pasted))
        added = _add(found, "hand")
    except Problem as problem:
        errors = {problem.field or "addresses": problem}
        return show("suppressions/add.html", status=422, typed=pasted, errors=errors, found=None)
    if not found.bad:
        flash(_said(found, added), "ok")
        return see_other("suppressions.index")
    return show(
        "suppressions/add.html",
        status=422,
        typed="\n".join(bad.text for bad in found.bad),
        errors={"addresses": _not_valid(found)},
        found=found,
        done=_said(found, added) if found.good else "",
    )


@blueprint.route("/import", methods=["GET", "POST"])
def take_file() -> Response:
    """Puts every address of a file on the list and says in numbers what came of it."""
    file = request.files.get("file")
    if request.method != "POST":
        return show("suppressions/import.html", errors={}, found=None)
    if not file or not file.filename:
        missing = {"file": say(N_("Choose the file with the addresses."))}
        return show("suppressions/import.html", status=422, errors=missing, found=None)
    try:
        # One byte more than allowed is enough to see that it is too large.
        given = recipients.Given(file.filename, file.stream.read(MAX_BYTES + 1))
        found = suppression_lists.addresses(recipients.read(given))
        added = _add(found, "import")
    except Problem as problem:
        errors = {problem.field or "file": problem}
        return show("suppressions/import.html", status=422, errors=errors, found=None)
    if not found.bad:
        flash(_said(found, added), "ok")
        return see_other("suppressions.index")
    return show(
        "suppressions/import.html",
        status=422,
        errors={"file": _not_valid(found)},
        found=found,
        shown=found.bad[:BAD_SHOWN],
        done=_said(found, added) if found.good else "",
    )


@blueprint.route("/remove", methods=["GET", "POST"])
def remove() -> Response:
    """Asks, then takes an address off the list."""
    line = suppressions.get(service().store, request.values.get("email", ""))
    if line is None and request.method == "POST":
        flash(_("The address is not on the list any more."), "info")
        return see_other("suppressions.index")
    if line is None:
        abort(404)
    if request.method != "POST":
        return show("suppressions/remove.html", line=line, words=words())
    suppressions.remove(service().store, line.email)
    flash(_("%(address)s gets mail again.", address=line.email), "ok")
    return see_other("suppressions.index")


@blueprint.get("/do-not-mail.csv")
def export() -> Response:
    """The whole list as a file for a spreadsheet."""
    lines = suppressions.export(service().store, me().id, service().clock())
    response = Response(stream_with_context(_csv(lines)), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename="do-not-mail.csv")
    return response


@blueprint.route("/batch/<int:batch_id>", methods=["GET", "POST"])
def failed(batch_id: int) -> Response:
    """Asks, with numbers, then puts the addresses of a batch that could not be delivered to on the list."""
    store = service().store
    batch = batches.get(store, batch_id, service().clock()) or abort(404)
    waiting = suppressions.failed_of(store, batch_id)
    if request.method != "POST" and waiting:
        return show("suppressions/failed.html", batch=batch, n=waiting)
    added = suppressions.add_failed_of(store, batch_id, me().id, service().clock()) if waiting else 0
    if added:
        said = ngettext(
            "%(n)s address is on the do-not-mail list now.",
            "%(n)s addresses are on the do-not-mail list now.",
            added,
            n=number(added),
        )
        flash(said, "ok")
    else:
        flash(_("Every address that failed is on the do-not-mail list already."), "info")
    return see_other("batches.one", batch_id=batch_id)


def words() -> dict[str, str]:
    """The reasons in a word or two."""
    return {
        "unsubscribed": _("Unsubscribed"),
        "failed": _("Not delivered"),
        "hand": _("By hand"),
        "import": _("Imported"),
    }


def _add(found: Addresses, reason: Reason) -> int:
    note = request.form.get("note", "")
    return suppressions.add(service().store, found.good, reason, note, me().id, service().clock())


def _said(found: Addresses, added: int) -> str:
    """What came of a list, in numbers that add up to its rows."""
    there = len(found.good) - added
    said = [ngettext("%(n)s address added.", "%(n)s addresses added.", added, n=number(added))]
    if there:
        said.append(
            ngettext(
                "%(n)s was on the list already or stood there twice.",
                "%(n)s were on the list already or stood there twice.",
                there,
                n=number(there),
            )
        )
    return " ".join(said)


def _not_valid(found: Addresses) -> Sentence:
    if len(found.bad) == 1:
        return say(N_("1 is not a valid address and was not added."))
    return say(N_("%(n)s are not valid addresses and were not added."), n=number(len(found.bad)))


def _csv(lines: Iterable[Suppression]) -> Iterator[str]:
    yield "\ufeff" + _line("email", "reason", "note", "added_at", "added_by")
    for line in lines:
        yield _line(line.email, line.reason, line.note, line.added_at, line.added_by)


def _line(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(cell) for cell in cells])
    return line.getvalue()
