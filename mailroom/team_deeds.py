"""What the activity trail can say about the team: who was invited, joined, got another role, or was shut out."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.deeds import Deed
from oca.words import N_


@dataclass(frozen=True)
class AboutPerson(Deed):
    """What an admin did about one of the team; `whom` is "" for an invitation to anybody who has the link."""

    whom: str
    whom_sha256: str


@dataclass(frozen=True)
class PersonInvited(AboutPerson):
    """An admin made an invitation."""

    KIND = "person_invited"
    WORD = N_("Person invited")
    SAYS = N_("Invited %(whom)s to the team (role: %(role)s).")

    role: str


@dataclass(frozen=True)
class InviteRenewed(AboutPerson):
    """An invitation got a new link; the one before ended."""

    KIND = "invite_renewed"
    WORD = N_("Invitation renewed")
    SAYS = N_("Made a new link for the invitation of %(whom)s (role: %(role)s).")

    role: str


@dataclass(frozen=True)
class InviteWithdrawn(AboutPerson):
    """An invitation that nobody had taken was withdrawn."""

    KIND = "invite_withdrawn"
    WORD = N_("Invitation withdrawn")
    SAYS = N_("Withdrew the invitation of %(whom)s (role: %(role)s).")

    role: str


@dataclass(frozen=True)
class PersonJoined(AboutPerson):
    """Somebody came in by a link for the first time; they did it themselves."""

    KIND = "person_joined"
    WORD = N_("Person joined")
    SAYS = N_("Joined the team as %(whom)s (role: %(role)s).")

    role: str


@dataclass(frozen=True)
class RoleChanged(AboutPerson):
    """before, after: the roles."""

    KIND = "role_changed"
    WORD = N_("Role changed")
    SAYS = N_("Changed the role of %(whom)s from %(before)s to %(after)s.")

    before: str
    after: str


@dataclass(frozen=True)
class PersonDisabled(AboutPerson):
    """Somebody was shut out, and signed out everywhere."""

    KIND = "person_disabled"
    WORD = N_("Person disabled")
    SAYS = N_("Disabled %(whom)s.")


@dataclass(frozen=True)
class PersonEnabled(AboutPerson):
    """Somebody who was shut out may come in again."""

    KIND = "person_enabled"
    WORD = N_("Person enabled")
    SAYS = N_("Enabled %(whom)s again.")


@dataclass(frozen=True)
class PersonSignedOut(AboutPerson):
    """An admin ended every session of somebody. sessions: how many."""

    KIND = "person_signed_out"
    WORD = N_("Person signed out")
    SAYS = N_("Signed %(whom)s out everywhere (browsers: %(sessions)s).")

    sessions: int


@dataclass(frozen=True)
class ResetLinkMade(AboutPerson):
    """An admin made a link by which somebody sets a new password."""

    KIND = "reset_link_made"
    WORD = N_("Password link made")
    SAYS = N_("Made a link for %(whom)s to set a new password.")


@dataclass(frozen=True)
class PasswordReset(Deed):
    """Somebody set a new password by an admin's link; every session of theirs ended with it."""

    KIND = "password_reset"
    WORD = N_("Password set by a link")
    SAYS = N_("Set a new password by the link of an admin.")


KINDS: Mapping[str, type[Deed]] = {
    deed.KIND: deed
    for deed in (
        PersonInvited, InviteRenewed, InviteWithdrawn, PersonJoined, RoleChanged, PersonDisabled, PersonEnabled,
        PersonSignedOut, ResetLinkMade, PasswordReset,
    )
}  # fmt: skip
