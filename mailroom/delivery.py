"""What became of the mails the gateway took: each answer written down, and when to ask again."""

from datetime import datetime, timedelta

from sqlite_utils import Database

import oca
from mailroom import states, suppressions
from mailroom.clients import Clients
from mailroom.states import Change, Delivery
from mailroom.store import Store
from mailroom.times import Clock, iso, parse

# At which ages a mail is looked at again while its end is not known. Somebody watches a small batch, and looking
# costs little; in a large one each early look would cost as much as the whole first reading.
LIVELY = tuple(timedelta(seconds=n) for n in (10, 30, 120))
CALM = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    *(timedelta(days=n) for n in (1, 3, 7, 14, 30)),
)
LARGE_BATCH = 1000


def next_look(delivery: Delivery, accepted_at: datetime, batch_size: int, now: datetime) -> str | None:
    """When to ask about a mail again, as the database stores it; None when its end is known or it is too old."""
    if delivery not in ("pending", "delivered"):
        return None
    ages = CALM if batch_size > LARGE_BATCH else LIVELY + CALM
    return next((iso(accepted_at + age) for age in ages if accepted_at + age > now), None)


def look_again(store: Store, clients: Clients, mail_id: int, clock: Clock) -> bool:
    """Whether one mail's delivery changed when the gateway was asked about it just now.

    Raises oca.GatewayError when the gateway does not answer.
    """
    row = next(
        store.read().query(
            "SELECT m.gateway_id, b.token_id FROM mails m JOIN batches b ON b.id = m.batch_id "
            "WHERE m.id = ? AND m.gateway_id IS NOT NULL",
            [mail_id],
        ),
        None,
    )
    return row is not None and ask(store, clients.get(row["token_id"]), row["gateway_id"], clock)


def ask(store: Store, client: oca.Client, gateway_id: str, clock: Clock) -> bool:
    """Whether the mail with that id changed when the gateway was asked about it alone; it may be lost by now.

    Raises oca.GatewayError when the gateway does not answer.
    """
    try:
        status = client.status(gateway_id)
    except oca.DataNotFound:
        with store.write() as db:
            return bool(note(db, gateway_id, "lost", "", clock()))
    with store.write() as db:
        return bool(note(db, gateway_id, status.status, status.raw, clock()))


def note(db: Database, gateway_id: str, new: Delivery, word: str, now: datetime) -> bool | None:
    """Whether the delivery of the mail with that id changed; None when no mail of ours has it.

    new, word: what the gateway says now, in our word and in its own. What it says of a mail that is done, and
    anything that would go backwards, changes nothing.
    """
    row = next(
        db.query(
            "SELECT m.id, m.delivery, m.accepted_at, m.look_at, b.size FROM mails m "
            "JOIN batches b ON b.id = m.batch_id WHERE m.gateway_id = ?",
            [gateway_id],
        ),
        None,
    )
    if row is None:
        return None
    old: Delivery = row["delivery"]
    moves = (old, new) in states.DELIVERY_CHANGES
    look_at = next_look(new if moves else old, parse(row["accepted_at"]), row["size"], now)
    if moves:
        changed = states.deliver(db, row["id"], old, new, word, Change(now, word, "delivery"), look_at)
        if changed:
            suppressions.delivery_changed(db, row["id"], new, now)
        return changed
    if row["look_at"] and row["look_at"] <= iso(now):
        states.looked(db, row["id"], word if new == old else None, now, look_at)
    return False
