"""What somebody sent after their session had ended: kept until they have signed in again, so that nothing is lost."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from flask import Request, session
from flask_wtf.csrf import validate_csrf
from wtforms.validators import ValidationError

MOST = 20
# A template is at most half a megabyte; a list or an attachment is a file and has to be chosen again anyway.
MAX_BYTES = 1_500_000

_COOKIE_WHO, _COOKIE_KEPT = "who", "kept"


@dataclass(frozen=True)
class Kept:
    """A form that was sent in vain: where to, its fields, and by whom. files: whether it had files, which are gone."""

    url: str
    fields: tuple[tuple[str, str], ...]
    user_id: int
    files: bool


_kept: OrderedDict[str, Kept] = OrderedDict()
_lock = Lock()


def remember_who(user_id: int) -> None:
    """Notes in the form cookie whose browser this is; what was kept for them stays with them."""
    kept = session.get(_COOKIE_KEPT)
    session.clear()
    session[_COOKIE_WHO] = user_id
    if kept:
        session[_COOKIE_KEPT] = kept


def keep(request: Request) -> bool:
    """Whether a form sent by a browser that was signed in until lately was kept.

    Only one of our own forms is: it is read only when the browser's cookie is ours, and kept only with its token.
    """
    user_id = session.get(_COOKIE_WHO)
    if user_id is None or not session.get("csrf_token"):
        return False
    request.max_content_length = MAX_BYTES
    if (request.content_length or 0) > MAX_BYTES or not _is_ours(request):
        return False
    fields = tuple((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
    key = secrets.token_urlsafe(16)
    with _lock:
        _kept[key] = Kept(request.path, fields, user_id, bool(request.files))
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    session[_COOKIE_KEPT] = key
    return True


def kept_for(user_id: int) -> Kept | None:
    """What was kept for this person in this browser; None when there is nothing."""
    with _lock:
        found = _kept.get(session.get(_COOKIE_KEPT, ""))
    return found if found and found.user_id == user_id else None


def _is_ours(request: Request) -> bool:
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    return True
