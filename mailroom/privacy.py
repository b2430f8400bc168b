"""One person's data: everything that is held on an address, as a file for them, and its erasure.

Indonesia's law on personal data (UU 27/2022) gives people both. What stays after an erasure names nobody: numbers,
states, times, hashes. The one exception is the do-not-mail list: without the address nobody could keep mail from it.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlite_utils import Database

from mailroom import activity, attachments, deeds, drafts, forgetting, lists, recipients, states, suppressions
from mailroom.lists import SavedList
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.suppressions import Suppression

PAGE = 200
_BETWEEN = re.compile(r"[\s,;<>\"'()]+")


@dataclass(frozen=True)
class DraftWithThem:
    """A draft whose list has the person in it. by: who made it. waits: whether a second person is asked about it."""

    id: str
    name: str
    by: str
    created_at: str
    rows: int
    waits: bool


@dataclass(frozen=True)
class Held:
    """What is held on an address. mails: done ones, which can be erased; waiting: those not sent yet or in doubt.

    lists: saved lists with the address in them; unread: those that cannot be read any more, so nobody knows. deeds:
    entries of the activity trail about them.
    """

    email: str
    mails: int
    waiting: int
    suppression: Suppression | None
    lists: tuple[SavedList, ...]
    unread: tuple[SavedList, ...]
    drafts: tuple[DraftWithThem, ...]
    deeds: int

    @property
    def anything(self) -> bool:
        """Whether anything is held at all, the trail aside, which holds no address."""
        return bool(self.mails or self.waiting or self.suppression or self.lists or self.drafts)


@dataclass(frozen=True)
class Erased:
    """What went. waiting: mails that stay until they are sent or decided."""

    mails: int
    lists: int
    drafts: int
    waiting: int


def held(store: Store, email: str) -> Held:
    """Everything that is held on the address, upper and lower case aside."""
    db = store.read()
    row = db.execute(
        "SELECT count(*) AS n, count(*) FILTER (WHERE m.shown IN "  # noqa: S608 – our own words
        f"{states.UNFINISHED}) AS waiting FROM mails m WHERE m.email = ?",
        [email],
    ).fetchone()
    found = [(one, _has(store, one, email)) for one in lists.all_lists(store)]
    return Held(
        email,
        row["n"] - row["waiting"],
        row["waiting"],
        suppressions.get(store, email),
        tuple(one for one, has in found if has),
        tuple(one for one, has in found if has is None),
        tuple(_drafts(db, email)),
        len(activity.about(store, email)),
    )


def erase(
    store: Store,
    email: str,
    list_ids: Collection[int],
    draft_ids: Collection[str],
    user_id: int,
    now: datetime,
) -> Erased:
    """What was erased of the address, noted in the trail.

    list_ids, draft_ids: saved lists and drafts to remove altogether, of those that have the address in them; a file
    somebody uploaded cannot be changed. The do-not-mail list stays as it is.
    """
    before = held(store, email)
    of_lists = [one for one in before.lists if one.id in list_ids]
    of_drafts = [one for one in before.drafts if one.id in draft_ids]
    for saved in of_lists:
        lists.remove(store, saved)
    for draft in of_drafts:
        drafts.remove(store, draft.id)
    mails = 0
    more = True
    while more:
        with store.write() as db:
            gone = forgetting.forget(db, _done(db, email), now)
            mails, more = mails + gone, gone == forgetting.AT_ONCE
            if not more:
                deed = deeds.PersonErased(**deeds.person(email), mails=mails, lists=len(of_lists),
                                          drafts=len(of_drafts))  # fmt: skip
                activity.note(db, deed, now, user_id)
    attachments.forget_unused(store, most=4)
    return Erased(mails, len(of_lists), len(of_drafts), before.waiting)


def export(store: Store, email: str, user_id: int, now: datetime) -> Held:
    """What is held, for a person who takes it away, which is noted; its mails come from `mails()`."""
    found = held(store, email)
    activity.record(
        store, deeds.PersonExported(**deeds.person(email), mails=found.mails + found.waiting), now, user_id
    )
    return found


def mails(store: Store, email: str) -> Iterator[dict[str, Any]]:
    """Every mail to the address with its attempts and events, newest first, read page by page."""
    before = 2**62
    while page := list(store.read().query(_MAILS, [email, before, PAGE])):
        for row in page:
            yield _whole(store.read(), row)
        before = page[-1]["id"]


# Named as the file shows them.
_MAILS = """
    SELECT m.id, b.name AS batch, m.row, m.email AS address, m.subject, m.fields, m.shown AS state, m.created_at,
        m.accepted_at, m.delivered_at, m.looked_at, m.gateway_id, m.gateway_word, b.sender_email, b.sender_name,
        t.name AS template, v.number AS template_version, f.filename AS attachment, f.sha256 AS attachment_sha256
    FROM mails m JOIN batches b ON b.id = m.batch_id JOIN template_versions v ON v.id = b.template_version_id
    JOIN templates t ON t.id = v.template_id
    LEFT JOIN attachments f ON f.id = coalesce(m.attachment_id, b.attachment_id)
    WHERE m.email = ? AND m.id < ? ORDER BY m.id DESC LIMIT ?
"""
_ATTEMPTS = (
    "SELECT started_at, finished_at, to_email, subject, outcome, http_status, code, detail, msg_id, duration_ms, "
    "body_sha256, attachment_name, attachment_sha256 FROM attempts WHERE mail_id = ? ORDER BY id"
)
_EVENTS = "SELECT at, from_state, to_state, why FROM events WHERE mail_id = ? ORDER BY id"


def _whole(db: Database, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "fields": json.loads(row["fields"]),
        "attempts": list(db.query(_ATTEMPTS, [row["id"]])),
        "events": list(db.query(_EVENTS, [row["id"]])),
    }


def _done(db: Database, email: str) -> list[int]:
    query = f"SELECT m.id FROM mails m WHERE m.email = ? AND {forgetting.MAY_BE} LIMIT ?"  # noqa: S608
    return [int(row["id"]) for row in db.execute(query, [email, forgetting.AT_ONCE])]


def _drafts(db: Database, email: str) -> Iterator[DraftWithThem]:
    rows = db.query(
        "SELECT d.id, d.name, u.name AS by, d.created_at, d.total AS rows, EXISTS (SELECT 1 FROM approvals a "
        "WHERE a.draft_id = d.id AND a.decision = '') AS waits FROM drafts d JOIN users u ON u.id = d.created_by "
        "WHERE d.total IS NOT NULL AND EXISTS (SELECT 1 FROM draft_rows r WHERE r.draft_id = d.id AND "
        "(r.email = ? COLLATE NOCASE OR instr(lower(r.fields), lower(?)))) ORDER BY d.created_at",
        [email, email],
    )
    return (DraftWithThem(**{**row, "waits": bool(row["waits"])}) for row in rows)


def _has(store: Store, saved: SavedList, email: str) -> bool | None:
    """Whether the address stands in the list; None when the list cannot be read any more."""
    given, wanted = lists.given(store, saved), email.casefold()
    # A text that does not have these letters at all need not be taken apart; others are packed, or two bytes a letter.
    plain = b"\0" not in given.content[:1000] and not given.content.startswith(b"PK")
    if plain and wanted.isascii() and wanted.encode() not in given.content.lower():
        return False
    try:
        sheet = recipients.read(given, saved.reading)
        # A list without names of columns may have its first address where those are looked for.
        every = chain([(0, sheet.columns)], sheet.read())
        return any(wanted in _BETWEEN.split(cell.casefold()) for _, cells in every for cell in cells)
    except Problem:
        return None
