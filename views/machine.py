"""Machine: on one page whether all is right with the program and the machine it runs on."""

import os
from dataclasses import dataclass, replace

from flask import Blueprint, Response
from flask_babel import gettext as _

from mailroom import doctor, logs, machine, tokens, waiting
from mailroom.findings import Finding
from mailroom.problems import Sentence
from mailroom.worker import Pulse
from views.here import service, show
from views.words import number

blueprint = Blueprint("machine", __name__, url_prefix="/settings/machine")


@dataclass(frozen=True)
class Part:
    """A line of what works by itself. seconds: since its last sign of life, None when it has ended."""

    word: str
    seconds: float | None
    alive: bool


@blueprint.get("/")
def index() -> Response:
    """How it does now; renews itself calmly."""
    here = service()
    now, pulses = here.clock(), here.pulses()
    health = here.health.look(pulses)
    lines = tokens.all_tokens(here.store, now)
    paces = [here.clients.pace(line.id) for line in lines]
    parts = [Part(_word(pulse, {f"sender-{line.id}": line.name for line in lines}), pulse.age, pulse.alive)
             for pulse in pulses]  # fmt: skip
    return show(
        "machine/index.html",
        "machine/_now.html",
        health=health,
        silent=[part for part in parts if not part.alive],
        findings=[
            _written(finding)
            for finding in doctor.standing(here.store, here.settings, os.environ, here.backups, now)
        ],
        backups=here.backups.standing(),
        queue=waiting.queue(here.store, now),
        used=sum(pace.used_last_second() for pace in paces),
        budget=sum(pace.per_second for pace in paces),
        machine=machine.look(here.store),
        parts=parts,
        said=logs.newest.said(),
        version=machine.version(),
        built_on=machine.built_on(),
    )


def _written(finding: Finding) -> Finding:
    """The finding with its numbers as the reader writes them."""
    values = (
        (key, number(value) if isinstance(value, int) else value) for key, value in finding.sentence.values
    )
    return replace(finding, sentence=Sentence(finding.sentence.text, tuple(values)))


def _word(pulse: Pulse, senders: dict[str, str]) -> str:
    """What a part does, in words."""
    if pulse.name in senders:
        return _("Sending with “%(name)s”", name=senders[pulse.name])
    words = {
        "sender": _("Looking for tokens to send with"),
        "reconcile": _("Looking up mails in doubt"),
        "sweeper": _("Following what was sent"),
        "housekeeping": _("Clearing away what has ended"),
        "reports": _("Reports by mail"),
        "retention": _("Forgetting old mails"),
        "backups": _("Backups"),
        "shell": _("Requests from a shell"),
    }
    return words.get(pulse.name, pulse.name)
