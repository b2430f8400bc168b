"""`flask doctor`: what is wrong, or soon will be, and how to mend it."""

import os
import sys

import click
from flask_babel import gettext as _

from mailroom import doctor
from mailroom.findings import Finding, fail
from mailroom.settings import SettingError, from_environment
from mailroom.times import utc_now
from oca.words import N_
from views.words import said


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Does not ask the gateway what time it is.")
def doctor_command(offline: bool) -> None:
    """Looks for what is wrong, or soon will be, and says how to mend it; changes and sends nothing.

    It may run beside the program, as the same account and with the same environment. Ends with 0 when all is well,
    1 when somebody should look after something, 2 when something does not work or is not safe.
    """
    try:
        settings = from_environment(os.environ)
    except SettingError as error:
        click.echo(_line(fail(N_("Settings"), "%(why)s", why=error)))
        sys.exit(2)
    found = []
    for finding in doctor.examine(settings, os.environ, utc_now, offline):
        click.echo(_line(finding))
        found.append(finding)
    sys.exit({"ok": 0, "warn": 1, "fail": 2}[doctor.worst(found)])


def _line(finding: Finding) -> str:
    return f"{finding.level:<5}{_(finding.check)}: {said(finding.sentence)}"
