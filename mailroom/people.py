"""Who may come in: the team's people, and what each role lets them do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlite_utils import Database

from mailroom import passwords
from mailroom.problems import Problem
from mailroom.store import Store
from mailroom.times import iso
from oca.words import N_

LONGEST_NAME = 80

Role = Literal["admin", "sender", "editor", "viewer"]
# Of the pages; "" for whichever the browser asks for.
Language = Literal["", "id", "en"]

# Each role may do what the roles before it may.
RANKS: tuple[Role, ...] = ("viewer", "editor", "sender", "admin")


class NotAllowed(Exception):
    """The person's role was taken from them, or they were shut out, while they pressed the button."""


@dataclass(frozen=True)
class User:
    """A person of the team.

    email: what they sign in with. role: what they may do. disabled: whether an admin has shut them out.
    language: what they chose to have the pages in.
    """

    id: int
    email: str
    name: str
    role: Role
    disabled: bool
    language: Language = ""

    def may_as(self, role: Role) -> bool:
        """Whether this person's role lets them do what `role` may."""
        return RANKS.index(self.role) >= RANKS.index(role)


def anybody(store: Store) -> bool:
    """Whether the team has anybody yet; before that only a set-up link lets a person in."""
    return store.read().execute("SELECT 1 FROM users LIMIT 1").fetchone() is not None


def by_email(store: Store, email: str) -> User | None:
    """The person who signs in with this address, shut out or not; None when nobody does."""
    return _one(store, "WHERE email = ?", [email.strip()])


def insist(db: Database, user_id: int, role: Role) -> None:
    """Nothing, when the person may still do what `role` may, inside the caller's transaction; else NotAllowed."""
    row = db.execute("SELECT role FROM users WHERE id = ? AND disabled_at IS NULL", [user_id]).fetchone()
    if row is None or RANKS.index(row["role"]) < RANKS.index(role):
        raise NotAllowed(user_id)


def first_admin(store: Store) -> User | None:
    """The admin who has been there the longest and is not shut out, or None."""
    return _one(store, "WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id LIMIT 1", [])


def add(store: Store, email: str, name: str, role: Role, password: str, now: datetime) -> User:
    """The new person. Raises Problem by field for what cannot be used."""
    for problem in faults(email, name, password).values():
        raise problem
    password_hash = passwords.hashed(password)
    with store.write() as db:
        return insert(db, email, name, role, password_hash, now)


def faults(email: str, name: str, password: str) -> dict[str, Problem]:
    """What keeps a person from being added, by the field of the form; empty when nothing does."""
    found = {}
    for check in (
        lambda: clean_email(email),
        lambda: _clean_name(name),
        lambda: passwords.check(password, email),
    ):
        try:
            check()
        except Problem as problem:
            found[problem.field] = problem
    return found


def insert(db: Database, email: str, name: str, role: Role, password_hash: str, now: datetime) -> User:
    """The new person, inside the caller's transaction. Raises Problem when the address is taken."""
    email, name = clean_email(email), _clean_name(name)
    row = db.execute(
        "INSERT INTO users (email, name, role, password_hash, created_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (email) DO NOTHING RETURNING id",
        [email, name, role, password_hash, iso(now)],
    ).fetchone()
    if row is None:
        raise Problem(N_("Somebody of your team has this address already."), field="email")
    return User(row["id"], email, name, role, disabled=False)


def choose_language(store: Store, user_id: int, language: Language) -> None:
    """Has the pages in that language from now on for this person, wherever they sign in."""
    with store.write() as db:
        db.execute("UPDATE users SET language = ? WHERE id = ?", [language, user_id])


def clean_email(email: str) -> str:
    """The address as it is kept. Raises Problem beside `email`."""
    # Here, for its patterns take the start 30 ms, and it is rarely asked.
    from email_validator import EmailNotValidError, validate_email

    try:
        # A name to sign in with: an office's own domain that the internet does not know is fine.
        return validate_email(
            email.strip(), check_deliverability=False, globally_deliverable=False
        ).normalized
    except EmailNotValidError:
        raise Problem(
            N_("This is no email address; it looks like name@company.co.id."), field="email"
        ) from None


def _clean_name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise Problem(N_("Write your name; your team sees it beside what you send."), field="name")
    if len(clean) > LONGEST_NAME or not clean.isprintable():
        raise Problem(N_("Take a name of at most %(longest)s letters."), field="name", longest=LONGEST_NAME)
    return clean


def _one(store: Store, where: str, parameters: list[object]) -> User | None:
    # `where` is one of the constants above; what it compares with is always a parameter.
    query = "SELECT id, email, name, role, disabled_at IS NOT NULL AS disabled, language FROM users " + where  # noqa: S608
    row = next(store.read().query(query, parameters), None)
    return User(**{**row, "disabled": bool(row["disabled"])}) if row else None
