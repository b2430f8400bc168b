"""What the activity trail can say about what mail is made of: templates, lists, senders, and who gets none."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.deeds import Deed
from oca.words import N_


@dataclass(frozen=True)
class TemplateSaved(Deed):
    """template: its number, which stays when it is renamed. marketing: 1 when one can unsubscribe from its mails."""

    KIND = "template_saved"
    WORD = N_("Template saved")
    SAYS = N_(
        "Saved the template “%(name)s” (number %(template)s, version %(version)s, marketing: %(marketing)s)."
    )

    template: int
    name: str
    version: int
    marketing: int


@dataclass(frozen=True)
class ListKept(Deed):
    """rows: it has so many."""

    KIND = "list_kept"
    WORD = N_("List saved")
    SAYS = N_("Kept the list “%(name)s” (rows: %(rows)s).")

    name: str
    rows: int


@dataclass(frozen=True)
class ListRenamed(Deed):
    """before: the name it had."""

    KIND = "list_renamed"
    WORD = N_("Saved list renamed")
    SAYS = N_("Renamed the saved list “%(before)s” to “%(name)s”.")

    before: str
    name: str


@dataclass(frozen=True)
class ListReplaced(Deed):
    """before, rows: how many it had and has."""

    KIND = "list_replaced"
    WORD = N_("Saved list replaced")
    SAYS = N_("Put a newer file in place of the saved list “%(name)s” (rows: %(rows)s, before: %(before)s).")

    name: str
    before: int
    rows: int


@dataclass(frozen=True)
class ListReadAnew(Deed):
    """A saved list is read another way from now on. rows: it has so many like that."""

    KIND = "list_read_anew"
    WORD = N_("Reading of a saved list changed")
    SAYS = N_("Changed how the saved list “%(name)s” is read (rows: %(rows)s).")

    name: str
    rows: int


@dataclass(frozen=True)
class SenderAdded(Deed):
    """name, whom: what recipients see as the sender."""

    KIND = "sender_added"
    WORD = N_("Sender added")
    SAYS = N_("Added the sender “%(name)s”, %(whom)s.")

    name: str
    whom: str
    whom_sha256: str


@dataclass(frozen=True)
class SenderRemoved(Deed):
    """name, whom: what recipients saw as the sender."""

    KIND = "sender_removed"
    WORD = N_("Sender removed")
    SAYS = N_("Removed the sender “%(name)s”, %(whom)s.")

    name: str
    whom: str
    whom_sha256: str


@dataclass(frozen=True)
class SuppressionAdded(Deed):
    """reason: why the address is on the list, such as `hand`."""

    KIND = "suppression_added"
    WORD = N_("Put on the do-not-mail list")
    SAYS = N_("Put %(whom)s on the do-not-mail list (%(reason)s).")

    whom: str
    whom_sha256: str
    reason: str


@dataclass(frozen=True)
class SuppressionsAdded(Deed):
    """addresses: how many were given; some may have been there. reason: `hand` or `import`."""

    KIND = "suppressions_added"
    WORD = N_("Several put on the do-not-mail list")
    SAYS = N_("Put a list of addresses on the do-not-mail list (%(reason)s, addresses given: %(addresses)s).")

    addresses: int
    reason: str


@dataclass(frozen=True)
class FailedSuppressed(Deed):
    """batch: the number of the one whose failed addresses it were. addresses: how many."""

    KIND = "failed_suppressed"
    WORD = N_("Failed addresses put on the do-not-mail list")
    SAYS = N_(
        "Put the addresses that failed in batch %(batch)s on the do-not-mail list (addresses: %(addresses)s)."
    )

    batch: int
    addresses: int


KINDS: Mapping[str, type[Deed]] = {
    deed.KIND: deed
    for deed in (
        TemplateSaved, ListKept, ListRenamed, ListReplaced, ListReadAnew, SenderAdded, SenderRemoved,
        SuppressionAdded, SuppressionsAdded, FailedSuppressed,
    )
}  # fmt: skip
