"""`python -m bench`: measures sending from outside and prints the tables of bench/README.md; about five minutes."""

import sys
import time
from collections.abc import Callable, Iterator

from bench import browse, generate, post_office
from bench.footprint import footprint
from bench.imports import imports
from bench.machine import describe
from bench.send import Result, bare_loop, dashboard, followed, middle
from tests.sandbox_server import Sandbox, running_sandbox

LIMIT = 25
LATENCIES_MS = (20, 500, 2000)
PACED_MAILS = 500
FREE_MAILS = 3000
ROUNDS = 3
TOKENS = (1, 2, 4, 8, 16)
MAILS_A_TOKEN = 250
# What is left of 25 requests a second for mails while what became of them is looked up.
FULL_PACE = 23.0
# Mails, and the most a second.
FOLLOWED = ((10_000, 1000), (2_000, LIMIT))
PAGE = 100
LARGE_MAILS = 100_000

Run = Callable[[Sandbox], Result]


def measure(run: Run, limit: int, latency_ms: float = 0, window: str = "sliding") -> Result:
    """One measurement against a sandbox of its own."""
    with running_sandbox("--limit", str(limit), "--window", window) as sandbox:
        sandbox.faults(latency_ms=latency_ms)
        return run(sandbox)


def paced() -> Iterator[str]:
    """How closely the limit is used and kept, at each latency and both ways of counting a second."""
    yield "| the gateway answers after | a second counts as | mails/s | most requests in a second | 429 | CPU s | MB |"
    yield "|---|---|---|---|---|---|---|"
    for latency, window in [(LATENCIES_MS[0], "fixed"), *((ms, "sliding") for ms in LATENCIES_MS)]:
        result = measure(lambda sandbox: dashboard(sandbox, PACED_MAILS), LIMIT, latency, window)
        yield f"| {latency} ms | {window} | {_numbers(result)} |"
    for latency in LATENCIES_MS:
        result = measure(
            lambda sandbox: bare_loop(sandbox, PACED_MAILS, 1, seconds=6), LIMIT, latency, "sliding"
        )
        yield f"| {latency} ms | bare loop, 1 thread, 6 s | {_numbers(result)} |"


def free() -> Iterator[str]:
    """How fast it could go, beside others in the same minutes: medians, with what else ran taking turns."""
    runs: dict[str, Run] = {
        "bare `requests` loop, 1 thread": lambda sandbox: bare_loop(sandbox, FREE_MAILS, 1),
        "bare `requests` loop, 16 threads": lambda sandbox: bare_loop(sandbox, FREE_MAILS, 16),
        "Mailroom": lambda sandbox: dashboard(sandbox, FREE_MAILS, per_second=1000),
    }
    problem = post_office.install()
    if not problem:
        runs["django-post-office"] = lambda sandbox: post_office.send(sandbox, FREE_MAILS)
    rounds: dict[str, list[Result]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            rounds[name].append(measure(run, limit=0))
    results = {name: middle(found) for name, found in rounds.items()}
    one, many = (results[name].rate for name in list(results)[:2])
    yield "| | mails/s | of 1 thread | of 16 threads | CPU s | MB |"
    yield "|---|---|---|---|---|---|"
    for name, result in results.items():
        shares = f"{result.rate / one:.0%} | {result.rate / many:.0%}"
        yield f"| {name} | {result.rate:.0f} | {shares} | {result.cpu:.1f} | {result.peak_mb:.0f} |"
    if problem:
        yield f"\ndjango-post-office could not be installed: {problem}"


def tokens() -> Iterator[str]:
    """How many tokens, each with a limit of its own, one process keeps at full pace, look-ups included."""
    yield "| tokens | mails/s | the slowest token | full pace | 429 | CPU s for 250 mails each | MB |"
    yield "|---|---|---|---|---|---|---|"
    for count in TOKENS:
        result = measure(lambda sandbox: dashboard(sandbox, MAILS_A_TOKEN, count), LIMIT, LATENCIES_MS[0])  # noqa: B023
        kept = "yes" if result.slowest >= FULL_PACE else "no"
        yield (
            f"| {count} | {result.rate:.0f} | {result.slowest:.1f} | {kept} | {result.refused} | {result.cpu:.1f} "
            f"| {result.peak_mb:.0f} |"
        )


def follow() -> Iterator[str]:
    """How many requests it costs to learn what became of fresh mails, of which a page of the history holds 100."""
    yield "| mails | handed over at | pages that hold them | requests | requests ÷ pages |"
    yield "|---|---|---|---|---|"
    for mails, per_second in FOLLOWED:
        pages = mails // PAGE
        with running_sandbox("--limit", "0") as sandbox:
            sandbox.faults(life_delivered_after=0.5, life_opened_after=3600)
            requests = followed(sandbox, mails, per_second)
        pace = f"{per_second} a second" if per_second == LIMIT else "no limit"
        yield f"| {mails:,} | {pace} | {pages} | {requests} | {requests / pages:.2f} |"


def large() -> Iterator[str]:
    """How much memory the whole process holds at most while it sends 100,000 queued mails, without a limit."""
    with running_sandbox("--limit", "0") as sandbox:
        result = dashboard(sandbox, LARGE_MAILS, per_second=1000, seconds=900)
    yield "| mails | mails/s | CPU s | MB |"
    yield "|---|---|---|---|"
    yield f"| {result.mails:,} | {result.rate:.0f} | {result.cpu:.0f} | {result.peak_mb:.0f} |"


def _numbers(result: Result) -> str:
    return f"{result.rate:.1f} | {result.peak} | {result.refused} | {result.cpu:.1f} | {result.peak_mb:.0f}"


def main() -> int:
    """Runs everything, or only the parts that are named."""
    # These two make or need a file of several GB, so they are only done when they are named.
    apart = {"generate": generate.main, "browse": browse.main}
    if sys.argv[1:] and sys.argv[1] in apart:
        return apart[sys.argv[1]](sys.argv[2:])
    parts = {
        "paced": paced,
        "free": free,
        "tokens": tokens,
        "follow": follow,
        "large": large,
        "imports": imports,
        "footprint": footprint,
    }
    started = time.monotonic()
    print(f"{describe()}\n", flush=True)
    for name in sys.argv[1:] or parts:
        print(f"\n## {name}\n\n{parts[name].__doc__}\n", flush=True)
        for line in parts[name]():
            print(line, flush=True)
    print(f"\nTook {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
