"""Whether an email address can be written to, in a sentence short enough for a table's cell."""

from email_validator import EmailNotValidError, validate_email

from mailroom.problems import Sentence, say
from oca.words import N_

NO_ADDRESS = N_("No address")
NO_AT = N_("No @ in the address")
SEVERAL = N_("More than one address; one row is one mail")
SPACES = N_("An address has no spaces")
NOT_VALID = N_("Not a valid address")
DID_YOU_MEAN = N_("Did you mean %(address)s?")

# Domains nobody means; a mail to one of them is lost without a word.
_MISTYPED = {
    "gmial.com": "gmail.com",
    "gmal.com": "gmail.com",
    "gmai.com": "gmail.com",
    "gamil.com": "gmail.com",
    "gmail.con": "gmail.com",
    "yaho.com": "yahoo.com",
    "yahoo.con": "yahoo.com",
    "hotmial.com": "hotmail.com",
    "hotmail.con": "hotmail.com",
    "outlok.com": "outlook.com",
}


def read_address(text: str) -> tuple[str, Sentence | None]:
    """The address as it is written to, and what is wrong with it, or None.

    text: what stands in the cell. The network is not asked.
    """
    text = text.strip()
    if not text:
        return "", say(NO_ADDRESS)
    try:
        # test_environment lets the reserved domain .test through, where the sandbox has its addresses.
        found = validate_email(
            text, allow_smtputf8=False, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError:
        return text, _why(text)
    address = found.ascii_email or found.normalized
    local, _, domain = address.rpartition("@")
    if domain in _MISTYPED:
        return address, say(DID_YOU_MEAN, address=f"{local}@{_MISTYPED[domain]}")
    return address, None


def _why(text: str) -> Sentence:
    if "@" not in text:
        return say(NO_AT)
    if text.count("@") > 1:
        return say(SEVERAL)
    if any(character.isspace() for character in text):
        return say(SPACES)
    return say(NOT_VALID)
