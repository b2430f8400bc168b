"""Overview: what needs somebody, what is going now, the numbers, the latest batches."""

from flask import Blueprint, Response

from mailroom import batches, history, tokens
from mailroom.email_templates import all_templates
from mailroom.identities import all_identities
from views.here import service, show

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def index() -> Response:
    """The start page; what goes on renews itself."""
    store, now = service().store, service().clock()
    lines = tokens.all_tokens(store, now)
    counts = history.counts(store)
    going = [batch for batch in batches.unfinished(store) if batch.shown != "cancelled"]
    return show(
        "overview/index.html",
        "overview/_now.html",
        now=now,
        tokens=lines,
        troubled=[line for line in lines if line.state in ("stopped", "expired")],
        missing=_missing(lines),
        counts=counts,
        handed_over=sum(
            counts.get(state, 0) for state in ("accepted", "delivered", "opened", "failed", "lost")
        ),
        going=going,
        latest=batches.newest(store, limit=5),
    )


def _missing(lines: list[tokens.TokenLine]) -> list[str]:
    """What has still to be set up before the first mail can go, in order."""
    store = service().store
    have = {
        "token": bool(lines),
        "sender": bool(all_identities(store)),
        "template": bool(all_templates(store)),
    }
    return [name for name, there in have.items() if not there]
