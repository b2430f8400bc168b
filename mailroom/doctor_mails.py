"""What is in the database, looked at: tokens, waiting and doubtful mails, and quickly whether it is whole."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlite_utils import Database

from mailroom import activity, batches, holds, machine, restored, tokens, waiting
from mailroom.findings import Finding, fail, ok, warn
from mailroom.keys import KeyFileError, Keys
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

# How long before its end a token is announced.
SOON = timedelta(days=14)
# A larger file takes longer to look through than a quick look should.
QUICK_BYTES = 200_000_000
LONG_WAIT_SECONDS = 3600.0


def of_mails(store: Store, now: datetime) -> Iterator[Finding]:
    """Tokens, and mails that wait for somebody; told by counts alone."""
    yield from _tokens(store, now)
    yield _undecided(store)
    yield _stopped(store, now)
    yield _queue(store, now)


def of_secrets(store: Store, settings: Settings) -> Iterator[Finding]:
    """Whether the key file opens what the database keeps encrypted."""
    name, lines = N_("Tokens"), tokens.all_tokens(store)
    try:
        # Looked at first, for a key file that is missing would be made.
        if settings.key_file.exists():
            keys = Keys.load_or_create(settings.key_file)
            for line in lines:
                tokens.secret(store, keys, line.id)
    except (KeyFileError, OSError):
        yield fail(
            name,
            N_(
                "The key file does not open the gateway's tokens. Put back the one that belongs to this database, or "
                "replace each token on the page Gateway."
            ),
        )


def quick_check(store: Store) -> Finding:
    """Whether the file is sound and some counts agree; `flask verify` looks at everything."""
    name, db = N_("Quick check"), store.read()
    small = machine.size_of(store.path) <= QUICK_BYTES
    if small and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        return fail(name, N_("The file is damaged. Stop Mailroom and put back your last backup."))
    mark = restored.mark_of(store.path)
    if not _counts_agree(db) or (mark and not activity.holds(db, mark.trail)):
        return fail(name, N_("Something is not as it should be. Run flask verify, which names it."))
    if small:
        return ok(name, N_("Nothing is wrong; flask verify looks at everything."))
    return ok(
        name,
        N_("The counts agree; flask verify looks at everything, which takes a while with so many mails."),
    )


def _tokens(store: Store, now: datetime) -> Iterator[Finding]:
    name, lines = N_("Tokens"), tokens.all_tokens(store, now)
    if not lines:
        yield warn(name, N_("There is none yet, so nothing can be sent. Upload one on the page Gateway."))
        return
    stopped = holds.of_tokens(store, now)
    for hold in stopped:
        sentence = (
            N_("“%(name)s” has expired. Replace it on the page Gateway; everything queued goes on by itself.")
            if hold.kind == "expired"
            else N_(
                "Nothing goes out with “%(name)s”: the gateway turned it down. The page Gateway says what to do."
            )
        )
        yield fail(name, sentence, name=hold.token_name)
    ending = [line for line in lines if iso(now) < (line.expires_at or "") < iso(now + SOON)]
    for line in ending:
        yield warn(
            name,
            N_("“%(name)s” expires on %(when)s. Replace it before then, and sending does not stop."),
            name=line.name,
            when=(line.expires_at or "")[:10],
        )
    if not stopped and not ending:
        yield ok(name, N_("Mail can be sent with them."))


def _undecided(store: Store) -> Finding:
    name, mails = N_("Doubtful mails"), batches.undecided(store)
    if mails:
        return warn(
            name,
            N_(
                "Waiting for somebody to say whether they left: %(n)s. Search the history for status:undecided."
            ),
            n=mails,
        )
    return ok(name, N_("None needs a decision."))


def _stopped(store: Store, now: datetime) -> Finding:
    name, stopped = N_("Batches"), batches.stopped(store, now)
    if stopped:
        return warn(name, N_("Waiting for somebody: %(n)s. The page Batches says why."), n=stopped)
    return ok(name, N_("None waits for somebody."))


def _queue(store: Store, now: datetime) -> Finding:
    name, queue = N_("Queue"), waiting.queue(store, now)
    if queue.oldest_seconds > LONG_WAIT_SECONDS:
        return warn(
            name,
            N_("A mail has been due for %(hours)s h. Look at the page Gateway whether anything goes out."),
            hours=round(queue.oldest_seconds / 3600),
        )
    return ok(name, N_("Mails that wait: %(n)s."), n=queue.mails)


def _counts_agree(db: Database) -> bool:
    # Counted mail by mail and batch by batch, by different triggers; and nothing is on the wire without its attempt.
    row = db.execute(
        "SELECT (SELECT coalesce(sum(n), 0) FROM totals) = (SELECT coalesce(sum(n), 0) FROM batch_counts) "
        "AND (SELECT coalesce(sum(size), 0) FROM batches) = (SELECT coalesce(sum(n), 0) FROM batch_counts) "
        "AND (SELECT count(*) FROM mails WHERE state = 'sending' AND state IN ('sending', 'unknown', 'undecided')) "
        "= (SELECT count(*) FROM attempts WHERE finished_at IS NULL)"
    ).fetchone()
    return bool(row[0])
