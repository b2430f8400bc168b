"""Rotates the key of one mailroom after the other, in a process that is killed a step later each time.

`python -m tests.rotation_child FOLDER…`: in the n-th folder the process ends at its n-th call of what changes anything,
as if the power went. Prints how many steps there were in the last one, which is let through.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mailroom import activity, rotation
from mailroom.store import Store
from mailroom.times import utc_now

DEAD = 9


class Steps:
    """Ends the process at the n-th step; 0 for never."""

    def __init__(self, last: int) -> None:
        self.last, self.n = last, 0

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            self.n += 1
            if self.n == self.last:
                os._exit(DEAD)
            return call(*args, **named)

        return counted


def rotate(folder: Path, last: int) -> int:
    """How many steps it took."""
    steps, store = Steps(last), Store(folder / "mailroom.db")
    # Every file that is opened, put on the disk and put in place, and the middle of the transaction.
    os.open, os.fsync = steps.before(os.open), steps.before(os.fsync)
    os.replace, os.fchmod = steps.before(os.replace), steps.before(os.fchmod)
    Path.replace = steps.before(Path.replace)  # type: ignore[method-assign]
    activity.note = steps.before(activity.note)
    store._commit = steps.before(store._commit)  # type: ignore[method-assign]
    rotation.rotate(store, folder / "mailroom.key", utc_now())
    return steps.n


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:]]
    for n, folder in enumerate(folders[:-1], 1):
        if (child := os.fork()) == 0:
            rotate(folder, n)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (0, DEAD)
    print(rotate(folders[-1], 0))


if __name__ == "__main__":
    main()
