"""`python -m oca send|status|history`: the gateway from a shell.

Exit codes: 0 it worked, 1 refused or failed for sure, 2 used wrongly, 3 the mail may have left.
"""

import argparse
import os
import sqlite3
import sys
from pathlib import Path

from oca.audit import AuditLog
from oca.client import Client
from oca.contract import DEFAULT_BASE_URL
from oca.errors import GatewayError, NoAnswer
from oca.messages import Attachment, InvalidMessage, Message, Status
from oca.token import TokenError, read_token

OK, FAILED, WRONG_USE, MAY_HAVE_LEFT = 0, 1, 2, 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except GatewayError as error:
        _say(f"{error}\n{error.advice}")
        return MAY_HAVE_LEFT if options.run is _send and error.may_have_left else FAILED
    except (TokenError, InvalidMessage, ValueError) as error:
        _say(str(error))
        return WRONG_USE
    except sqlite3.Error as error:
        _say(f"The audit file cannot be written ({error}). Nothing was sent.")
        return FAILED
    except OSError as error:
        _say(f"This file cannot be opened: {error.filename} ({error.strerror}).")
        return WRONG_USE
    except KeyboardInterrupt:
        _say(f"Stopped.\n{NoAnswer.advice}" if options.run is _send else "Stopped.")
        return MAY_HAVE_LEFT if options.run is _send else FAILED


def _send(options: argparse.Namespace) -> int:
    message = Message(
        to=options.to,
        subject=options.subject,
        html=_html(options.html),
        sender_email=options.sender_email,
        sender_name=options.sender_name,
        attachment=Attachment.from_path(options.attach) if options.attach else None,
    )
    with _client(options) as client, AuditLog(options.audit) as audit:
        print(client.send(message, audit=audit).msg_id)
    return OK


def _status(options: argparse.Namespace) -> int:
    with _client(options) as client:
        print(_line(client.status(options.msg_id)))
    return OK


def _history(options: argparse.Namespace) -> int:
    with _client(options) as client:
        page = client.history(options.page, options.limit)
    for item in page.items:
        print(_line(item))
    _say(f"Page {page.page} of {page.pages}.")
    return OK


def _client(options: argparse.Namespace) -> Client:
    if not options.token_file:
        raise ValueError("Name the token's file with --token-file or OCA_TOKEN_FILE.")
    return Client(read_token(options.token_file), base_url=options.base_url)


def _html(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("The HTML file is not UTF-8 text.") from None


def _line(item: Status) -> str:
    created = item.created_at.isoformat() if item.created_at else "-"
    return "\t".join((item.msg_id, created, item.status, item.raw, item.email))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m oca", description="The OCA Email Gateway from a shell.")
    commands = parser.add_subparsers(required=True, metavar="send|status|history")
    send = commands.add_parser("send", parents=[_common()], help="send one mail; prints its id")
    for name in ("to", "subject", "sender-email", "sender-name"):
        send.add_argument(f"--{name}", required=True)
    send.add_argument(
        "--html", required=True, metavar="FILE", help='the content, UTF-8; "-" reads it from stdin'
    )
    send.add_argument("--attach", metavar="FILE")
    audit = os.environ.get("OCA_AUDIT") or "./oca-audit.db"
    send.add_argument("--audit", metavar="FILE", default=audit, help="default: OCA_AUDIT or ./oca-audit.db")
    send.set_defaults(run=_send)
    status = commands.add_parser("status", parents=[_common()], help="what became of a mail")
    status.add_argument("msg_id")
    status.set_defaults(run=_status)
    history = commands.add_parser("history", parents=[_common()], help="a page of the gateway's history")
    history.add_argument("--page", type=int, default=1)
    history.add_argument("--limit", type=int, default=50)
    history.set_defaults(run=_history)
    return parser


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    token = os.environ.get("OCA_TOKEN_FILE")
    common.add_argument("--token-file", metavar="FILE", default=token, help="default: OCA_TOKEN_FILE")
    url = os.environ.get("OCA_GATEWAY_URL") or DEFAULT_BASE_URL
    common.add_argument(
        "--base-url", metavar="URL", default=url, help="default: OCA_GATEWAY_URL or OCA's own"
    )
    return common


if __name__ == "__main__":
    sys.exit(main())
