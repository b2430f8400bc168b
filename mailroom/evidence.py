"""What the gateway's history proves about a mail in doubt. No database and no network: values in, a verdict out."""

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from mailroom.readings import Attempt, Reading, Row, Rules, Where, Window, plain
from mailroom.times import iso, parse
from oca.words import N_

SHOWN_ROWS = 20

NO_TIME = N_("The gateway does not say what time it is, so nothing in its history can be placed.")
NOT_IN_ORDER = N_("The history did not run from new to old, so a mail missing from it proves nothing.")
NOT_FAR_ENOUGH = N_("The history could not be read back to before the attempt.")
TOO_EARLY = N_("It is too early: the mail may still appear.")
NO_WITNESS = N_("The history shows no newer mail yet, so this one may still appear.")
OTHER_TIME = N_("A mail to this address stands in the history, but at another time.")
NO_ADDRESS = N_("The history holds a mail from that time without an address.")
CLOCKS_DISAGREE = N_(
    "The history does not show mails that we know as we sent them, so it cannot be relied on."
)
OTHER_TOKEN = N_("The token was replaced since; this may be the history of another account.")
FOUND = N_(
    "Found in the gateway's history on page %(page)s, row %(row)s: the only mail to this address between %(start)s and "
    "%(end)s, written %(written)s with an id that no other mail has."
)
ABSENT = N_(
    "Not in the gateway's history: no mail to this address since %(start)s, read back from %(newest)s to %(oldest)s on "
    "%(pages)s pages, and mails newer than the attempt are there already."
)
SEVERAL = N_("More than one mail to this address stands in the history at that time.")

Finding = Literal["found", "absent", "several", "open"]


@dataclass(frozen=True)
class Known:
    """A mail of ours that the gateway accepted in so many words: it must stand in the history as we sent it."""

    msg_id: str
    attempt: Attempt
    window: Window


@dataclass(frozen=True)
class Trust:
    """What the mails we know say about a reading: whether they stand there right, and whose tokens sent them."""

    agrees: bool
    fingerprints: frozenset[str]

    @classmethod
    def of(cls, reading: Reading, known: Iterator[Known], fingerprint: str) -> "Trust":
        """fingerprint: of the token that the history was read with."""
        agrees, fingerprints = True, {fingerprint}
        for mail in known:
            row = reading.rows[mail.msg_id]
            fingerprints.add(mail.attempt.fingerprint)
            right = plain(row.email) == plain(mail.attempt.email)
            agrees = agrees and right and mail.window.place(row.created_at) == "inside"
        return cls(agrees, frozenset(fingerprints))


@dataclass(frozen=True)
class Seen:
    """A row to the same address, as a person is shown it. text: whether the body is the one we sent, where given."""

    msg_id: str
    created_at: str
    word: str
    page: int
    row: int
    where: Where
    text: Literal["same", "different", "not given"]
    mail_id: int | None


@dataclass(frozen=True)
class Evidence:
    """What was looked for and what was seen: kept with the attempt, shown to whoever decides. Times as stored,
    all by the gateway's clock.

    witness: when the newest row was written, where that is late enough to prove something. obstacles: why nothing
    could be proven, one sentence each.
    """

    window_start: str = ""
    window_end: str = ""
    gateway_now: str = ""
    pages: int = 0
    rows: int = 0
    newest: str = ""
    oldest: str = ""
    read_past: bool = False
    witness: str = ""
    seen: tuple[Seen, ...] = ()
    obstacles: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As the database keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Evidence":
        """What `to_json()` wrote."""
        found = json.loads(text)
        seen = tuple(Seen(**row) for row in found.pop("seen"))
        return cls(**{**found, "obstacles": tuple(found["obstacles"])}, seen=seen)


@dataclass(frozen=True)
class Verdict:
    """What a reading says about an attempt. match: the row that is this mail, when it was found.

    why: the reason in words, for the record.
    """

    finding: Finding
    why: str
    evidence: Evidence
    match: Row | None = None


def judge(
    attempt: Attempt,
    window: Window | None,
    reading: Reading,
    ids: Mapping[str, int],
    trust: Trust,
    rules: Rules,
) -> Verdict:
    """What the reading proves about the attempt.

    ids: the gateway's ids known to us among the rows to this address, each with its mail; those never match.
    """
    if window is None or reading.gateway_now is None:
        evidence = Evidence(pages=reading.pages, rows=len(reading.rows), obstacles=(NO_TIME,))
        return Verdict("open", NO_TIME, evidence)
    evidence = _laid_out(attempt, window, reading, ids)
    strange = [row for row in reading.to(attempt.email) if row.msg_id not in ids]
    inside = [row for row in strange if window.place(row.created_at) == "inside"]
    if len(inside) > 1:
        return Verdict("several", SEVERAL, replace(evidence, obstacles=(SEVERAL,)))
    untimed = any(row.created_at is None for row in strange)
    if inside and not untimed and (reading.ended or reading.covers(window.start)):
        return Verdict("found", _found(inside[0], window), evidence, inside[0])
    obstacles = tuple(_obstacles(attempt, window, reading, strange, ids, trust, rules))
    if obstacles:
        return Verdict("open", obstacles[0], replace(evidence, obstacles=obstacles))
    return Verdict("absent", _absent(evidence), evidence)


def witness(window: Window, reading: Reading) -> datetime | None:
    """When a mail was written that the history already shows although it is newer than the attempt, or None."""
    return reading.newest if reading.newest is not None and reading.newest > window.settled else None


def _obstacles(
    attempt: Attempt,
    window: Window,
    reading: Reading,
    strange: list[Row],
    ids: Container[str],
    trust: Trust,
    rules: Rules,
) -> Iterator[str]:
    """Everything that keeps a mail missing from the reading from being proven absent."""
    assert reading.gateway_now is not None  # noqa: S101 – for the type checker: judge() has looked
    if not reading.ordered:
        yield NOT_IN_ORDER
    elif not reading.covers(window.start):
        yield NOT_FAR_ENOUGH
    if any(window.place(row.created_at) != "before" for row in strange):
        # After the window as well: the gateway may date a mail later than it accepts it.
        yield OTHER_TIME
    nameless = [row for row in reading.to("") if row.msg_id not in ids]
    if any(window.place(row.created_at) != "before" for row in nameless):
        yield NO_ADDRESS
    ahead = reading.gateway_now + timedelta(seconds=rules.margin)
    if not trust.agrees or (reading.newest is not None and reading.newest > ahead):
        yield CLOCKS_DISAGREE
    if attempt.fingerprint not in trust.fingerprints:
        yield OTHER_TOKEN
    if reading.gateway_now <= window.settled:
        yield TOO_EARLY
    if witness(window, reading) is None:
        yield NO_WITNESS


def _laid_out(attempt: Attempt, window: Window, reading: Reading, ids: Mapping[str, int]) -> Evidence:
    rows = [row for row in reading.to(attempt.email) if window.place(row.created_at) != "before"]
    seen_newer = witness(window, reading)
    return Evidence(
        window_start=iso(window.start),
        window_end=iso(window.end),
        gateway_now=_stored(reading.gateway_now),
        pages=reading.pages,
        rows=len(reading.rows),
        newest=_stored(reading.newest),
        oldest=_stored(reading.oldest),
        read_past=reading.covers(window.start),
        witness=_stored(seen_newer),
        seen=tuple(_seen(row, attempt, window, ids) for row in rows[:SHOWN_ROWS]),
    )


def _seen(row: Row, attempt: Attempt, window: Window, ids: Mapping[str, int]) -> Seen:
    return Seen(
        msg_id=row.msg_id,
        created_at=_stored(row.created_at),
        word=row.word,
        page=row.page,
        row=row.row,
        where=window.place(row.created_at),
        text=_text(row, attempt),
        mail_id=ids.get(row.msg_id),
    )


def _text(row: Row, attempt: Attempt) -> Literal["same", "different", "not given"]:
    # Only shown to a person: a gateway that changes bodies on the way would otherwise hide our own mail from us.
    if not row.body_sha256:
        return "not given"
    return "same" if row.body_sha256 == attempt.body_sha256 else "different"


def _found(row: Row, window: Window) -> str:
    return FOUND % {
        "page": row.page,
        "row": row.row,
        "start": _said(window.start),
        "end": _said(window.end),
        "written": _said(row.created_at),
    }


def _absent(evidence: Evidence) -> str:
    return ABSENT % {
        "start": _said(parse(evidence.window_start)),
        "newest": _said(parse(evidence.newest)),
        "oldest": _said(parse(evidence.oldest)),
        "pages": evidence.pages,
    }


def _said(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "at no known time"


def _stored(moment: datetime | None) -> str:
    return iso(moment) if moment else ""
