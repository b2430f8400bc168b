"""Forgetting mails: address, content and everything personal go; number, state, times, hashes and the id at the gateway
stay, so that counts stay right and a proof stays a proof.

Only for mails that are done: what still waits or is in doubt is never touched.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlite_utils import Database

from mailroom import states
from mailroom.store import Store
from oca.words import N_

# So many are forgotten in one transaction, about 20 ms: the sender's answers wait for the same lock.
AT_ONCE = 1000
# The sender is given as long as a portion has taken, and never less than this.
BREATH_SECONDS = 0.01
# Of the index of words, in one transaction: about 20 ms.
_PAGES_AT_ONCE = 50
# What stands where somebody had written something, or the gateway had.
TAKEN_OUT = N_("What was written here was taken out together with the address.")

# Of a mail `m` that may be forgotten.
MAY_BE = f"m.forgotten_at IS NULL AND m.shown NOT IN {states.UNFINISHED}"


def forget(db: Database, mail_ids: Iterable[int], now: datetime) -> int:
    """How many of the mails were forgotten just now, in the caller's transaction; at most `AT_ONCE` should be given."""
    done = states.forget(db, mail_ids, TAKEN_OUT, now)
    some = json.dumps([mail_id for mail_id, _ in done])
    db.execute(
        "UPDATE attempts SET to_email = '', subject = '', attachment_name = NULL, detail = '' "
        "WHERE mail_id IN (SELECT value FROM json_each(?))",
        [some],
    )
    # What was seen of other mails to the same address; the proof is in the times, which stay.
    db.execute(
        "UPDATE lookups SET evidence = json_set(evidence, '$.seen', json('[]')) "
        "WHERE mail_id IN (SELECT value FROM json_each(?))",
        [some],
    )
    for batch_id, mails in Counter(batch_id for _, batch_id in done).items():
        # With its last mail the file that went along with all of them goes too; its hash stays with the attempts.
        db.execute(
            "UPDATE batches SET forgotten = forgotten + :n, attachment_id = CASE WHEN forgotten + :n < size "
            "THEN attachment_id END WHERE id = :id",
            {"n": mails, "id": batch_id},
        )
    return len(done)


def forget_words(store: Store, stopping: Callable[[], bool] = lambda: False) -> None:
    """Takes what forgotten subjects said out of the search's index for good, bit by bit.

    The index only notes what is not true any more; the words go when its parts are merged into one
    (https://www.sqlite.org/fts5.html#the_merge_command). Where nothing is left to merge, nothing is done.
    """
    # Below zero, all parts are merged, not only those of one size; said once, at the beginning.
    pages, more = -_PAGES_AT_ONCE, True
    while more and not stopping():
        with transaction(store) as db:
            before = db.conn.total_changes
            db.execute("INSERT INTO subjects(subjects, rank) VALUES ('merge', ?)", [pages])
            # The statement itself counts as one change.
            more = db.conn.total_changes - before > 1
        pages = _PAGES_AT_ONCE


@contextmanager
def transaction(store: Store) -> Iterator[Database]:
    """A transaction, and then a breath as long as it took, for mails are being sent meanwhile."""
    began = time.monotonic()
    with store.write() as db:
        yield db
    time.sleep(max(BREATH_SECONDS, time.monotonic() - began))
