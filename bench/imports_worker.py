"""One measurement of `bench.imports` in a process of its own: prints seconds and rows as JSON.

The readers that are no part of Mailroom run in `.venv-bench`, so nothing of Mailroom is imported for them.
"""

import csv
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.machine import family_mb

Told = dict[str, Any]
LOOK_SECONDS = 0.02


def mailroom(path: Path, html: Path) -> Told:
    """A list read, checked, kept as a draft and queued, and its check page, as after an upload."""
    from app import create_app
    from bench.mails import PURPOSE, prepared
    from mailroom import batches, drafts, recipients
    from tests.house import Browser

    with prepared(html.read_text()) as (service, version):
        browser = Browser(create_app(service), "adi")
        MEMORY.begin()
        started = time.perf_counter()
        sheet = recipients.read(recipients.Given(path.name, path.read_bytes()))
        read = time.perf_counter()
        setup = drafts.Setup(PURPOSE, version, 1, 1, path.name)
        draft_id = drafts.create(service.store, 1, setup, sheet, service.clock())
        checked = time.perf_counter()
        batch_id = batches.queue(service.store, draft_id, 1, service.clock(), links=service.links)
        queued = time.perf_counter()
        page = browser.get(f"/send/{draft_id}")
        shown = time.perf_counter()
        assert page.status_code == 200, page.text
        batch = batches.get(service.store, batch_id)
        assert batch
        return {
            "rows": batch.size,
            "seconds": queued - started,
            "steps": [read - started, checked - read, queued - checked, shown - queued],
        }


def mailroom_reading(path: Path) -> Told:
    """A list read to its end and nothing else."""
    from mailroom import recipients

    MEMORY.begin()
    started = time.perf_counter()
    sheet = recipients.read(recipients.Given(path.name, path.read_bytes()))
    rows = sum(1 for _ in sheet.read())
    return {"rows": rows, "seconds": time.perf_counter() - started}


def refused(path: Path) -> Told:
    """A list that is too long, until the sentence that says so."""
    from mailroom import recipients
    from mailroom.problems import Problem

    MEMORY.begin()
    started = time.perf_counter()
    try:
        recipients.read(recipients.Given(path.name, path.read_bytes()))
    except Problem as problem:
        return {"rows": 0, "seconds": time.perf_counter() - started, "sentence": str(problem)}
    raise AssertionError("it was not refused")


def csv_module(path: Path) -> Told:
    """Python's own reader."""
    MEMORY.begin()
    started = time.perf_counter()
    with path.open(newline="", encoding="utf-8") as stream:
        rows = sum(1 for _ in csv.reader(stream, delimiter=";")) - 1
    return {"rows": rows, "seconds": time.perf_counter() - started}


def pandas_csv(path: Path) -> Told:
    """`pandas.read_csv`, every cell as text."""
    import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]

    MEMORY.begin()
    started = time.perf_counter()
    rows = len(pandas.read_csv(path, sep=";", dtype=str))
    return {"rows": rows, "seconds": time.perf_counter() - started}


def pandas_excel(path: Path, engine: str) -> Told:
    """`pandas.read_excel` with one of its engines."""
    import pandas

    MEMORY.begin()
    started = time.perf_counter()
    rows = len(pandas.read_excel(path, engine=engine))
    return {"rows": rows, "seconds": time.perf_counter() - started}


def rendering(way: str, count: int) -> Told:
    """One mail of the gallery filled in for so many recipients: by Mailroom, bare Jinja, or `str.replace`."""
    from bench.mails import filler, values

    everybody = [values(number) for number in range(count)]
    fill = filler(way)
    MEMORY.begin()
    started = time.perf_counter()
    letters = sum(len(fill(each)) for each in everybody)
    seconds = time.perf_counter() - started
    assert letters > count * 1000
    return {"rows": count, "seconds": seconds, "bytes": letters / count}


def write_xls(path: Path, source: Path) -> Told:
    """An .xls file of the rows of a CSV file, of which it can hold 65,535."""
    import xlwt  # type: ignore[import-not-found, import-untyped, unused-ignore]

    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    with source.open(newline="", encoding="utf-8") as stream:
        for number, cells in zip(range(65_536), csv.reader(stream, delimiter=";"), strict=False):
            for at, cell in enumerate(cells):
                sheet.write(number, at, int(cell) if cell.isdecimal() else cell)
    book.save(str(path))
    return {"rows": 0, "seconds": 0.0}


def write_xlsx(path: Path, source: Path) -> Told:
    """An .xlsx file of the rows of a CSV file, with real numbers and dates as a spreadsheet program keeps them."""
    import openpyxl  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-not-found, import-untyped, unused-ignore]

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Pelanggan")

    def cell(text: str) -> Any:
        kept = WriteOnlyCell(sheet, text)
        if text.isdecimal():
            kept.value, kept.number_format = int(text), "#,##0"
        elif text.count("/") == 2:
            kept.value, kept.number_format = datetime.strptime(text, "%d/%m/%Y"), "dd/mm/yyyy"  # noqa: DTZ007
        return kept

    with source.open(newline="", encoding="utf-8") as stream:
        for cells in csv.reader(stream, delimiter=";"):
            sheet.append([cell(text) for text in cells])
    book.save(path)
    return {"rows": 0, "seconds": 0.0}


class Memory(threading.Thread):
    """Looks how much memory this process and its children hold at most, from `begin()` on."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mb = 0.0

    def begin(self) -> None:
        """Forgets what was held before, such as for making the passwords of people."""
        Path("/proc/self/clear_refs").write_text("5")
        self.start()

    def run(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, family_mb(os.getpid()))
            time.sleep(LOOK_SECONDS)


MEMORY = Memory()


def main() -> None:
    """Arguments: what to measure, and what it is given."""
    what, first, *more = sys.argv[1:]
    measures: dict[str, Callable[[], Told]] = {
        "mailroom": lambda: mailroom(Path(first), Path(more[0])),
        "mailroom-reading": lambda: mailroom_reading(Path(first)),
        "refused": lambda: refused(Path(first)),
        "csv": lambda: csv_module(Path(first)),
        "pandas-csv": lambda: pandas_csv(Path(first)),
        "pandas-excel": lambda: pandas_excel(Path(first), *more),
        "rendering": lambda: rendering(first, int(more[0])),
        "write-xlsx": lambda: write_xlsx(Path(first), Path(more[0])),
        "write-xls": lambda: write_xls(Path(first), Path(more[0])),
    }
    with tempfile.TemporaryDirectory(prefix="mailroom-imports-") as scratch:
        tempfile.tempdir = scratch
        told = measures[what]()
        print(json.dumps(told | {"peak_mb": max(MEMORY.peak_mb, family_mb(os.getpid()))}))


if __name__ == "__main__":
    main()
