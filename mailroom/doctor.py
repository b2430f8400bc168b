"""What is wrong with a mailroom, or soon will be, and the next step: for `flask doctor` and for the page Machine.

Everything here only reads, so it may look while the program works.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime

import oca
from mailroom import doctor_mails, doctor_place, preferences
from mailroom.backups import BackupMaker
from mailroom.findings import Finding, Level, fail, ok, warn
from mailroom.problems import Problem
from mailroom.settings import Settings, refuse_others
from mailroom.store import Onlooker, Store, in_use, schema_of
from mailroom.times import Clock
from oca.words import N_

# Sign-in codes fail when the clock is half a minute off; mails are found in spite of that, for it is measured.
CLOCK_SECONDS = 20.0
_DATABASE = N_("Database")


def examine(
    settings: Settings, environment: Mapping[str, str], clock: Clock, offline: bool
) -> Iterator[Finding]:
    """Everything that can be looked at, one by one. offline: the gateway is not asked for the time."""
    yield doctor_place.python()
    yield doctor_place.sqlite()
    yield from doctor_place.of_settings(settings, environment)
    if settings.data.is_dir() and not os.access(settings.data, os.R_OK | os.X_OK):
        yield fail(
            N_("Data folder"),
            N_("%(path)s belongs to another account. Run this as that account, for example with sudo -u."),
            path=settings.data.absolute(),
        )
        return
    yield from doctor_place.of_machine(settings)
    if not offline:
        yield our_clock(settings.gateway_url, clock)
    try:
        # What SQLite makes beside the database of another account, the program could not open any more.
        refuse_others(settings)
    except Problem as problem:
        yield Finding("fail", _DATABASE, problem.sentence)
        return
    try:
        with closing(Onlooker(settings.database)) as store:
            yield from _of_database(store, settings, clock())
    except sqlite3.DatabaseError as error:
        yield fail(
            _DATABASE,
            N_("%(path)s cannot be read (%(why)s). Stop Mailroom and put back your last backup."),
            path=settings.database,
            why=error,
        )


def standing(
    store: Store, settings: Settings, environment: Mapping[str, str], maker: BackupMaker, now: datetime
) -> list[Finding]:
    """What somebody has to look after, in a program that runs; told by counts, so that it may be asked often.

    maker: of its backups.
    """
    found = [
        *doctor_place.of_settings(settings, environment),
        doctor_place.disk(settings, store.floor_bytes),
        doctor_place.write_ahead_log(store),
        backups(maker, store),
        *doctor_mails.of_mails(store, now),
    ]
    return [finding for finding in found if finding.level != "ok"]


def worst(findings: list[Finding]) -> Level:
    """The level of the worst of them; ok without any."""
    levels: tuple[Level, ...] = ("ok", "warn", "fail")
    return max((finding.level for finding in findings), key=levels.index, default="ok")


def our_clock(gateway_url: str, clock: Clock) -> Finding:
    """Our clock beside the gateway's."""
    name = N_("Clock")
    try:
        offset = oca.clock_offset(gateway_url, now=clock)
    except oca.Unreachable:
        return warn(
            name,
            N_(
                "The gateway at %(url)s does not answer. Try from this machine: curl -I %(url)s; mails wait until it "
                "does."
            ),
            url=gateway_url,
        )
    if offset is None:
        return ok(name, N_("The gateway answers, but does not tell the time."))
    seconds = round(abs(offset))
    if seconds > CLOCK_SECONDS:
        sentence = (
            N_("This machine is %(n)s s behind the gateway. Have its clock set: timedatectl set-ntp true.")
            if offset > 0
            else N_(
                "This machine is %(n)s s ahead of the gateway. Have its clock set: timedatectl set-ntp true."
            )
        )
        return warn(name, sentence, n=seconds)
    return ok(name, N_("At most %(n)s s from the gateway’s."), n=seconds + 1)


def backups(maker: BackupMaker, store: Store) -> Finding:
    """The backups that the program makes."""
    name, found = N_("Backups"), maker.standing()
    if found.trouble:
        return Finding("warn", name, found.trouble)
    if found.latest:
        size = -(-found.latest.size // 1_000_000)
        return ok(name, N_("The last is of %(day)s, %(size)s MB."), day=found.latest.made_at[:10], size=size)
    if preferences.get(store).backup_keep is None:
        return warn(
            name, N_("The program makes none. Choose how many it keeps, or run flask backup from cron.")
        )
    return ok(name, N_("None yet; the program makes the first one by itself."))


def _of_database(store: Onlooker, settings: Settings, now: datetime) -> Iterator[Finding]:
    running = in_use(store.path)
    yield (
        ok(N_("Program"), N_("It runs."))
        if running
        else warn(
            N_("Program"),
            N_("It does not run, so nothing is sent. Start it: python app.py, or systemctl start mailroom."),
        )
    )
    schema = schema_of(store.read())
    if schema == "newer":
        yield fail(
            _DATABASE,
            N_(
                "It was made by a newer version of Mailroom. Install that version, or restore a backup made before."
            ),
        )
        return
    if schema == "older":
        yield warn(
            _DATABASE,
            N_(
                "It is of an older version; the next start of the program brings it up to date. Look again after that."
            ),
        )
        return
    yield ok(_DATABASE, N_("It is of this version."))
    yield doctor_place.write_ahead_log(store)
    yield backups(BackupMaker(store, settings, lambda: now), store)
    yield doctor_mails.quick_check(store)
    yield from doctor_mails.of_secrets(store, settings)
    yield from doctor_mails.of_mails(store, now)
