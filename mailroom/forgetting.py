"""Forgetting mails: address, content and everything personal go; number, state, times, hashes and the id at the gateway
stay, so that counts stay right and a proof stays a proof.

Only for mails that are done: what still waits or is in doubt is never touched.
"""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from mailroom import states
from oca.words import N_

# So many are forgotten in one transaction, about 60 ms: the sender's answers wait for the same lock.
AT_ONCE = 1000
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
