"""A mailroom that really sends, to a sandbox on a socket; for tests of what happens on the way."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mailroom import batches, drafts, email_templates, identities, people, recipients, tokens
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.verify import verify
from tests.house import add_people, furnished
from tests.sandbox_server import Sandbox

# A token in form: {"alg": "RS256"}, {"sub": "1", "iat": 1790000000}, and no signature that anybody would take.
A_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIiwiaWF0IjoxNzkwMDAwMDAwfQ.c2lnbmF0dXJl"
SUBJECT = "Tagihan {{ nama }}"
HTML = "<p>Yth. {{ nama }}, tagihan Anda {{ total }}.</p>"


@dataclass(frozen=True)
class Live:
    """A running mailroom with one token, one sender and one template, and the sandbox it talks to."""

    service: Service
    sandbox: Sandbox
    version: email_templates.Version

    def queue(self, csv: str, attachment: tuple[str, bytes] | None = None, name: str = "Tagihan") -> int:
        """The id of a batch queued from a CSV text, as the sender of the cast."""
        here = self.service
        return batches.queue(here.store, self.draft(csv, attachment, name), 2, here.clock(), links=here.links)

    def draft(self, csv: str, attachment: tuple[str, bytes] | None = None, name: str = "Tagihan") -> str:
        """The id of a draft of theirs made from a CSV text."""
        store, now = self.service.store, self.service.clock()
        setup = drafts.Setup(name, self.version, 1, 1, "daftar.csv", attachment)
        sheet = recipients.read(recipients.Given("daftar.csv", csv.encode()))
        return drafts.create(store, 2, setup, sheet, now)

    def queue_to(self, *emails: str) -> int:
        """The id of a batch to these addresses."""
        rows = [f"{email},Nama {n},Rp {n}" for n, email in enumerate(emails)]
        return self.queue("\n".join(["email,nama,total", *rows]))

    def batch(self, batch_id: int) -> batches.Batch:
        found = batches.get(self.service.store, batch_id)
        assert found
        return found

    def wait(self, until: Callable[[], object], seconds: float = 30) -> None:
        """Returns as soon as `until()` is true; fails when that takes too long."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)

    def wait_handed_over(self, batch_id: int, seconds: float = 30) -> batches.Batch:
        """The batch when nothing of it waits any more."""
        self.wait(lambda: not self.batch(batch_id).waiting, seconds)
        return self.batch(batch_id)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What a query finds in the database."""
        return [tuple(row) for row in self.service.store.read().execute(sql)]

    def agrees(self) -> None:
        """Database and ledger hold the same mails, none twice, and every rule holds."""
        assert verify(self.service.store.read()) == []
        ours = self.rows(
            "SELECT m.gateway_id, m.email, m.subject, a.body_sha256, a.attachment_sha256 FROM mails m "
            "JOIN attempts a ON a.mail_id = m.id AND a.outcome = 'accepted'"
        )
        columns = ("msg_id", "email", "subject", "body_sha256", "attachment_sha256")
        theirs = [tuple(entry[column] for column in columns) for entry in self.sandbox.ledger()]
        assert sorted(ours, key=str) == sorted(theirs, key=str)
        assert len(theirs) == len(set(theirs))


def prepare(service: Service, sandbox: Sandbox, per_second: float = 25) -> Live:
    """Puts people, if it has none, a token, a sender and a template into a fresh mailroom."""
    if not people.anybody(service.store):
        add_people(service)
    return _fill(service, sandbox, sandbox.token(), per_second)


def prepare_records(service: Service) -> Live:
    """A mailroom with its people, given a token, a sender, a template and a batch of two; nothing is sent."""
    live = _fill(service, None, A_TOKEN)
    live.queue_to("joko@contoh.id", "siti@contoh.id")
    return live


def _fill(service: Service, sandbox: Sandbox | None, token: str, per_second: float = 25) -> Live:
    store, now = service.store, service.clock()
    tokens.add(store, service.keys, "Utama", token.encode(), per_second, 1, now)
    identities.add(store, "tagihan@contoh.id", "Tim Tagihan", 1, now)
    version = email_templates.save(store, None, "Tagihan bulanan", SUBJECT, HTML, 1, now)
    return Live(service, cast(Sandbox, sandbox), version)


@contextmanager
def live_mailroom(
    folder: Path, sandbox: Sandbox, start: bool = True, per_second: float = 25
) -> Iterator[Live]:
    """A prepared mailroom in `folder`, sending unless `start` is False; stopped cleanly afterwards."""
    service = open_service(Settings(gateway_url=sandbox.url, data=furnished(folder)))
    live = prepare(service, sandbox, per_second)
    try:
        if start:
            service.start()
        yield live
    finally:
        service.close()
