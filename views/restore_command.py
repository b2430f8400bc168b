"""`flask restore`: puts a backup in the place of the database, after saying what that will mean."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom import restoring
from mailroom.copies import CopyFailed
from mailroom.problems import Problem
from mailroom.restoring import Candidate
from mailroom.settings import SettingError, Settings, from_environment, refuse_other_account
from mailroom.store import StoreInUse, in_use
from mailroom.times import parse, utc_now
from mailroom.verify import Broken
from views.words import number, said, size

DECLINED, FAILED = 1, 2


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Ask nothing, for scripts.")
def restore_command(file: Path, yes: bool) -> None:
    """Puts the backup FILE in the place of the database.

    Stop Mailroom first. The backup is checked before anything is changed, and the present database is kept aside, never
    deleted. Mails that may have been sent since the backup are looked up at the gateway before any goes out.

    \b
    Ends with
      0    it is in place; start Mailroom
      1    it was not wanted after all; nothing is changed
      2    it cannot be put back, and what is said tells why; nothing is changed
    """
    try:
        settings = from_environment(os.environ)
        if settings.data.exists():
            refuse_other_account(settings.data)
        if in_use(settings.database):
            _fail(_("Mailroom is running. Stop it first."))
        candidate = restoring.look(file, settings)
        for line in _what_it_means(candidate, settings):
            click.echo(line)
        if not yes and not click.confirm(_("Put it back?")):
            sys.exit(DECLINED)
        aside = restoring.put_back(candidate, settings, utc_now(), lambda broken: _wanted(broken, yes))
    except (CopyFailed, Problem) as error:
        _fail(said(error.sentence))
    except (SettingError, StoreInUse, OSError) as error:
        _fail(str(error))
    click.echo(_("The backup is in place. Start Mailroom."))
    if aside:
        click.echo(_("The database that was there is kept: %(path)s", path=aside))


def _what_it_means(candidate: Candidate, settings: Settings) -> Iterator[str]:
    mails = candidate.facts.mails
    when = parse(candidate.made_at).astimezone(settings.zone).strftime("%Y-%m-%d %H:%M %Z")
    yield _(
        "%(path)s: of %(when)s, %(size)s, %(mails)s mails.",
        path=candidate.path,
        when=when,
        size=size(candidate.size),
        mails=number(sum(mails.values())),
    )
    yield "- " + _(
        "What was done after that is not in it: batches, templates, people, and addresses on the do-not-mail list. "
        "What was sent is still in the gateway’s history; look there before you send a list again."
    )
    waiting = mails.get("queued", 0) + mails.get("sending", 0) + mails.get("unknown", 0)
    if waiting:
        yield "- " + ngettext(
            "%(n)s mail waits in it. Unless it is sure that none was sent since, it is looked up at the gateway before "
            "it goes out.",
            "%(n)s mails wait in it. Unless it is sure that none was sent since, each is looked up at the gateway "
            "before it goes out.",
            waiting,
            n=number(waiting),
        )
    yield "- " + _("Everybody signs in again, with the password they had then; open invitations end.")
    if candidate.pending:
        yield "- " + _("It is of an older version, and is brought up to date when Mailroom starts.")
    if not candidate.opens:
        yield "- " + _(
            "The key file %(path)s does not open the tokens in it. Put the copy of the key file that belongs to it "
            "there, or upload the tokens anew.",
            path=settings.key_file,
        )
    if settings.database.exists():
        yield "- " + _("The present database is kept in %(path)s.", path=settings.data / "replaced")


def _wanted(broken: list[Broken], yes: bool) -> bool:
    for line in broken[:20]:
        click.echo(str(line))
    click.echo(ngettext("%(num)s rule does not hold in it.", "%(num)s rules do not hold in it.", len(broken)))
    return not yes and click.confirm(_("Put it back all the same?"))


def _fail(sentence: str) -> None:
    click.echo(sentence, err=True)
    sys.exit(FAILED)
