"""Choosing the language of the pages, by somebody signed in for good, by somebody who is not yet until they are."""

from typing import cast

from flask import Blueprint, Response, abort, redirect, request, session
from flask_login import current_user

from mailroom import people
from mailroom.people import Language
from views import access
from views.here import me, service
from views.words import LANGUAGES, PRESSED

blueprint = Blueprint("language", __name__)


@blueprint.post("/language")
def choose() -> Response:
    """Speaks that language from now on, and leads back to the page it was chosen on."""
    language = request.form.get("language")
    if language != "" and language not in LANGUAGES:
        abort(400)
    if current_user.is_authenticated:
        # The form cookie keeps nothing of it: the next person at this browser has a choice of their own.
        people.choose_language(service().store, me().id, cast(Language, language))
    else:
        session[PRESSED] = language
    return cast(Response, redirect(access.inside(request.form.get("next", "")) or "/", 303))
