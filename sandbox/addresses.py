"""Test addresses: what the local part of an address at the sandbox domain makes happen."""

from dataclasses import dataclass

DOMAIN = "sandbox.test"


@dataclass(frozen=True)
class Address:
    """What becomes of a mail to one test address: `life` is its fate, `fault` what spoils the answer."""

    says: str
    life: str = "usual"
    fault: str = "ok"


ADDRESSES = {
    "delivered": Address("delivered, never opened", life="delivered"),
    "opened": Address("delivered, then opened", life="opened"),
    "bounced": Address("accepted, then failed", life="failed"),
    "refused": Address("refused with 406 and code 39", fault="refused"),
    "slow": Address("answers after 3 s, delivered after 60 s", life="slow", fault="slow"),
    "pending": Address("stays “sent” for ever", life="pending"),
    "strange": Address("has a status word nobody documented: “deferred”", life="strange"),
    "busy": Address("429 with code 9, not accepted", fault="429"),
    "broken": Address("500 with code 13, not accepted", fault="500_before"),
    "maybe": Address("500 with code 13, yet accepted", fault="500_after"),
    "reset": Address("accepted, then the connection is reset", fault="reset_after"),
    "silent": Address("accepted, and no answer comes for 120 s", fault="silent"),
    "html": Address("a proxy's 502 page in HTML, not accepted", fault="html_502"),
}

ANYONE = Address("the usual life: delivered, about a third opened, a few failed")


def known_address(email: str) -> Address:
    """What is agreed for this address; a `+tag` in the local part changes nothing."""
    local, _, domain = email.casefold().rpartition("@")
    if domain != DOMAIN:
        return ANYONE
    return ADDRESSES.get(local.partition("+")[0], ANYONE)
