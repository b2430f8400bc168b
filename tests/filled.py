"""A mailroom with something of everything in it, for tests that look at every page, and the address of each page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from flask import Flask

from mailroom import (
    approvals,
    batch_controls,
    batches,
    drafts,
    email_templates,
    identities,
    invites,
    lists,
    people,
    plans,
    recipients,
    report_schedule,
    states,
    suppressions,
    tokens,
    trials,
)
from mailroom.doubts import get, keep
from mailroom.evidence import NO_WITNESS, Evidence, Seen
from mailroom.people import User
from mailroom.service import Service
from mailroom.states import Change
from mailroom.times import after, iso
from oca.audit import AttemptFacts, AttemptResult, complete_attempt, insert_attempt
from tests.house import CAST, add_people
from tests.live import A_TOKEN, Live, _fill
from tests.sandbox_server import Sandbox

ADI, SARI, VINO = 1, 2, 3
PLAIN = "Tagihan"
SECOND_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIyIiwiaWF0IjoxNzkwMDAwMDAwfQ.c2lnbmF0dXJl"


@dataclass
class Filled:
    """What is in it.

    live: the mailroom, in which nothing is sent. text: what stands wherever somebody could write something.
    drafts: of each person by number, one to check and one that waits for a second person, by the latter's name.
    """

    live: Live
    text: str = PLAIN
    drafts: dict[int, str] = field(default_factory=dict)
    asked: dict[int, str] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    mails: dict[str, int] = field(default_factory=dict)
    list_id: int = 0
    invite_id: int = 0
    removed_template: int = 0

    @property
    def service(self) -> Service:
        return self.live.service

    def args(self, endpoint: str, person: int) -> dict[str, object]:
        """What the address of an endpoint is made of, so that it leads to something this person may see."""
        part = endpoint.partition(".")[0]
        return {
            "draft_id": self.asked[SARI if person == ADI else ADI]
            if part == "approvals"
            else self.drafts[person],
            "batch_id": self.batches.get(_BATCH_OF.get(endpoint, ""), self.batches["done"]),
            "mail_id": self.mails.get(_MAIL_OF.get(endpoint, ""), self.mails["delivered"]),
            "template_id": self.live.version.template_id,
            "list_id": self.list_id,
            "token_id": 2 if endpoint == "gateway.remove_token" else 1,
            "sender_id": 2,
            "user_id": VINO,
            "invite_id": self.invite_id,
            "passkey_id": person,
            "number": 2 if part in ("send", "approvals") else 1,
            "format": "csv",
            "key": "invoice-id",
            "text": self.service.links.url("joko@contoh.id").rpartition("/")[2],
            "secret": "x" * 43,
            "filename": "mailroom.css",
            "page": "sender",
            "language": "en",
            "name": "check",
        }

    def pages(self, app: Flask, person: int) -> Iterator[tuple[str, str]]:
        """Every endpoint that can be looked at, with an address of it, those with a question in it more than once."""
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()):
                continue
            known = self.args(rule.endpoint, person)
            args = {name: known[name] for name in rule.arguments}
            with app.test_request_context():
                url = rule.build(args, append_unknown=False)
            assert url, rule
            for question in ("", *QUESTIONS.get(rule.endpoint, ())):
                yield rule.endpoint, url[1] + question.replace("{list}", str(self.list_id))


# Which batch or mail a page is about, where it is not the usual one.
_BATCH_OF = {
    "schedule.ask_now": "scheduled",
    "schedule.ask_time": "scheduled",
    "batches.ask_cancel": "waiting",
    "decisions.batch": "done",
}
_MAIL_OF = {"decisions.one": "undecided", "mail.ask_again": "failed"}
# What else a page can be asked.
QUESTIONS = {
    "batches.one": ("?state=failed", "?part=mails", "?part=status"),
    "history.index": ("?q=joko%40contoh.id", "?q=status%3Afailed+template%3Ax", "?before=3"),
    "send.new": ("?template=1", "?list={list}"),
    "send.check": ("?row=2", "?width=phone"),
    "activity.index": ("?by=user:1", "?kind=template_saved", "?before=9"),
    "address.one": ("?email=joko%40contoh.id", "?email=failed%40contoh.id"),
    "suppressions.index": ("?q=a", "?reason=hand"),
    "suppressions.remove": ("?email=hand%40contoh.id",),
    "privacy.one": ("?email=joko%40contoh.id",),
    "privacy.ask_erase": ("?email=joko%40contoh.id",),
    "retention.index": ("?days=30",),
    "reports.index": ("?by=template", "?by=batch", "?by=sender", "?by=person", "?by=domain"),
    "report_mail.mail": ("?language=en",),
    "send.fields": ("?template=1",),
    "confirm.one": ("?per_minute=3",),
    "gateway_history.index": ("?now=1",),
}


def fill(service: Service, text: str = PLAIN, sandbox: Sandbox | None = None, token: str = A_TOKEN) -> Filled:
    """Puts something of everything into a mailroom with its people.

    text: stands wherever somebody could have written it. token: the gateway's, where there is no sandbox.
    """
    if not service.store.read().execute("SELECT 1 FROM users").fetchone():
        add_people(service)
    live = _fill(service, sandbox, sandbox.token() if sandbox else token)
    filled = Filled(live, text)
    _people_and_gateway(filled)
    _templates_and_lists(filled)
    for person in (ADI, SARI):
        _drafts(filled, person)
    filled.list_id = lists.keep(service.store, _draft(filled, ADI), text, ADI, service.clock())
    _batches(filled)
    _what_became_of_them(filled)
    _do_not_mail(filled)
    _reports(filled)
    return filled


def _people_and_gateway(filled: Filled) -> None:
    store, now, text = filled.service.store, filled.service.clock(), filled.text
    with store.write() as db:
        db.execute("UPDATE users SET name = ? || substr(name, 1, 1)", [text])
        db.execute("UPDATE tokens SET name = ?", [text])
        db.execute("UPDATE tokens SET claims = ?", [json.dumps({"application": text, "sub": text, "iat": 1})])
    tokens.add(store, filled.service.keys, f"{text} 2", SECOND_TOKEN.encode(), 25, ADI, now)
    with store.write() as db:
        tokens.stop(db, 2, f"Unauthorized {text}", now)
    identities.add(store, "lain@contoh.id", text, ADI, now)
    filled.invite_id = invites.invite(store, "viewer", "baru@contoh.id", ADI, now).id


def _templates_and_lists(filled: Filled) -> None:
    store, now, text = filled.service.store, filled.service.clock(), filled.text
    filled.live = Live(
        filled.service,
        filled.live.sandbox,
        email_templates.save(
            store,
            filled.live.version.template_id,
            text,
            f"{text} {{{{ nama }}}}",
            f"<p>Yth. {{{{ nama }}}}, {{{{ total }}}}</p><p>{text}</p>",
            ADI,
            now,
        ),
    )
    gone = email_templates.save(store, None, f"{text} lama", "Lama", "<p>Lama</p>", ADI, now)
    email_templates.remove(store, gone.template_id, now)
    filled.removed_template = gone.template_id


def _csv(text: str) -> bytes:
    quoted = text.replace('"', '""')
    rows = [
        f'email,nama,total,"{quoted}"',
        f'joko@contoh.id,"{quoted}",Rp 1,"{quoted}"',
        f'siti@contoh.id,Siti,Rp 2,"{quoted}"',
        f'"{quoted}",Agus,Rp 3,"{quoted}"',
        f'joko@contoh.id,Joko,Rp 4,"{quoted}"',
    ]
    return "\n".join(rows).encode()


def _new_draft(filled: Filled, person: int) -> str:
    store, now, text = filled.service.store, filled.service.clock(), filled.text
    name = f"{text}.csv"
    setup = drafts.Setup(text, filled.live.version, 1, 1, name, (f"{text}.pdf", b"%PDF-1.4 isi"))
    sheet = recipients.read(recipients.Given(name, _csv(text)))
    return drafts.create(store, person, setup, sheet, now)


def _draft(filled: Filled, person: int) -> drafts.Draft:
    return drafts.get(filled.service.store, filled.drafts[person], person)


def _drafts(filled: Filled, person: int) -> None:
    store, now = filled.service.store, filled.service.clock()
    filled.drafts[person] = _new_draft(filled, person)
    filled.asked[person] = _new_draft(filled, person)
    approvals.ask(store, filled.asked[person], person, plans.AT_ONCE, "never_twice", now)
    back = _new_draft(filled, person)
    approvals.ask(store, back, person, plans.AT_ONCE, "never_twice", now)
    approvals.give_back(store, back, SARI if person == ADI else ADI, filled.text, now)


def _batches(filled: Filled) -> None:
    store, now, live = filled.service.store, filled.service.clock(), filled.live
    rows = ["email,nama,total"]
    rows += [
        f"{name}@contoh.id,{name},1" for name in ("delivered", "failed", "refused", "unknown", "undecided")
    ]
    pdf = (f"{filled.text}.pdf", b"%PDF-1.4 isi")
    filled.batches["done"] = live.queue("\n".join(rows), pdf, filled.text)
    for name in ("waiting", "paused"):
        filled.batches[name] = live.queue_to("joko@contoh.id", "siti@contoh.id")
    batch_controls.pause(store, filled.batches["paused"], SARI, now)
    plan = plans.Plan(now + timedelta(days=1), True, 60)
    draft_id = live.draft("email,nama,total\njoko@contoh.id,Joko,7")
    filled.batches["scheduled"] = batches.queue(
        store, draft_id, SARI, now, plan=plan, zone=filled.service.settings.zone, links=filled.service.links
    )
    trial = trials.of_row(store, _draft(filled, SARI), 2)
    person = _user(filled, SARI)
    filled.batches["test"] = trials.send(store, filled.service.links, trial, "kunci", person, now).batch_id


def _user(filled: Filled, person: int) -> User:
    found = people.by_email(filled.service.store, CAST["sari" if person == SARI else "adi"].email)
    assert found
    return found


def _what_became_of_them(filled: Filled) -> None:
    for name in ("delivered", "failed", "refused", "unknown", "undecided"):
        [(mail_id,)] = filled.live.rows(f"SELECT id FROM mails WHERE email = '{name}@contoh.id'")
        filled.mails[name] = int(str(mail_id))
        _tried(filled, name)
    left_undecided(filled, filled.mails["undecided"])


def _tried(filled: Filled, name: str) -> None:
    """One attempt, and the gateway's words about it."""
    now, mail_id, text = filled.service.clock(), filled.mails[name], filled.text
    facts = AttemptFacts(now, f"{name}@contoh.id", "t@contoh.id", "T", "S", "00", 1, None, None, None, "abc")
    outcome, state = {
        "refused": ("rejected", "rejected"),
        "unknown": ("unknown", "unknown"),
        "undecided": ("unknown", "unknown"),
    }.get(name, ("accepted", "accepted"))
    gateway_id = f"id-{name}" if outcome == "accepted" else None
    result = AttemptResult(now, outcome, 500, 13, f"Internal error {text}", gateway_id, 20)
    with filled.service.store.write() as db:
        states.transition(db, mail_id, "queued", "sending", Change(now, "", "sender"))
        complete_attempt(db, insert_attempt(db, facts, mail_id=mail_id), result)
        change = Change(now, f"Internal error {text}", "sender")
        states.transition(db, mail_id, "sending", state, change, gateway_id=gateway_id)  # type: ignore[arg-type]
        if outcome == "accepted":
            ended = Change(now, text, "delivery")
            states.deliver(db, mail_id, "pending", name, text, ended, None)  # type: ignore[arg-type]


def left_undecided(filled: Filled, mail_id: int) -> None:
    now, text = filled.service.clock(), filled.text
    moment = iso(now)
    seen = Seen(text, moment, text, 1, 1, "inside", "not given", None)
    shown = Evidence(moment, moment, moment, 1, 60, moment, moment, True, "", (seen,), (NO_WITNESS,))
    with filled.service.store.write() as db:
        doubt = get(db, mail_id)
        assert doubt
        states.transition(db, mail_id, "unknown", "undecided", Change(now, text, "reconcile"))
        keep(db, doubt, "undecided", shown, moment, now, after(now, 60))


def _do_not_mail(filled: Filled) -> None:
    store, now, text = filled.service.store, filled.service.clock(), filled.text
    suppressions.add(store, ["hand@contoh.id"], "hand", text, ADI, now)
    suppressions.add(store, ["a@contoh.id", "b@contoh.id"], "import", text, ADI, now)


def _reports(filled: Filled) -> None:
    wanted = report_schedule.Schedule({"week": ""}, (SARI, VINO), 1, 1, "en")
    report_schedule.save(filled.service.store, wanted, ADI, filled.service.clock())
