"""Templates: the list, the editor with its live preview, the versions."""

from dataclasses import dataclass, field
from typing import cast

from flask import Blueprint, Response, abort, current_app, flash, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from mailroom import email_templates, starter
from mailroom.email_templates import NoSuchTemplate, Renderer, TemplateProblem, Version
from mailroom.problems import Problem
from mailroom.rendering import MAX_FIELDS
from mailroom.times import iso
from views.here import me, see_other, service, show, wants_part, whole
from views.mail_frame import Previews, mail_page

blueprint = Blueprint("templates", __name__, url_prefix="/templates")

SAMPLE = "sample-"  # in front of a field's name, in the names of the form's sample values


@dataclass(frozen=True)
class Typed:
    """What stands in the editor.

    base: the number of the version it was opened at, 0 for a new template. shown: the fields whose sample
    values the page has inputs for. samples: every sample value typed so far, also of fields gone meanwhile.
    """

    name: str
    subject: str
    html: str
    base: int = 0
    shown: tuple[str, ...] = ()
    samples: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """The mail as it would arrive, or the problem that is in the way.

    fields: those of the mail, or the last known ones when there is a problem. key: for the frame.
    """

    fields: tuple[str, ...]
    subject: str = ""
    key: str = ""
    problem: Problem | None = None


@blueprint.record_once
def _init(state: BlueprintSetupState) -> None:
    state.app.extensions["mailroom_previews"] = Previews()


@blueprint.get("/")
def index() -> Response:
    """All templates, and those that were removed."""
    store = service().store
    return show(
        "templates/index.html",
        lines=email_templates.all_templates(store),
        removed=email_templates.removed_templates(store),
    )


@blueprint.get("/new")
def new() -> Response:
    """The editor with a mail to start from."""
    return _editor(None, Typed("", starter.SUBJECT, starter.HTML))


@blueprint.get("/<int:template_id>/edit")
def edit(template_id: int) -> Response:
    """The editor with the newest version."""
    newest = email_templates.latest(service().store, template_id) or abort(404)
    return _editor(
        template_id, Typed(newest.template_name, newest.subject, newest.html, newest.number, newest.fields)
    )


@blueprint.post("/")
@blueprint.post("/<int:template_id>")
def save(template_id: int | None = None) -> Response:
    """Keeps what was written as the newest version."""
    typed, now = _typed(), service().clock()
    try:
        saved = email_templates.save(
            service().store, template_id, typed.name, typed.subject, typed.html, me().id, now
        )
    except TemplateProblem as problem:
        return _editor(template_id, typed, problem, 422)
    except NoSuchTemplate:
        abort(404)
    flash(*_saved(saved, typed.base, fresh=saved.created_at == iso(now)))
    return see_other("templates.edit", template_id=saved.template_id)


@blueprint.get("/<int:template_id>")
@blueprint.get("/<int:template_id>/versions/<int:number>")
def one(template_id: int, number: int | None = None) -> Response:
    """One version to look at: the newest unless the address names another."""
    store = service().store
    versions = email_templates.versions(store, template_id) or abort(404)
    line = next((line for line in versions if number in (None, line.number)), None) or abort(404)
    version = email_templates.version(store, line.id)
    return show(
        "templates/version.html",
        version=version,
        author=line.author,
        versions=versions,
        newest=version.number == versions[0].number,
        removed=email_templates.latest(store, template_id) is None,
        preview=_preview(Typed("", version.subject, version.body)),
    )


@blueprint.post("/preview")
def preview() -> Response:
    """The mail as it stands in the editor, as it would arrive; without JavaScript the editor around it."""
    typed = _typed()
    if not wants_part():
        return _editor(request.form.get("template_id", type=whole), typed)
    made = _preview(typed)
    return show(
        "templates/_preview.html",
        "templates/_preview_and_fields.html" if made.fields != typed.shown else "templates/_preview.html",
        typed=typed,
        preview=made,
    )


@blueprint.get("/preview/<key>")
def preview_mail(key: str) -> Response:
    """The mail itself, for the frame of the preview."""
    html = _previews().find(me().id, key)
    if html is None:
        abort(404)
    return mail_page(html)


@blueprint.get("/<int:template_id>/remove")
def ask_remove(template_id: int) -> Response:
    """Asks, with numbers, before a template is removed."""
    store = service().store
    return show(
        "templates/remove.html",
        template=email_templates.latest(store, template_id) or abort(404),
        usage=email_templates.usage(store, template_id),
    )


@blueprint.post("/<int:template_id>/remove")
def remove(template_id: int) -> Response:
    """Takes a template out of the lists."""
    template = email_templates.latest(service().store, template_id) or abort(404)
    email_templates.remove(service().store, template_id, service().clock())
    flash(_("“%(name)s” was removed. You find it below the list.", name=template.template_name), "ok")
    return see_other("templates.index")


@blueprint.post("/<int:template_id>/restore")
def restore(template_id: int) -> Response:
    """Puts a removed template back."""
    email_templates.restore(service().store, template_id)
    template = email_templates.latest(service().store, template_id) or abort(404)
    flash(_("“%(name)s” is back.", name=template.template_name), "ok")
    return see_other("templates.index")


def _editor(
    template_id: int | None, typed: Typed, problem: TemplateProblem | None = None, status: int = 200
) -> Response:
    return show(
        "templates/edit.html",
        status=status,
        template_id=template_id,
        typed=typed,
        problem=problem,
        preview=_preview(typed),
        versions=email_templates.versions(service().store, template_id) if template_id else [],
    )


def _typed() -> Typed:
    form = request.form
    samples = {name.removeprefix(SAMPLE): form[name] for name in form if name.startswith(SAMPLE)}
    return Typed(
        name=form.get("name", ""),
        subject=form.get("subject", "").strip(),
        html=form.get("html", ""),
        base=form.get("base", 0, type=whole),
        shown=tuple(name for name in form.get("fields", "").split() if name.isidentifier())[:MAX_FIELDS],
        samples={name: samples[name] for name in list(samples)[: 2 * MAX_FIELDS] if name.isidentifier()},
    )


def _preview(typed: Typed) -> Preview:
    try:
        renderer = Renderer(typed.subject, typed.html)
    except TemplateProblem as problem:
        return Preview(typed.shown, problem=problem)
    # A field without a sample shows its own name; one with a sample goes the way of a recipient's value.
    values = {name: typed.samples.get(name, "").strip() or f"‹{name}›" for name in renderer.fields}
    try:
        rendered = renderer.render(values)
    except Problem as problem:
        return Preview(renderer.fields, problem=problem)
    return Preview(renderer.fields, rendered.subject, _previews().keep(me().id, rendered.html))


def _previews() -> Previews:
    return cast(Previews, current_app.extensions["mailroom_previews"])


def _saved(version: Version, base: int, fresh: bool) -> tuple[str, str]:
    if not fresh:
        return _("Saved. The mail is the same, so version %(n)s stays the newest.", n=version.number), "ok"
    if base and version.number > base + 1:
        text = _(
            "Saved as version %(n)s. Somebody else saved version %(other)s while you were writing; it is below.",
            n=version.number,
            other=version.number - 1,
        )
        return text, "warn"
    return _("Saved as version %(n)s.", n=version.number), "ok"
