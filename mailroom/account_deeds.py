"""What the activity trail says about coming in, and about what lets a person in; see `deeds`."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailroom.deeds import Deed
from oca.words import N_


@dataclass(frozen=True)
class SignedIn(Deed):
    """method: `password`, `password+code`, `password+recovery_code`, `password+passkey`, `passkey` or `link`."""

    KIND = "signed_in"
    WORD = N_("Signed in")
    SAYS = N_("Signed in (%(method)s).")

    method: str


@dataclass(frozen=True)
class SignInsFailed(Deed):
    """What strangers tried, in one entry an hour. tries: wrong ones. accounts: how many of the team they were at."""

    KIND = "sign_ins_failed"
    WORD = N_("Wrong passwords")
    SAYS = N_("Somebody gave wrong passwords (%(tries)s; at accounts of your team: %(accounts)s).")

    tries: int
    accounts: int


@dataclass(frozen=True)
class SecondStepFailed(Deed):
    """Somebody knew a person's password and not the code. tries: wrong codes until they were slowed down."""

    KIND = "second_step_failed"
    WORD = N_("Wrong codes after the right password")
    SAYS = N_("Somebody gave the right password of %(whom)s and then wrong codes (%(tries)s).")

    whom: str
    whom_sha256: str
    tries: int


@dataclass(frozen=True)
class PasswordChanged(Deed):
    """Somebody changed their own password; every other session of theirs ended with it."""

    KIND = "password_changed"
    WORD = N_("Password changed")
    SAYS = N_("Changed their password.")


@dataclass(frozen=True)
class SecondFactorAdded(Deed):
    """Somebody set up an app that gives codes."""

    KIND = "second_factor_added"
    WORD = N_("Second factor added")
    SAYS = N_("Set up an app for codes as a second factor.")


@dataclass(frozen=True)
class SecondFactorRemoved(Deed):
    """Somebody took their app for codes away."""

    KIND = "second_factor_removed"
    WORD = N_("Second factor removed")
    SAYS = N_("Removed the app for codes.")


@dataclass(frozen=True)
class RecoveryCodesMade(Deed):
    """Somebody got new recovery codes; those before are worth nothing."""

    KIND = "recovery_codes_made"
    WORD = N_("Recovery codes made")
    SAYS = N_("Made new recovery codes.")


@dataclass(frozen=True)
class RecoveryCodeUsed(Deed):
    """left: how many are still good."""

    KIND = "recovery_code_used"
    WORD = N_("Recovery code used")
    SAYS = N_("Used a recovery code (left: %(left)s).")

    left: int


@dataclass(frozen=True)
class PasskeyAdded(Deed):
    """name: what its owner calls it."""

    KIND = "passkey_added"
    WORD = N_("Passkey added")
    SAYS = N_("Added the passkey “%(name)s”.")

    name: str


@dataclass(frozen=True)
class PasskeyRemoved(Deed):
    """name: what its owner called it."""

    KIND = "passkey_removed"
    WORD = N_("Passkey removed")
    SAYS = N_("Removed the passkey “%(name)s”.")

    name: str


@dataclass(frozen=True)
class SecondFactorsRemoved(Deed):
    """An admin took every second factor from a person, and signed them out everywhere."""

    KIND = "second_factors_removed"
    WORD = N_("Second factors reset")
    SAYS = N_("Reset the second factors of %(whom)s.")

    whom: str
    whom_sha256: str


@dataclass(frozen=True)
class SessionsEnded(Deed):
    """Somebody signed other browsers of theirs out. sessions: how many."""

    KIND = "sessions_ended"
    WORD = N_("Signed out elsewhere")
    SAYS = N_("Signed their other browsers out (%(sessions)s).")

    sessions: int


KINDS: Mapping[str, type[Deed]] = {
    deed.KIND: deed
    for deed in (
        SignedIn, SignInsFailed, SecondStepFailed, PasswordChanged, SecondFactorAdded,
        SecondFactorRemoved, RecoveryCodesMade, RecoveryCodeUsed, PasskeyAdded, PasskeyRemoved,
        SecondFactorsRemoved, SessionsEnded,
    )
}  # fmt: skip
