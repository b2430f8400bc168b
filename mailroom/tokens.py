"""The gateway's tokens: kept encrypted, named, checked, stopped when the gateway turns one down, replaced.

The secret leaves this file only as an `oca.Token`, and only for `mailroom.clients`.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlite_utils import Database

from mailroom import activity, deeds
from mailroom.keys import Keys
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso, utc_now
from oca.token import Token, TokenError, parse_token
from oca.words import N_

DEFAULT_PER_SECOND = 25
MOST_PER_SECOND = 1000
LONGEST_NAME = 100

_LINES = (
    "SELECT id, name, fingerprint, claims, expires_at, per_second, created_at, created_by, checked_at, "
    "check_result, stopped_at, stop_reason, CASE WHEN expires_at <= ? THEN 'expired' "
    "WHEN stopped_at IS NOT NULL THEN 'stopped' WHEN check_result = 'ok' THEN 'ok' ELSE 'unchecked' END "
    "AS state FROM tokens "
)

TokenState = Literal["ok", "stopped", "expired", "unchecked"]


@dataclass(frozen=True)
class TokenLine:
    """A token as the pages show it; never its secret.

    claims: what the token says about itself, for display only. per_second: the budget of requests.
    check_result: "" while it was never checked, "ok", or what came of the last check, one sentence a line.
    stop_reason: why nothing is sent with it, or "". Times as the database keeps them.
    """

    id: int
    name: str
    fingerprint: str
    claims: dict[str, object]
    expires_at: str | None
    per_second: float
    created_at: str
    created_by: int
    checked_at: str | None
    check_result: str
    stopped_at: str | None
    stop_reason: str
    state: TokenState

    @property
    def issued_at(self) -> datetime | None:
        """When the token says it was issued; None where it does not say."""
        return Token("", self.claims).issued_at


def add(
    store: Store, keys: Keys, name: str, data: bytes, per_second: float, user_id: int, now: datetime
) -> TokenLine:
    """The token that was read from the file `data` and kept under `name`.

    per_second: the budget of requests, 1 to 1000. Raises Problem beside `name`, `file` or `per_second`.
    """
    name = _named(name)
    token = _read(data, now)
    if not 1 <= per_second <= MOST_PER_SECOND:
        raise Problem(N_("The limit is a whole number from 1 to 1,000."), field="per_second")
    with store.write() as db:
        _refuse_known(db, token)
        if next(db.query("SELECT 1 FROM tokens WHERE name = ?", [name]), None):
            raise Problem(N_("There is already a token called “%(name)s”."), field="name", name=name)
        token_id = db.execute(
            "INSERT INTO tokens (name, secret, fingerprint, claims, expires_at, per_second, created_at, "
            "created_by) VALUES (:name, :secret, :fingerprint, :claims, :expires_at, :per_second, :at, :by)",
            {**_columns(keys, token), "name": name, "per_second": per_second, "at": iso(now), "by": user_id},
        ).lastrowid
        activity.note(db, deeds.TokenAdded(name, token.fingerprint), now, user_id)
    return get(store, int(token_id or 0), now)


def replace(store: Store, keys: Keys, token_id: int, data: bytes, now: datetime) -> TokenLine:
    """The token under its old name with the new secret from `data`; a stop ends, and its batches go on.

    Raises Problem beside `file`, LookupError when there is no such token.
    """
    token = _read(data, now)
    with store.write() as db:
        _refuse_known(db, token)
        old = db.execute("SELECT name, fingerprint FROM tokens WHERE id = ?", [token_id]).fetchone()
        if old is None:
            raise LookupError(token_id)
        db.execute(
            "UPDATE tokens SET secret = :secret, fingerprint = :fingerprint, claims = :claims, "
            "expires_at = :expires_at, checked_at = NULL, check_result = '', stopped_at = NULL, "
            "stop_reason = '' WHERE id = :id",
            {**_columns(keys, token), "id": token_id},
        )
        activity.note(db, deeds.TokenReplaced(old["name"], old["fingerprint"], token.fingerprint), now)
    return get(store, token_id, now)


def all_tokens(store: Store, now: datetime | None = None) -> list[TokenLine]:
    """Every token, by name, in the state it has at `now` (the present moment when left out)."""
    return _select(store.read(), "ORDER BY name", [], now)


def usable(store: Store, now: datetime) -> list[TokenLine]:
    """The tokens that mail can be sent with at `now`: neither stopped nor expired."""
    return [line for line in all_tokens(store, now) if line.state in ("ok", "unchecked")]


def get(store: Store, token_id: int, now: datetime | None = None) -> TokenLine:
    """One token. Raises LookupError when there is none with this id."""
    found = _select(store.read(), "WHERE id = ?", [token_id], now)
    if not found:
        raise LookupError(token_id)
    return found[0]


def secret(store: Store, keys: Keys, token_id: int) -> Token:
    """The token itself, for the gateway's client and for nobody else. Raises LookupError."""
    row = next(store.read().query("SELECT secret FROM tokens WHERE id = ?", [token_id]), None)
    if row is None:
        raise LookupError(token_id)
    return parse_token(keys.decrypt(row["secret"]))


def stop(db: Database, token_id: int, reason: str, now: datetime, fingerprint: str = "") -> bool:
    """Whether this caller stopped the token: nothing is sent with it until it is replaced or checked again.

    reason: the gateway's words. fingerprint: of the token the gateway turned down, when known; an answer to
    an old token must not stop the one that has replaced it.
    """
    reason = reason or N_("The gateway turned this token down.")
    stopped = db.execute(
        "UPDATE tokens SET stopped_at = ?, stop_reason = ? "
        "WHERE id = ? AND stopped_at IS NULL AND ? IN ('', fingerprint)",
        [iso(now), reason, token_id, fingerprint],
    ).rowcount
    return stopped == 1


def clear_stop(store: Store, token_id: int) -> bool:
    """Whether the token was stopped and may now be used again."""
    with store.write() as db:
        row = db.execute(
            "UPDATE tokens SET stopped_at = NULL, stop_reason = '' WHERE id = ? AND stopped_at IS NOT NULL "
            "RETURNING name, fingerprint",
            [token_id],
        ).fetchone()
        if row:
            activity.note(db, deeds.TokenResumed(row["name"], row["fingerprint"]))
    return row is not None


def record_check(store: Store, token_id: int, result: str, now: datetime) -> None:
    """Keeps what came of asking the gateway about the token: "ok", or sentences, one a line."""
    with store.write() as db:
        db.execute(
            "UPDATE tokens SET checked_at = ?, check_result = ? WHERE id = ?", [iso(now), result, token_id]
        )


def remove(store: Store, token_id: int) -> None:
    """Removes a token that no mail was sent or prepared with. Raises Problem when one was."""
    with store.write() as db:
        needed = _needed(db, token_id)
        if needed:
            raise needed
        gone = db.execute(
            "DELETE FROM tokens WHERE id = ? RETURNING name, fingerprint", [token_id]
        ).fetchone()
        if gone:
            activity.note(db, deeds.TokenRemoved(gone["name"], gone["fingerprint"]))


def needed(store: Store, token_id: int) -> Problem | None:
    """Why the token cannot be removed now, or None when it can."""
    return _needed(store.read(), token_id)


def _needed(db: Database, token_id: int) -> Problem | None:
    if next(db.query("SELECT 1 FROM batches WHERE token_id = ? LIMIT 1", [token_id]), None):
        return Problem(
            N_("Batches were sent with this token, and their records name it. Replace its file instead.")
        )
    if next(db.query("SELECT 1 FROM drafts WHERE token_id = ? LIMIT 1", [token_id]), None):
        return Problem(
            N_("Somebody is preparing mail with this token. Remove it when that is sent or discarded.")
        )
    return None


def _named(name: str) -> str:
    name = name.replace("\u00a0", " ").strip()
    if not name:
        raise Problem(N_("Give the token a name, so that people can tell it from another."), field="name")
    if len(name) > LONGEST_NAME or not name.isprintable():
        sentence = N_("The name is one line of at most %(most)s letters.")
        raise Problem(sentence, field="name", most=LONGEST_NAME)
    return name


def _read(data: bytes, now: datetime) -> Token:
    try:
        token = parse_token(data)
    except TokenError as error:
        # `from None`: a traceback of the parser may show what was being read.
        raise Problem(str(error), field="file") from None
    if token.expires_at and token.expired(now):
        raise Problem(
            N_("This token expired on %(when)s. Generate a new one on the OCA dashboard."),
            field="file",
            when=token.expires_at,
        )
    return token


def _refuse_known(db: Database, token: Token) -> None:
    row = next(db.query("SELECT name FROM tokens WHERE fingerprint = ?", [token.fingerprint]), None)
    if row:
        raise Problem(N_("This very token is already here as “%(name)s”."), field="file", name=row["name"])


def _columns(keys: Keys, token: Token) -> dict[str, object]:
    return {
        "secret": keys.encrypt(token.secret),
        "fingerprint": token.fingerprint,
        "claims": json.dumps(token.claims),
        "expires_at": iso(token.expires_at) if token.expires_at else None,
    }


def _select(db: Database, where: str, parameters: list[object], now: datetime | None) -> list[TokenLine]:
    rows = db.query(_LINES + where, [iso(now or utc_now()), *parameters])
    return [TokenLine(**{**row, "claims": json.loads(row["claims"])}) for row in rows]
