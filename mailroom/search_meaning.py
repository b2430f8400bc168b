"""What the words of a search mean here: which states, templates, batches, people, days; and what was not understood."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import TypeVar
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from mailroom.problems import Sentence, say
from mailroom.search_words import KEYS, LONGEST, MOST_WORDS, Word, is_cut, parse, states_called
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

T = TypeVar("T")

# With more batches of one name, the newest are looked through.
MOST_BATCHES = 500
# The last word may be the beginning of one when it has so many letters.
SHORTEST_BEGINNING = 3
# Of a beginning with more endings than this, each ending stands in few mails.
_MOST_ENDINGS = 30
_TODAY = ("today", "hari ini", "hari-ini")
_YESTERDAY = ("yesterday", "kemarin")
_LAST = re.compile(r"[^\W_]+\Z")


@dataclass(frozen=True)
class Meaning:
    """What a search looks for. Where a tuple of ids is None, any will do; where it is empty, nothing can be found.

    match: words of the subject as FTS5 reads them, or "". email, domain: exactly this, or what it begins with when
    the name ends in `_start`. since, until: moments as stored, the second one left out of the answer; a mail
    counts for the moment it was handed over, or else last changed. notes: what was not understood or is not there.
    words: all of them as typed, those that were left out too.
    """

    words: tuple[Word, ...] = ()
    match: str = ""
    email: str = ""
    email_start: str = ""
    domain: str = ""
    domain_start: str = ""
    states: tuple[str, ...] | None = None
    templates: tuple[int, ...] | None = None
    senders: tuple[str, ...] | None = None
    batches: tuple[int, ...] | None = None
    people: tuple[int, ...] | None = None
    since: str = ""
    until: str = ""
    notes: tuple[Sentence, ...] = field(default=(), compare=False)

    @property
    def nothing(self) -> bool:
        """Whether one of the words means something that is not there, so that no mail can be found."""
        return () in (self.states, self.templates, self.senders, self.batches, self.people)

    @property
    def of_batches(self) -> bool:
        """Whether something is looked for that all mails of a batch have in common, or a day."""
        kept = (self.templates, self.senders, self.batches, self.people)
        return any(ids is not None for ids in kept) or bool(self.since or self.until)


def understand(store: Store, text: str, now: datetime, zone: ZoneInfo) -> Meaning:
    """What a search means; never an error, whatever was typed.

    now, zone: what `today` and `yesterday` are, and where a day begins.
    """
    words = parse(text)
    meaning = Meaning(words=words)
    if is_cut(text):
        said = N_("Only the first %(words)s words and %(letters)s letters are looked for.")
        meaning = _with_note(meaning, said, words=MOST_WORDS, letters=LONGEST)
    here = _Here(store.read(), now, zone)
    subject: list[Word] = []
    for word in words:
        if _is_of_subject(here, word):
            subject.append(word)
        elif word.key not in _MEANINGS:
            meaning = _unknown(meaning, word)
        elif not word.value.strip():
            meaning = _with_note(
                meaning, N_("“%(word)s” needs something behind the colon, such as %(example)s."),
                word=word.typed, example=EXAMPLES[word.key],
            )  # fmt: skip
        else:
            meaning = _MEANINGS[word.key](here, meaning, word)
    return _with_subject(here, meaning, subject)


WORDS_OF_STATES = N_(
    "waiting, sending, handed over, delivered, opened, not delivered, refused, checking, needs a decision, cancelled, "
    "gave up, lost by the gateway, skipped"
)
EXAMPLES: Mapping[str, str] = {
    "to": "to:siti@",
    "domain": "domain:contoh.id",
    "status": "status:failed",
    "template": "template:tagihan",
    "sender": "sender:tim@contoh.id",
    "batch": "batch:12",
    "by": "by:sari",
    "after": "after:2026-11-01",
    "before": "before:today",
    "subject": "subject:tagihan",
}


@dataclass(frozen=True)
class _Here:
    db: Database
    now: datetime
    zone: ZoneInfo

    def has(self, column: str, value: str) -> bool:
        # `column` is one of two names in this file.
        found = self.db.execute(f"SELECT 1 FROM mails WHERE {column} = ? LIMIT 1", [value])  # noqa: S608
        return found.fetchone() is not None

    def ids(self, sql: str, *parameters: object) -> tuple[int, ...]:
        return tuple(row[0] for row in self.db.execute(sql, list(parameters)))


_Means = Callable[[_Here, Meaning, Word], Meaning]


def _is_of_subject(here: _Here, word: Word) -> bool:
    if word.key:
        return word.key == "subject" and bool(word.value.strip())
    if word.quoted:
        return True
    return "@" not in word.value and not ("." in word.value and here.has("domain", word.value.lower()))


def _bare(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    if "@" not in word.value or word.value.startswith("@"):
        return _domain(here, meaning, word)
    return _to(here, meaning, word)


def _to(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    if meaning.email or meaning.email_start:
        return _with_note(meaning, N_("One address at a time: “%(word)s” was left out."), word=word.typed)
    address = word.value.strip()
    if address.startswith("@"):
        return _domain(here, meaning, word)
    if here.has("email", address):
        return replace(meaning, email=address)
    return replace(meaning, email_start=address)


def _domain(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    if meaning.domain or meaning.domain_start:
        return _with_note(meaning, N_("One domain at a time: “%(word)s” was left out."), word=word.typed)
    name = word.value.strip().removeprefix("@").lower()
    if not name:
        return _with_note(
            meaning,
            N_("“%(word)s” needs something behind it, such as %(example)s."),
            word=word.typed,
            example="@contoh.id",
        )
    return replace(meaning, domain=name) if here.has("domain", name) else replace(meaning, domain_start=name)


def _status(_: _Here, meaning: Meaning, word: Word) -> Meaning:
    found: list[str] = []
    for name in word.value.split(","):
        states = states_called(name)
        if not states:
            meaning = _with_note(
                meaning, N_("No status is called “%(name)s”, so it was left out. There are: %(words)s."),
                name=name, words=say(WORDS_OF_STATES),
            )  # fmt: skip
        found += states
    return replace(meaning, states=_joined(meaning.states, found)) if found else meaning


def _template(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    found = _named(here, "templates", "name", word.value)
    if not found:
        meaning = _with_note(meaning, N_("No template begins with “%(name)s”."), name=word.value)
    return replace(meaning, templates=_joined(meaning.templates, found))


def _sender(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    found = here.db.execute(
        "SELECT DISTINCT email FROM senders WHERE email >= ?1 AND email < ?2 OR "
        "name >= ?1 COLLATE NOCASE AND name < ?2 COLLATE NOCASE",
        _range(word.value),
    )
    emails = [row[0] for row in found]
    exact = [email for email in emails if email.casefold() == word.value.casefold()]
    if not exact and here.ids("SELECT 1 FROM batches WHERE sender_email = ? LIMIT 1", word.value):
        exact = [word.value]
    if not (exact or emails):
        meaning = _with_note(meaning, N_("No sender begins with “%(name)s”."), name=word.value)
    return replace(meaning, senders=_joined(meaning.senders, exact or emails))


def _batch(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    found: tuple[int, ...] = ()
    if word.value.isdecimal() and not word.quoted:
        found = here.ids("SELECT id FROM batches WHERE id = ?", min(int(word.value), 2**62))
    found = found or _named(here, "batches", "name", word.value, MOST_BATCHES + 1)
    if not found:
        meaning = _with_note(
            meaning, N_("No batch has that number or begins with “%(name)s”."), name=word.value
        )
    if len(found) > MOST_BATCHES:
        meaning = _with_note(
            meaning, N_("More than %(most)s batches begin with “%(name)s”; the newest of them are searched."),
            most=MOST_BATCHES, name=word.value,
        )  # fmt: skip
    return replace(meaning, batches=_joined(meaning.batches, found[:MOST_BATCHES]))


def _by(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    found = _named(here, "users", "name", word.value) or _named(here, "users", "email", word.value)
    if not found:
        meaning = _with_note(meaning, N_("Nobody’s name or address begins with “%(name)s”."), name=word.value)
    return replace(meaning, people=_joined(meaning.people, found))


def _after(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    moment = _midnight(here, word.value)
    return replace(meaning, since=max(moment, meaning.since)) if moment else _no_day(meaning, word)


def _before(here: _Here, meaning: Meaning, word: Word) -> Meaning:
    moment = _midnight(here, word.value)
    if not moment:
        return _no_day(meaning, word)
    return replace(meaning, until=min(moment, meaning.until or moment))


_MEANINGS: Mapping[str, _Means] = {
    "": _bare,
    "to": _to,
    "domain": _domain,
    "status": _status,
    "template": _template,
    "sender": _sender,
    "batch": _batch,
    "by": _by,
    "after": _after,
    "before": _before,
    # Its value is gathered with the bare words; it is here for the one without a value.
    "subject": _bare,
}


def _with_subject(here: _Here, meaning: Meaning, words: list[Word]) -> Meaning:
    """The words of the subject as FTS5 reads them: each in quotes, so that nothing in it is an operator."""
    terms = []
    for word in words:
        if not any(letter.isalnum() for letter in word.value):
            meaning = _with_note(
                meaning, N_("“%(word)s” has no letter and no digit, so it was left out."), word=word.typed
            )
            continue
        text = word.value.replace('"', " ")
        last = word is meaning.words[-1] and not word.quoted
        terms.append(_beginning(here.db, text) if last else f'"{text}"')
    return replace(meaning, match=" AND ".join(terms))


def _beginning(db: Database, text: str) -> str:
    """What finds a word that may not have been typed to its end.

    FTS5 puts together all mails of all words that begin so before it gives the first: with a million mails that takes
    50 ms. There is an index for three letters; for more, the words that begin so are looked up and named, if few.
    """
    found = _LAST.search(text)
    if not found or len(found.group()) < SHORTEST_BEGINNING:
        return f'"{text}"'
    start = "".join(letter for letter in normalize("NFD", found.group().lower()) if not combining(letter))
    words: list[str] = []
    if len(start) > SHORTEST_BEGINNING:
        at = start
        while len(words) < _MOST_ENDINGS:
            sql = "SELECT term FROM subject_words WHERE term >= ? AND term < ? LIMIT 1"
            row = db.execute(sql, [at, start + "\U0010ffff"]).fetchone()
            if row is None:
                break
            words.append(row[0])
            at = row[0] + "\x01"
    if not words or len(words) == _MOST_ENDINGS:
        return f'"{text}"*'
    return "(" + " OR ".join(f'"{text[: found.start()]}{word}"' for word in words) + ")"


def _named(here: _Here, table: str, column: str, value: str, most: int = 100) -> tuple[int, ...]:
    """The ids of what is called so, or else of what begins so, the newest first; upper and lower case aside."""
    # Table and column are names in this file.
    select, order = f"SELECT id FROM {table} WHERE {column}", f"ORDER BY id DESC LIMIT {most}"  # noqa: S608
    start, end = _range(value)
    exact = here.ids(f"{select} = ? COLLATE NOCASE {order}", start)
    return exact or here.ids(
        f"{select} >= ? COLLATE NOCASE AND {column} < ? COLLATE NOCASE {order}", start, end
    )


def _range(start: str) -> list[str]:
    return [start.strip(), start.strip() + "\U0010ffff"]


def _midnight(here: _Here, text: str) -> str:
    """The stored form of the moment that day begins, or ""."""
    day = _day(text.strip().casefold(), here.now.astimezone(here.zone).date())
    try:
        return iso(datetime(day.year, day.month, day.day, tzinfo=here.zone).astimezone(UTC)) if day else ""
    except (ValueError, OverflowError):
        return ""


def _day(text: str, today: date) -> date | None:
    if text in _TODAY or text in _YESTERDAY:
        return today - timedelta(days=text in _YESTERDAY)
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def _joined(before: tuple[T, ...] | None, more: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys([*(before or ()), *more]))


def _no_day(meaning: Meaning, word: Word) -> Meaning:
    return _with_note(
        meaning,
        N_("“%(word)s” was left out: a day is written as 2026-11-23, 23/11/2026, today or yesterday."),
        word=word.typed,
    )


def _unknown(meaning: Meaning, word: Word) -> Meaning:
    near = get_close_matches(word.key, KEYS, n=1)
    if near:
        text = N_(
            "“%(key)s:” is not a word the search knows, so “%(word)s” was left out. Did you mean “%(near)s:”?"
        )
        return _with_note(meaning, text, key=word.key, word=word.typed, near=near[0])
    text = N_(
        "“%(key)s:” is not a word the search knows, so “%(word)s” was left out. "
        "To find it in subjects, put it in quotes."
    )
    return _with_note(meaning, text, key=word.key, word=word.typed)


def _with_note(meaning: Meaning, text: str, **values: object) -> Meaning:
    return replace(meaning, notes=(*meaning.notes, say(text, **values)))
