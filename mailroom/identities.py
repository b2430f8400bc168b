"""Sender identities: the addresses and names that mail may be sent from."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from mailroom import activity, deeds, library_deeds
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

LONGEST_NAME = 100


@dataclass(frozen=True)
class Identity:
    """Who a mail comes from: the address, and the name shown beside it."""

    id: int
    email: str
    name: str


def add(store: Store, email: str, name: str, user_id: int, now: datetime) -> Identity:
    """The new identity; one that was removed comes back. Raises Problem beside `email` or `name`."""
    email, name = _address(email), _named(name)
    with store.write() as db:
        row = next(
            # Removed ones keep their row, so the pair may be there already; only a removed one is taken back.
            db.query(
                "INSERT INTO senders (email, name, created_at, created_by) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (email, name) DO UPDATE SET removed_at = NULL WHERE removed_at IS NOT NULL "
                "RETURNING id, email, name",
                [email, name, iso(now), user_id],
            ),
            None,
        )
        if row:
            activity.note(db, library_deeds.SenderAdded(name, **deeds.person(email)), now, user_id)
    if row is None:
        raise Problem(N_("This address is already here under the same name."), field="email")
    return Identity(**row)


def all_identities(store: Store) -> list[Identity]:
    """Every identity in use, by name."""
    return _select(store.read(), "WHERE removed_at IS NULL ORDER BY name COLLATE NOCASE, email", [])


def get(store: Store, identity_id: int) -> Identity:
    """One identity, also when it was removed since. Raises LookupError when there was none with this id."""
    found = _select(store.read(), "WHERE id = ?", [identity_id])
    if not found:
        raise LookupError(identity_id)
    return found[0]


def remove(store: Store, identity_id: int, user_id: int, now: datetime) -> bool:
    """Whether the identity was in use and no longer is; what was queued with it goes out all the same."""
    with store.write() as db:
        row = db.execute(
            "UPDATE senders SET removed_at = ? WHERE id = ? AND removed_at IS NULL RETURNING email, name",
            [iso(now), identity_id],
        ).fetchone()
        if row:
            deed = library_deeds.SenderRemoved(row["name"], **deeds.person(row["email"]))
            activity.note(db, deed, now, user_id)
    return row is not None


def _address(email: str) -> str:
    # Here, for its patterns take the start 30 ms, and it is rarely asked.
    from email_validator import EmailNotValidError, validate_email

    try:
        # The sandbox's own domain ends in .test, which the validator takes for a mistake otherwise.
        found = validate_email(
            email.strip(), check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        sentence = N_("This is not an email address. One looks like info@contoh.co.id.")
        raise Problem(sentence, field="email") from None
    return found.normalized


def _named(name: str) -> str:
    name = name.replace("\u00a0", " ").strip()
    if not name:
        raise Problem(N_("Give the name that recipients will see as the sender."), field="name")
    if len(name) > LONGEST_NAME or not name.isprintable():
        sentence = N_("The name is one line of at most %(most)s letters.")
        raise Problem(sentence, field="name", most=LONGEST_NAME)
    return name


def _select(db: Database, where: str, parameters: list[object]) -> list[Identity]:
    query = "SELECT id, email, name FROM senders " + where  # noqa: S608 – one of the constants above
    return [Identity(**row) for row in db.query(query, parameters)]
