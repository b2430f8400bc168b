"""A token from the sandbox gateway, which hands one to whoever asks. The real gateway has no such address."""

from oca.errors import GatewayError
from oca.wire import FAULTS, Session, failure_of, nothing_left_yet, read_body

_PATH = "/_sandbox/token.txt"
_TIMEOUT = (3.0, 8.0)
_MOST_BYTES = 10_000


def new_token(base_url: str) -> bytes:
    """The content of a new token's file, as the OCA dashboard would download it.

    base_url: of the sandbox, without a slash at its end. Raises GatewayError when nobody answers there.
    """
    session = Session(1)
    nothing_left_yet(lambda: None)
    failure: GatewayError
    try:
        response = session.get(base_url + _PATH, timeout=_TIMEOUT, allow_redirects=False, stream=True)
        return read_body(response, _MOST_BYTES, _TIMEOUT[1]) or b""
    except FAULTS as fault:
        failure = failure_of(fault)
    finally:
        session.close()
    raise failure
