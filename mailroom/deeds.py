"""What the activity trail can say: one class for each kind of deed, with exactly the fields that it may hold.

Never a secret and never a list of addresses. A deed about one person names them so that they know themselves, and by
the SHA-256 of the address, so that whoever knows the address can show that it was about them; the address itself could
never be taken out of the trail again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mailroom.addresses import masked
from oca.words import N_


@dataclass(frozen=True)
class Deed:
    """Something somebody did. KIND: its word in the database, WORD: the same for a person, SAYS: with its fields."""

    KIND: ClassVar[str]
    WORD: ClassVar[str]
    SAYS: ClassVar[str]


@dataclass(frozen=True)
class AddressesExported(Deed):
    """what: the list or report they stood in. rows: lines of the file."""

    KIND = "addresses_exported"
    WORD = N_("Addresses downloaded")
    SAYS = N_("Downloaded “%(what)s” (rows: %(rows)s).")

    what: str
    rows: int


@dataclass(frozen=True)
class PersonExported(Deed):
    """mails: how many were in the file."""

    KIND = "person_exported"
    WORD = N_("One person’s data downloaded")
    SAYS = N_("Downloaded everything that is held on %(whom)s (mails: %(mails)s).")

    whom: str
    whom_sha256: str
    mails: int


@dataclass(frozen=True)
class PersonErased(Deed):
    """mails, lists, drafts: how many of each went; mails lose address and content alone."""

    KIND = "person_erased"
    WORD = N_("One person erased")
    SAYS = N_("Erased %(whom)s (mails: %(mails)s, saved lists: %(lists)s, drafts: %(drafts)s).")

    whom: str
    whom_sha256: str
    mails: int
    lists: int
    drafts: int


@dataclass(frozen=True)
class Forgotten(Deed):
    """mails: how many lost address and content. days: as the team had chosen. before: older than this moment."""

    KIND = "forgotten"
    WORD = N_("Old mails forgotten")
    SAYS = N_("Took address and content out of old mails (mails: %(mails)s; older than %(days)s days).")

    mails: int
    days: int
    before: str


@dataclass(frozen=True)
class PreferenceChanged(Deed):
    """name: the preference's; before, after: its values as JSON."""

    KIND = "preference_changed"
    WORD = N_("Setting changed")
    SAYS = N_("Changed the setting %(name)s from %(before)s to %(after)s.")

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ReportMailSet(Deed):
    """every: `week`, `month`, both or `never`. people: how many get it; users: their numbers. sender: its number."""

    KIND = "report_mail_set"
    WORD = N_("Report by mail set")
    SAYS = N_("Set the report by mail (how often: %(every)s; people: %(people)s, by number: %(users)s).")

    every: str
    people: int
    users: str
    sender: int


@dataclass(frozen=True)
class SuppressionRemoved(Deed):
    """reason: why the address had been on the list."""

    KIND = "suppression_removed"
    WORD = N_("Taken off the do-not-mail list")
    SAYS = N_("Took %(whom)s off the do-not-mail list (it was there as: %(reason)s).")

    whom: str
    whom_sha256: str
    reason: str


@dataclass(frozen=True)
class TemplateRemoved(Deed):
    """A template was taken out of the lists."""

    KIND = "template_removed"
    WORD = N_("Template removed")
    SAYS = N_("Removed the template “%(name)s”.")

    name: str


@dataclass(frozen=True)
class TemplateRestored(Deed):
    """A removed template was put back."""

    KIND = "template_restored"
    WORD = N_("Template restored")
    SAYS = N_("Restored the template “%(name)s”.")

    name: str


@dataclass(frozen=True)
class TokenAdded(Deed):
    """fingerprint: of the token, never the token."""

    KIND = "token_added"
    WORD = N_("Token added")
    SAYS = N_("Added the token “%(name)s” (%(fingerprint)s).")

    name: str
    fingerprint: str


@dataclass(frozen=True)
class TokenReplaced(Deed):
    """fingerprint: of the new one, before: of the old one."""

    KIND = "token_replaced"
    WORD = N_("Token replaced")
    SAYS = N_("Replaced the token “%(name)s” (%(before)s) with a new one (%(fingerprint)s).")

    name: str
    before: str
    fingerprint: str


@dataclass(frozen=True)
class TokenRemoved(Deed):
    """A token that nothing had been sent with was removed."""

    KIND = "token_removed"
    WORD = N_("Token removed")
    SAYS = N_("Removed the token “%(name)s” (%(fingerprint)s).")

    name: str
    fingerprint: str


@dataclass(frozen=True)
class TokenResumed(Deed):
    """A token that the gateway had turned down was checked by a person, and is used again."""

    KIND = "token_resumed"
    WORD = N_("Token used again")
    SAYS = N_(
        "Checked the token “%(name)s” (%(fingerprint)s), which was stopped; the gateway takes it again."
    )

    name: str
    fingerprint: str


@dataclass(frozen=True)
class ListRemoved(Deed):
    """A saved list was removed. rows: it had so many."""

    KIND = "list_removed"
    WORD = N_("Saved list removed")
    SAYS = N_("Removed the saved list “%(name)s” (rows: %(rows)s).")

    name: str
    rows: int


@dataclass(frozen=True)
class BatchQueued(Deed):
    """batch: its number. mails: how many."""

    KIND = "batch_queued"
    WORD = N_("Batch queued")
    SAYS = N_("Queued the batch “%(name)s” (number %(batch)s, mails: %(mails)s).")

    batch: int
    name: str
    mails: int


@dataclass(frozen=True)
class BatchApproved(Deed):
    """The second person let a batch go. batch: its number. mails: how many."""

    KIND = "batch_approved"
    WORD = N_("Batch approved")
    SAYS = N_("Approved the batch “%(name)s” (number %(batch)s, mails: %(mails)s).")

    batch: int
    name: str
    mails: int


@dataclass(frozen=True)
class BatchCancelled(Deed):
    """batch: its number. mails: how many still waited, and never go out."""

    KIND = "batch_cancelled"
    WORD = N_("Batch cancelled")
    SAYS = N_("Cancelled what still waited in the batch “%(name)s” (number %(batch)s, mails: %(mails)s).")

    batch: int
    name: str
    mails: int


@dataclass(frozen=True)
class MailsTakenIn(Deed):
    """What the gateway's history showed was taken into the record. batch: its number. mails: how many."""

    KIND = "mails_taken_in"
    WORD = N_("Mails taken into the record")
    SAYS = N_(
        "Took mails from the gateway’s history into the record as “%(name)s” (number %(batch)s, mails: %(mails)s)."
    )

    batch: int
    name: str
    mails: int


@dataclass(frozen=True)
class KeyRotated(Deed):
    """secrets: how many were encrypted anew. Of the keys themselves nothing is said."""

    KIND = "key_rotated"
    WORD = N_("Key replaced")
    SAYS = N_(
        "Put a new key into the key file and encrypted everything secret with it (secrets: %(secrets)s)."
    )

    secrets: int


@dataclass(frozen=True)
class TrailCut(Deed):
    """known: the last entry that was there before the program stopped. found: the last one at its next start."""

    KIND = "trail_cut"
    WORD = N_("Entries missing")
    SAYS = N_(
        "At the start, the trail ended with entry %(found)s although entry %(known)s had been written: "
        "an older copy of the database was put back, or entries were removed."
    )

    known: int
    found: int


@dataclass(frozen=True)
class BackupMade(Deed):
    """file: its name. bytes: its size."""

    KIND = "backup_made"
    WORD = N_("Backup made")
    SAYS = N_("Made the backup %(file)s (bytes: %(bytes)s).")

    file: str
    bytes: int


@dataclass(frozen=True)
class BackupRestored(Deed):
    """file: its name. made_at: when it was made. known: the last entry there was before. found: the last one in it."""

    KIND = "backup_restored"
    WORD = N_("Backup put back")
    SAYS = N_(
        "Put back the backup %(file)s of %(made_at)s. The trail had come to entry %(known)s, and went on from entry "
        "%(found)s."
    )

    file: str
    made_at: str
    known: int
    found: int


@dataclass(frozen=True)
class UnsubscribedKept(Deed):
    """addresses: how many."""

    KIND = "unsubscribed_kept"
    WORD = N_("Unsubscribed addresses kept")
    SAYS = N_(
        "Took over who had unsubscribed since the backup (addresses: %(addresses)s), from the database that was there."
    )

    addresses: int


KINDS: Mapping[str, type[Deed]] = {
    deed.KIND: deed
    for deed in (
        AddressesExported, PersonExported, PersonErased, Forgotten, PreferenceChanged, ReportMailSet,
        SuppressionRemoved, TemplateRemoved, TemplateRestored, TokenAdded, TokenReplaced, TokenRemoved, TokenResumed,
        ListRemoved, BatchQueued, BatchApproved, BatchCancelled, MailsTakenIn, TrailCut,
        KeyRotated,
        BackupMade, BackupRestored, UnsubscribedKept,
    )
}  # fmt: skip


def sha256_of(email: str) -> str:
    """What stands in the trail for an address, whatever the case of its letters."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def person(email: str) -> dict[str, str]:
    """The fields of a deed about one person: `PersonErased(**person(email), …)`."""
    return {"whom": masked(email), "whom_sha256": sha256_of(email)}
