"""OCA Mailroom. Read this first: it puts the rooms together. `python app.py` serves."""

import ctypes
import gc
import logging
import os
import signal
import sys
import tempfile
from contextlib import suppress
from typing import Any

import waitress
from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from waitress.channel import HTTPChannel
from werkzeug.middleware.proxy_fix import ProxyFix

from mailroom import invites, logs
from mailroom.keys import KeyFileError
from mailroom.service import Service, open_service
from mailroom.settings import SettingError, from_environment
from mailroom.store import StoreError
from views import (
    access,
    account,
    activity,
    address,
    approvals,
    backups,
    batches,
    commands,
    compression,
    confirm,
    decisions,
    errors,
    gateway,
    gateway_history,
    guide,
    headers,
    health,
    history,
    hosts,
    joining,
    language,
    lists,
    machine,
    mail,
    menu,
    metrics,
    overview,
    plan_form,
    privacy,
    report_files,
    report_mail,
    report_words,
    reports,
    request_limits,
    retention,
    schedule,
    second_factors,
    second_step,
    send,
    sentences,
    settings,
    static_files,
    style,
    suppressions,
    team,
    templates,
    trials,
    unsubscribe,
    visits,
    words,
    your_account,
)
from views.here import RowNumber

PAGES = (
    account, second_step, second_factors, overview, send, confirm, approvals, batches, schedule, history, mail,
    address, reports, report_files, report_mail, decisions, lists, templates, trials, suppressions, gateway,
    gateway_history, activity, settings, machine, privacy, retention, backups, unsubscribe, your_account, health,
    metrics, language, joining, team, style, guide,
)  # fmt: skip

# Larger than the largest list and attachment together; read by werkzeug before anything is parsed.
MAX_REQUEST_BYTES = 32_000_000

# Of <malloc.h>, https://man7.org/linux/man-pages/man3/mallopt.3.html
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3

# Of one answer that waits to be taken; a download beyond it waits for whoever takes it. waitress frees what was taken
# only when all was, or when there was as much as this, so its usual 16 MB are 16 MB for each long download.
MAX_WAITING_BYTES = 1_000_000

# A command that found nobody here may just be queueing something; see mailroom.asking.
COMMAND_SECONDS = 3.0


def create_app(service: Service | None = None) -> Flask:
    """The web application over an open mailroom: settings, blueprints, who may, headers, commands.

    service: the open mailroom; the caller starts and closes it. Without one, as `flask` calls it, the
    application has commands and no pages, so that a command can run beside the program.
    """
    app = Flask(__name__)
    commands.init(app)
    if service is None:
        logs.set_up(level=logging.WARNING)
        Babel(app, locale_selector=words.spoken)
        return app
    app.extensions["mailroom"] = service
    settings = service.settings
    app.config.update(
        SECRET_KEY=service.keys.cookie_key,
        SESSION_COOKIE_NAME="mailroom_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=5_000_000,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=settings.secure_cookies,
        BABEL_DEFAULT_TIMEZONE=settings.zone.key,
    )
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.url_map.converters["int"] = RowNumber
    Babel(app, locale_selector=words.spoken)
    # A recipient has no session for a token to belong to; the signed link is what allows it.
    CSRFProtect(app).exempt(unsubscribe.blueprint)
    # What comes first here looks at an answer last.
    parts = (
        compression, static_files, words, sentences, plan_form, report_words, headers, errors, menu, access, hosts,
        activity, visits,
    )  # fmt: skip
    for part in parts:
        part.init(app)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    return app


def _stop(*_: object) -> None:
    # Pressed twice, the second must not break off the wait for the last answers.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("Stopping: waiting for the gateway's last answers…", flush=True)
    raise SystemExit


def _address(host: str, server: Any) -> str:
    """Where it listens, asked of the server: port 0 lets the system choose one."""
    # A name such as localhost may stand for several addresses, and the server then listens at each.
    several = getattr(server, "effective_listen", None)
    port = several[0][1] if several else server.effective_port
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _hang_up(server: Any) -> None:
    # Whoever still comes is told at once that nobody is here, and does not wait for the gateway's last answers.
    server.close()
    for channel in tuple(getattr(server, "active_channels", {}).values()):
        channel.close()


def listen(service: Service) -> Any:
    """The server, at the address that the settings name; it answers once it `run()`s."""
    # The one way to a parser of our own. There is one mailroom in a process that serves.
    HTTPChannel.parser_class = request_limits.parser(service)
    return waitress.create_server(
        create_app(service), host=service.settings.host, port=service.settings.port, threads=6, ident=None,
        # Beyond it the server hangs up, whoever it is.
        max_request_body_size=request_limits.MAX_BODY_BYTES, outbuf_high_watermark=MAX_WAITING_BYTES,
        # They are for ProxyFix, which believes as many as MAILROOM_PROXIES says; waitress would take them all away.
        clear_untrusted_proxy_headers=False,
    )  # fmt: skip


def serve() -> None:
    """Serves pages and sends mail until it is told to stop."""
    settings = from_environment(os.environ)
    logs.set_up(settings.log)
    service = open_service(settings, wait=COMMAND_SECONDS)
    # Uploads wait in nameless files there: on many systems /tmp is memory, and a zip may be larger than that.
    tempfile.tempdir = str(settings.data)
    try:
        server = listen(service)
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        address = _address(settings.host, server)
        # What is there by now stays; looking it through for garbage would hold up a page for 35 ms now and then.
        gc.freeze()
        link = invites.new_setup_link(service.store, service.clock())
        print(f"OCA Mailroom is open at {address}", flush=True)
        if link:
            print(f"Set it up once, with this link: {address}/setup/{link}", flush=True)
        service.start()
        server.run()
        _hang_up(server)
    finally:
        service.close()


def _share_one_heap() -> None:
    # glibc gives each thread a heap of its own, and what one has freed is then of no use to the others: a sixth of
    # all memory. Python lets one thread run at a time anyway. A block of a megabyte goes back to the system when it is
    # freed; left to itself, glibc would keep the 19 MB that making a password takes. Other C libraries have neither.
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 20)


def main() -> int:
    """Exit code 0 after a clean stop, 1 when it could not start; then one sentence says why."""
    _share_one_heap()
    try:
        serve()
    except (SettingError, StoreError, KeyFileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
