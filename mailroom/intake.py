"""Taking into the record what the gateway's history shows and this Mailroom has no record of.

It becomes a batch of a kind of its own: who got a mail and what became of it, as the gateway says; no subject, no
content, no attempt, and no report counts it as sent by us.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

import oca
from mailroom import activity, deeds, delivery, email_templates, gateway_history, states
from mailroom.clients import Clients
from mailroom.gateway_history import LIMIT
from mailroom.states import Change, Stranger
from mailroom.store import Store
from mailroom.times import Clock, iso
from oca.words import N_

WHY = N_("Found in the gateway’s history; this Mailroom has no record of sending it.")

# So many pages are read for what was chosen: newer mails push it to later ones meanwhile.
_PAGES_ON = 3
# The hidden template that all of them have, for want of a content.
_TEMPLATE = "Found in the gateway’s history"


@dataclass(frozen=True)
class Taken:
    """What taking in did. batch_id: the batch they are in, None when none was taken. left: chosen and not taken."""

    batch_id: int | None
    taken: int
    left: int


def take(
    store: Store,
    clients: Clients,
    token_id: int,
    number: int,
    chosen: Collection[str],
    name: str,
    user_id: int,
    clock: Clock,
) -> Taken:
    """Takes the chosen strangers into the record, as the gateway shows them now.

    number: the page they were on. chosen: their gateway ids; any that is or may be ours is left out. name: of the
    batch they go into. Taken in before, they are not taken again. Raises as `read()`.
    """
    wanted, found, offset = set(chosen), dict[str, oca.Status](), None
    for page_number in range(number, number + _PAGES_ON):
        browsed = clients.history(token_id, page_number, LIMIT, clock())
        offset = browsed.clock_offset
        found |= {item.msg_id: item for item in browsed.page.items if item.msg_id in wanted}
        if len(found) == len(wanted) or not browsed.page.items:
            break
    with store.write() as db:
        # From old to new, also where several came in the same instant.
        items = tuple(reversed(found.values()))
        strangers = {
            row.gateway_id
            for row in gateway_history.rows(db, token_id, items, offset)
            if row.standing == "stranger"
        }
        going = [item for item in items if item.msg_id in strangers]
        left = len(wanted) - len(going)
        if not going:
            return Taken(None, 0, left)
        batch_id = _batch(db, token_id, name, [item.msg_id for item in going], user_id, clock())
        _put(db, batch_id, going, timedelta(seconds=offset or 0.0), user_id, clock())
        activity.note(db, deeds.MailsTakenIn(batch_id, name, len(going)), clock(), user_id)
        return Taken(batch_id, len(going), left)


def _batch(
    db: Database, token_id: int, name: str, gateway_ids: list[str], user_id: int, now: datetime
) -> int:
    key = "found:" + hashlib.sha256("\n".join(sorted(gateway_ids)).encode()).hexdigest()
    added = db.execute(
        "INSERT INTO batches (name, form_key, kind, template_version_id, sender_email, sender_name, token_id, source, "
        "size, state, created_at, created_by) VALUES (?, ?, 'found', ?, '', '', ?, '', ?, 'running', ?, ?)",
        [
            name,
            key,
            email_templates.own_version(db, _TEMPLATE, "", "", user_id, now),
            token_id,
            len(gateway_ids),
            iso(now),
            user_id,
        ],
    )
    return int(added.lastrowid or 0)


def _put(
    db: Database, batch_id: int, items: list[oca.Status], offset: timedelta, user_id: int, now: datetime
) -> None:
    # The oldest first, as in every batch, so that the newest has the highest id.
    oldest_first = sorted(items, key=lambda item: item.created_at or now)
    for number, item in enumerate(oldest_first, 1):
        # The gateway's clock is known to a second only, and a mail cannot have been taken after it was seen.
        at = min(now, (item.created_at or now) - offset)
        look_at = delivery.next_look("pending", at, len(items), now)
        stranger = Stranger(item.msg_id, item.email, item.raw, at)
        states.take_in(db, batch_id, number, stranger, Change(now, WHY, f"user:{user_id}"), look_at)
        if item.status != "pending":
            delivery.note(db, item.msg_id, item.status, item.raw, now)
