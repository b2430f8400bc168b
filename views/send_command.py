"""`flask send`: a list and a template from a shell or from cron, with the same checks as the pages."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mailroom.asking import NoAnswer, Question
from mailroom.keys import KeyFileError
from mailroom.problems import Problem
from mailroom.settings import SettingError, from_environment
from mailroom.store import StoreError
from mailroom.wishes import ATTACHMENT, LIST, Answer, Outcome, RowFault, Wish
from views.words import number, said

# The exit codes that --help tells, for cron and scripts.
NOT_ALL, WRONG, FAULTS, LATELY, APPROVAL, NO_ANSWER, INTERRUPTED = 1, 2, 3, 4, 5, 6, 130
_CODES: dict[Outcome, int] = {
    "queued": 0,
    "checked": 0,
    "unusable": WRONG,
    "faults": FAULTS,
    "sent_lately": LATELY,
    "approval": APPROVAL,
    "failed": NO_ANSWER,
}
# How often progress is printed: to somebody who watches, and to a mail from cron.
WATCHED_SECONDS, UNWATCHED_SECONDS = 2.0, 60.0

_LOCAL_PART = re.compile(r"([^\s@<>,;“”])[^\s@<>,;“”]*@")


@click.command("send")
@click.option("--template", required=True, metavar="NAME", help="The template, by its name.")
@click.option(
    "--recipients",
    "given",
    required=True,
    type=click.File("rb"),
    metavar="FILE",
    help="The list, as the Send page takes it; - for standard input.",
)
@click.option("--attachment", type=click.File("rb"), metavar="FILE", help="A file that goes with every mail.")
@click.option(
    "--from",
    "sender",
    default="",
    metavar="EMAIL",
    help="Who the mail is from; needed when there are several.",
)
@click.option("--token", default="", metavar="NAME", help="The token; needed when there are several.")
@click.option(
    "--name",
    default="",
    metavar="NAME",
    help="The batch's name; the template's and the time unless given.",
)
@click.option(
    "--as",
    "person",
    default="",
    metavar="EMAIL",
    help="Who of the team sends it; unless given, the first admin.",
)
@click.option("--only-good", is_flag=True, help="Send the good rows although others have faults.")
@click.option("--again", is_flag=True, help="Send although the same went out in the last days.")
@click.option("--dry-run", is_flag=True, help="Only check; queue nothing.")
@click.option("--wait", is_flag=True, help="Stay until nothing waits, and say what became of it.")
@click.option(
    "--timeout",
    default=120.0,
    type=click.FloatRange(1),
    metavar="SECONDS",
    show_default=True,
    help="How long Mailroom may take to answer.",
)
def send_command(
    given: IO[bytes], attachment: IO[bytes] | None, timeout: float, **options: str | bool
) -> None:
    """Queues one mail for each row of a list, with the same checks as the pages.

    While Mailroom runs, it does the work; otherwise this command does it itself, and the mails go out with --wait or
    as soon as Mailroom runs. The same request is never queued twice, however it is interrupted.

    \b
    Ends with
      0    everything was queued, or with --wait handed over
      1    with --wait: not everything was handed over
      2    wrong use: an unreadable list, an unknown template, sender, token or person
      3    rows of the list have faults; nothing was queued
      4    the same was sent lately; nothing was queued (--again)
      5    a second person has to approve so many; nothing was queued
      6    Mailroom did not answer, or failed; what is said tells whether it was queued
      130  interrupted; what is said tells whether it was queued
    """
    wish = Wish(list_name=_name(given), attachment_name=_name(attachment), **options)  # type: ignore[arg-type]
    files = {LIST: given} | ({ATTACHMENT: attachment} if attachment else {})
    with _interruptible():
        sys.exit(_run(wish, files, timeout))


def _run(wish: Wish, files: dict[str, IO[bytes]], timeout: float) -> int:
    """The exit code, once all is printed."""
    try:
        question = Question(from_environment(os.environ), wish, files, timeout)
    except KeyboardInterrupt:
        return _interrupted(None)
    except (SettingError, Problem, OSError) as error:
        _complain(said(error) if isinstance(error, Problem) else str(error))
        return WRONG
    try:
        return _told(question, wish)
    except KeyboardInterrupt:
        return _interrupted(question)
    except NoAnswer as error:
        return _unanswered(question, error.withdrawn)
    except (StoreError, KeyFileError, OSError) as error:
        _complain(str(error))
        return _unanswered(question, question.end())
    finally:
        question.close()


def _told(question: Question, wish: Wish) -> int:
    """The exit code, once everything was answered and printed."""
    pause = WATCHED_SECONDS if sys.stdout.isatty() else UNWATCHED_SECONDS
    answer, printed_at = None, 0.0
    for answer in question.answers():
        if not printed_at:
            _tell(answer, question.own and not wish.wait)
            printed_at = time.monotonic()
        elif not answer.final and time.monotonic() - printed_at >= pause:
            printed_at = time.monotonic()
            click.echo(_progress(answer))
    if answer and answer.outcome == "queued" and wish.wait:
        return _ended(answer)
    return _CODES[answer.outcome] if answer else NO_ANSWER


def _tell(answer: Answer, waits_for_mailroom: bool) -> None:
    """The first answer: what is wrong with the list, and what came of the wish."""
    for fault in answer.faults:
        _complain(_fault(fault))
    told = len({fault.row for fault in answer.faults})
    if answer.bad > told:
        _complain(
            ngettext(
                "… and %(rows)s more row.",
                "… and %(rows)s more rows.",
                answer.bad - told,
                rows=number(answer.bad - told),
            )
        )
    if answer.outcome == "queued":
        click.echo(_queued(answer))
        click.echo(answer.page)
        if waits_for_mailroom:
            click.echo(_("Mailroom is not running; they go out when it runs."))
    elif answer.outcome == "checked":
        click.echo(_("%(rows)s Nothing was queued, as this was only a check.", rows=_rows(answer)))
    elif answer.outcome == "faults":
        _complain(_("%(rows)s Nothing was queued. Mend the list.", rows=_rows(answer)) + _only_good(answer))
    else:
        _complain(said(answer.sentence))


def _queued(answer: Answer) -> str:
    text = ngettext(
        "Batch %(id)s “%(name)s”: %(mails)s mail queued.",
        "Batch %(id)s “%(name)s”: %(mails)s mails queued.",
        answer.size,
        id=answer.batch_id,
        name=answer.name,
        mails=number(answer.size),
    )
    return text + (" " + _rows(answer) if answer.bad else "")


def _rows(answer: Answer) -> str:
    return _(
        "%(total)s rows: %(good)s good, %(bad)s with faults.",
        total=number(answer.good + answer.bad),
        good=number(answer.good),
        bad=number(answer.bad),
    )


def _only_good(answer: Answer) -> str:
    return " " + _("With --only-good the good ones are sent.") if answer.good else ""


def _fault(fault: RowFault) -> str:
    where = _("row %(row)s", row=fault.row) + (f": {fault.column}" if fault.column else "")
    # Cron mails what is printed here: an address is recognised by its row.
    return _LOCAL_PART.sub(r"\1…@", f"{where}: {said(fault.sentence)}")


def _progress(answer: Answer) -> str:
    return _(
        "%(taken)s of %(size)s handed over, %(waiting)s wait.",
        taken=number(answer.handed_over),
        size=number(answer.size),
        waiting=number(answer.waiting),
    )


def _ended(answer: Answer) -> int:
    """Prints what became of the batch; the exit code for it."""
    click.echo(_became(answer))
    if answer.waiting:
        _complain(_STUCK.get(answer.shown, _STUCK["paused"])())
    return 0 if answer.handed_over == answer.size else NOT_ALL


def _became(answer: Answer) -> str:
    words = {
        "rejected": _("refused"),
        "skipped": _("skipped"),
        "undecided": _("undecided"),
        "gave_up": _("given up"),
        "cancelled": _("cancelled"),
    }
    parts = [_("%(n)s handed over", n=number(answer.handed_over))]
    parts += [f"{number(answer.counts[key])} {word}" for key, word in words.items() if answer.counts.get(key)]
    if answer.waiting:
        parts.append(_("%(n)s still wait", n=number(answer.waiting)))
    return ", ".join(parts) + "."


_STUCK: dict[str, Callable[[], str]] = {
    "paused": lambda: _("The batch is paused; it goes on when somebody resumes it on its page."),
    "stopped": lambda: _("The gateway turned the token down; the page Gateway says what to do."),
    "expired": lambda: _("The token is over; put a new one in its place on the page Gateway."),
    "cancelled": lambda: _("The batch was cancelled."),
}


@contextmanager
def _interruptible() -> Iterator[None]:
    """Makes what ends a process politely the same as Ctrl-C; pressed twice, only the first counts."""

    def interrupt(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup, for one, has it ignored.
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, interrupt)
    yield


def _interrupted(question: Question | None) -> int:
    if question is None or question.end():
        _complain(_("Interrupted; nothing was queued."))
    else:
        _complain(_("Interrupted. %(what)s", what=_stands(question)))
    return INTERRUPTED


def _unanswered(question: Question, withdrawn: bool) -> int:
    if withdrawn:
        _complain(_("Mailroom did not answer; nothing was queued. Look at its log, then try again."))
    else:
        _complain(_("Mailroom does not answer any more. %(what)s", what=_stands(question)))
    return NO_ANSWER


def _stands(question: Question) -> str:
    """How far the wish has come that can no longer be withdrawn."""
    if question.last and question.last.batch_id:
        return _(
            "Batch %(id)s is queued; what waits goes out while Mailroom runs.", id=question.last.batch_id
        )
    return _(
        "It was just being queued, and will be, once; look for it among the batches before you try again."
    )


def _complain(sentence: str) -> None:
    click.echo(sentence, err=True)


def _name(stream: IO[bytes] | None) -> str:
    return str(getattr(stream, "name", "")).strip("<>") if stream else ""
