"""What an admin types on the machine: `flask verify` and, with it, whatever needs no browser."""

import os
import sys
from contextlib import closing
from pathlib import Path

import click
from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import activity, counters, rotation
from mailroom.keys import KeyFileError
from mailroom.settings import Settings, from_environment
from mailroom.store import Store, StoreError
from mailroom.times import utc_now
from mailroom.verify import UnreadableDatabase, verify_file
from views.backup_command import backup_command
from views.doctor_command import doctor_command
from views.restore_command import restore_command
from views.send_command import send_command
from views.words import said


def init(app: Flask) -> None:
    """Makes the commands known to `flask`."""
    app.cli.add_command(verify_command)
    app.cli.add_command(recount_command)
    app.cli.add_command(rotate_command)
    app.cli.add_command(send_command)
    app.cli.add_command(backup_command)
    app.cli.add_command(doctor_command)
    app.cli.add_command(restore_command)


@click.command("verify")
@click.option(
    "--database", type=click.Path(path_type=Path), help="The file, if not the one the settings name."
)
@click.option(
    "--head",
    metavar="ENTRY:HASH",
    help="The end that the activity trail had once, as the report by mail says it: is it still in it?",
)
def verify_command(database: Path | None, head: str | None) -> None:
    """Checks a database for what is always true of it; names what is not, and ends with 1 then.

    It only reads, so it may run beside the program.
    """
    path = database or from_environment(os.environ).database
    try:
        known = activity.head_of(head) if head else None
    except ValueError:
        click.echo(
            _("“%(head)s” is no end of a trail; one looks like 12:9f3a0c1e5b7d2468.", head=head), err=True
        )
        sys.exit(2)
    try:
        broken = verify_file(path, known)
    except UnreadableDatabase as error:
        click.echo(_("%(path)s cannot be read: %(why)s", path=path, why=said(str(error))), err=True)
        sys.exit(2)
    for line in broken:
        click.echo(str(line))
    if broken:
        click.echo(ngettext("%(num)s rule is broken.", "%(num)s rules are broken.", len(broken)), err=True)
        sys.exit(1)
    click.echo(_("%(path)s: every rule holds.", path=path))


@click.command("recount")
def recount_command() -> None:
    """Counts all mails anew for the reports, should `flask verify` ever find counts that disagree with them.

    Stop the program first; ten million mails take some minutes.
    """
    with closing(_own(from_environment(os.environ))) as store:
        mended = len(counters.differences(store.read()))
        counters.rebuild(store)
    done = ngettext("All mails are counted anew; %(num)s count was wrong.",
                    "All mails are counted anew; %(num)s counts were wrong.", mended)  # fmt: skip
    click.echo(done)


@click.command("rotate-key")
def rotate_command() -> None:
    """Puts a new key into the key file and encrypts everything secret with it; the old key opens nothing any more.

    Stop the program first. Unsubscribe links in mails that are out stay good. Copies of the database from before need
    the key file from before. Broken off, it is simply started again.
    """
    settings = from_environment(os.environ)
    with closing(_own(settings)) as store:
        try:
            with activity.from_shell():
                rotated = rotation.rotate(store, settings.key_file, utc_now())
        except (KeyFileError, OSError) as error:
            click.echo(str(error), err=True)
            sys.exit(2)
    done = ngettext("A new key is in %(path)s; %(num)s secret is encrypted with it.",
                    "A new key is in %(path)s; %(num)s secrets are encrypted with it.", rotated,
                    path=settings.key_file)  # fmt: skip
    click.echo(done)
    click.echo(_("Keep a copy of it somewhere else than the copies of the database."))


def _own(settings: Settings) -> Store:
    """The database for this command alone; where there is none, or the program runs, it ends with 2 and says so."""
    if not settings.database.is_file():
        click.echo(_("There is no database at %(path)s.", path=settings.database), err=True)
        sys.exit(2)
    try:
        return Store(settings.database)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
