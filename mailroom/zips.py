"""Reading the files of an uploaded zip one by one, without ever unpacking it to the disk or believing what it says.

Names and sizes in a zip are its maker's word (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT): a name is
only compared and shown, never a path here, and a size is what was really read.
"""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from mailroom import attachments
from mailroom.problems import Problem
from oca.words import N_

MAX_BYTES = 200_000_000
MAX_FILES = 100_000
# Of all files together, unpacked.
MAX_TOTAL = 1_000_000_000
# A zip that is so much smaller than what comes out of it was made to do harm; below the first figure it cannot.
HARMLESS = 50_000_000
MAX_RATIO = 100

# The directory of 100,000 files with long names; and what each entry in it begins with.
_MAX_DIRECTORY = 32_000_000
_ENTRY = b"PK\x01\x02"
_PIECE = 250_000
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_JUNK = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    IndexError,
)

_NOT_A_ZIP = N_("This is not a zip file. Put the files for the rows into one zip and choose that.")
_TOO_LARGE = N_("The zip is larger than 200 MB. Split the list, and the zip with it.")
_TOO_MANY = N_("The zip holds more than 100,000 files. Split the list, and the zip with it.")
_TOO_MUCH = N_("The files in the zip are larger than 1 GB together. Split the list, and the zip with it.")
_BOMB = N_("The zip unpacks to far more than it should. Make it again from the files themselves.")
_NOTHING = N_("There is no file in the zip. Put the files for the rows into it and choose it again.")
_LOCKED = N_("“%(name)s” in the zip is protected with a password. Make the zip again without one.")
_TWICE = N_("The zip holds “%(name)s” twice. Give the files different names and make it again.")
_DAMAGED = N_("“%(name)s” in the zip is damaged. Make the zip again.")
_PACKED = N_(
    "“%(name)s” in the zip is packed in a way that is not read here. Make it with the usual “Compress”."
)
_EMPTY = N_("“%(name)s” in the zip is empty. Put the right file into the zip, or take it out.")
_FILE_TOO_LARGE = N_("“%(name)s” in the zip is larger than 10 MB. Make it smaller, or take it out.")


@dataclass(frozen=True)
class Member:
    """A file in the zip. name: with its folders, as it is compared and shown; never a path on this machine."""

    name: str
    info: zipfile.ZipInfo


class Zip:
    """An uploaded zip whose directory has been read.

    file: open for reading, from its beginning to its end the zip. Raises Problem, saying what to do, for what is no
    zip, is too large, holds too much, or cannot be read; so does `files`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.size = file.seek(0, 2)
        if self.size > MAX_BYTES:
            raise Problem(_TOO_LARGE, "files")
        file.seek(0)
        try:
            self._zip = zipfile.ZipFile(_Guarded(file))
        except Problem:
            raise
        except _BROKEN:
            raise Problem(_NOT_A_ZIP, "files") from None
        self.members = _members(self._zip.infolist())
        if sum(member.info.file_size for member in self.members) > MAX_TOTAL:
            raise Problem(_TOO_MUCH, "files")

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each file's name and content, one after the other, read and measured as it is asked for."""
        total = 0
        for member in self.members:
            content = self._content(member)
            total += len(content)
            if total > MAX_TOTAL:
                raise Problem(_TOO_MUCH, "files")
            if total > max(HARMLESS, MAX_RATIO * self.size):
                raise Problem(_BOMB, "files")
            yield member.name, content

    def _content(self, member: Member) -> bytes:
        try:
            with self._zip.open(member.info) as packed:
                # In small pieces: asked for all at once, it would hold several copies of it meanwhile. What is
                # unpacked is never more than the size its maker wrote down, which was looked at before.
                content = b"".join(iter(lambda: packed.read(_PIECE), b""))
        except _BROKEN:
            raise _about(_DAMAGED, member.name) from None
        if not content:
            raise _about(_EMPTY, member.name)
        return content


class _Guarded:
    """The file as `zipfile` reads it, which takes the whole directory into memory however large it says it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise Problem(_TOO_MANY, "files")
        data = self._file.read(size if size >= 0 else _MAX_DIRECTORY)
        if data.count(_ENTRY) > MAX_FILES:
            raise Problem(_TOO_MANY, "files")
        return data


def _members(infos: list[zipfile.ZipInfo]) -> list[Member]:
    """The files that count, each with a name of its own."""
    members: dict[str, Member] = {}
    for info in infos:
        name = _name(info)
        if info.is_dir() or _is_junk(info, name):
            continue
        if info.flag_bits & _ENCRYPTED_FLAG:
            raise _about(_LOCKED, name)
        if info.compress_type not in _READABLE:
            raise _about(_PACKED, name)
        if info.file_size > attachments.MAX_BYTES:
            raise _about(_FILE_TOO_LARGE, name)
        if members.setdefault(name.casefold(), member := Member(name, info)) is not member:
            raise _about(_TWICE, name)
    if not members:
        raise Problem(_NOTHING, "files")
    return list(members.values())


def _name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & _UTF8_FLAG:
        # macOS writes UTF-8 without saying so; in a name of the old kind, bytes that happen to be UTF-8 are rare.
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    parts = [attachments.seen(part) for part in name.replace("\\", "/").split("/")]
    kept = [part for part in parts if part not in ("", ".", "..")]
    return unicodedata.normalize("NFC", "/".join(kept)) or "attachment"


def _is_junk(info: zipfile.ZipInfo, name: str) -> bool:
    parts = name.casefold().split("/")
    link = stat.S_ISLNK(info.external_attr >> 16)
    return link or parts[0] == _JUNK[0] or parts[-1] in _JUNK or parts[-1].startswith("._")


def _about(text: str, name: str) -> Problem:
    return Problem(text, "files", name=name if len(name) <= 80 else name[:79] + "…")
