"""The dashboard beside the sandbox gateway, for trying it out: `make run`. No mail leaves the machine."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

HOST = "127.0.0.1"


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, otherwise some free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("No free port was found. Close some programs and try again.")


def main() -> int:
    """Runs both until Ctrl-C; the exit code is the dashboard's."""
    data = Path(os.environ.get("MAILROOM_DATA", "data"))
    sandbox_data = data / "sandbox"
    for folder in (data, sandbox_data):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    gateway_port = free_port(int(os.environ.get("SANDBOX_PORT", "8026")))
    gateway = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(gateway_port), "--data", str(sandbox_data)],
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for us; we stop the sandbox when the dashboard has got its last answers.
        start_new_session=True,
    )
    try:
        print(gateway.stdout.readline().strip() if gateway.stdout else "", flush=True)
        environment = {
            "MAILROOM_PORT": str(free_port(int(os.environ.get("MAILROOM_PORT", "8025")))),
            "OCA_GATEWAY_URL": f"http://{HOST}:{gateway_port}",
            "MAILROOM_SANDBOX": "1",
            "MAILROOM_DATA": str(data),
        }
        return _dashboard({**os.environ, **environment})
    finally:
        gateway.terminate()
        gateway.wait(10)


def _dashboard(environment: dict[str, str]) -> int:
    dashboard = subprocess.Popen([sys.executable, "app.py"], env=environment)
    signal.signal(signal.SIGTERM, lambda *_: dashboard.terminate())
    while True:
        try:
            return dashboard.wait()
        except KeyboardInterrupt:
            # The terminal sent it to the dashboard too; wait for its clean stop.
            continue


if __name__ == "__main__":
    sys.exit(main())
