"""One address: everything that was ever sent to it, in numbers."""

from dataclasses import dataclass

from mailroom.store import Store

# So many mails are counted; a mailbox that some machine writes to every minute must not make its page slow.
COUNTED = 1_000


@dataclass(frozen=True)
class Address:
    """What was sent to an address. counts: where its newest mails stand, `COUNTED` at most.

    more: whether there are older ones that are not counted. The times are those of the first and the last mail that
    was queued for it, and when one was last known to be delivered, or None.
    """

    email: str
    counts: dict[str, int]
    more: bool
    first_at: str | None
    last_at: str | None
    delivered_at: str | None

    @property
    def n(self) -> int:
        """How many mails were counted."""
        return sum(self.counts.values())


def get(store: Store, email: str) -> Address:
    """What was sent to the address, upper and lower case aside; an address nothing was sent to has no counts."""
    db = store.read()
    rows = list(
        db.query(
            "SELECT shown, count(*) AS n, max(delivered_at) AS delivered_at, max(created_at) AS last_at, min(id) AS id "
            "FROM (SELECT id, shown, delivered_at, created_at FROM mails WHERE email = ? ORDER BY id DESC LIMIT ?) "
            "GROUP BY shown",
            [email, COUNTED],
        )
    )
    oldest = db.execute(
        "SELECT id, created_at FROM mails WHERE email = ? ORDER BY id LIMIT 1", [email]
    ).fetchone()
    return Address(
        email,
        {row["shown"]: row["n"] for row in rows},
        bool(oldest) and oldest["id"] < min(row["id"] for row in rows),
        oldest["created_at"] if oldest else None,
        max((row["last_at"] for row in rows), default=None),
        max((row["delivered_at"] for row in rows if row["delivered_at"]), default=None),
    )
