"""The form that a passkey answers: what the browser is asked, and what it brings back."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import request, session
from flask_wtf.csrf import generate_csrf

from mailroom import challenges, passkeys
from mailroom.challenges import Challenge, Purpose
from mailroom.passkeys import Site
from views.here import me, service


@dataclass(frozen=True)
class Asked:
    """What goes into the form. options: for the browser, as JSON. challenge: signed, to come back with the answer."""

    options: str
    challenge: str


def to_sign_in() -> Asked:
    """For whoever comes with a passkey alone."""
    challenge = _new("sign_in")
    return _asked(passkeys.to_sign_in(site(), challenge), challenge)


def to_confirm(user_id: int, step: str) -> Asked:
    """For the person whose password was right. step: a secret of this step, which no other has."""
    challenge = _new("second_step", step)
    return _asked(passkeys.to_confirm(service().store, site(), user_id, challenge), challenge)


def to_register() -> Asked:
    """For a new passkey of the person signed in."""
    challenge = _new("register", f"user:{me().id}")
    return _asked(passkeys.to_register(service().store, site(), me(), challenge), challenge)


def answer(purpose: Purpose, step: str = "") -> tuple[Site, Challenge | None, str]:
    """What the form brought back: where, to which challenge (None when it is not good any more), and the answer."""
    here, form = service(), request.form
    challenge = challenges.given_back(
        here.keys, form.get("challenge", ""), purpose, _browser() + step, here.clock()
    )
    return site(), challenge, form.get("response", "")


def site() -> Site:
    """Where passkeys are good: at MAILROOM_URL; while that is not set, at the address the browser came by."""
    origin = service().settings.url or request.host_url.rstrip("/")
    return Site(urlsplit(origin).hostname or "", origin)


def _new(purpose: Purpose, step: str = "") -> Challenge:
    return challenges.new(service().keys, purpose, _browser() + step, service().clock())


def _asked(options: dict[str, Any], challenge: Challenge) -> Asked:
    return Asked(json.dumps(options), challenge.signed)


def _browser() -> str:
    """The secret of this browser's form session; another one with each sign-in."""
    generate_csrf()
    return str(session["csrf_token"])
