"""“Send a test to me”: from a row of a list, and from the newest saved version of a template."""

import secrets
from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, abort, flash, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from mailroom import drafts, email_templates, gallery, suppressions, tokens, trials
from mailroom.email_templates import FieldProblem, Renderer, Version
from mailroom.identities import Identity
from mailroom.problems import Problem
from mailroom.tokens import TokenLine
from mailroom.trials import Sent, Trial
from views import plan_form, send_form, template_form
from views.here import me, see_other, service, show, whole
from views.template_form import SAMPLE
from views.words import said

blueprint = Blueprint("trials", __name__, url_prefix="/test")


@blueprint.app_template_global()
def one_time_key() -> str:
    """A key for a form, so that a button pressed twice does its work once."""
    return secrets.token_urlsafe(16)


@blueprint.app_template_global()
def gets_no_mail() -> bool:
    """Whether the person's own address is on the do-not-mail list, so that a test would be skipped."""
    return suppressions.get(service().store, me().email) is not None


@blueprint.post("/list/<draft_id>")
def of_row(draft_id: str) -> Response:
    """Sends the row that is shown to the person who looks at it, and shows it again."""
    store, number = service().store, request.form.get("row", 0, type=whole)
    try:
        trial = trials.of_row(store, drafts.get(store, draft_id, me().id), number)
        _say(_send(trial))
    except LookupError:
        abort(404)
    except Problem as problem:
        flash(said(problem), "error")
    if request.form.get("from") == "confirm":
        # What was chosen there and not yet sent must not be lost: the button that follows sends.
        return see_other("confirm.one", draft_id=draft_id, **plan_form.kept(request.form))
    return see_other("send.check", draft_id=draft_id, row=number, width=request.form.get("width") or None)


@blueprint.route("/template/<int:template_id>", methods=["GET", "POST"])
def ask(template_id: int) -> Response:
    """Asks what the fields hold and who it is from; as a POST, with what stands in the editor. Changes nothing."""
    version, form = _version(template_id), request.form
    typed = {name: form[name] for name in form if name.startswith(SAMPLE)}
    try:
        row = template_form.sample_row(template_form.typed(), template_id, version.fields)
    except Problem:
        row = None  # a saved list that can no longer be read; the page asks for the values
    if row:
        typed = {SAMPLE + name: value for name, value in row.values.items()}
    elif not typed:
        last = trials.last_values(service().store, template_id, me().id)
        typed = {SAMPLE + name: last.get(name) or gallery.sample(name) for name in version.fields}
    html = form.get("html", version.html).replace("\r\n", "\n")
    written = form.get("subject", version.subject).strip(), html
    return _show(version, typed, unsaved=written != (version.subject, version.html))


@blueprint.post("/template/<int:template_id>/send")
def of_template(template_id: int) -> Response:
    """Sends the newest saved version to the person who asks, filled with what was typed."""
    version, form, offered = _version(template_id), request.form, send_form.choices()
    sender, token = _chosen("sender", offered.identities), _chosen("token", offered.tokens)
    values = {name: form.get(SAMPLE + name, "").strip() for name in version.fields}
    values = {name: value for name, value in values.items() if value}
    renderer = Renderer(version.subject, version.body)
    errors = {SAMPLE + name: _("Write something here.") for name in renderer.required if name not in values}
    errors |= {
        name: _("Choose one.") for name, number in (("sender", sender), ("token", token)) if not number
    }
    if errors:
        return _show(version, form, errors, status=422)
    try:
        _say(_send(Trial(version.template_name, version.id, sender, token, values)))
    except Problem as problem:
        name = SAMPLE + problem.name if isinstance(problem, FieldProblem) else ""
        return _show(version, form, {name: said(problem)}, status=422)
    return see_other("trials.ask", template_id=template_id)


def _version(template_id: int) -> Version:
    return email_templates.latest(service().store, template_id) or abort(404)


def _chosen(name: str, offered: Sequence[Identity | TokenLine]) -> int:
    """The id that was chosen, 0 for none; with only one there is nothing to choose, and the page does not ask."""
    ids = [one.id for one in offered]
    number = ids[0] if len(ids) == 1 else request.form.get(name, 0, type=whole)
    return number if number in ids else 0


def _show(
    version: Version,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    unsaved: bool = False,
    status: int = 200,
) -> Response:
    offered = send_form.choices()
    if not offered.complete:
        any_token = bool(tokens.all_tokens(service().store))
        return show("send/not_yet.html", choices=offered, any_token=any_token)
    return show(
        "trials/template.html",
        status=status,
        version=version,
        typed=typed,
        errors=errors or {},
        unsaved=unsaved,
        choices=offered,
    )


def _send(trial: Trial) -> Sent:
    here = service()
    return trials.send(here.store, here.links, trial, request.form.get("form_key", ""), me(), here.clock())


def _say(sent: Sent) -> None:
    if sent.fresh:
        words = _("Test on its way to %(email)s.", email=me().email)
    else:
        words = _("This test was sent already; a button pressed twice sends one.")
    link = url_for("batches.one", batch_id=sent.batch_id)
    text = Markup('{} <a href="{}">{}</a>').format(words, link, _("See what becomes of it"))
    flash(text, "ok" if sent.fresh else "info")
