"""`python -m bench browse`: how long every page takes with 100,000 and with 10,000,000 mails, while mails are sent."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import browse_peers, generate
from bench.browse_pages import Facts, Page, downloads, facts, pages
from bench.machine import describe, resident_mb, usage
from bench.visitor import Download, Refused, Times, Visitor, sign_in
from mailroom import batch_controls, batches, drafts, email_templates, preferences, recipients, tokens
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from tests.faults.dashboard import Dashboard
from tests.sandbox_server import ROOT, Sandbox, running_sandbox

DATA = ROOT / ".bench-data"
SIZES = (100_000, 10_000_000)
REQUESTS = 100
# Of a page that takes long: so many seconds at most.
PATIENCE = 20.0
# Mails a second while pages are asked for; the token's limit leaves room for looking up what became of them.
PER_SECOND = 27
QUEUED = 40_000


@dataclass(frozen=True)
class Seen:
    """What was measured over one file.

    made: how the file was made. pages: by name. exports: by name, with the most memory meanwhile in MB.
    sent: mails a second that left meanwhile. resident_mb: after the pages, peak_mb: the most until then.
    peers: by name and page, times or why there are none.
    """

    mails: int
    pages: Mapping[str, Times | str]
    exports: Mapping[str, tuple[Download, float]]
    sent: float
    resident_mb: float
    peak_mb: float
    peers: Mapping[str, Mapping[str, Times | str]]


def browse(sizes: Sequence[int], data: Path, requests: int, alone: bool = False) -> Iterator[str]:
    """The tables, for files that are made in `data` where they are not there yet; alone: without the others."""
    problem = "left out" if alone else browse_peers.install()
    found = []
    for mails in sizes:
        folder = data / f"{mails}"
        if not (folder / "done").exists():
            yield generate.report(generate.generate(folder, mails)) + "\n"
            (folder / "done").touch()
        found.append(_seen(folder, mails, requests, not problem))
    yield from _table(found)
    yield from _exports(found)
    yield from _peers(found)
    if problem:
        yield f"\nDatasette and Flask-Admin are missing: {problem}"


def _seen(folder: Path, mails: int, requests: int, with_peers: bool) -> Seen:
    known = facts(folder / "mailroom.db")
    with running_sandbox("--limit", "0") as sandbox, _sending(folder, sandbox) as running:
        visitor = sign_in(running.address, generate.ADMIN, generate.PASSWORD)
        begun, before = time.monotonic(), _sent(sandbox)
        times = {name: _measured(visitor, path, requests) for name, path in pages(known).items()}
        sent = (_sent(sandbox) - before) / (time.monotonic() - begun)
        peak, resident = usage(running.process.pid).peak_mb, resident_mb(running.process.pid)
        exports = {
            name: _export(visitor, running.process.pid, path) for name, path in downloads(known).items()
        }
        peers = {
            name: _peer(name, folder / "mailroom.db", known, requests)
            for name in browse_peers.NAMES
            if with_peers
        }
        visitor.close()
    return Seen(mails, times, exports, sent, resident, peak, peers)


@contextmanager
def _sending(folder: Path, sandbox: Sandbox) -> Iterator[Dashboard]:
    """The dashboard over the folder, sending a batch; what is left of that is cancelled afterwards."""
    settings = Settings(gateway_url=sandbox.url, data=folder)
    service = open_service(settings)
    try:
        store, now = service.store, service.clock()
        name = f"Pelanggan {now:%Y-%m-%d %H:%M:%S}"
        token = tokens.add(store, service.keys, name, sandbox.token().encode(), PER_SECOND, 1, now)
        batch_id = _queue(service, name, token.id)
        # One would be due: minutes of copying and checking while pages are measured.
        preferences.save(store, replace(preferences.get(store), backup_keep=None), 1, now)
    finally:
        service.close()
    running = Dashboard(folder, sandbox)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        running.close()
        service = open_service(settings)
        try:
            batch_controls.cancel(service.store, batch_id, 1, service.clock())
        finally:
            service.close()


def _queue(service: Service, name: str, token_id: int) -> int:
    rows = [f"orang{n}@contoh.id,Orang {n},INV-{n},Rp {n}.000,November 2026" for n in range(QUEUED)]
    text = "\n".join(["email,nama,nomor,total,periode", *rows])
    sheet = recipients.read(recipients.Given("daftar.csv", text.encode()))
    setup = drafts.Setup(name, email_templates.version(service.store, 1), 1, token_id, "daftar.csv")
    draft_id = drafts.create(service.store, 1, setup, sheet, service.clock())
    return batches.queue(service.store, draft_id, 1, service.clock())


def _sent(sandbox: Sandbox) -> int:
    return int(sandbox.summary()["accepted"])


def _peer(name: str, database: Path, known: Facts, requests: int) -> dict[str, Times | str]:
    with browse_peers.running(name, database) as (address, _):
        visitor = Visitor(address)
        found = {
            page: _measured(visitor, path, requests, PATIENCE / 2)
            for page, path in browse_peers.pages(name, known).items()
        }
        visitor.close()
        return found


def _measured(visitor: Visitor, path: Page, requests: int, patience: float = PATIENCE) -> Times | str:
    try:
        return visitor.times(path, requests, patience)
    except Refused as refused:
        return f"refused: {refused.status}"


def _export(visitor: Visitor, pid: int, path: str) -> tuple[Download, float]:
    """The download, and the most memory the server held meanwhile, in MB."""
    # Forgets what was the most before; https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return visitor.download(path), usage(pid).peak_mb


def _table(found: Sequence[Seen]) -> Iterator[str]:
    sizes = " | ".join(f"{seen.mails:,} mails: p50 ms | p95 ms" for seen in found)
    yield f"| page | {sizes} |"
    yield "|---" * (1 + 2 * len(found)) + "|"
    for page in found[0].pages:
        yield f"| {page} | {' | '.join(_times(seen.pages[page]) for seen in found)} |"
    yield f"| mails sent a second meanwhile | {' | '.join(f'{seen.sent:.1f} |' for seen in found)} |"
    memory = " | ".join(f"{seen.resident_mb:.0f} | {seen.peak_mb:.0f}" for seen in found)
    yield f"| resident MB after all pages, at most until then | {memory} |"


def _exports(found: Sequence[Seen]) -> Iterator[str]:
    yield "\n| export | mails in the file | rows | MB | seconds | rows/s | the server's memory at most MB |"
    yield "|---|---|---|---|---|---|---|"
    for seen in found:
        # A workbook is compressed; it has the same rows below the same heading.
        rows = seen.exports["CSV"][0].lines - 1
        for name, (got, peak) in seen.exports.items():
            yield (
                f"| {name} | {seen.mails:,} | {rows:,} | {got.bytes / 1e6:.0f} | {got.seconds:.1f} | "
                f"{rows / got.seconds:,.0f} | {peak:.0f} |"
            )


def _peers(found: Sequence[Seen]) -> Iterator[str]:
    for seen in found:
        if not seen.peers:
            continue
        names = " | ".join(f"{name}: p50 ms | p95 ms" for name in ("Mailroom", *seen.peers))
        yield f"\n| {seen.mails:,} mails | {names} |"
        yield "|---" * (3 + 2 * len(seen.peers)) + "|"
        for page in next(iter(seen.peers.values())):
            ours = _times(seen.pages[page])
            theirs = " | ".join(_times(times[page]) for times in seen.peers.values())
            yield f"| {page} | {ours} | {theirs} |"


def _times(times: Times | str) -> str:
    return f"{times} | " if isinstance(times, str) else f"{times.p50:.1f} | {times.p95:.1f}"


def main(arguments: Sequence[str]) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench browse", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="where files are kept that take long to make")
    parser.add_argument("--mails", type=int, nargs="+", default=SIZES)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="for each page")
    parser.add_argument("--alone", action="store_true", help="without Datasette and Flask-Admin")
    wanted = parser.parse_args(arguments)
    print(f"{describe()}\n", flush=True)
    for line in browse(wanted.mails, wanted.data, wanted.requests, wanted.alone):
        print(line, flush=True)
    return 0
