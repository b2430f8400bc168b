"""Work on what strangers made, in a process of its own that may neither take much memory nor run for long.

A file of one kilobyte can make a reader ask for all the memory there is, and some end the whole process when they
get none; so such a reader runs alone, and only it ends.
"""

import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_ROOT = Path(__file__).parent.parent

# Together they may take twice the memory of one; a third waits for its turn.
_AT_ONCE = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class Limits:
    """What one such process may use: memory in bytes (its address space), CPU and wall time in seconds."""

    memory: int = 300_000_000
    cpu: int = 20
    wall: float = 60.0


class ChildFailed(RuntimeError):
    """The process ended without an answer. late: it ran out of time; otherwise it met its memory limit or broke."""

    def __init__(self, late: bool) -> None:
        super().__init__("out of time" if late else "broke off")
        self.late = late


@contextmanager
def running(module: str, payload: bytes, limits: Limits | None = None) -> Iterator[IO[bytes]]:
    """What the module writes to its standard output, to be read as it comes; the module reads `payload` from its input.

    module: its full name; its `main` calls `confine()` before it looks at the input. On leaving, a process that has
    not come to its end is stopped. Raises ChildFailed on leaving when it did not end well by itself.
    """
    limits = limits or Limits()
    command = [sys.executable, "-m", module, str(limits.memory), str(limits.cpu)]
    with _AT_ONCE, tempfile.TemporaryFile() as given:
        # A file, not a pipe: a long answer and a long question would wait for each other.
        given.write(payload)
        given.seek(0)
        child = subprocess.Popen(  # noqa: S603 – our own module, no shell
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={"LC_ALL": "C.UTF-8"},
        )
        timer = threading.Timer(limits.wall, child.kill)
        timer.start()
        try:
            output = cast(IO[bytes], child.stdout)
            yield output
            # What is left unread is not wanted; with the pipe closed the child ends.
            output.close()
            code = child.wait()
        finally:
            overdue = not timer.is_alive()
            timer.cancel()
            child.kill()
            child.wait()
            output.close()
    if code:
        raise ChildFailed(late=overdue or code == -signal.SIGXCPU)


def answer(module: str, payload: bytes, limits: Limits | None = None) -> bytes:
    """All that the module answers to the payload. Raises ChildFailed."""
    with running(module, payload, limits) as output:
        return output.read()


def confine() -> None:
    """Holds this process to the limits on its command line. To be called before anything strange is read."""
    memory, cpu = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # At the first limit the system says why it ends the process, at the second it just does.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    # It has nothing to write but its answer, and leaves no picture of its memory behind.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
