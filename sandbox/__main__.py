"""`python -m sandbox`: serves the stand-in gateway until it is told to stop."""

import argparse
import logging
import signal
from pathlib import Path

from sandbox.app import create_app
from sandbox.ledger import Ledger
from sandbox.server import listen


def main() -> None:
    args = arguments()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ledger = Ledger(ledger_path(args.data))
    app = create_app(ledger, {"limit": args.limit, "window": args.window})
    server = listen(app, args.host, args.port)
    print(f"OCA sandbox listening on http://{args.host}:{server.server_port}", flush=True)
    server.serve_forever()
    ledger.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8025, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep mails, key and tokens in this folder")
    parser.add_argument("--limit", type=int, default=25, help="requests a second; 0 lifts the limit")
    parser.add_argument("--window", choices=("fixed", "sliding"), default="fixed", help="how a second counts")
    args = parser.parse_args()
    if args.limit < 0:
        parser.error("--limit takes 0 or more")
    return args


def ledger_path(folder: Path | None) -> str:
    if folder is None:
        return ":memory:"
    # Everyone's mails and the key that signs tokens: for the owner alone.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder / "sandbox.db")


if __name__ == "__main__":
    main()
