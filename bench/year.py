"""A year of a made-up team's mail, drawn from a seed: who sent what to whom and what became of it."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from mailroom.messages import subject_of
from mailroom.rendering import Renderer

DAYS = 365
# One batch for so many mails, and the most one holds.
MAILS_A_BATCH = 833
LONGEST_BATCH = 50_000
PACE = 24  # mails a second
# So many of the newest batches have a mail that nobody has decided on yet.
DOUBTFUL = 3


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "adi agus ahmad aisyah ani arif ayu bagas bambang bayu budi citra dedi desi dewi dian dimas eka endah fajar "
    "farah fitri galih gita hadi hana hendra ika indah intan irfan joko kartika lestari lia made maya mega mila "
    "nadia nanda nia novi nur putri rafi rahma ratna rendi rina rio rizki sari siti sri surya taufik tia tono tri "
    "umar vina wahyu wati wayan yanti yoga yudi yusuf zahra"
)
LAST = _words(
    "aditya aminah anggraini arifin astuti basuki cahyono darmawan effendi fauzi firmansyah ginting gunawan hakim "
    "halim handayani harahap hartono hasanah hidayat hutapea irawan iskandar kurniawan kusuma lubis mahendra "
    "maulana mulyani nasution nugroho permata pertiwi prabowo pranoto prasetyo pratama purnama puspita rahayu "
    "rahman ramadhan santoso saputra setiawan siregar sitorus suharto sulistyo suryadi susanti sutanto tanjung "
    "utami wibowo widodo wijaya wulandari yulianti"
)
_COMPANY = _words(
    "adhi anugerah artha bahtera bangun bina buana cahaya cakra citra delta dharma dunia eka gemilang graha guna "
    "indo jaya karya kencana lestari makmur mandiri maju mega mitra mulia nusa"
)
_TRADE = _words("abadi agro energi farma logistik medika mulia niaga pangan perkasa sentosa tama tekno utama")
# Of a hundred addresses.
_COMMON = (("gmail.com", 45), ("yahoo.co.id", 9), ("yahoo.com", 8), ("outlook.com", 3), ("ymail.com", 2))
_CORPORATE = 400

# Of a thousand mails; `shown` as pages show it.
SHARES = {"delivered": 702, "opened": 220, "failed": 40, "accepted": 8, "rejected": 10, "lost": 8, "skipped": 9,
          "gave_up": 3}  # fmt: skip
# Seconds from handed over to delivered, and from there to opened.
_TO_DELIVERED = tuple(int(1500 * 1.012**n) for n in range(512))
_TO_OPENED = tuple(int(40_000 * 1.0175**n) for n in range(512))

WORDS = {
    "failed": ("BOUNCED", "550 5.1.1 mailbox does not exist"),
    "rejected": ("", "param `email`: the address is not valid"),
    "skipped": ("", "on the do-not-mail list since a mail to it failed"),
    "gave_up": ("", "50 faults in 25 h"),
    "lost": ("", "the gateway no longer knows it"),
    "cancelled": ("", "cancelled by a person"),
}

_MONTHS = _words("Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember")
_PURPOSES = ("Tagihan", "Kuitansi", "Pengumuman", "Undangan", "Kode verifikasi", "Selamat datang", "Polis",
             "Pengingat", "Laporan", "Promo")  # fmt: skip
_LINES = ("pelanggan", "mitra", "karyawan", "anggota")
_BODY = """\
<!doctype html><html lang="id"><body style="margin:0;background:#f3f2ee">
<p style="font:16px/1.6 Arial,sans-serif">Yth. <b>{{ nama }}</b>,</p>
<p style="font:16px/1.6 Arial,sans-serif">%s nomor <b>{{ nomor }}</b> sebesar {{ total }} kami kirimkan kepada Anda
sebagai %s kami. Versi %d.</p><p>Terima kasih.</p></body></html>
"""


@dataclass(frozen=True)
class Template:
    """One of the team's templates: its name and the subject and body of each version."""

    name: str
    versions: tuple[tuple[str, str], ...]


def templates() -> list[Template]:
    """Forty, of one to four versions each."""
    names = [(purpose, line) for purpose in _PURPOSES for line in _LINES]
    return [
        Template(
            f"{purpose} {line}",
            tuple(
                (_subject(purpose, number + version), _BODY % (purpose, line, version + 1))
                for version in range(number % 4 + 1)
            ),
        )
        for number, (purpose, line) in enumerate(names)
    ]


def _subject(purpose: str, number: int) -> str:
    return (
        f"{purpose} {{{{ nomor }}}} untuk {{{{ nama }}}}",
        f"{purpose} {{{{ periode }}}} untuk {{{{ nama }}}}",
        f"{{{{ nama }}}}, {purpose.lower()} Anda {{{{ nomor }}}} sudah siap",
        f"{purpose} {{{{ periode }}}}: {{{{ total }}}}",
    )[number % 4]


def _domains() -> tuple[str, ...]:
    """As many places as an address may have, the common ones several times."""
    companies = [
        f"{_COMPANY[n % len(_COMPANY)]}{_TRADE[n // len(_COMPANY)]}.co.id" for n in range(_CORPORATE)
    ]
    tail = random.Random(1).choices(companies, [1 / rank for rank in range(1, _CORPORATE + 1)], k=3300)
    places = [name for name, share in _COMMON for _ in range(share * 100)]
    return tuple(random.Random(2).sample([*places, *tail], len(places) + len(tail)))


_DOMAINS = _domains()


def person(number: int) -> tuple[str, str]:
    """The name and address of one of the recipients; every number has an address of its own."""
    rest, first = divmod(number, len(FIRST))
    rest, last = divmod(rest, len(LAST))
    name = f"{FIRST[first].title()} {LAST[last].title()}"
    # A prime far from the number of names, so that one name has addresses everywhere.
    domain = _DOMAINS[number * 7919 % len(_DOMAINS)]
    return name, f"{FIRST[first]}.{LAST[last]}{rest or ''}@{domain}"


def sizes(mails: int, chance: random.Random, a_batch: int = MAILS_A_BATCH) -> list[int]:
    """How many mails each batch has: few long ones, many short ones, some of one, in any order, `mails` together.

    a_batch: how many on average.
    """
    count = max(3, round(mails / a_batch))
    single = count // 30
    count, mails = count - single, mails - single
    most = max(1, min(LONGEST_BATCH, mails // 4))
    low, high = 1.0, float(mails) * count
    for _ in range(60):
        middle = (low + high) / 2
        if sum(_size(middle, rank, most) for rank in range(1, count + 1)) > mails:
            high = middle
        else:
            low = middle
    found = [_size(low, rank, most) for rank in range(1, count + 1)]
    for at in range(mails - sum(found)):
        found[-1 - at % (count - 1)] += 1
    found += [1] * single
    chance.shuffle(found)
    return found


def _size(scale: float, rank: int, most: int) -> int:
    return max(1, min(most, int(scale / rank**1.75)))


@dataclass(frozen=True)
class Plan:
    """One batch before its mails are made.

    begins: milliseconds since 1970. version: an index into all of them. doubtful: whether a mail of it is undecided.
    """

    size: int
    begins: int
    version: int
    user: int
    sender: int
    kind: str
    cancelled: bool
    doubtful: bool


def batches(
    mails: int,
    until: datetime,
    versions: Sequence[int],
    users: int,
    senders: int,
    seed: int,
    a_batch: int = MAILS_A_BATCH,
) -> list[Plan]:
    """A year of batches, oldest first, on working hours of Jakarta.

    until: the end of the year. versions: for each version of any template, which template it is of. a_batch: how many
    mails a batch has on average.
    """
    chance = random.Random(seed)
    first = until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    start = int(first.timestamp()) * 1000
    lengths = sizes(mails, chance, a_batch)
    begins = sorted(
        start + chance.randrange(DAYS) * 86_400_000 + chance.randrange(3600, 9 * 3600) * 1000 for _ in lengths
    )
    # Some templates are used far more than others.
    weights = [1 / (template % 40 + 2) for template in versions]
    drawn = chance.choices(range(len(versions)), weights, k=len(lengths))
    return [
        Plan(
            size,
            at,
            version,
            chance.randrange(users),
            chance.randrange(senders),
            "test" if size == 1 else "batch",
            size > 20 and chance.random() < 0.015,
            number >= len(lengths) - DOUBTFUL,
        )
        for number, (size, at, version) in enumerate(zip(lengths, begins, drawn, strict=True))
    ]


def stamps(until: datetime) -> Callable[[int], str]:
    """What writes milliseconds since 1970 as the database has them, in the two years before and after `until`."""
    zero = int(until.timestamp()) // 86400 - 2 * DAYS
    days = [
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=zero + n)).strftime("%Y-%m-%dT")
        for n in range(4 * DAYS)
    ]
    clock = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}." for s in range(86400)]
    thousandths = [f"{ms:03}Z" for ms in range(1000)]

    def stamp(at: int) -> str:
        seconds, ms = divmod(at, 1000)
        day, second = divmod(seconds, 86400)
        return days[day - zero] + clock[second] + thousandths[ms]

    return stamp


Mail = tuple[object, ...]


class Writer:
    """Makes the mails of one batch after the other. audience: how many people get any; rendered as the sender does."""

    def __init__(self, seed: int, until: datetime, audience: int) -> None:
        self._seed, self._audience = seed, audience
        self._stamp = stamps(until)
        self._end = int(until.timestamp() * 1000)
        self._shown = tuple(SHARES)
        self._shares = tuple(accumulate(SHARES.values()))

    def mails(
        self, batch_id: int, plan: Plan, subject: str, body: str
    ) -> Iterator[tuple[Mail, tuple[Mail, ...]]]:
        """Each mail of the batch as (columns of `mails`), (columns of its attempts, …), in the order of its rows."""
        chance = random.Random(self._seed * 1_000_003 + batch_id)
        renderer, stamp = Renderer(subject, body), self._stamp
        shown = self._states(plan, chance)
        late = chance.choices(_TO_DELIVERED, k=plan.size)
        opened = chance.choices(_TO_OPENED, k=plan.size)
        queued = stamp(plan.begins)
        month = _MONTHS[int(queued[5:7]) - 1] + " " + queued[:4]
        first = chance.randrange(self._audience)
        for row, state in enumerate(shown):
            at = plan.begins + 400 + row * 1000 // PACE
            # A list goes to people who are near each other: the same customers month after month.
            name, email = person((first + row * 37) % self._audience)
            total = f"Rp {(first + row * 7919) % 9_000_000 + 10_000:,}".replace(",", ".")
            values = {"nama": name, "nomor": f"INV-{batch_id:05}-{row:05}", "periode": month, "total": total}
            filled = renderer.render(values)
            title = subject_of(filled, plan.kind)
            html = filled.html.encode()
            again = state in ("delivered", "opened") and chance.random() < 0.01
            if again:
                at += 2000
            taken = state in ("delivered", "opened", "failed", "accepted", "lost")
            gateway_id = f"{chance.getrandbits(80):020x}" if taken else None
            reached = stamp(min(self._end, at + late[row])) if state in ("delivered", "opened") else None
            changed = stamp(min(self._end, _changed(state, at, late[row], opened[row])))
            mail = (
                batch_id, row + 2, email, title, json.dumps(values), "accepted" if taken else state,
                ("pending" if state == "accepted" else state) if taken else "", gateway_id,
                WORDS[state][0] if state in WORDS else (state.upper() if taken else ""), queued,
                1 if again else 0, queued, changed, stamp(at) if taken else None, changed if taken else None,
                email.rpartition("@")[2], reached,
            )  # fmt: skip
            if state in ("cancelled", "skipped"):
                yield mail, ()
                continue
            facts = (email, title, hashlib.sha256(html).hexdigest(), len(html))
            end = _end(state, gateway_id)
            last = (stamp(at - 120), *facts, stamp(at), *end, 120 - row % 60)
            if again:
                limited = ("later", 429, 9, "too many requests", None)
                yield mail, ((stamp(at - 2120), *facts, stamp(at - 2000), *limited, 90), last)
            else:
                yield mail, (last,)

    def _states(self, plan: Plan, chance: random.Random) -> list[str]:
        drawn = chance.choices(self._shown, cum_weights=self._shares, k=plan.size)
        if plan.cancelled:
            kept = chance.randrange(plan.size)
            drawn[kept:] = ["cancelled"] * (plan.size - kept)
        if plan.doubtful:
            drawn[0] = "undecided"
        return drawn


def _changed(state: str, at: int, late: int, opened: int) -> int:
    if state == "opened":
        return at + late + opened
    return at + late if state in ("delivered", "failed", "lost") else at


def _end(state: str, gateway_id: str | None) -> tuple[object, ...]:
    """outcome, http_status, code, detail, msg_id of the last attempt."""
    if gateway_id:
        return "accepted", 200, None, "", gateway_id
    if state == "rejected":
        return "refused", 406, 39, WORDS["rejected"][1], None
    return "unknown", None, None, "no answer within 60 s", None
