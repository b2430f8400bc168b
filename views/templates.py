"""Templates: the list, the gallery, the editor with its live preview, the versions."""

from flask import Blueprint, Response, abort, flash, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from mailroom import comparison, email_templates, first_steps, gallery, starter, template_files
from mailroom.email_templates import NoSuchTemplate, TemplateProblem, Version
from mailroom.gallery import Language, Starter
from mailroom.problems import Problem
from mailroom.times import iso
from oca.words import N_
from views import template_form
from views.here import me, see_other, service, show, wants_part, whole
from views.mail_frame import Previews, mail_page
from views.template_form import Typed

blueprint = Blueprint("templates", __name__, url_prefix="/templates")

MAX_FILE_BYTES = 2_000_000  # more than any template


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
    """The gallery: what a new template can start from."""
    return _gallery()


@blueprint.get("/new/<key>")
def start(key: str) -> Response:
    """The editor with a mail of the gallery in it, or a short letter; nothing is saved yet."""
    if key in ("html", "mjml"):
        html = starter.MJML if key == "mjml" else starter.HTML
        return _editor(None, Typed("", starter.SUBJECT, html, "mjml" if key == "mjml" else "html"))
    one = gallery.starter(key) or abort(404)
    return _editor(None, _from(one))


@blueprint.post("/starters/<key>")
def take(key: str) -> Response:
    """Keeps a mail of the gallery as it is, and goes on with the first steps, or to the editor."""
    here, one = service(), gallery.starter(key) or abort(404)
    start = _from(one)
    saved = email_templates.save(
        here.store, None, start.name, start.subject, start.html, me().id, here.clock(), kind=start.kind,
        marketing=start.marketing,
    )  # fmt: skip
    flash(_("The template “%(name)s” is kept. You can change it any time.", name=saved.template_name), "ok")
    if first_steps.missing(here.store):
        return see_other("overview.index")
    return see_other("templates.edit", template_id=saved.template_id)


@blueprint.get("/starters/<key>")
def starter_mail(key: str) -> Response:
    """A mail of the gallery, filled in, for the frame of its card."""
    one = gallery.starter(key) or abort(404)
    made = template_form.preview(_from(one))
    return mail_page(template_form.previews().find(me().id, made.key) or abort(404))


@blueprint.post("/import")
def import_file() -> Response:
    """The editor with what is in a file; nothing is saved yet."""
    try:
        one = template_files.imported(_text(request.files.get("file")))
    except Problem as problem:
        return _gallery(problem, 422)
    name = email_templates.free_name(service().store, one.name) if one.name else ""
    flash(_("Nothing is saved yet. Look through it, then save."), "info")
    return _editor(None, Typed(name, one.subject, one.html, one.kind, one.marketing))


@blueprint.get("/<int:template_id>/edit")
def edit(template_id: int) -> Response:
    """The editor with the newest version."""
    newest = email_templates.latest(service().store, template_id) or abort(404)
    return _editor(template_id, template_form.of_version(newest))


@blueprint.post("/")
@blueprint.post("/<int:template_id>")
def save(template_id: int | None = None) -> Response:
    """Keeps what was written as the newest version."""
    typed, now = template_form.typed(), service().clock()
    try:
        saved = email_templates.save(
            service().store,
            template_id,
            typed.name,
            typed.subject,
            typed.html,
            me().id,
            now,
            kind=typed.kind,
            marketing=typed.marketing,
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
    version = _version(template_id, number)
    versions = email_templates.versions(store, template_id)
    typed = template_form.of_version(version)
    return show(
        "templates/version.html",
        version=version,
        author=next(line.author for line in versions if line.id == version.id),
        versions=versions,
        newest=version.number == versions[0].number,
        removed=email_templates.latest(store, template_id) is None,
        typed=typed,
        preview=template_form.preview(typed),
    )


@blueprint.get("/<int:template_id>/compare")
def compare(template_id: int) -> Response:
    """Two versions line by line: the newest with the one before it, unless the question names others."""
    versions = email_templates.versions(service().store, template_id) or abort(404)
    new = _version(template_id, request.args.get("new", versions[0].number, type=whole))
    old = _version(template_id, request.args.get("old", max(new.number - 1, 1), type=whole))
    return show(
        "templates/compare.html",
        template_id=template_id,
        versions=versions,
        old=old,
        new=new,
        changes=comparison.changes(old, new),
    )


@blueprint.get("/<int:template_id>/export")
@blueprint.get("/<int:template_id>/versions/<int:number>/export")
def export(template_id: int, number: int | None = None) -> Response:
    """A version as a file that another mailroom can import: the newest unless the address names another."""
    version = _version(template_id, number)
    response = Response(template_files.export(version), content_type="text/plain; charset=utf-8")
    filename = f"{version.template_name} v{version.number}.mailroom.txt".replace("/", "-")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response


@blueprint.post("/preview")
def preview() -> Response:
    """The mail as it stands in the editor, as it would arrive; without JavaScript the editor around it."""
    typed, template_id = template_form.typed(), request.form.get("template_id", type=whole)
    if not wants_part():
        return _editor(template_id, typed)
    made = template_form.preview(typed, template_id)
    return show(
        "templates/_preview.html",
        "templates/_preview_and_fields.html" if made.shown != typed.shown else "templates/_preview.html",
        typed=typed,
        preview=made,
    )


@blueprint.get("/preview/<key>")
def preview_mail(key: str) -> Response:
    """The mail itself, for the frame of the preview."""
    html = template_form.previews().find(me().id, key)
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
        preview=template_form.preview(typed, template_id),
        sources=template_form.sources(template_id),
        versions=email_templates.versions(service().store, template_id) if template_id else [],
    )


def _gallery(problem: Problem | None = None, status: int = 200) -> Response:
    language: Language = "en" if request.args.get("language") == "en" else "id"
    return show(
        "templates/new.html",
        status=status,
        language=language,
        starters=gallery.starters(language),
        problem=problem,
    )


def _from(one: Starter) -> Typed:
    name = email_templates.free_name(service().store, one.name)
    return Typed(name, one.subject, one.mjml, "mjml", one.marketing, samples=one.samples)


def _version(template_id: int, number: int | None) -> Version:
    """That version of the template, the newest when there is no number; of a removed template too."""
    versions = email_templates.versions(service().store, template_id)
    line = next((line for line in versions if number in (None, line.number)), None) or abort(404)
    return email_templates.version(service().store, line.id)


def _text(file: FileStorage | None) -> str:
    """A file's text. Raises Problem for what is no template's file."""
    content = b""
    if file:
        # A large one lies on the disk, and is gone once it is closed.
        with file.stream as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    if not content:
        raise Problem(N_("Choose a file."), "file")
    if len(content) > MAX_FILE_BYTES:
        raise Problem(
            N_("The file is larger than %(limit)s MB, so it is no template."),
            "file",
            limit=MAX_FILE_BYTES // 1_000_000,
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(N_("This is not a file that was exported from a mailroom."), "file") from None


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
