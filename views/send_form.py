"""The form on the Send page: what was typed and chosen, read all at once so that every fault shows at once."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from flask import request
from flask_babel import format_date
from werkzeug.datastructures import FileStorage

from mailroom import (
    attachments,
    drafts,
    email_templates,
    identities,
    lists,
    recipients,
    sources,
    texts,
    tokens,
)
from mailroom.drafts import Setup
from mailroom.email_templates import Version
from mailroom.identities import Identity
from mailroom.lists import SavedList
from mailroom.problems import Problem, Sentence, say
from mailroom.recipients import ONE, PASTED, Given, Reading, Sheet
from mailroom.rendering import Renderer
from mailroom.sources import Spare
from mailroom.tokens import TokenLine
from mailroom.zips import Zip
from oca.words import N_
from views.here import me, service

# The names of the inputs for the fields of one recipient start with this, so that they meet no other input.
VALUE = "value-"

Errors = dict[str, Sentence]


@dataclass(frozen=True)
class Choices:
    """What can be chosen from: templates, who mail comes from, the tokens it can go out with now, saved lists."""

    templates: list[email_templates.Summary]
    identities: list[Identity]
    tokens: list[TokenLine]
    lists: list[SavedList]

    @property
    def complete(self) -> bool:
        """Whether there is at least one of each, so that mail can be sent at all."""
        return bool(self.templates and self.identities and self.tokens)


@dataclass
class Form:
    """A filled form: what can be made of it, and the faults beside their inputs.

    given: the file that was chosen as the list. spare: a file that was chosen before, when the form had faults.
    """

    typed: Mapping[str, str]
    errors: Errors = field(default_factory=dict)
    version: Version | None = None
    setup: Setup | None = None
    sheet: Sheet | None = None
    given: Given | None = None
    spare: Spare | None = None

    @contextmanager
    def beside(self, name: str) -> Iterator[None]:
        """A Problem raised inside is shown beside the input `name`."""
        try:
            yield
        except Problem as problem:
            self.errors[name] = problem.sentence


def choices() -> Choices:
    """What this team has to choose from at the moment."""
    here = service()
    return Choices(
        email_templates.all_templates(here.store),
        identities.all_identities(here.store),
        tokens.usable(here.store, here.clock()),
        lists.all_lists(here.store),
    )


def read(offered: Choices) -> Form:
    """The form that was sent, with a setup and a sheet when there is no fault in it."""
    form = Form(request.form, spare=_spare(request.form))
    form.version = chosen_version(form.typed, offered)
    if form.version is None:
        form.errors["template"] = say(N_("Choose a template."))
    sender_id = _chosen(
        form, "sender", (one.id for one in offered.identities), N_("Choose who the mail is from.")
    )
    token_id = _chosen(form, "token", (one.id for one in offered.tokens), N_("Choose a token."))
    name = form.typed.get("name", "").strip() or _usual_name(form.version)
    with form.beside("name"):
        name = drafts.named(name)
    attachment, files = _attachment(form), _row_files(form)
    source = _read_recipients(form)
    if form.version and not form.errors:
        form.setup = Setup(name, form.version, sender_id, token_id, source, attachment, files)
    return form


def keep_files(form: Form) -> None:
    """Keeps the list for when the form comes again, and says beside any other file that it has to be chosen again."""
    if form.given and "file" not in form.errors:
        form.spare = sources.spare(service().store, form.given, service().clock())
    for name in ("attachment", "files"):
        chosen = _file(name)
        if chosen and name not in form.errors:
            form.errors[name] = say(
                N_("Choose “%(name)s” again; browsers do not keep files."), name=chosen.filename
            )


def chosen_version(typed: Mapping[str, str], offered: Choices) -> Version | None:
    """The newest version of the template chosen, or of the first one while nothing was chosen."""
    if "template" not in typed:
        return email_templates.latest(service().store, offered.templates[0].id)
    number = typed["template"]
    return email_templates.latest(service().store, int(number)) if _is_id(number) else None


def _chosen(form: Form, name: str, ids: Iterable[int], sentence: str) -> int:
    offered = list(ids)
    # With only one there is nothing to choose, and the form does not ask.
    number = form.typed.get(name) or (str(offered[0]) if len(offered) == 1 else "")
    if _is_id(number) and int(number) in offered:
        return int(number)
    form.errors[name] = say(sentence)
    return 0


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _usual_name(version: Version | None) -> str:
    today = format_date(service().clock(), "d MMMM y")
    return f"{version.template_name[:80]}, {today}" if version else today


def _file(name: str) -> FileStorage | None:
    chosen = request.files.get(name)
    return chosen if chosen and chosen.filename else None


def _attachment(form: Form) -> tuple[str, bytes] | None:
    chosen = _file("attachment")
    if chosen is None:
        return None
    # One byte more than allowed is enough to see that it is too large.
    content = chosen.read(attachments.MAX_BYTES + 1)
    with form.beside("attachment"):
        attachments.refuse(content)
    return str(chosen.filename), content


def _row_files(form: Form) -> Zip | str | None:
    """The zip with a file for each row; or the id of the earlier draft whose files are used once more."""
    chosen, earlier = _file("files"), form.typed.get("files_of", "")
    if not (chosen or earlier):
        return None
    with form.beside("files"):
        if _file("attachment"):
            raise Problem(_ONE_EACH)
        if form.typed.get("email", "").strip():
            raise Problem(N_("For one address choose the file itself, as the attachment."))
        return Zip(chosen.stream) if chosen else _earlier(earlier)
    return None


def _earlier(draft_id: str) -> str:
    with suppress(LookupError):
        return drafts.get(service().store, draft_id, me().id).id
    raise Problem(N_("The files of the earlier zip are not kept any more. Choose the zip again."))


def _read_recipients(form: Form) -> str:
    """Where the recipients came from; the way that was filled in is the one that counts."""
    filled = [way for way in ("file", "list", "pasted", "email") if _is_filled(form, way)]
    if len(filled) > 1 or not (filled or form.spare):
        form.errors["recipients"] = say(_SEVERAL if filled else _NONE)
        return ""
    way = filled[0] if filled else "file"
    source = ""
    with form.beside(way):
        given, reading, source = _given(form, way)
        lack = bool(form.typed.get("may_lack_file"))
        form.sheet = recipients.read(given, replace(reading, may_lack_file=lack))
        if way == "file":
            form.given = given
        if form.version and way == "email":
            _check_one(form, form.sheet, form.version)
    return source


def _is_filled(form: Form, way: str) -> bool:
    return bool(_file("file")) if way == "file" else bool(form.typed.get(way, "").strip())


def _given(form: Form, way: str) -> tuple[Given, Reading, str]:
    """The list as it was given, how it is read, and what it is called."""
    if way == "list":
        saved = _saved(form.typed["list"])
        return lists.given(service().store, saved), saved.reading, saved.name
    if way == "pasted":
        return Given(PASTED, form.typed["pasted"].encode("utf-8", "replace"), "pasted"), Reading(), PASTED
    if way == "email":
        names = form.version.fields if form.version else ()
        values = {name: form.typed.get(VALUE + name, "") for name in names}
        return recipients.one(form.typed["email"].strip(), values).given, Reading(), ONE
    given = _file_given(form)
    return given, Reading(), given.name


def _file_given(form: Form) -> Given:
    """The file that was chosen now; or else the one that was chosen when the form had faults."""
    chosen = _file("file")
    if form.spare and not chosen:
        return sources.again(service().store, form.spare)
    form.spare = None
    # One byte more than allowed is enough to see that it is too large.
    content = chosen.read(texts.MAX_BYTES + 1) if chosen else b""
    return Given(attachments.safe_name(str(chosen.filename)) if chosen else "", content)


def _saved(number: str) -> SavedList:
    with suppress(LookupError):
        return lists.get(service().store, int(number) if _is_id(number) else 0)
    raise Problem(N_("This list is not there any more. Choose another one."))


def _check_one(form: Form, sheet: Sheet, version: Version) -> None:
    # A list shows its faults on the next page; the only mail there is has them mended here.
    for row in recipients.check(sheet, Renderer(version.subject, version.body)):
        for key, fault in row.errors.items():
            form.errors["email" if key in ("email", recipients.WHOLE_ROW) else VALUE + key] = fault


def _spare(typed: Mapping[str, str]) -> Spare | None:
    sha256, name = typed.get("kept", ""), typed.get("kept_name", "")
    return Spare(sha256, name) if sha256 and name else None


_ONE_EACH = N_(
    "A mail takes one attachment. Choose either the file for everybody or the zip with a file for each row."
)
_NONE = N_("Say who gets the mail: choose a file or a saved list, paste a list, or write one address.")
_SEVERAL = N_("The recipients are given in more than one way. Keep one and clear the others.")
