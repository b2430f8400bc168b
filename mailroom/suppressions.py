"""The do-not-mail list: addresses that get no mail, who put them there and why. Nothing is sent to them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal, TypeVar

from sqlite_utils import Database

from mailroom import activity, deeds, library_deeds, preferences
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

T = TypeVar("T")
Reason = Literal["hand", "import", "failed", "unsubscribed"]

# Why a mail to such an address is skipped; written into the mail's record as it stands here.
# What the trail calls the whole list when it is downloaded.
CALLED = N_("do-not-mail list")
WHY: Mapping[str, str] = {
    "hand": N_("the address was put on the do-not-mail list by hand"),
    "import": N_("the address came onto the do-not-mail list with an imported list"),
    "failed": N_("an earlier mail to the address could not be delivered, so it is on the do-not-mail list"),
    "unsubscribed": N_("the recipient asked not to get mail"),
}
PAGE = 50
LONGEST_NOTE = 200

# So many are written in one transaction, about 50 ms in a list of a million: the sender needs the same lock.
_AT_ONCE = 1000


@dataclass(frozen=True)
class Suppression:
    """An address on the list. mail_id: the mail that failed, or None. added_by: a person's name, or ""."""

    email: str
    reason: Reason
    note: str
    mail_id: int | None
    added_at: str
    added_by: str


def among(store: Store) -> Callable[[Sequence[str]], set[str]]:
    """A way to ask which of some addresses are on the list, in whatever case; for the thread it is made in."""
    # A look into the index for each, never out of date as a copy would be; many by one question, for each question
    # takes and gives back the file's lock.
    ask = store.read().conn.execute
    question = (
        "SELECT a.key FROM json_each(?) a WHERE EXISTS (SELECT 1 FROM suppressions s WHERE s.email = a.value)"
    )
    return lambda emails: {emails[row[0]] for row in ask(question, (json.dumps(emails),))}


def why(db: Database, email: str) -> str:
    """Why nothing is sent to the address, one of `WHY`; "" when it is not on the list."""
    row = db.conn.execute("SELECT reason FROM suppressions WHERE email = ?", (email,)).fetchone()
    return WHY[row["reason"]] if row else ""


def get(store: Store, email: str) -> Suppression | None:
    """What is known of an address on the list, or None."""
    return next(_select(store.read(), "WHERE s.email = ?", [email]), None)


def counts(store: Store) -> dict[str, int]:
    """How many addresses are on the list for each reason; reasons with none are left out."""
    rows = store.read().query("SELECT reason, count(*) AS n FROM suppressions GROUP BY reason")
    return {row["reason"]: row["n"] for row in rows}


def newest(store: Store, reason: str = "", before: str = "", limit: int = PAGE) -> list[Suppression]:
    """Addresses, the newest first; those put there for one reason, if given.

    before: the `place()` of the last one seen; only those older than it are given.
    """
    at, _, email = before.partition(" ")
    where, parameters = "WHERE (s.added_at, s.email) < (?, ?) ", [at or "~", email]
    if reason:
        where, parameters = where + "AND s.reason = ? ", [*parameters, reason]
    order = "ORDER BY s.added_at DESC, s.email DESC LIMIT ?"
    return list(_select(store.read(), where + order, [*parameters, limit]))


def beginning(
    store: Store, start: str, reason: str = "", before: str = "", limit: int = PAGE
) -> list[Suppression]:
    """Addresses that begin with `start`, in the order of the alphabet.

    before: the `place()` of the last one seen; only those behind it are given.
    """
    behind = before.partition(" ")[2]
    where = "WHERE s.email >= ? AND s.email < ? AND s.email > ? AND (? = '' OR s.reason = ?) "
    parameters = [start, start + "\U0010ffff", behind, reason, reason, limit]
    return list(_select(store.read(), where + "ORDER BY s.email LIMIT ?", parameters))


def everyone(store: Store) -> Iterator[Suppression]:
    """The whole list in the order of the alphabet, read page by page."""
    behind = ""
    while page := list(
        _select(store.read(), "WHERE s.email > ? ORDER BY s.email LIMIT ?", [behind, _AT_ONCE])
    ):
        yield from page
        behind = page[-1].email


def place(line: Suppression) -> str:
    """Where in the list an address stands, for the question after those behind it."""
    return f"{line.added_at} {line.email}"


def add(store: Store, emails: Sequence[str], reason: Reason, note: str, user_id: int, now: datetime) -> int:
    """How many of the addresses are on the list now and were not before.

    emails: good addresses; a long list is noted in the trail with its first part.
    Raises Problem beside `note` when that is too long.
    """
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE:
        raise Problem(N_("A note has at most %(most)s letters."), field="note", most=LONGEST_NOTE)
    added = 0
    deed = _added(emails, reason)
    for first, part in _parts(emails):
        with store.write() as db:
            rows = [(email, reason, note, None, iso(now), user_id) for email in part]
            added += _insert(db, rows)
            if first and (added or len(emails) > 1):
                activity.note(db, deed, now, user_id)
    return added


def remove(store: Store, email: str) -> bool:
    """Whether the address was on the list and is not any more; waiting mails to it go out again."""
    with store.write() as db:
        gone = db.execute(
            "DELETE FROM suppressions WHERE email = ? RETURNING email, reason", [email]
        ).fetchone()
        if gone:
            activity.note(db, deeds.SuppressionRemoved(**deeds.person(gone["email"]), reason=gone["reason"]))
    return gone is not None


def export(store: Store, user_id: int, now: datetime) -> Iterator[Suppression]:
    """The same for a person who takes it away, which is noted."""
    rows = sum(counts(store).values())
    activity.record(store, deeds.AddressesExported(CALLED, rows), now, user_id)
    return everyone(store)


def any_failed_of(store: Store, batch_id: int) -> bool:
    """Whether `failed_of()` finds any; cheaper than counting them."""
    return bool(
        store.read().execute("SELECT EXISTS (SELECT 1 " + _FAILED_ROWS + ")", [batch_id]).fetchone()[0]
    )


def failed_of(store: Store, batch_id: int) -> int:
    """How many addresses of the batch could not be delivered to and are not on the list."""
    return int(store.read().execute("SELECT count(*) FROM (" + _FAILED + ")", [batch_id]).fetchone()[0])  # noqa: S608


def add_failed_of(store: Store, batch_id: int, user_id: int, now: datetime) -> int:
    """How many addresses of the batch that could not be delivered to are on the list now and were not before."""
    found = store.read().execute(_FAILED, [batch_id]).fetchall()
    added = 0
    for first, part in _parts(found):
        with store.write() as db:
            added += _insert(
                db, [(email, "failed", "", mail_id, iso(now), user_id) for email, mail_id in part]
            )
            if first:
                activity.note(db, library_deeds.FailedSuppressed(batch_id, len(found)), now, user_id)
    return added


def delivery_changed(db: Database, mail_id: int, delivery: str, now: datetime) -> None:
    """Puts the address of a mail that has just failed on the list, if the team wants that.

    When the gateway takes its word back, the address comes off again.
    """
    if delivery != "failed":
        db.execute(
            "DELETE FROM suppressions WHERE mail_id = ? AND reason = 'failed' AND added_by IS NULL "
            "AND email = (SELECT email FROM mails WHERE id = ?)",
            [mail_id, mail_id],
        )
    elif preferences.read(db).suppress_failed:
        email = db.execute("SELECT email FROM mails WHERE id = ?", [mail_id]).fetchone()["email"]
        if not email:
            # Forgotten meanwhile: nobody knows any more whom it went to.
            return
        _insert(db, [(email, "failed", "", mail_id, iso(now), None)])


# What the gateway could not deliver; what it refused may be the template's fault and is not among them.
_FAILED_ROWS = (
    "FROM mails m WHERE m.batch_id = ? AND m.shown = 'failed' AND m.forgotten_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.email = m.email)"
)
_FAILED = "SELECT m.email, max(m.id) AS mail_id " + _FAILED_ROWS + " GROUP BY m.email"


def _insert(db: Database, rows: Iterable[tuple[str, str, str, int | None, str, int | None]]) -> int:
    statement = (
        "INSERT INTO suppressions (email, reason, note, mail_id, added_at, added_by) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING"
    )
    return max(db.conn.executemany(statement, rows).rowcount, 0)


def _select(db: Database, where: str, parameters: list[object]) -> Iterator[Suppression]:
    rows = db.query(
        "SELECT s.email, s.reason, s.note, s.mail_id, s.added_at, coalesce(u.name, '') AS added_by "
        # `where` is one of the constants above; what it compares with is always a parameter.
        "FROM suppressions s LEFT JOIN users u ON u.id = s.added_by " + where,
        parameters,
    )
    return (Suppression(**row) for row in rows)


def _parts(everything: Iterable[T]) -> Iterator[tuple[bool, list[T]]]:
    """Everything in parts for one transaction each, and whether a part is the first."""
    rest = iter(everything)
    for n, part in enumerate(iter(lambda: list(islice(rest, _AT_ONCE)), [])):
        yield n == 0, part


def _added(emails: Sequence[str], reason: Reason) -> deeds.Deed:
    if len(emails) == 1:
        return library_deeds.SuppressionAdded(**deeds.person(emails[0]), reason=reason)
    return library_deeds.SuppressionsAdded(len(emails), reason)
