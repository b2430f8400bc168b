"""Activity: who did what and when, newest first; and who is at the door, for whoever notes what is done."""

from flask import Blueprint, Flask, Response, request
from flask_babel import gettext as _
from flask_login import current_user

from mailroom import activity
from mailroom.activity import PROGRAM, Door, Entry
from mailroom.deeds import KINDS
from mailroom.problems import Sentence
from views.here import me, service, show, whole
from views.words import number, said

blueprint = Blueprint("activity", __name__, url_prefix="/activity")


def init(app: Flask) -> None:
    """Has every deed bear the person and the address that the request came from."""

    @app.before_request
    def somebody() -> None:
        # Only what is posted changes anything, and looking a person up costs a question to the database.
        known = request.method == "POST" and current_user.is_authenticated
        activity.door.set(Door(f"user:{me().id}" if known else "", request.remote_addr or ""))

    @app.teardown_request
    def nobody(_error: BaseException | None) -> None:
        activity.door.set(activity.NOBODY)


@blueprint.get("/")
def index() -> Response:
    """The trail, newest first, of one person and one kind if asked."""
    store, before = service().store, request.args.get("before", type=whole)
    people = [*activity.people(store), (PROGRAM, _("by itself"))]
    actor = request.args.get("by", "")
    actor = actor if actor in dict(people) else ""
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    entries = activity.newest(store, before, actor, kind, activity.PAGE + 1)
    return show(
        "activity/index.html",
        "activity/_lines.html" if before else None,
        entries=entries[: activity.PAGE],
        more=len(entries) > activity.PAGE,
        first=not before,
        actor=actor,
        kind=kind,
        people=people,
        kinds=sorted(((key, said(deed.WORD)) for key, deed in KINDS.items()), key=lambda item: item[1]),
        done=_done,
    )


def _done(entry: Entry) -> str:
    """What was done, its numbers with the reader's separators."""
    values = entry.sentence.values
    written = tuple((key, number(value) if isinstance(value, int) else value) for key, value in values)
    return said(Sentence(entry.sentence.text, written)) or entry.kind
