"""Sending from a shell or from cron: what `flask send` asks for, and what the owner of the mailroom answers.

The same verbs as on the pages do the work, so the same checks hold. `mailroom.spool` carries requests and answers
between the processes, `mailroom.asking` is the side of the command.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from mailroom import (
    activity,
    approvals,
    attachments,
    batches,
    drafts,
    email_templates,
    identities,
    people,
    recipients,
    spool,
    texts,
    tokens,
)
from mailroom.drafts import Draft, Setup
from mailroom.email_templates import Version
from mailroom.people import User
from mailroom.problems import Problem, say
from mailroom.recipients import Given, Sheet
from mailroom.rendering import Renderer
from mailroom.settings import Settings
from mailroom.spool import Case
from mailroom.store import Store
from mailroom.times import Clock, parse
from mailroom.unsubscribe import Links
from mailroom.wishes import ATTACHMENT, LIST, Answer, RowFault, Wish
from mailroom.worker import Worker
from oca.words import N_

EVERY_SECONDS = 0.3
# So many faulty rows are told; of the others the number.
MOST_FAULTS = 1000

# In these a batch goes on only when somebody does something.
STUCK = ("paused", "stopped", "expired", "cancelled")

OTHER_VERSION = N_("Mailroom runs in another version than this command. Restart it, then try again.")
LATELY = N_(
    "The same went out lately: batch %(id)s “%(name)s” of %(when)s has this template, these recipients and these "
    "values. Nothing was queued; with --again it is sent to everybody once more."
)
APPROVAL = N_(
    "A batch of %(mails)s mails needs a second person. Nothing was queued; upload the list on the page Send, "
    "which asks for approval."
)
FAILED = N_("Mailroom met an error of its own, which its log tells; nothing was queued.")


class Desk(Worker):
    """Does what commands ask for, for the life of the process that has the mailroom open.

    settings: the zone in which the usual name of a batch tells the time, and where its page is. links: makes the
    unsubscribe links. `passing` is set where that process is a command.
    """

    passing = False

    def __init__(self, store: Store, settings: Settings, links: Links, clock: Clock) -> None:
        super().__init__("shell", EVERY_SECONDS)
        self._store, self._settings, self._links, self._clock = store, settings, links, clock

    def run_once(self) -> None:
        """Answers every request there is, and tells how the batches go whose commands wait."""
        for case in spool.cases(self._store):
            try:
                self._look_after(case)
            except FileNotFoundError:
                continue  # withdrawn while it was worked on
            except Exception:
                self._log.exception("a request from a shell failed")
                self._fail(case)

    def _round(self) -> None:
        self.run_once()

    def _look_after(self, case: Case) -> None:
        if case.answer is not None:
            self._follow(case, Answer.of(case.answer))
        elif case.sure:
            self._queue(case)
        else:
            self._begin(case)

    def _begin(self, case: Case) -> None:
        try:
            wish = Wish(**case.document)
        except (TypeError, ValueError):
            return case.reply(asdict(Answer("unusable", say(OTHER_VERSION))))
        now = self._clock()
        try:
            person = sending_person(self._store, wish.person)
            draft = self._draft(case, wish, person, now)
        except Problem as problem:
            return case.reply(asdict(Answer("unusable", problem.sentence)))
        checked = self._checked(draft, wish)
        pledge = {"draft": draft.id, "user": person.id, "wait": wish.wait, "answer": asdict(checked)}
        if checked.outcome == "queued" and case.make_sure(pledge):
            return self._queue(case)
        drafts.discard(self._store, draft.id, person.id)
        return case.reply(asdict(checked))

    def _draft(self, case: Case, wish: Wish, person: User, now: datetime) -> Draft:
        setup = setup_of(self._store, wish, now, self._settings.zone)
        if wish.attachment_name:
            content = case.file(ATTACHMENT, attachments.MAX_BYTES + 1)
            attachments.refuse(content)
            setup = replace(setup, attachment=(wish.attachment_name, content))
        # One byte more than allowed is enough to see that it is too large.
        sheet = recipients.read(Given(setup.source, case.file(LIST, texts.MAX_BYTES + 1)))
        _fit(sheet, setup.version)
        return drafts.get(self._store, drafts.create(self._store, person.id, setup, sheet, now), person.id)

    def _checked(self, draft: Draft, wish: Wish) -> Answer:
        """What would become of the draft: `queued`, unless something speaks against it."""
        told = tuple(_faults(self._store, draft))
        found = Answer("queued", name=draft.name, good=draft.good, bad=draft.bad, faults=told)
        if draft.bad and (not wish.only_good or not draft.good):
            return replace(found, outcome="faults")
        earlier = None if wish.again else drafts.same_content(self._store, draft, self._clock())
        if earlier:
            on = parse(earlier.created_at).astimezone(self._settings.zone)
            sentence = say(LATELY, id=earlier.id, name=earlier.name, when=f"{on:%Y-%m-%d %H:%M}")
            return replace(found, outcome="sent_lately", sentence=sentence)
        if approvals.needed(self._store, draft.good):
            return replace(found, outcome="approval", sentence=say(APPROVAL, mails=draft.good))
        return replace(found, outcome="checked") if wish.dry_run else found

    def _queue(self, case: Case) -> None:
        """Queues what was made sure, once however often this is called, and says so."""
        pledge = case.pledge
        found = Answer.of(pledge["answer"])
        try:
            with activity.from_shell():
                batch_id = batches.queue(
                    self._store, pledge["draft"], pledge["user"], self._clock(), links=self._links
                )
        except Problem as problem:
            return case.reply(asdict(replace(found, outcome="unusable", sentence=problem.sentence)))
        self._log.info("batch %d was queued from a shell", batch_id)
        page = f"{self._settings.public_url}/batches/{batch_id}"
        queued = replace(found, batch_id=batch_id, page=page, passing=self.passing, final=not pledge["wait"])
        return case.reply(asdict(_standing(self._store, queued, self._clock())))

    def _follow(self, case: Case, last: Answer) -> None:
        if not last.final:
            standing = _standing(self._store, replace(last, passing=self.passing), self._clock())
            if standing != last:
                case.reply(asdict(standing))

    def _fail(self, case: Case) -> None:
        # Queued all or none: what is no batch now will not become one, for an answered request is not done again.
        pledge = case.pledge if case.sure else None
        if pledge is None or batches.by_form_key(self._store, pledge["draft"]) is None:
            case.reply(asdict(Answer("failed", say(FAILED))))


def setup_of(store: Store, wish: Wish, now: datetime, zone: ZoneInfo) -> Setup:
    """What the batch is made of besides its list. Raises Problem for a name that is not known, or not enough."""
    version = _template(store, wish.template)
    sender_id = _only(
        [(one.id, (one.email, f"{one.name} <{one.email}>")) for one in identities.all_identities(store)],
        wish.sender,
        N_("Say who the mail is from with --from. There are: %(known)s."),
    )
    token_id = _only(
        [(one.id, (one.name,)) for one in tokens.usable(store, now)],
        wish.token,
        N_("Say which token it goes out with by --token. Usable ones: %(known)s."),
    )
    name = wish.name or f"{version.template_name[:80]}, {now.astimezone(zone):%Y-%m-%d %H:%M}"
    return Setup(drafts.named(name), version, sender_id, token_id, f"shell: {Path(wish.list_name).name}")


def sending_person(store: Store, email: str) -> User:
    """Whom the batch is put down to: the one with this address, or the first admin without one.

    Raises Problem for somebody who may not send.
    """
    found = people.by_email(store, email) if email else people.first_admin(store)
    if found is None and email:
        raise Problem(N_("Nobody of the team signs in as %(email)s."), email=email)
    if found is None:
        raise Problem(N_("Mailroom has no admin yet. Set it up in the browser first."))
    if found.disabled:
        raise Problem(N_("%(email)s has been shut out and may not send."), email=found.email)
    if not found.may_as("sender"):
        raise Problem(N_("%(email)s may look, not send."), email=found.email)
    return found


def _template(store: Store, name: str) -> Version:
    known = email_templates.all_templates(store)
    # Names differ in more than case, except those that only SQLite takes for different.
    found = [one for one in known if one.name == name] or [
        one for one in known if one.name.casefold() == " ".join(name.split()).casefold()
    ]
    version = email_templates.latest(store, found[0].id) if found else None
    if version is None:
        names = ", ".join(one.name for one in known) or "–"
        raise Problem(
            N_("There is no template called “%(name)s”. There are: %(known)s."), name=name, known=names
        )
    return version


def _only(known: list[tuple[int, tuple[str, ...]]], wanted: str, sentence: str) -> int:
    """The id of the one that is meant: by one of its names, or because there is no other."""
    names = wanted.strip().casefold()
    found = [key for key, called in known if not names or names in [each.casefold() for each in called]]
    if len(found) != 1:
        raise Problem(sentence, known=", ".join(called[-1] for _, called in known) or "–")
    return found[0]


def _fit(sheet: Sheet, version: Version) -> None:
    """Raises Problem for a list that lacks a whole column: nobody is there to choose another one."""
    found = ", ".join(sheet.columns)
    if sheet.email_at is None:
        raise Problem(
            N_("No column holds email addresses. The columns found are: %(columns)s."), columns=found
        )
    renderer = Renderer(version.subject, version.body)
    places = recipients.places(sheet, renderer.fields)
    missing = [name for name in renderer.required if places[name] is None]
    if missing:
        raise Problem(
            N_("No column of the list is called %(missing)s. The columns found are: %(columns)s."),
            missing=", ".join(missing),
            columns=found,
        )


def _faults(store: Store, draft: Draft) -> Iterator[RowFault]:
    columns = {key: name for name, key in draft.layout.columns}
    for row in islice(drafts.bad_rows(store, draft.id), MOST_FAULTS):
        for key, sentence in row.errors.items():
            yield RowFault(row.number, columns.get(key, key), sentence)


def _standing(store: Store, answer: Answer, now: datetime) -> Answer:
    """The answer with how its batch stands; final when nothing of it goes on without somebody."""
    batch = batches.get(store, answer.batch_id, now)
    if batch is None:
        return replace(answer, final=True)
    found = replace(answer, size=batch.size, counts=batch.counts, shown=batch.shown)
    return replace(found, final=answer.final or not found.waiting or batch.shown in STUCK)
