"""For whoever watches from outside whether all is well: one word, to anyone, without a reason."""

from flask import Blueprint, Response

from views.here import service

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def check() -> Response:
    """200 `ok` while writes reach the disk, the disk has room and all that works by itself does; else 503."""
    here = service()
    well = here.health.look(here.pulses()).ok
    return Response("ok\n" if well else "not ok\n", 200 if well else 503, mimetype="text/plain")
