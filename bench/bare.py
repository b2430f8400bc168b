"""A bare loop over `requests`: the same mails to the same gateway, without a record, a pace or a second thought."""

import base64
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.machine import usage
from mailroom import starter


def loop(url: str, token: str, mails: int, threads: int, seconds: float) -> None:
    """Posts so many mails from so many threads, each with one Session of its own, at most for so long."""
    with ThreadPoolExecutor(threads) as pool:
        share = [range(first, mails, threads) for first in range(threads)]
        list(pool.map(lambda part: _post(url, token, part, time.monotonic() + seconds), share))


def _post(url: str, token: str, numbers: range, end: float) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token}"
        for n in numbers:
            if time.monotonic() > end:
                return
            html = starter.HTML.replace("{{ nama }}", f"Orang {n}").replace("{{ total }}", f"Rp {n}.000")
            form = {
                "email": f"orang{n}@contoh.id",
                "message": base64.b64encode(html.encode()).decode(),
                "sender_email": "tagihan@contoh.id",
                "sender_name": "Tim Tagihan",
                "subject": f"Tagihan untuk Orang {n}",
            }
            session.post(f"{url}/email/v2/send-single", data=form, timeout=60).json()


def main() -> None:
    """Arguments: URL, token, mails, threads, seconds at most. Prints CPU seconds and memory as JSON."""
    before = usage(os.getpid())
    loop(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
    after = usage(os.getpid())
    print(json.dumps([[before.cpu, before.peak_mb], [after.cpu, after.peak_mb]]))


if __name__ == "__main__":
    main()
