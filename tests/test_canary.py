"""Secrets that are pushed through everything, and looked for in whatever comes out of it."""

import base64
import io
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import oca
from app import create_app
from mailroom import email_templates
from mailroom.logs import JsonFormatter, TextFormatter
from mailroom.service import Service, open_service
from mailroom.settings import Settings
from oca.token import parse_token
from tests.filled import ADI, SARI, Filled, fill
from tests.house import CAST, Browser, furnished
from tests.oca_stub import Reset, Stub, answer, running_stub
from tests.test_second_factor_pages import set_up_app

# A token in form: {"alg": "RS256"}, {"sub": "canary", "iat": 1790000000}, and a signature that stands nowhere else.
TOKEN = (
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkiLCJpYXQiOjE3OTAwMDAwMDB9."
    "a2VuYXJpLWtlbmFyaS1rZW5hcmkta2VuYXJpLWtlbmFyaS1rZW5hcmk-_w"
)
PASSWORD = "kenari berkicau tengah malam 7391"


def spellings(secret: str) -> set[bytes]:
    """The secret as it stands, and as it may hide: in base64 at any place of a longer text, in hex, as an escape."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), "".join(f"\\u{ord(c):04x}" for c in secret).encode()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The letters at the edges depend on what stands beside it.
            found.add(encode(b"\0" * shift + raw)[4:-4])
    return found


TRAPS = {
    "the token": spellings(TOKEN),
    "the token's signature": spellings(TOKEN.rpartition(".")[2]),
    "half the token": spellings(TOKEN[: len(TOKEN) // 2]),
    "a password": spellings(PASSWORD),
}


@dataclass
class Caught:
    """What came out of the mailroom, and the secrets that were found in it."""

    traps: dict[str, set[bytes]] = field(default_factory=lambda: dict(TRAPS))
    looked_at: int = 0
    found: list[str] = field(default_factory=list)

    def look(self, where: str, data: bytes) -> None:
        """Looks through it, and through what is packed in it."""
        self.looked_at += 1
        for secret, ways in self.traps.items():
            if any(way in data for way in ways):
                self.found.append(f"{secret} in {where}")
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                for name in packed.namelist():
                    self.look(f"{where}: {name}", packed.read(name))

    def answer(self, where: str, response: TestResponse) -> None:
        """The same for an answer with its headers."""
        with response:
            head = str(response.headers).encode()
            self.look(f"{where} ({response.status_code})", head + response.get_data())


def echoes() -> Iterator[Any]:
    """What a gateway may throw back at us."""
    yield answer("406 No", {"errors": [{"message": [{"value": TOKEN, "msg": TOKEN}], "code": "39"}]})
    yield answer("502 Bad", f"<html><title>502</title>Authorization: Bearer {TOKEN}</html>")
    yield answer("200 OK", {"success": False, "message": TOKEN})
    yield answer("200 OK", [{"msg_id": "m1", "status": TOKEN, "message_body": TOKEN, "email": "a@contoh.id"}])
    yield Reset
    yield answer("401 No", {"errors": [{"message": f"bad token {TOKEN}", "code": 45}]})


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(answer("406 No", {"errors": [{"message": f"no: {TOKEN}", "code": 39}]})) as stub:
        yield stub


@pytest.fixture
def service(stub: Stub, tmp_path: Path) -> Iterator[Service]:
    service = open_service(Settings(gateway_url=stub.url, data=furnished(tmp_path / "data")))
    yield service
    service.close()


def look_at_every_page(app: Flask, filled: Filled, caught: Caught, known: dict[str, Browser]) -> None:
    for person in ("", *CAST):
        browser = known.get(person) or Browser(app, person)
        for endpoint, url in filled.pages(app, ADI if person == "adi" else SARI):
            for part in (False, True)[: 1 + (person == "adi")]:
                caught.answer(f"{endpoint} for {person}: {url}", browser.get(url, part=part))


def test_no_secret_comes_out_anywhere(
    service: Service,
    stub: Stub,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    filled, caught, app = fill(service, token=TOKEN), Caught(), create_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    adi = Browser(app, "adi")
    change: dict[str, object] = {"present": CAST["adi"].password, "password": PASSWORD}
    caught.answer("a new password", adi.post_form("/account/password", change, form_at="/account/"))
    cookie = adi.http.get_cookie("mailroom_session")
    assert cookie
    caught.traps["a session"] = spellings(cookie.value)
    vino = Browser(app, "vino")
    caught.traps |= shown_once(adi, vino)
    push_it_through_uploads(adi, caught)
    push_it_through_the_gateway(filled, stub, caught, adi, monkeypatch)
    guess_passwords(app, caught)
    look_at_every_page(app, filled, caught, {"adi": adi, "vino": vino})
    caught.answer("one person's data", adi.post_form("/privacy/export", {"email": "joko@contoh.id"}))
    from_a_shell(app, service, caught, monkeypatch)
    for path in (path for path in service.settings.data.rglob("*") if path.is_file()):
        caught.look(path.name, path.read_bytes())
    raw = "\n".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)
    caught.look("the log", (caplog.text + raw).encode())
    caught.look("what is printed", "".join(capsys.readouterr()).encode())
    assert caught.found == []
    assert caught.looked_at > 500


def shown_once(adi: Browser, vino: Browser) -> dict[str, set[bytes]]:
    """Secrets that a page shows the one time they are made: to whoever passes a link on, or sets up a second factor."""
    found = {}
    for name, url, form in (
        ("an invitation", "/team/invite", {"role": "viewer", "email": ""}),
        ("a link to a new password", "/team/2/reset", {}),
    ):
        page = adi.get(str(adi.post_form(url, dict(form)).location)).text
        [secret] = re.findall(r"/(?:join|reset)/([\w-]{20,})", page)[:1]
        found[name] = spellings(secret)
    seed, codes = set_up_app(vino)
    found["the seed of an app"] = spellings(seed) | spellings(seed.lower())
    found |= {f"recovery code {n}": spellings(code) for n, code in enumerate(codes)}
    return found


def push_it_through_uploads(adi: Browser, caught: Caught) -> None:
    for n, text in enumerate(
        (TOKEN, TOKEN[:-3], TOKEN + TOKEN, f"Bearer {TOKEN}", f"token={TOKEN}\n{TOKEN}")
    ):
        for url in ("/gateway/tokens/add", "/gateway/tokens/1/replace", "/gateway/tokens/2/replace"):
            form: dict[str, object] = {
                "name": f"Lain {n}",
                "per_second": "25",
                "file": (io.BytesIO(text.encode()), "t.txt"),
            }
            caught.answer(f"{url} {n}", adi.post_form(url, form))


def push_it_through_the_gateway(
    filled: Filled, stub: Stub, caught: Caught, adi: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed = [
        "/gateway/tokens/1/check",
        f"/history/{filled.mails['delivered']}/look-again",
        f"/decisions/{filled.mails['undecided']}/look",
        "/gateway/history/take-over",
    ]
    for reply in echoes():
        stub.reply = reply
        with filled.service.store.write() as db:
            db.execute("UPDATE tokens SET stopped_at = NULL, check_result = ''")
        client = filled.service.clients.get(1)
        with pytest.raises(oca.GatewayError) as caught_error:
            client.send(oca.Message("a@contoh.id", "S", "<p>S</p>", "t@contoh.id", "T"))
        caught.look("an error", (repr(caught_error.value) + str(caught_error.value)).encode())
        for url in pressed:
            caught.answer(url, adi.post_form(url, {"token": "1"}))
        caught.answer("what came of it", adi.get("/gateway/"))
        caught.answer("the gateway's history", adi.get("/gateway/history/?token=1&now=1"))
    monkeypatch.setattr(oca.Client, "check", mistaken)
    for where in (JsonFormatter(), TextFormatter()):
        caught.look("a log line", where.format(_record(TOKEN)).encode())
    broken = adi.post_form("/gateway/tokens/1/check")
    assert broken.status_code == 500
    caught.answer("a mistake of ours", broken)
    with filled.service.store.write() as db:
        row = db.execute("SELECT stop_reason FROM tokens WHERE id = 1").fetchone()
        caught.look("why it was stopped", str(row[0]).encode())


def mistaken(client: oca.Client) -> None:
    """A mistake while the secret is in a variable."""
    secret = client.token.secret
    raise RuntimeError(f"{len(secret)} letters")


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("x", logging.ERROR, "", 1, "unexpected: %s", (text,), None)


def guess_passwords(app: Flask, caught: Caught) -> None:
    for email in (CAST["adi"].email, "siapa@contoh.id", "x"):
        for password in (PASSWORD, PASSWORD + "x", PASSWORD * 50):
            form: dict[str, object] = {"email": email, "password": password}
            stranger = Browser(app)
            caught.answer(f"sign-in of {email}", stranger.post_form("/sign-in", form, form_at="/sign-in"))


def from_a_shell(app: Flask, service: Service, caught: Caught, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_DATA", str(service.settings.data))
    for name in ("verify", "doctor", "backup"):
        if name in app.cli.commands:
            done = app.test_cli_runner().invoke(args=[name])
            caught.look(f"flask {name}", done.output.encode())


def test_the_traps_snap(service: Service) -> None:
    """Were a secret kept or shown anywhere, it would be found."""
    caught, now = Caught(), service.clock()
    caught.look("a page", f"<p>{TOKEN}</p>".encode())
    caught.look("packed", base64.b64encode(b"ab" + TOKEN.encode() + b"cd"))
    caught.look("a log", f"sign-in of x with {PASSWORD!r}".encode())
    email_templates.save(service.store, None, "X", "X", f"<p>{TOKEN.rpartition('.')[2]}</p>", 1, now)
    for path in service.settings.data.iterdir():
        caught.look(path.suffix, path.read_bytes())
    assert caught.found[:3] == [f"{name} in a page" for name in list(TRAPS)[:3]]
    assert "the token in packed" in caught.found
    assert "a password in a log" in caught.found
    assert any(one.startswith("the token's signature in .db") for one in caught.found)


def test_a_trap_is_a_token_as_the_program_reads_one() -> None:
    assert parse_token(TOKEN).secret == TOKEN
