"""Checks a database for what is always true of it, and names what breaks it."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from mailroom import activity, counters, restored, states
from oca.words import N_


@dataclass(frozen=True)
class Broken:
    """One thing that should always be true and is not. rule: its name; where: the mail, batch or row concerned."""

    rule: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule} ({self.detail})"


def verify(db: Database) -> list[Broken]:
    """Everything in the database that breaks a rule; empty when all is well."""
    return [*_file_is_sound(db), *rules(db)]


def rules(db: Database) -> list[Broken]:
    """The same for whoever has seen already that the file itself is sound."""
    return [broken for check in CHECKS for broken in check(db)]


class UnreadableDatabase(OSError):
    """There is no database at the path, or it is none of ours; the text says why."""


def verify_file(path: Path, known: activity.Head | None = None) -> list[Broken]:
    """Everything that breaks a rule in the database at `path`, read without ever writing to it.

    known: the head that the trail had once, as somebody wrote it down; it has to be in it still.
    Raises UnreadableDatabase.
    """
    if not path.exists():
        raise UnreadableDatabase(N_("there is no such file"))
    # Read-only, it can neither write nor checkpoint, and so it may be open beside the program.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        # One transaction, so that a program that goes on sending does not change what is counted.
        connection.execute("BEGIN")
        db = Database(connection)
        return [*verify(db), *_behind_its_mark(db, path), *_without(db, known)]
    except sqlite3.DatabaseError as error:
        raise UnreadableDatabase(str(error)) from None
    finally:
        connection.close()


def _behind_its_mark(db: Database, path: Path) -> Iterator[Broken]:
    mark = restored.mark_of(path)
    if mark and not activity.holds(db, mark.trail):
        detail = "it was written, and is not there any more as it was; the program notes that when it starts"
        yield Broken("the activity trail is whole", f"entry {mark.trail.id}", detail)


def _without(db: Database, known: activity.Head | None) -> Iterator[Broken]:
    if known and not activity.holds(db, known):
        detail = "the trail once had it with that hash; it was changed, replaced or removed since"
        yield Broken("the activity trail still holds what it held", f"entry {known.id}", detail)


def _forgotten_is_gone(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT id FROM mails m WHERE forgotten_at IS NOT NULL AND (email <> '' OR subject <> '' OR fields <> '{}' "  # noqa: S608
        f"OR attachment_id IS NOT NULL OR shown IN {states.UNFINISHED} OR EXISTS (SELECT 1 FROM attempts a "
        "WHERE a.mail_id = m.id AND (a.to_email <> '' OR a.subject <> '')))"
    )
    for row in rows:
        detail = "it still has something, or still waits"
        yield Broken("a forgotten mail is done and has nothing personal left", f"mail {row['id']}", detail)
    rows = db.query(
        "SELECT b.id, b.forgotten AS kept, count(m.forgotten_at) AS counted FROM batches b "
        "JOIN mails m ON m.batch_id = b.id GROUP BY b.id HAVING kept <> counted"
    )
    for row in rows:
        detail = f"{row['kept']} kept, {row['counted']} counted"
        yield Broken("batches know how many of their mails are forgotten", f"batch {row['id']}", detail)


def _trail_is_whole(db: Database) -> Iterator[Broken]:
    for fault in activity.faults(db):
        yield Broken("the activity trail is whole", f"entry {fault.entry}", fault.what)


def _file_is_sound(db: Database) -> Iterator[Broken]:
    for row in db.execute("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield Broken("the file is sound", "database", str(row[0]))


def _references_lead_somewhere(db: Database) -> Iterator[Broken]:
    for row in db.execute("PRAGMA foreign_key_check"):
        yield Broken("every reference leads somewhere", f"{row[0]} row {row[1]}", f"no such row in {row[2]}")


def _on_the_wire_means_written(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT m.id, m.state, count(a.id) AS open FROM mails m "
        "LEFT JOIN attempts a ON a.mail_id = m.id AND a.finished_at IS NULL "
        "GROUP BY m.id HAVING open <> (m.state = 'sending')"
    )
    for row in rows:
        detail = f"{row['state']}, {row['open']} open attempts"
        yield Broken("a request on the wire has exactly one open attempt", f"mail {row['id']}", detail)


def _batches_add_up(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT b.id, b.size, (SELECT count(*) FROM mails m WHERE m.batch_id = b.id) AS mails, "
        "(SELECT coalesce(sum(n), 0) FROM batch_counts c WHERE c.batch_id = b.id) AS counted "
        "FROM batches b WHERE mails <> b.size OR counted <> b.size"
    )
    for row in rows:
        detail = f"size {row['size']}, {row['mails']} mails, {row['counted']} counted"
        yield Broken("the states of a batch add up to its size", f"batch {row['id']}", detail)


def _counters_agree(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT batch_id, shown, sum(n) AS difference FROM ("
        "SELECT batch_id, shown, n FROM batch_counts UNION ALL SELECT batch_id, shown, -1 FROM mails) "
        "GROUP BY batch_id, shown HAVING difference <> 0"
    )
    for row in rows:
        detail = f"{row['shown']} off by {row['difference']}"
        yield Broken("the counters agree with the mails", f"batch {row['batch_id']}", detail)


def _reports_agree(db: Database) -> Iterator[Broken]:
    for found in counters.differences(db):
        detail = f"{found.kept} kept, {found.counted} counted"
        yield Broken("the counts of reports agree with the mails", f"{found.table} {found.at}", detail)


def _subjects_are_found(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT id, 'not there' AS detail FROM mails WHERE id NOT IN (SELECT id FROM subjects_docsize) "
        "UNION ALL SELECT id, 'no such mail' FROM subjects_docsize WHERE id NOT IN (SELECT id FROM mails)"
    )
    for row in rows:
        yield Broken("every subject is in the index of the search", f"mail {row['id']}", row["detail"])


def _ids_are_unique(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT gateway_id, group_concat(id) AS mails FROM mails WHERE gateway_id IS NOT NULL "
        "GROUP BY gateway_id HAVING count(*) > 1"
    )
    for row in rows:
        yield Broken("gateway ids are unique", f"mails {row['mails']}", row["gateway_id"])


def _doubt_ends_with_a_reason(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT mail_id, to_state FROM events WHERE from_state IN ('unknown', 'undecided') AND trim(why) = ''"
    )
    for row in rows:
        detail = f"to {row['to_state']}"
        yield Broken("nothing leaves “unknown” without a written reason", f"mail {row['mail_id']}", detail)


def _accepted_has_a_proof(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT id FROM mails m WHERE state = 'accepted' AND gateway_id IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM events e WHERE e.mail_id = m.id AND e.to_state = 'accepted' AND trim(e.why) <> '')"
    )
    for row in rows:
        yield Broken("accepted means an id or a written proof", f"mail {row['id']}", "neither")


def _every_step_is_in_the_table(db: Database) -> Iterator[Broken]:
    allowed = {*(("", state) for state in states.BEGINNINGS), *states.CHANGES, *states.DELIVERY_CHANGES}
    for row in db.query(
        "SELECT from_state, to_state, min(mail_id) AS mail FROM events GROUP BY from_state, to_state"
    ):
        if (row["from_state"], row["to_state"]) not in allowed:
            detail = f"{row['from_state']} → {row['to_state']}"
            yield Broken("every change of state is in the table", f"mail {row['mail']}", detail)


def _only_what_was_found_was_never_queued(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT e.mail_id, e.to_state, b.kind FROM events e JOIN mails m ON m.id = e.mail_id "
        "JOIN batches b ON b.id = m.batch_id "
        "WHERE e.from_state = '' AND (e.to_state = 'accepted') <> (b.kind = 'found')"
    )
    for row in rows:
        detail = f"begins as {row['to_state']} in a batch of the kind “{row['kind']}”"
        yield Broken("only what was found at the gateway was never queued", f"mail {row['mail_id']}", detail)


def _events_tell_the_state(db: Database) -> Iterator[Broken]:
    rows = db.query(
        "SELECT m.id, m.state, (SELECT e.to_state FROM events e WHERE e.mail_id = m.id AND e.to_state IN "
        "('queued', 'sending', 'accepted', 'rejected', 'unknown', 'undecided', 'cancelled', 'gave_up', "
        "'skipped') "
        "ORDER BY e.id DESC LIMIT 1) AS told FROM mails m WHERE m.state IS NOT told"
    )
    for row in rows:
        detail = f"{row['state']}, but the last event says {row['told']}"
        yield Broken("the events tell the state", f"mail {row['id']}", detail)


CHECKS: tuple[Callable[[Database], Iterator[Broken]], ...] = (
    _references_lead_somewhere,
    _on_the_wire_means_written,
    _batches_add_up,
    _counters_agree,
    _reports_agree,
    _subjects_are_found,
    _ids_are_unique,
    _doubt_ends_with_a_reason,
    _accepted_has_a_proof,
    _every_step_is_in_the_table,
    _only_what_was_found_was_never_queued,
    _events_tell_the_state,
    _forgotten_is_gone,
    _trail_is_whole,
)
