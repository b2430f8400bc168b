"""A mailroom that somebody could have worked in for a year, with something in every state a page can show."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyotp

from bench import generate, year
from mailroom import (
    approvals,
    batch_controls,
    batches,
    drafts,
    email_templates,
    gallery,
    invites,
    lists,
    people,
    plans,
    preferences,
    report_schedule,
    resets,
    second_factors,
    suppressions,
    team,
    tokens,
    totp,
    unsubscribe,
)
from mailroom.email_templates import Version
from mailroom.plans import Plan
from mailroom.preferences import Preferences
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from mailroom.times import iso
from tests.doubt import look
from tests.live import Live
from tests.sandbox_server import Sandbox

MAILS = 4_000
# A hundred and sixty batches in the year, so that its last thirty days have some.
MAILS_A_BATCH = 25
SEED = 651
ADI, SARI, LEFT_TEAM, FACTORED = 1, 2, 5, 3
# Handed over of the running batch before it is slowed down, and how many a minute from then on.
BEGUN, SLOW = 150, 60
COLUMNS = "email,nama,nomor,periode,total,jatuh_tempo,tautan"
LONG_NAME = "Pemberitahuan perubahan syarat dan ketentuan layanan bagi pelanggan korporasi wilayah Jawa Barat & Banten"
LONG_BATCH = f"{LONG_NAME}, kedua"[:120]
SCRIPT = "<script>alert('halo')</script>"
LONG_PERSON = "Raden Mas Haryosuryokusumoningratdiningratprawirodirdjo Putra"
# As long as an address may be: 64 letters, the sign, and a domain.
LONG_EMAIL = f"{'nama.yang.sangat.panjang.' * 2}dan.lain.lain@{'bagian.' * 18}contoh.id"
LEFT = "pergi@contoh.id"
ODD_ROWS = """\
joko.contoh.id,Joko Susilo,INV-7,November 2026,1250000,2026-11-30,
sri@gmial.com,Sri Wahyuni,INV-41,November 2026,980000,2026-11-30,
dewi@contoh.id,Dewi,INV-112,November 2026,,2026-11-30,
agus@contoh.id,Agus,,November 2026,410000,2026-11-30,
"tono@contoh.id, tini@contoh.id",Tono,INV-300,November 2026,75000,2026-11-30,
bu rina@contoh.id,Rina,INV-301,November 2026,75000,2026-11-30,
,Tanpa Alamat,INV-302,November 2026,75000,2026-11-30,
aneh@@contoh..id,Aneh,INV-303,November 2026,75000,2026-11-30,
lama@contoh.id,Pak Lama,INV-304,November 2026,75000,2026-11-30,
baris@contoh.id,Baris,"INV-
305",November 2026,75000,2026-11-30,
rusak@contoh.id,Rusak,INV-306,November 2026,#REF!,2026-11-30,
"""
# Whom the sandbox refuses, and whom it cannot deliver to.
UNDELIVERED = """\
bounced+tono@sandbox.test,Tono,INV-3,November 2026,75000,2026-11-30,
refused+dewi@sandbox.test,Dewi,INV-1,November 2026,75000,2026-11-30,
refused+rio@sandbox.test,Rio,INV-2,November 2026,75000,2026-11-30,
"""


@contextmanager
def empty_room(folder: Path, sandbox: Sandbox) -> Iterator[Service]:
    """A mailroom of the first day: two people, nothing else."""
    service = open_service(Settings(gateway_url=sandbox.url, sandbox=True, data=folder))
    try:
        yield service
    finally:
        service.close()


@contextmanager
def full_room(folder: Path, sandbox: Sandbox) -> Iterator[tuple[Service, Mapping[str, object]]]:
    """A mailroom after a year, sending; and the ids of what is worth looking at, by name."""
    generate.generate(folder, MAILS, SEED, a_batch=MAILS_A_BATCH)
    service = open_service(Settings(gateway_url=sandbox.url, data=folder, url="https://mailroom.contoh.id"))
    try:
        yield service, _Maker(service, sandbox).everything()
    finally:
        service.close()


def second_factors_of(service: Service, email: str) -> None:
    """Gives a person an app, another one that waits for its first code, a passkey, and recovery codes."""
    store, now = service.store, service.clock()
    person = people.by_email(store, email)
    assert person
    totp.begin(store, service.keys, person.id, now)
    setup = totp.setup(store, service.keys, person, now)
    assert setup
    second_factors.add_app(store, service.keys, person, "", pyotp.TOTP(setup.secret).at(now), now)
    totp.begin(store, service.keys, person.id, now)
    with store.write() as db:
        db.execute(
            "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name, created_at) "
            "VALUES (?, x'01', x'02', 0, ?, ?)",
            [person.id, LONG_NAME[:60], iso(now)],
        )


def some_rows(count: int, first: int = 0) -> str:
    """A list of so many customers with their bills, as CSV."""
    lines = [COLUMNS]
    for number in range(first, first + count):
        name, email = year.person(number * 37)
        total = (number * 7919 % 900 + 20) * 1250
        lines.append(
            f"{email},{name},INV-2026-{number:04},November 2026,{total},2026-11-30,https://contoh.id/{number}"
        )
    return "\n".join(lines)


class _Maker:
    """Puts one thing after the other into the mailroom, in the order in which it has to happen."""

    def __init__(self, service: Service, sandbox: Sandbox) -> None:
        self._service, self._store, self._sandbox = service, service.store, sandbox
        self._now = service.clock()

    def everything(self) -> Mapping[str, object]:
        service, store, now = self._service, self._store, self._now
        self._sandbox.faults(life_delivered_after=0.2, life_opened_after=0.3)
        self._sandbox.strangers(30, "dulu@contoh.id")
        token = self._sandbox.token(exp=9 * 86_400).encode()
        tokens.replace(store, service.keys, 1, token, now)
        tokens.add(store, service.keys, LONG_NAME[:40], self._sandbox.token().encode(), 5, ADI, now)
        bill = self._starter("invoice-id", "Tagihan bulanan")
        live = Live(service, self._sandbox, bill)
        self._prepare(live)
        found = (
            self._team() | self._templates() | self._doubt(live) | self._batches(live) | self._drafts(live)
        )
        service.clients.check(1, now)
        service.backups.want(ADI)
        service.backups.run_once()
        return found | {
            "year_mail": self._mail("shown = 'opened' AND batch_id > 100"),
            "year_batch": self._one("SELECT max(id) FROM batches WHERE size > 150 AND id < 150"),
            "hand": "lama@contoh.id",
            "long_email": LONG_EMAIL,
            "bill": bill.template_id,
            "link": service.links.url("siti@contoh.id").rpartition("/")[2],
            "left": service.links.url(LEFT).rpartition("/")[2],
        }

    def _prepare(self, live: Live) -> None:
        store, now = self._store, self._now
        with store.write() as db:
            db.execute("UPDATE tokens SET per_second = 100 WHERE id = 1")
            db.execute("UPDATE users SET name = ? WHERE id = 6", [LONG_PERSON])
        preferences.save(store, Preferences(approval_above=500), ADI, now)
        weekly = report_schedule.Schedule(
            since={"week": ""}, people=(ADI, SARI), sender_id=2, token_id=1, language="id", user_id=ADI
        )
        report_schedule.save(store, weekly, ADI, now)
        suppressions.add(
            store, ["lama@contoh.id", LONG_EMAIL.replace("nama", "tak", 1)], "hand", SCRIPT, SARI, now
        )
        suppressions.add(store, [year.person(n)[1] for n in range(2, 9)], "import", "Pindah.csv", ADI, now)
        unsubscribe.stop(store, LEFT, now)
        # All but what looks up mails in doubt: some have to stay so.
        for worker in live.service.workers:
            if worker is not live.service.reconciler:
                worker.start()

    def _team(self) -> dict[str, object]:
        store, now = self._store, self._now
        lapsed = invites.invite(store, "viewer", LONG_EMAIL, ADI, now - timedelta(hours=50))
        made = invites.invite(store, "editor", "tono@contoh.id", ADI, now)
        invites.invite(store, "sender", "", ADI, now)
        team.disable(store, LEFT_TEAM, ADI, now)
        reset = resets.make(store, SARI, ADI, now)
        with store.write() as db:
            db.execute(
                "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name, created_at) "
                "VALUES (?, x'01', x'02', 0, 'Telepon', ?)",
                [FACTORED, now.isoformat()],
            )
        return {
            "factored": FACTORED,
            "invitation": lapsed.id,
            "join": made.secret,
            "reset": reset,
            "disabled": LEFT_TEAM,
        }

    def _templates(self) -> dict[str, object]:
        html = "<p>Halo <b>{{ nama }}</b>, {{ unsubscribe_url }}</p>"
        long = email_templates.save(self._store, None, LONG_NAME[:80], LONG_NAME, html, SARI, self._now)
        self._starter("welcome-id", "Selamat datang di Contoh")
        self._starter("event-id", "Undangan Temu Pelanggan")
        odd = email_templates.save(
            self._store,
            None,
            SCRIPT,
            "{{ nama }} " + SCRIPT,
            f"<p>{{{{ nama }}}}</p>{SCRIPT}",
            SARI,
            self._now,
        )
        gone = email_templates.save(
            self._store, None, "Promo Lebaran", "Promo", "<p>Promo</p>", SARI, self._now
        )
        email_templates.remove(self._store, gone.template_id, self._now)
        return {"long_template": long.template_id, "odd_template": odd.template_id}

    def _starter(self, key: str, name: str) -> Version:
        start = gallery.starter(key)
        assert start
        marketing = start.marketing
        return email_templates.save(
            self._store,
            None,
            name,
            start.subject,
            start.mjml,
            SARI,
            self._now,
            kind="mjml",
            marketing=marketing,
        )

    def _doubt(self, live: Live) -> dict[str, object]:
        """A mail whose answer was lost and that a person has to decide on, and one that is still looked for."""
        undecided = self._lost(live, "Tagihan, jawaban hilang", 1, 900)
        look(live, give_up_after=0)
        unknown = self._lost(live, "Tagihan, dicari", 2, 910)
        first = "SELECT min(id) FROM mails WHERE batch_id = ?"
        return {
            "undecided_batch": undecided,
            "undecided": self._one(first, undecided),
            "unknown_batch": unknown,
            "unknown": self._one(first, unknown),
        }

    def _lost(self, live: Live, name: str, count: int, first: int) -> int:
        self._sandbox.faults(next=["reset_before"] * count)
        batch_id = live.queue(some_rows(count, first), name=name)
        live.wait(lambda: live.batch(batch_id).counts == {"unknown": count})
        self._sandbox.faults(next=[])
        return batch_id

    def _batches(self, live: Live) -> dict[str, object]:
        store, now = self._store, self._now
        odd = live.queue(self._odd_people(), ("tagihan november.pdf", b"%PDF-1.4 " * 9000), LONG_BATCH)
        paused = live.queue(some_rows(60, 100), name="Undangan Temu Pelanggan")
        live.wait(lambda: live.batch(paused).handed_over > 5)
        batch_controls.pause(store, paused, SARI, now)
        tomorrow = (now.astimezone(self._service.settings.zone) + timedelta(days=1)).replace(
            hour=8, minute=0, second=0, microsecond=0
        )
        scheduled = self._queue(live, some_rows(80, 200), "Pengingat jatuh tempo", Plan(tomorrow, True, 60))
        running = live.queue(some_rows(480, 300), name="Tagihan November")
        live.wait(lambda: live.batch(running).handed_over >= BEGUN)
        with store.write() as db:
            db.execute("UPDATE batches SET per_minute = ? WHERE id = ?", [SLOW, running])
        # The last, so that the newest mails are of all kinds.
        finished = live.queue(f"{some_rows(57, 50)}\n{UNDELIVERED}", name="Kuitansi Oktober")
        live.wait(lambda: not live.batch(finished).waiting)
        live.wait(lambda: not self._one("SELECT count(*) FROM mails WHERE batch_id = ? AND delivery = 'pending'",
                                        finished))  # fmt: skip
        with store.write() as db:
            db.execute("UPDATE tokens SET per_second = 25 WHERE id = 1")
        mails = "SELECT min(id) FROM mails WHERE batch_id = ? AND shown = ?"
        return {
            "odd_batch": odd,
            "odd_mail": self._one("SELECT max(id) FROM mails WHERE batch_id = ?", odd),
            "finished": finished,
            "opened": self._one(mails, finished, "opened"),
            "failed": self._one(mails, finished, "failed"),
            "refused": self._one(mails, finished, "rejected"),
            "paused": paused,
            "scheduled": scheduled,
            "running": running,
            "waiting": self._one("SELECT max(id) FROM mails WHERE batch_id = ?", running),
        }

    def _drafts(self, live: Live) -> dict[str, object]:
        store, now = self._store, self._now
        good = some_rows(95, 2_000)
        repeated = good.splitlines()[12]
        bad = live.draft(
            f"{good}\n{ODD_ROWS}{repeated}", ("brosur.pdf", b"%PDF-1.4 " * 2000), "Tagihan Desember"
        )
        fine = live.draft(some_rows(120, 3_000), name="Tagihan Desember, cabang Bandung")
        unclear = live.draft(
            "kontak,siapa\njoko@contoh.id,Joko\nsiti@contoh.id,Siti", name="Tanpa judul kolom"
        )
        list_id = lists.keep(store, drafts.get(store, fine, SARI), "Pelanggan Bandung", SARI, now)
        lists.keep(store, drafts.get(store, bad, SARI), LONG_NAME[:80], SARI, now)
        asked = live.draft(some_rows(620, 4_000), name="Pengumuman tarif baru")
        approvals.ask(store, asked, SARI, plans.AT_ONCE, "never_twice", now)
        returned = live.draft(some_rows(510, 5_000), name="Promo akhir tahun")
        approvals.ask(store, returned, SARI, plans.AT_ONCE, "never_lost", now)
        approvals.give_back(store, returned, ADI, "Tautannya masih ke halaman tahun lalu.", now)
        return {
            "bad": bad,
            "fine": fine,
            "unclear": unclear,
            "list": list_id,
            "asked": asked,
            "returned": returned,
        }

    def _queue(self, live: Live, csv: str, name: str, plan: Plan) -> int:
        return batches.queue(
            self._store, live.draft(csv, name=name), SARI, self._now, plan=plan, links=self._service.links
        )

    def _odd_people(self) -> str:
        cells = "INV-1,November 2026,1000,2026-11-30,"
        return f"{COLUMNS}\n{LONG_EMAIL},{LONG_PERSON},{cells}\nanak@contoh.id,{SCRIPT},{cells}"

    def _mail(self, where: str) -> object:
        return self._one(f"SELECT max(id) FROM mails WHERE {where}")

    def _one(self, sql: str, *values: object) -> object:
        return self._store.read().execute(sql, list(values)).fetchone()[0]
