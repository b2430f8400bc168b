"""The file a person gets with everything that is held on them: once to be read, once for a program."""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from io import TextIOWrapper
from typing import IO, Any

from flask import render_template

from mailroom.privacy import Held
from mailroom.service import Service
from mailroom.store import Store
from views.suppressions import words

# Bytes kept in memory; a longer file waits on the disk.
IN_MEMORY = 2_000_000

Mails = Callable[[Store, str], Iterator[dict[str, Any]]]


def packed(held: Held, mails: Mails, service: Service) -> IO[bytes]:
    """A zip with `data.html` and `data.json`, at its beginning; written mail by mail, however many there are."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 – closed by whoever sends it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        with pack.open("data.html", "w") as raw, TextIOWrapper(raw, "utf-8") as page:
            page.write(
                render_template("privacy/file_top.html", held=held, at=service.clock(), reasons=words())
            )
            for mail in mails(service.store, held.email):
                page.write(render_template("privacy/file_mail.html", mail=mail))
            page.write("</body>\n</html>\n")
        with pack.open("data.json", "w") as raw, TextIOWrapper(raw, "utf-8") as text:
            _write(text, held, mails(service.store, held.email))
    file.seek(0)
    return file


def _write(text: TextIOWrapper, held: Held, mails: Iterator[dict[str, Any]]) -> None:
    around = {
        "address": held.email,
        "do_not_mail": asdict(held.suppression) if held.suppression else None,
        "saved_lists": [{"name": one.name, "kept_at": one.created_at} for one in held.lists],
        "drafts": [{"name": one.name, "made_at": one.created_at} for one in held.drafts],
    }
    text.write(json.dumps(around, ensure_ascii=False, indent=1).removesuffix("\n}") + ',\n "mails": [')
    for n, mail in enumerate(mails):
        text.write((",\n" if n else "\n") + json.dumps(mail, ensure_ascii=False))
    text.write("\n]}\n")
