"""The pages that are measured, each with an address drawn from what is in the database."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlencode

Page = Callable[[Random], str]

MAILS = 400
EXPORTED = 1_040_000
GROUPS = ("day", "week", "month", "template", "sender", "person", "batch", "domain")
_STATES = ("delivered", "opened", "failed", "refused", "skipped")


@dataclass(frozen=True)
class Known:
    """One mail of the database, and what of its batch a search may name."""

    id: int
    batch_id: int
    email: str
    domain: str
    subject: str
    template: str
    sender: str
    person: str
    day: str


@dataclass(frozen=True)
class Facts:
    """What addresses are drawn from.

    newest: the highest id of a mail. last: the newest day. since: the day from which on about a million mails count.
    """

    mails: tuple[Known, ...]
    newest: int
    last: date
    since: date


def facts(path: Path) -> Facts:
    """Some mails of the whole year, and the ends of it."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        newest = db.execute("SELECT max(id) FROM mails").fetchone()[0]
        ids = Random(7).sample(range(1, newest + 1), min(MAILS, newest))
        rows = [row for mail_id in ids if (row := db.execute(_KNOWN, [mail_id]).fetchone())]
        last = db.execute("SELECT substr(created_at, 1, 10) FROM mails WHERE id = ?", [newest]).fetchone()[0]
        since = db.execute(_SINCE, [EXPORTED]).fetchone()[0]
    return Facts(
        tuple(Known(*row) for row in rows), newest, date.fromisoformat(last), date.fromisoformat(since)
    )


# The earliest day from which on there are not more mails than one sheet of a workbook holds.
_SINCE = (
    "SELECT min(period) FROM (SELECT period, sum(sum(n)) OVER (ORDER BY period DESC) AS together FROM report_counts "
    "WHERE length(period) = 10 GROUP BY period) WHERE together <= ?"
)
_KNOWN = (
    "SELECT m.id, m.batch_id, m.email, m.domain, m.subject, t.name, b.sender_email, u.name, "
    "substr(m.created_at, 1, 10) FROM mails m JOIN batches b ON b.id = m.batch_id "
    "JOIN template_versions v ON v.id = b.template_version_id JOIN templates t ON t.id = v.template_id "
    "JOIN users u ON u.id = b.created_by WHERE m.id = ?"
)


def pages(known: Facts) -> Mapping[str, Page]:
    """By name, what makes an address of that kind."""

    def mail(chance: Random) -> Known:
        return chance.choice(known.mails)

    def search(words: Callable[[Random], str], deep: bool = False) -> Page:
        return lambda chance: _history(words(chance), chance.randrange(1000, known.newest) if deep else None)

    def week(chance: Random) -> str:
        day = date.fromisoformat(mail(chance).day)
        return f"after:{day - timedelta(days=4)} before:{day + timedelta(days=4)}"

    def words(chance: Random) -> list[str]:
        found = [word.strip(",.:") for word in mail(chance).subject.split()]
        return [word for word in found if word.isalpha() and len(word) > 3] or ["Tagihan"]

    def two_words(chance: Random) -> str:
        return " ".join((words(chance) * 2)[:2])

    return {
        "history, first page": lambda _: "/history/",
        "history, a page deep inside": search(lambda _: "", deep=True),
        "one state": search(lambda chance: f"status:{chance.choice(_STATES)}"),
        "one state, deep inside": search(lambda chance: f"status:{chance.choice(_STATES)}", deep=True),
        "one template": search(lambda chance: f'template:"{mail(chance).template}"'),
        "one sender": search(lambda chance: f"sender:{mail(chance).sender}"),
        "one person": search(lambda chance: f"by:{mail(chance).person}"),
        "one domain": search(lambda chance: f"domain:{mail(chance).domain}"),
        "one domain, deep inside": search(lambda chance: f"domain:{mail(chance).domain}", deep=True),
        "before and after a day": search(week),
        "one batch": search(lambda chance: f"batch:{mail(chance).batch_id}"),
        "template, state and dates": search(
            lambda chance: f'template:"{mail(chance).template}" status:failed {week(chance)}'
        ),
        "domain and state": search(lambda chance: f"domain:{mail(chance).domain} status:refused"),
        "a whole address": search(lambda chance: mail(chance).email),
        "the beginning of an address": search(lambda chance: mail(chance).email.partition("@")[0] + "@"),
        "subject, one word": search(lambda chance: words(chance)[-1]),
        "subject, two words": search(two_words),
        "subject, beginning of a word": search(lambda chance: words(chance)[-1][:4]),
        "subject, a number that only one has": search(
            lambda chance: next(
                (word for word in mail(chance).subject.split() if "-" in word), "INV-00001-00001"
            )
        ),
        "subject and state": search(lambda chance: f"{words(chance)[-1]} status:failed"),
        "one mail": lambda chance: f"/history/{mail(chance).id}",
        "one address": lambda chance: f"/history/address/?{urlencode({'email': mail(chance).email})}",
        "overview": lambda _: "/",
        "batches": lambda _: "/batches/",
        "a batch": lambda chance: f"/batches/{mail(chance).batch_id}",
        **_reports(known),
    }


def _history(words: str, before: int | None) -> str:
    query = {"q": words, **({"before": before} if before else {})}
    return f"/history/?{urlencode(query)}"


def _reports(known: Facts) -> dict[str, Page]:
    found: dict[str, Page] = {}
    for name, days in (("30 days", 30), ("a year", 365)):
        for group in GROUPS:
            # Sliding a little, so that no two are the same range.
            def path(chance: Random, days: int = days, group: str = group) -> str:
                to = known.last - timedelta(days=chance.randrange(0, 20))
                return (
                    f"/reports/?{urlencode({'from': to - timedelta(days=days - 1), 'to': to, 'by': group})}"
                )

            found[f"report of {name} by {group}"] = path
    return found


def downloads(known: Facts) -> dict[str, str]:
    """By name, the addresses of files with about a million mails, or all that there are."""
    query = urlencode({"from": known.since, "to": known.last + timedelta(days=1)})
    return {name: f"/reports/mails.{name.lower()}?{query}" for name in ("CSV", "XLSX")}
