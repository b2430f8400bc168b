"""Unsubscribe: the one page for recipients. Whoever has the link in a mail may stop mail to its one address.

No sign-in, no cookie and no token in the form: the signature in the link is the authority, and a forged post without
it changes nothing. Looking changes nothing either, for programs that scan mail open every link in it.
"""

from flask import Blueprint, Response, request, url_for

from mailroom import suppressions, unsubscribe
from mailroom.addresses import masked
from views.here import service, show

blueprint = Blueprint("unsubscribe", __name__, url_prefix="/u")


@blueprint.get("/<text>")
def ask(text: str) -> Response:
    """Asks whether mail shall stop, or says that it has."""
    email = service().links.email(text)
    if email is None:
        return show("unsubscribe/unknown.html", status=404)
    line = suppressions.get(service().store, email)
    return show(
        "unsubscribe/ask.html",
        text=text,
        masked=masked(email),
        stopped=line is not None and line.reason == "unsubscribed",
        may_undo=line is not None and unsubscribe.may_undo(line, service().clock()),
        undone="undone" in request.args,
    )


@blueprint.post("/<text>")
def stop(text: str) -> Response:
    """Stops mail to the address; pressed twice is the same as once."""
    email = service().links.email(text)
    if email is None:
        return show("unsubscribe/unknown.html", status=404)
    unsubscribe.stop(service().store, email, service().clock())
    return _back(text)


@blueprint.post("/<text>/undo")
def undo(text: str) -> Response:
    """Takes that back, for a while."""
    email = service().links.email(text)
    if email is None:
        return show("unsubscribe/unknown.html", status=404)
    undone = unsubscribe.undo(service().store, email, service().clock())
    return _back(text, "1" if undone else None)


def _back(text: str, undone: str | None = None) -> Response:
    return Response(status=303, headers={"Location": url_for("unsubscribe.ask", text=text, undone=undone)})


@blueprint.after_request
def _keep_to_itself(response: Response) -> Response:
    # The link is as good as a key: no search engine lists it, no other page learns it.
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
