"""The gateway's own history: page by page, each mail beside ours, and what is not from here taken into the record."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _
from flask_babel import ngettext

import oca
from mailroom import gateway_history, intake, tokens
from mailroom.gateway_history import Page
from mailroom.problems import Problem
from mailroom.tokens import TokenLine
from views.here import me, see_other, service, show, wants_part, whole
from views.words import number, said, when

blueprint = Blueprint("gateway_history", __name__, url_prefix="/gateway/history")

LAST_PAGE = 1_000_000
# More than any page holds.
MOST_CHOSEN = 1000


@blueprint.get("/")
def index() -> Response:
    """One page of it: the frame at once, and the rows as soon as the gateway has answered."""
    lines = tokens.all_tokens(service().store, service().clock())
    token = _chosen(lines)
    asked = token is not None and (wants_part() or "now" in request.args)
    return show(
        "gateway_history/index.html",
        "gateway_history/_rows.html" if asked else None,
        lines=lines,
        token=token,
        at=_number(),
        asked=asked,
        **(_read(token) if token and asked else {}),
    )


@blueprint.post("/take-over")
def take_over() -> Response:
    """Looks at the page again and writes down what the gateway says of our mails on it."""
    token, here = _token(), service()
    try:
        n = gateway_history.take_over(here.store, here.clients, token.id, _number(), here.clock)
    except (Problem, oca.GatewayError) as fault:
        flash(_why(fault), "error")
        return _back(token)
    if n:
        flash(
            ngettext(
                "%(n)s mail stands as the gateway says now.",
                "%(n)s mails stand as the gateway says now.",
                n,
                n=number(n),
            ),
            "ok",
        )
    else:
        flash(_("Nothing was changed: the record says the same already."), "info")
    return _back(token)


@blueprint.get("/take")
def ask_take() -> Response:
    """Asks, with numbers, before mails that are not from here are taken into the record."""
    token = _token()
    read = _read(token)
    page: Page | None = read["found"]
    if page is None:
        flash(read["fault"], "error")
        return _back(token)
    if not page.of("stranger"):
        flash(_("Every mail of this page that can be taken is in the record already."), "info")
        return _back(token)
    return show(
        "gateway_history/take.html", token=token, found=page, at=_number(), strangers=page.of("stranger")
    )


@blueprint.post("/take")
def take() -> Response:
    """Takes into the record what the person was shown, as the gateway shows it now."""
    token, here, chosen = _token(), service(), request.form.getlist("id")[:MOST_CHOSEN]
    name = _("From the gateway’s history, %(day)s", day=when(here.clock(), "day"))
    try:
        taken = intake.take(here.store, here.clients, token.id, _number(), chosen, name, me().id, here.clock)
    except (Problem, oca.GatewayError) as fault:
        flash(_why(fault), "error")
        return see_other("gateway_history.ask_take", token=token.id, page=_number())
    if taken.left:
        flash(
            ngettext(
                "%(n)s mail was left out: it is in the record, may be one of ours, or the gateway shows it no more.",
                "%(n)s mails were left out: they are in the record, may be ours, or the gateway shows them no more.",
                taken.left,
                n=number(taken.left),
            ),
            "info",
        )
    if taken.batch_id is None:
        return _back(token)
    flash(
        ngettext(
            "%(n)s mail is in the record now.", "%(n)s mails are in the record now.", taken.taken,
            n=number(taken.taken),
        ),
        "ok",
    )  # fmt: skip
    return see_other("batches.one", batch_id=taken.batch_id)


def _read(token: TokenLine) -> dict[str, Any]:
    """The page of the gateway's history that the address asks for, or why there is none."""
    here = service()
    try:
        page = gateway_history.read(here.store, here.clients, token.id, _number(), here.clock)
    except (Problem, oca.GatewayError) as fault:
        return {"found": None, "fault": _why(fault)}
    return {"found": page, "fault": ""}


def _why(fault: Problem | oca.GatewayError) -> str:
    if isinstance(fault, Problem):
        return said(fault)
    # The advice of a fault speaks of a mail, and here there was none.
    return _("The gateway could not be asked: %(why)s", why=_(fault.sentence))


def _chosen(lines: Sequence[TokenLine]) -> TokenLine | None:
    """The token the address names, else the first that works, else the first; None while there is none."""
    wanted = request.values.get("token", 0, type=whole)
    named = [line for line in lines if line.id == wanted]
    works = [line for line in lines if line.state in ("ok", "unchecked")]
    return next(iter([*named, *works, *lines]), None)


def _token() -> TokenLine:
    return _chosen(tokens.all_tokens(service().store, service().clock())) or abort(404)


def _number() -> int:
    return max(1, min(request.values.get("page", 1, type=whole), LAST_PAGE))


def _back(token: TokenLine) -> Response:
    return see_other("gateway_history.index", token=token.id, page=_number())
