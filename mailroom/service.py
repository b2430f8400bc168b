"""Everything the parts of the mailroom share, opened once for the life of the process."""

from dataclasses import dataclass
from pathlib import Path

from mailroom import counters, restored
from mailroom.backups import BackupMaker
from mailroom.clients import Clients
from mailroom.health import HealthCheck
from mailroom.housekeeping import Housekeeper
from mailroom.keys import Keys
from mailroom.reconcile import Reconciler
from mailroom.report_mail import ReportMailer
from mailroom.restored import Marker
from mailroom.retention import Forgetter
from mailroom.sender import Sender
from mailroom.settings import Settings
from mailroom.shell import Desk
from mailroom.store import Store
from mailroom.sweeper import Sweeper
from mailroom.tally import Tally
from mailroom.times import Clock, utc_now
from mailroom.unsubscribe import Links
from mailroom.worker import Pulse, Worker


@dataclass(frozen=True)
class Service:
    """The open mailroom: its settings, its one file, its keys, its gateway clients, and the clock it goes by.

    requests: those for pages, by endpoint and status. links: what is behind `{{ unsubscribe_url }}` in mails.
    """

    settings: Settings
    store: Store
    keys: Keys
    clients: Clients
    sender: Sender
    sweeper: Sweeper
    reconciler: Reconciler
    marker: Marker
    housekeeper: Housekeeper
    report_mailer: ReportMailer
    forgetter: Forgetter
    backups: BackupMaker
    links: Links
    desk: Desk
    health: HealthCheck
    requests: Tally
    clock: Clock = utc_now

    def start(self) -> None:
        """Begins to send, to look up what is in doubt, and to follow what was sent; without it only the pages work."""
        restored.hold(self.store, self.marker, self.clock())
        for worker in self.workers:
            worker.start()

    def close(self) -> None:
        """Stops sending, waits for answers still due, and closes the database."""
        for worker in reversed(self.workers):
            worker.stop()
        self.marker.note(self.clock())
        self.clients.close()
        self.store.close()

    @property
    def workers(self) -> tuple[Worker, ...]:
        """What works by itself, in the order in which it begins."""
        return (
            self.sender,
            self.reconciler,
            self.sweeper,
            self.housekeeper,
            self.report_mailer,
            self.forgetter,
            self.backups,
            self.desk,
        )

    def pulses(self) -> list[Pulse]:
        """The signs of life of all that works by itself."""
        return [*self.sender.pulses(), *(worker.pulse for worker in self.workers if worker != self.sender)]


def open_service(settings: Settings, clock: Clock = utc_now, wait: float = 0.0) -> Service:
    """The mailroom in the folder the settings name, made there if it is new; nothing is sent before `start()`.

    wait: seconds that another process may still need to let go of it.
    Raises StoreError when the database cannot be used, KeyFileError when the key file cannot.
    """
    _private_folder(settings.data)
    store = Store(settings.database, wait=wait)
    try:
        keys = Keys.load_or_create(settings.key_file)
    except BaseException:
        store.close()
        raise
    counters.use_zone(store, settings.zone, clock())
    clients, marker = Clients(store, keys, settings.gateway_url, clock), Marker(store)
    links = Links(keys, settings.public_url)
    return Service(
        settings,
        store,
        keys,
        clients,
        sender=Sender(store, clients, clock, settings.zone),
        sweeper=Sweeper(store, clients, clock),
        reconciler=Reconciler(store, clients, clock),
        marker=marker,
        housekeeper=Housekeeper(store, marker, clock),
        report_mailer=ReportMailer(store, settings, clock),
        forgetter=Forgetter(store, clock, settings.zone),
        backups=BackupMaker(store, settings, clock),
        links=links,
        desk=Desk(store, settings, links, clock),
        health=HealthCheck(store),
        requests=Tally(),
        clock=clock,
    )


def _private_folder(path: Path) -> None:
    # Customers' addresses live here: for the one account that runs the program, nobody else.
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
