"""What the tests of the limited process run in one: says, on order, something good or does something bad."""

import sys
import time
from pathlib import Path

from mailroom import limited


def main() -> None:
    limited.confine()
    order = sys.stdin.buffer.read()
    if order == b"memory":
        bytearray(500_000_000)
    elif order == b"cpu":
        while True:
            pass
    elif order == b"sleep":
        time.sleep(60)
    elif order == b"file":
        Path("/tmp/should-not-be").write_text("x" * 10)
    elif order == b"lines":
        for n in range(1_000_000):
            print(n)
    sys.stdout.write("answer to " + order[:10].decode())


main()
