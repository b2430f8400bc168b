"""Lists read, checked and queued, and mails filled in: rows a second and memory, each in a process of its own."""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import mails, peers
from tests import workbook_files
from tests.sandbox_server import ROOT

PINNED = (
    "pandas==3.1.1",
    "openpyxl==3.1.5",
    "python-calamine==0.9.1",
    "xlwt==1.3.0",
)
ROWS = 100_000
TOO_MANY = 1_000_000
ROUNDS = 3
MOST_SECONDS = 600


@dataclass(frozen=True)
class Result:
    """One measurement. peak_mb: the most memory of the process and its children, added. told: what else it said."""

    rows: int
    seconds: float
    peak_mb: float
    told: Mapping[str, Any]


def imports(rows: int = ROWS, too_many: int = TOO_MANY, rounds: int = ROUNDS) -> Iterator[str]:
    """How long a list takes until its mails are queued, beside readers that only read; and mails filled in."""
    problem = peers.install("imports", PINNED)
    with tempfile.TemporaryDirectory(prefix="mailroom-imports-") as name:
        folder = Path(name)
        lists = _lists(folder, rows, not problem)
        results = _in_turns(_runs(lists, not problem), rounds)
        yield from _reading(results)
        yield from _steps({name: found for name, found in results.items() if "steps" in found.told})
        yield from _refused(folder, too_many)
    yield from _rendering(rows, rounds)
    if problem:
        yield f"\npandas and .xls files are left out: {problem}"


def _lists(folder: Path, rows: int, with_peers: bool) -> dict[str, Path]:
    everything: list[tuple[str | int, ...]] = [mails.COLUMNS, *(mails.row(number) for number in range(rows))]
    paths = {kind: folder / f"daftar.{kind}" for kind in ("csv", "xlsx", "ods", "xls")}
    with paths["csv"].open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=";").writerows(everything)
    paths["ods"].write_bytes(workbook_files.ods(everything))
    if with_peers:
        for kind in ("xlsx", "xls"):
            _measure(peers.python(), f"write-{kind}", paths[kind], paths["csv"])
    else:
        paths["xlsx"].write_bytes(workbook_files.xlsx(everything))
        del paths["xls"]
    return paths


def _runs(lists: Mapping[str, Path], with_peers: bool) -> dict[str, tuple[object, ...]]:
    html = lists["csv"].with_name("tagihan.html")
    html.write_text(mails.plain_html())
    ours, theirs = sys.executable, peers.python()
    runs: dict[str, tuple[object, ...]] = {}
    for kind, path in lists.items():
        runs[f"Mailroom, {kind}: read, checked, kept, queued"] = (ours, "mailroom", path, html)
        runs[f"Mailroom, {kind}: read alone"] = (ours, "mailroom-reading", path)
    runs["`csv` module"] = (ours, "csv", lists["csv"])
    if with_peers:
        runs["`pandas.read_csv`"] = (theirs, "pandas-csv", lists["csv"])
        for kind, engine in (
            ("xlsx", "openpyxl"),
            ("xlsx", "calamine"),
            ("ods", "calamine"),
            ("xls", "calamine"),
        ):
            runs[f"`pandas.read_excel`, {kind}, {engine}"] = (theirs, "pandas-excel", lists[kind], engine)
    return runs


def _in_turns(runs: Mapping[str, tuple[object, ...]], rounds: int) -> dict[str, Result]:
    """The measurement with the median time of each, taken in turns, so that a slow minute is one for all."""
    found: dict[str, list[Result]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, arguments in runs.items():
            found[name].append(_measure(*arguments))
    return {name: _middle(results) for name, results in found.items()}


def _middle(results: list[Result]) -> Result:
    wanted = median(result.seconds for result in results)
    return min(results, key=lambda result: abs(result.seconds - wanted))


def _measure(python: object, *arguments: object) -> Result:
    """What `bench.imports_worker` measures in a process of its own."""
    command = [str(python), "-m", "bench.imports_worker", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=MOST_SECONDS
    )
    told = json.loads(done.stdout)
    return Result(told["rows"], told["seconds"], told["peak_mb"], told)


def _reading(results: Mapping[str, Result]) -> Iterator[str]:
    yield "| | rows | seconds | rows/s | MB |"
    yield "|---|---|---|---|---|"
    for name, found in results.items():
        rate = found.rows / found.seconds
        yield f"| {name} | {found.rows:,} | {found.seconds:.2f} | {rate:,.0f} | {found.peak_mb:.0f} |"


def _steps(results: Mapping[str, Result]) -> Iterator[str]:
    yield "\n| Mailroom | read s | checked and kept s | queued s | first answer of the check page ms |"
    yield "|---|---|---|---|---|"
    for name, found in results.items():
        read, checked, queued, shown = found.told["steps"]
        kind = name.removeprefix("Mailroom, ").partition(":")[0]
        yield f"| {kind} | {read:.2f} | {checked:.2f} | {queued:.2f} | {shown * 1000:.0f} |"


def _refused(folder: Path, rows: int) -> Iterator[str]:
    """Lists that are far too long, until the sentence that says so."""
    paths = {kind: folder / f"panjang.{kind}" for kind in ("csv", "xlsx")}
    with paths["csv"].open("w", encoding="utf-8") as stream:
        stream.write("email\n")
        stream.writelines(f"a{number}@contoh.id\n" for number in range(rows))
    paths["xlsx"].write_bytes(workbook_files.many_rows(rows))
    yield f"\n| {rows:,} rows | file MB | seconds | MB | what is said |"
    yield "|---|---|---|---|---|"
    for kind, path in paths.items():
        found = _measure(sys.executable, "refused", path)
        size = path.stat().st_size / 1e6
        yield f"| {kind} | {size:.1f} | {found.seconds:.2f} | {found.peak_mb:.0f} | {found.told['sentence']} |"


def _rendering(rows: int, rounds: int) -> Iterator[str]:
    names = {
        "Mailroom": "mailroom",
        "bare Jinja, compiled once, autoescape": "jinja2",
        "`str.replace`: no filters, conditions or escaping": "replace",
    }
    runs = {name: (sys.executable, "rendering", way, rows) for name, way in names.items()}
    results = _in_turns(runs, rounds)
    size = next(iter(results.values())).told["bytes"]
    yield f"\n| {rows:,} mails of {size / 1000:.1f} kB filled in | seconds | mails/s |"
    yield "|---|---|---|"
    for name, found in results.items():
        yield f"| {name} | {found.seconds:.2f} | {found.rows / found.seconds:,.0f} |"
