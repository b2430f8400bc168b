"""The sandbox's own pages: what was received, one mail, and the fault switches as a form."""

import io
import re
from datetime import datetime

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from sandbox.addresses import ADDRESSES, DOMAIN
from sandbox.gateway import status_now
from sandbox.ledger import Entry
from sandbox.state import state
from sandbox.switches import GROUPS, SWITCHES, Switch

PAGE = 50
NEWEST = 2**62

POLICY = (
    "default-src 'none'; style-src {styles}; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("mailbox", __name__)


@blueprint.get("/")
def index() -> str:
    before = request.args.get("before", NEWEST, type=int)
    entries = state().ledger.before(min(max(before, 0), NEWEST), PAGE + 1)
    return render_template(
        "mailbox.html",
        mails=[(entry, status_now(entry)) for entry in entries[:PAGE]],
        older=entries[PAGE - 1].seq if len(entries) > PAGE else None,
        first_page=before == NEWEST,
        addresses=ADDRESSES,
        domain=DOMAIN,
    )


@blueprint.get("/mail/<msg_id>")
def mail(msg_id: str) -> Response:
    entry = found(msg_id)
    body = state().ledger.content(entry.body_sha256).decode(errors="replace")
    page = Response(render_template("mail.html", mail=entry, status=status_now(entry), body=body))
    # The frame inherits this page's policy, and a mail brings its styles with it.
    page.headers["Content-Security-Policy"] = POLICY.format(styles="'self' 'unsafe-inline'")
    return page


@blueprint.get("/mail/<msg_id>/attachment")
def attachment(msg_id: str) -> AnyResponse:
    entry = found(msg_id)
    if entry.attachment_sha256 is None:
        abort(404)
    content = io.BytesIO(state().ledger.content(entry.attachment_sha256))
    # A name off the wire may hold anything, a new line or a path included.
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", entry.attachment_name or "") or "attachment"
    return send_file(content, "application/octet-stream", as_attachment=True, download_name=name)


@blueprint.get("/faults")
def faults() -> str:
    return faults_page(state().faults.values())


@blueprint.post("/faults")
def set_faults() -> AnyResponse | tuple[str, int]:
    wanted = {switch.name: posted(switch, request.form) for switch in SWITCHES}
    try:
        state().faults.set(wanted)
    except ValueError as error:
        return faults_page(wanted, str(error)), 422
    return redirect(url_for("mailbox.faults", saved="yes"), 303)


@blueprint.post("/faults/reset")
def reset_faults() -> AnyResponse:
    state().faults.reset()
    return redirect(url_for("mailbox.faults", saved="yes"), 303)


def faults_page(values: dict[str, object], error: str = "") -> str:
    saved = "saved" in request.args and not error
    return render_template("faults.html", groups=GROUPS, values=values, error=error, saved=saved)


def posted(switch: Switch, form: MultiDict[str, str]) -> object:
    """What the form says of this switch, as near to its type as the text allows."""
    text = form.get(switch.name, "").strip()
    if switch.kind == "flag":
        return switch.name in form
    if switch.kind == "calls":
        return form.getlist(switch.name)
    if switch.kind == "faults":
        return re.findall(r"[^,\s]+", text)
    return text if switch.kind in ("choice", "url") else as_number(text)


def as_number(text: str) -> object:
    """A number where the text is one; otherwise the text, for the check to complain of."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def found(msg_id: str) -> Entry:
    entry = state().ledger.find(msg_id)
    if entry is None:
        abort(404)
    return entry


@blueprint.app_template_filter("clock")
def clock(iso: str) -> str:
    return datetime.fromisoformat(iso).strftime("%d %b %Y, %H:%M:%S UTC")


@blueprint.app_template_filter("size")
def size(count: int) -> str:
    return f"{count} bytes" if count < 1000 else f"{count / 1000:,.0f} kB"


@blueprint.app_template_filter("typed")
def typed(value: object) -> str:
    """A switch's value as it would be typed into a field."""
    if isinstance(value, (list, tuple)):
        return ", ".join(value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@blueprint.after_request
def add_headers(response: AnyResponse) -> AnyResponse:
    response.headers.setdefault("Content-Security-Policy", POLICY.format(styles="'self'"))
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-DNS-Prefetch-Control": "off",
        }
    )
    return response
