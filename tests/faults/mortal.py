"""`python -m tests.faults.mortal [MODULE:NAME before|after N]`: the dashboard, killed at one function's Nth call.

The process is the one that `python app.py` starts, but for this one function, which ends it with SIGKILL: no
handler runs, nothing is flushed, as if the kernel had needed the memory. And what is in doubt is looked up in
seconds instead of minutes, so that a test can wait for it.
"""

import importlib
import itertools
import os
import signal
import sys
from functools import partial
from typing import Any

import app
import mailroom.service
from mailroom.readings import Rules
from mailroom.reconcile import Reconciler

# The clocks are the same here, but the gateway tells whole seconds, and a busy machine answers late.
QUICK = Rules(margin=3.0, settle=0.5, first_pause=0.3, longest_pause=1.0, again_after=0.2)


def make_mortal(where: str, when: str, nth: int) -> None:
    """Replaces the function by one that kills the process `before` or `after` its nth call, counted from 1."""
    module, _, path = where.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in outer:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), itertools.count(1)

    def mortal(*args: Any, **named: Any) -> Any:
        last = next(calls) == nth
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, mortal)


if __name__ == "__main__":
    vars(mailroom.service)["Reconciler"] = partial(Reconciler, rules=QUICK)
    if len(sys.argv) > 1:
        make_mortal(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.exit(app.main())
