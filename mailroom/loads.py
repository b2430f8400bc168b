"""How much is on the wire at once: the attachments of many mails together must not fill a small machine's memory."""

import threading

# Of all messages that are being handed over; each stands in memory about twice, as it is and as it is sent.
MOST_BYTES = 40_000_000


class Load:
    """The messages being handed over, for all tokens together. most: bytes from which on none is added."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._changed = threading.Condition()

    def wait(self, timeout: float) -> bool:
        """Whether another message may be taken on, now or within `timeout` seconds; when none is, however large."""
        with self._changed:
            return self._changed.wait_for(lambda: self._bytes < self._most, timeout)

    def add(self, size: int) -> None:
        """Notes that a message is on its way. size: in bytes; below 0 when it has arrived."""
        with self._changed:
            self._bytes += size
            self._changed.notify_all()
