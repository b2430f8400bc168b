"""What an admin can set, by environment variables; the README lists the same names."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailroom.problems import Problem
from oca import DEFAULT_BASE_URL
from oca.client import safe_url
from oca.words import N_

_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?")


_SECRET = re.compile(r"[!-~]{16,200}")


class SettingError(ValueError):
    """A setting has a value that cannot be used; the text names it and says what it takes."""


@dataclass(frozen=True)
class Settings:
    """How this copy of Mailroom runs.

    gateway_url: where mail is handed over. sandbox: whether that is the stand-in (a band on every page says so).
    data: the folder of the database and the key file. zone: in which times are shown.
    proxies: how many trusted proxies stand in front. secure_cookies: whether browsers come by https.
    url: where others reach it, "" for where it listens; `public_url` is the one that holds.
    log: in which form lines are logged. metrics_token: opens /metrics from elsewhere, "" for nobody.
    """

    gateway_url: str = DEFAULT_BASE_URL
    sandbox: bool = False
    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8025
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Jakarta"))
    proxies: int = 0
    secure_cookies: bool = False
    url: str = ""
    log: Literal["text", "json"] = "text"
    metrics_token: str = field(default="", repr=False)

    @property
    def database(self) -> Path:
        """The one file that holds everything."""
        return self.data / "mailroom.db"

    @property
    def key_file(self) -> Path:
        """The key file, kept outside the database so that a copy of the one does not open the other."""
        return self.data / "mailroom.key"

    @property
    def backups(self) -> Path:
        """Where the program keeps its own backups of the database."""
        return self.data / "backups"

    @property
    def public_url(self) -> str:
        """The address in links that leave the house, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.url or f"http://{host}:{self.port}"

    @property
    def only_here(self) -> bool:
        """Whether that address leads nowhere but on this very machine."""
        return is_here(urlsplit(self.public_url).hostname or "")


def is_here(host: str) -> bool:
    """Whether a name or an address leads nowhere but to this very machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings an environment asks for. Raises SettingError for a value that cannot be used."""
    return Settings(
        gateway_url=_gateway(environment.get("OCA_GATEWAY_URL") or DEFAULT_BASE_URL),
        sandbox=_flag(environment, "MAILROOM_SANDBOX"),
        data=Path(environment.get("MAILROOM_DATA", "data")),
        host=environment.get("MAILROOM_HOST", "127.0.0.1"),
        port=_number(environment, "MAILROOM_PORT", 8025),
        zone=_zone(environment.get("MAILROOM_ZONE", "Asia/Jakarta")),
        proxies=_number(environment, "MAILROOM_PROXIES", 0),
        secure_cookies=_flag(environment, "MAILROOM_HTTPS"),
        url=_public(environment.get("MAILROOM_URL", "")),
        log=_log(environment.get("MAILROOM_LOG") or "text"),
        metrics_token=_metrics_token(environment.get("MAILROOM_METRICS_TOKEN", "")),
    )


def refuse_others(settings: Settings) -> None:
    """Raises Problem when there is no mailroom where the settings say, or when it belongs to another account."""
    if not settings.database.exists():
        raise Problem(
            N_(
                "There is no mailroom in %(path)s. Set MAILROOM_DATA to the folder that the running one has, or start "
                "Mailroom once."
            ),
            path=settings.data.absolute(),
        )
    refuse_other_account(settings.database)


def refuse_other_account(path: Path) -> None:
    """Raises Problem when the file or folder at `path` belongs to another account than this process runs as."""
    # What another account leaves there would be unreadable to the running program.
    if path.stat().st_uid != os.geteuid():
        raise Problem(
            N_("%(path)s belongs to another account. Run this as that account, for example with sudo -u."),
            path=path.absolute(),
        )


class _Asked(dict[str, str]):
    """An environment in which nothing is set. `names` are those it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default


def names() -> set[str]:
    """The name of every setting there is."""
    asked = _Asked()
    from_environment(asked)
    return asked.names


def _gateway(url: str) -> str:
    try:
        return safe_url(url)
    except ValueError as error:
        raise SettingError(N_("OCA_GATEWAY_URL cannot be used. %(why)s") % {"why": error}) from None


def _public(url: str) -> str:
    try:
        usable = not url or (_ADDRESS.fullmatch(url) and urlsplit(url).port != 0)
    except ValueError:
        usable = False
    if not usable:
        sentence = N_(
            "MAILROOM_URL is “%(url)s”; it takes an address such as https://mailroom.contoh.id, no path."
        )
        raise SettingError(sentence % {"url": url})
    return url.rstrip("/")


def _log(form: str) -> Literal["text", "json"]:
    if form not in ("text", "json"):
        raise SettingError(N_("MAILROOM_LOG is “%(value)s”; it takes text or json.") % {"value": form})
    return "json" if form == "json" else "text"


def _metrics_token(token: str) -> str:
    if token and not _SECRET.fullmatch(token):
        raise SettingError(
            N_("MAILROOM_METRICS_TOKEN takes at least 16 letters, digits or signs, without spaces.")
        )
    return token


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name, str(default))
    if not value.isdecimal() or int(value) > 65535:
        raise SettingError(
            N_("%(name)s is “%(value)s”; it takes a whole number.") % {"name": name, "value": value}
        )
    return int(value)


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "0")
    if value not in ("", "0", "1"):
        raise SettingError(N_("%(name)s is “%(value)s”; it takes 1 or 0.") % {"name": name, "value": value})
    return value == "1"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = N_("MAILROOM_ZONE is “%(name)s”, which is no time zone; take a name such as Asia/Jakarta.")
        raise SettingError(sentence % {"name": name}) from None
