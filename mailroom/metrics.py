"""What can be measured, as Prometheus reads it (https://prometheus.io/docs/instrumenting/exposition_formats/).

No label ever holds an address or a name: tokens are told by their number, which the addresses of their pages have too.
Nothing here looks at the mails themselves, however many there are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, get_args

from mailroom import backups, batches, history, machine, states, tokens, waiting
from mailroom.tally import BOUNDS, Tally
from mailroom.times import parse

if TYPE_CHECKING:
    from prometheus_client import Metric

    from mailroom.service import Service

# The oldest form, which everything reads.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(service: Service) -> bytes:
    """Everything, as it is now."""
    # Here, for most never ask for it, and it takes memory.
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    class Ours:
        def collect(self) -> Iterable[Metric]:
            return _collect(service)

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Ours())
    return generate_latest(registry)


def _collect(service: Service) -> Iterator[Metric]:
    yield from _mails(service)
    yield from _gateway(service)
    yield from _machine(service)
    yield _histogram(
        "mailroom_http_request_duration_seconds",
        "Requests answered and how long the beginning of each answer took.",
        ("endpoint", "status"),
        service.requests,
    )


def _mails(service: Service) -> Iterator[Metric]:
    store, now = service.store, service.clock()
    queue, counts = waiting.queue(store, now), history.counts(store)
    yield _gauge("mailroom_queue_mails", "Mails that wait, paused and planned ones too.", queue.mails)
    yield _gauge("mailroom_queue_due_mails", "Mails that could go out now.", queue.due)
    yield _gauge(
        "mailroom_queue_oldest_seconds",
        "How long the mail that is due for the longest has been.",
        queue.oldest_seconds,
    )
    shown = [
        *get_args(states.State),
        *filter(lambda word: word not in ("", "pending"), get_args(states.Delivery)),
    ]
    yield _gauges(
        "mailroom_mails",
        "Mails by their state.",
        ("state",),
        ((counts.get(state, 0), state) for state in shown),
    )
    yield _gauge(
        "mailroom_batches_stopped", "Batches that do not go on without somebody.", batches.stopped(store, now)
    )


def _gateway(service: Service) -> Iterator[Metric]:
    lines = [(line, str(line.id)) for line in tokens.all_tokens(service.store, service.clock())]
    paces = [(service.clients.pace(line.id), name) for line, name in lines]
    yield _gauges(
        "mailroom_gateway_budget_per_second", "Requests allowed in a second.", ("token",),
        ((pace.per_second, name) for pace, name in paces),
    )  # fmt: skip
    yield _gauges(
        "mailroom_gateway_used_last_second", "Requests made in the last second.", ("token",),
        ((pace.used_last_second(), name) for pace, name in paces),
    )  # fmt: skip
    yield _gauges(
        "mailroom_token_usable", "Whether mail can be sent with the token.", ("token",),
        ((line.state in ("ok", "unchecked"), name) for line, name in lines),
    )  # fmt: skip
    yield _gauges(
        "mailroom_token_expiry_timestamp_seconds", "When the token expires, if it does.", ("token",),
        ((parse(line.expires_at).timestamp(), name) for line, name in lines if line.expires_at),
    )  # fmt: skip
    yield _histogram(
        "mailroom_handover_duration_seconds",
        "Mails handed to the gateway, by what came of it: “accepted”, or the verdict on its answer; 429: too many.",
        ("token", "outcome", "status"),
        service.sender.handed,
    )


def _machine(service: Service) -> Iterator[Metric]:
    found, wall = machine.look(service.store), time.time()
    yield _gauge("mailroom_database_bytes", "Size of the database.", found.database)
    yield _gauge("mailroom_wal_bytes", "Size of the write-ahead log.", found.wal)
    yield _gauge("mailroom_disk_free_bytes", "Room on the disk of the database.", found.free)
    yield _gauge("mailroom_disk_floor_bytes", "With less room nothing is sent.", found.floor)
    last = backups.latest(service.settings.backups)
    if last:
        made = parse(last.made_at).timestamp()
        yield _gauge("mailroom_last_backup_timestamp_seconds", "When the last backup was made.", made)
    yield _gauges(
        "mailroom_worker_last_round_timestamp_seconds", "When each part last gave a sign of life.", ("worker",),
        ((wall - pulse.age, pulse.name) for pulse in service.pulses() if pulse.age is not None),
    )  # fmt: skip
    yield _gauges("mailroom_info", "The version that runs.", ("version",), [(1, machine.version())])


def _gauge(name: str, text: str, value: float) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, value)


def _gauges(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[float, str]]) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(name, text, labels=labels)
    for value, label in values:
        family.add_metric([label], value)
    return family


def _histogram(name: str, text: str, labels: tuple[str, ...], tally: Tally) -> Metric:
    from prometheus_client.metrics_core import HistogramMetricFamily

    family = HistogramMetricFamily(name, text, labels=labels)
    for values, count in sorted(tally.counts().items()):
        buckets = [
            *((str(bound), n) for bound, n in zip(BOUNDS, count.within, strict=True)),
            ("+Inf", count.n),
        ]
        family.add_metric(values, buckets, count.seconds)
    return family
