"""django-post-office (https://github.com/ui/django-post_office) with the same mails, gateway and machine.

It is installed into `.venv-bench`, apart from Mailroom. Its settings are those of its documentation, so one process
and five threads; only the way out is another: `bench.post_office_worker.Gateway` posts to the sandbox.
"""

import json
import subprocess
import tempfile

from bench import peers
from bench.machine import Usage
from bench.send import Result, seen
from tests.sandbox_server import ROOT, Sandbox

PINNED = ("Django==5.2.19", "django-post-office==3.12.0", "requests==2.34.2")


def install() -> str:
    """Why it could not be installed, in a few words, or "" when it is there."""
    return peers.install("post_office", PINNED)


def send(sandbox: Sandbox, mails: int) -> Result:
    """What `send_queued_mail` makes of so many queued mails."""
    with tempfile.TemporaryDirectory(prefix="post-office-bench-") as folder:
        worker = [
            peers.python(),
            "-m",
            "bench.post_office_worker",
            folder,
            sandbox.url,
            sandbox.token(),
            str(mails),
        ]
        done = subprocess.run(worker, cwd=ROOT, capture_output=True, text=True, check=True, timeout=180)
    before, after = json.loads(done.stdout.splitlines()[-1])
    return seen(sandbox, Usage(*before), Usage(*after))
