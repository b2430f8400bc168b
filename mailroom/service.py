"""Everything the parts of the mailroom share, opened once for the life of the process."""

from dataclasses import dataclass

from mailroom.keys import Keys
from mailroom.settings import Settings
from mailroom.store import Store
from mailroom.times import Clock, utc_now


@dataclass(frozen=True)
class Service:
    """The open mailroom: its settings, its one file, its keys, and the clock it goes by."""

    settings: Settings
    store: Store
    keys: Keys
    clock: Clock = utc_now
