"""Where the program runs, looked at: its settings, its folder and key file, the disk, memory, what it is built on."""

import difflib
import os
import resource
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from mailroom import machine
from mailroom.findings import Finding, fail, ok, warn
from mailroom.keys import KeyFileError, Keys
from mailroom.settings import Settings, is_here, names
from mailroom.store import FLOOR_BYTES, Store
from oca.words import N_

# https://www.sqlite.org/wal.html#walresetbug
FAULTY_WAL = (3, 7, 0), (3, 51, 2)
LEAST_PYTHON = (3, 11)
# Room for the next backup and some weeks of mail, so that there is time to make more.
LITTLE_ROOM = 10 * FLOOR_BYTES
LITTLE_MEMORY = 100_000_000
# A connection for each mail on the wire, and some for each browser.
FEW_FILES = 512
LARGE_WAL = 200_000_000

_OURS = "MAILROOM_"


def python() -> Finding:
    """The version of Python."""
    name, version = N_("Python"), ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return fail(name, N_("%(version)s is too old; Mailroom needs 3.11 or newer."), version=version)
    return ok(name, N_("%(version)s."), version=version)


def sqlite() -> Finding:
    """The version of SQLite, and the fault that most have."""
    name, version = N_("SQLite"), sqlite3.sqlite_version
    if FAULTY_WAL[0] <= sqlite3.sqlite_version_info <= FAULTY_WAL[1]:
        return ok(
            name,
            N_(
                "%(version)s. Versions 3.7.0 to 3.51.2 can damage a WAL file when two connections write at the same "
                "instant; Mailroom is one process that writes through one, so let no other program write to its file."
            ),
            version=version,
        )
    return ok(name, N_("%(version)s."), version=version)


def of_settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What the environment says, where it says something unknown or contradicts itself."""
    name = N_("Settings")
    found = [*_unknown(environment), *_way_in(settings)]
    if settings.sandbox and not is_here(urlsplit(settings.gateway_url).hostname or ""):
        found.append(
            fail(
                name,
                N_(
                    "MAILROOM_SANDBOX=1 tells everybody that nothing leaves this machine, but mail goes to %(url)s. "
                    "Set only one of them."
                ),
                url=settings.gateway_url,
            )
        )
    if settings.only_here and not settings.sandbox:
        found.append(
            warn(
                name,
                N_(
                    "MAILROOM_URL is not set, so unsubscribe links lead to %(url)s, which works on this machine "
                    "alone. Set it to the address that recipients reach."
                ),
                url=settings.public_url,
            )
        )
    yield from found or [ok(name, N_("They fit together."))]


def of_machine(settings: Settings) -> Iterator[Finding]:
    """Folder, key file, disk, memory and limits."""
    if not settings.data.is_dir():
        yield fail(
            N_("Data folder"),
            N_(
                "There is none at %(path)s. Set MAILROOM_DATA to the folder of the running one, or start Mailroom once."
            ),
            path=settings.data.absolute(),
        )
        return
    yield _folder(settings.data)
    if settings.database.exists():
        yield _key_file(settings.key_file)
    yield disk(settings, FLOOR_BYTES)
    yield _memory()
    yield _files()


def disk(settings: Settings, floor: int) -> Finding:
    """The room on the disk."""
    name, free = N_("Disk"), shutil.disk_usage(settings.data).free
    if free < floor:
        return fail(
            name,
            N_(
                "%(free)s MB are free. With less than %(floor)s MB nothing is sent: make room; it goes on by itself."
            ),
            free=_mb(free),
            floor=_mb(floor),
        )
    if free < max(LITTLE_ROOM, 2 * machine.size_of(settings.database)):
        return warn(name, N_("Only %(free)s MB are free. Make room, for backups too."), free=_mb(free))
    return ok(name, N_("%(free)s MB are free."), free=_mb(free))


def write_ahead_log(store: Store) -> Finding:
    """The size of what is not in the database file yet."""
    name, size = N_("Write-ahead log"), machine.size_of(machine.wal_of(store.path))
    if size > LARGE_WAL:
        return warn(
            name,
            N_(
                "%(size)s MB. It shrinks when nobody reads for a moment: end other programs that have the database "
                "open, or restart Mailroom."
            ),
            size=_mb(size),
        )
    return ok(name, N_("%(size)s MB."), size=_mb(size))


def _unknown(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = names()
    words = [name.removeprefix(_OURS) for name in known]
    for name in sorted(environment):
        if not name.startswith(_OURS) or name in known:
            continue
        meant = [_OURS + word for word in difflib.get_close_matches(name.removeprefix(_OURS), words, 1)]
        sentence = (
            N_("%(name)s is no setting. Did you mean %(meant)s?")
            if meant
            else N_("%(name)s is no setting; take it out.")
        )
        yield warn(N_("Settings"), sentence, name=name, **({"meant": meant[0]} if meant else {}))


def _way_in(settings: Settings) -> Iterator[Finding]:
    name, public = N_("Settings"), _is_public(settings.host)
    if settings.secure_cookies and not settings.proxies:
        yield warn(
            name,
            N_(
                "MAILROOM_HTTPS=1 means that a web server stands in front; set MAILROOM_PROXIES=1 too, or everybody "
                "seems to come from one address, and wrong passwords of one shut out all."
            ),
        )
    if settings.url.startswith("https:") and not settings.secure_cookies:
        yield warn(
            name,
            N_("MAILROOM_URL begins with https, so set MAILROOM_HTTPS=1: cookies then travel by https only."),
        )
    if settings.url.startswith("http:") and settings.secure_cookies:
        yield warn(
            name,
            N_(
                "MAILROOM_HTTPS=1, but MAILROOM_URL begins with http:. Recipients’ links should begin with https:."
            ),
        )
    if settings.proxies and public:
        yield warn(
            name,
            N_(
                "MAILROOM_PROXIES is set, but %(host)s can also be reached without the proxy, and who does so can "
                "pretend to be any address. Set MAILROOM_HOST=127.0.0.1."
            ),
            host=settings.host,
        )
    if public and not settings.secure_cookies:
        yield warn(
            name,
            N_(
                "At %(host)s passwords travel unprotected. Put a web server with https in front, and set "
                "MAILROOM_HOST=127.0.0.1, MAILROOM_HTTPS=1 and MAILROOM_PROXIES=1."
            ),
            host=settings.host,
        )


def _is_public(host: str) -> bool:
    """Whether whoever listens there is heard by other machines."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return not is_here(host)


def _folder(path: Path) -> Finding:
    name, found = N_("Data folder"), path.stat()
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warn(
            name,
            N_("Others on this machine can look into %(path)s. Close it: chmod 700 %(path)s"),
            path=path.absolute(),
        )
    if found.st_uid != os.geteuid():
        return warn(
            name,
            N_("%(path)s belongs to another account. Run this as that account, for example with sudo -u."),
            path=path.absolute(),
        )
    return ok(name, N_("%(path)s is for its owner alone."), path=path.absolute())


def _key_file(path: Path) -> Finding:
    name = N_("Key file")
    if not path.exists():
        return fail(
            name,
            N_(
                "There is none at %(path)s. Put back your copy of it; a new one, which the next start makes, does "
                "not open the gateway's tokens."
            ),
            path=path.absolute(),
        )
    try:
        Keys.load_or_create(path)
    except KeyFileError as error:
        return fail(name, str(error))
    except OSError as error:
        return fail(
            name,
            N_("%(path)s cannot be read (%(why)s). Run this as the account that runs Mailroom."),
            path=path.absolute(),
            why=error.strerror,
        )
    return ok(name, N_("It is for its owner alone."))


def _memory() -> Finding:
    name, free = N_("Memory"), _available()
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < 10 * LITTLE_MEMORY:
        return warn(
            name,
            N_(
                "ulimit -v allows a process only %(limit)s MB, which workbooks may need more than. Take the limit away."
            ),
            limit=_mb(limit),
        )
    if free is None:
        return ok(name, N_("It cannot be told here."))
    if free < LITTLE_MEMORY:
        return warn(
            name,
            N_("Only %(free)s MB are available on this machine. End other programs, or add swap."),
            free=_mb(free),
        )
    return ok(name, N_("%(free)s MB are available."), free=_mb(free))


def _files() -> Finding:
    name, limit = N_("Open files"), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit != resource.RLIM_INFINITY and limit < FEW_FILES:
        return warn(
            name,
            N_("ulimit -n allows only %(limit)s. Set it to 1024 or more where the program is started."),
            limit=limit,
        )
    return ok(name, N_("There may be enough of them."))


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:  # not on Linux
        return None
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return int(found) * 1024 if found else None


def _mb(size: int) -> int:
    return round(size / 1_000_000)
