"""What the activity trail can say about sending: batches held back and let go, doubts decided, second people asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.deeds import Deed
from oca.words import N_


@dataclass(frozen=True)
class BatchPaused(Deed):
    """batch: its number. mails: how many wait in it."""

    KIND = "batch_paused"
    WORD = N_("Batch paused")
    SAYS = N_("Paused the batch “%(name)s” (number %(batch)s, mails that wait: %(mails)s).")

    batch: int
    name: str
    mails: int


@dataclass(frozen=True)
class BatchResumed(Deed):
    """batch: its number. mails: how many wait in it."""

    KIND = "batch_resumed"
    WORD = N_("Batch resumed")
    SAYS = N_("Let the batch “%(name)s” go on (number %(batch)s, mails that wait: %(mails)s).")

    batch: int
    name: str
    mails: int


@dataclass(frozen=True)
class BatchRescheduled(Deed):
    """batch: its number. before, after: when it goes and how fast, a plan's columns as JSON."""

    KIND = "batch_rescheduled"
    WORD = N_("Time of a batch changed")
    SAYS = N_(
        "Changed when the batch “%(name)s” (number %(batch)s) goes. Before: %(before)s. Now: %(after)s."
    )

    batch: int
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class BatchPolicyChanged(Deed):
    """batch: its number. before, after: `never_twice` or `never_lost`, for mails that nobody can decide about."""

    KIND = "batch_policy_changed"
    WORD = N_("Wish of a batch changed")
    SAYS = N_(
        "Changed what the batch “%(name)s” (number %(batch)s) wants when nobody can tell, from “%(before)s” to "
        "“%(after)s”."
    )

    batch: int
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class MailDecided(Deed):
    """mail, batch: their numbers; the reason stays with the mail. decision: `arrived`, or `again` to send it again."""

    KIND = "mail_decided"
    WORD = N_("One mail decided")
    SAYS = N_("Decided about an undecided mail (number %(mail)s, batch %(batch)s “%(name)s”): %(decision)s.")

    batch: int
    name: str
    mail: int
    decision: str


@dataclass(frozen=True)
class MailsDecided(Deed):
    """batch: its number. mails: how many at once. decision: `arrived`, or `again` to send them again."""

    KIND = "mails_decided"
    WORD = N_("Mails decided")
    SAYS = N_(
        "Decided about undecided mails of the batch “%(name)s” (number %(batch)s, mails: %(mails)s): %(decision)s."
    )

    batch: int
    name: str
    mails: int
    decision: str


@dataclass(frozen=True)
class ApprovalAsked(Deed):
    """name: of what would become a batch. mails: how many would go out."""

    KIND = "approval_asked"
    WORD = N_("Approval asked for")
    SAYS = N_("Asked a second person to approve “%(name)s” (mails: %(mails)s).")

    name: str
    mails: int


@dataclass(frozen=True)
class ApprovalWithdrawn(Deed):
    """name: of what would have become a batch. mails: how many would have gone out."""

    KIND = "approval_withdrawn"
    WORD = N_("Approval withdrawn")
    SAYS = N_("Asks nobody any more to approve “%(name)s” (mails: %(mails)s).")

    name: str
    mails: int


@dataclass(frozen=True)
class ApprovalReturned(Deed):
    """name: of what would have become a batch. mails: how many. asked_by: the number of whoever had asked."""

    KIND = "approval_returned"
    WORD = N_("Approval refused")
    SAYS = N_("Did not approve “%(name)s” and gave it back (mails: %(mails)s, asked by %(asked_by)s).")

    name: str
    mails: int
    asked_by: int


@dataclass(frozen=True)
class TrialSent(Deed):
    """batch: the number of the batch of one mail that the test is, to the person's own address."""

    KIND = "test_sent"
    WORD = N_("Test sent")
    SAYS = N_("Sent themselves a test of “%(name)s” (batch %(batch)s).")

    batch: int
    name: str


KINDS: Mapping[str, type[Deed]] = {
    deed.KIND: deed
    for deed in (
        BatchPaused, BatchResumed, BatchRescheduled, BatchPolicyChanged, MailDecided, MailsDecided, ApprovalAsked,
        ApprovalWithdrawn, ApprovalReturned, TrialSent,
    )
}  # fmt: skip
