"""`flask backup`: a backup from a shell or from cron, while Mailroom runs or not."""

import os
import sys
from pathlib import Path

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import backups
from mailroom.copies import CopyFailed
from mailroom.problems import Problem
from mailroom.settings import SettingError, from_environment, refuse_others
from mailroom.times import utc_now
from views.words import number, said, size

BROKEN, FAILED = 1, 2


@click.command("backup")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to, if not the folder backups beside the database; it has to be there.",
)
@click.option(
    "--keep",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="How many stay there; unless given, as many as the program keeps of its own.",
)
def backup_command(folder: Path | None, keep: int | None) -> None:
    """Makes a backup of the database and checks it; Mailroom may run and send meanwhile.

    It is a file for the account that runs Mailroom alone, with a manifest beside it. The key file is not in it: keep a
    copy of that somewhere else. The oldest backups of this mailroom beyond those that are kept are removed.

    \b
    Ends with
      0    it is there, and every rule holds in it
      1    it is there, but rules do not hold in it, nor in the database; none was removed
      2    there is no new backup
    """
    # Mails and pages come first.
    os.nice(10)
    try:
        settings = from_environment(os.environ)
        refuse_others(settings)
        made = backups.make(
            settings.database,
            folder or backups.own_folder(settings),
            keep or backups.usual_keep(settings.database),
            utc_now(),
        )
    except (CopyFailed, Problem) as error:
        _fail(said(error.sentence))
    except (SettingError, OSError) as error:
        _fail(str(error))
    click.echo(
        _(
            "%(path)s: %(size)s, %(mails)s mails, made and checked in %(seconds)s s.",
            path=made.path,
            size=size(made.size),
            mails=number(made.mails),
            seconds=number(made.seconds),
        )
    )
    if made.broken:
        broken = ngettext(
            "%(num)s rule does not hold in it.", "%(num)s rules do not hold in it.", made.broken
        )
        click.echo(broken + " " + _("Run flask verify to see which."), err=True)
        sys.exit(BROKEN)


def _fail(sentence: str) -> None:
    click.echo(_("There is no new backup.") + " " + sentence, err=True)
    sys.exit(FAILED)
