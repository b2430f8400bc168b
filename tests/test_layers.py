"""Who may know whom: imports go one way, app → views → mailroom → oca, and the sandbox stands alone."""

import ast
import re
from pathlib import Path

import pytest

import mailroom

ROOT = Path(__file__).parent.parent
OURS = {"app", "views", "mailroom", "oca", "sandbox"}
MAY_IMPORT = {
    "oca": {"oca"},
    "mailroom": {"mailroom", "oca"},
    "views": {"views", "mailroom", "oca"},
    "sandbox": {"sandbox"},
}
WEB = {"flask", "flask_login", "flask_wtf", "flask_babel", "werkzeug", "jinja2"}
NO_WEB = {"oca": WEB | {"waitress"}, "mailroom": (WEB - {"jinja2"}) | {"waitress", "requests"}}


def imported_by(source: str) -> set[str]:
    """The first names of every absolute module that a source text imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"no sources in {package}"
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    for path in sources(package):
        strangers = (imported_by(path.read_text()) & OURS) - MAY_IMPORT[package]
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


@pytest.mark.parametrize("package", NO_WEB)
def test_the_rooms_below_the_pages_know_no_web_framework(package: str) -> None:
    for path in sources(package):
        web = imported_by(path.read_text()) & NO_WEB[package]
        assert not web, f"{path.relative_to(ROOT)} imports {web}"


def test_views_hold_no_sql_and_no_requests() -> None:
    for path in sources("views"):
        source = path.read_text()
        assert not imported_by(source) & {"requests", "sqlite3", "sqlite_utils"}, path.name
        assert "SELECT " not in source, path.name
        assert ".write()" not in source, path.name


def test_only_states_writes_the_state_of_a_mail() -> None:
    for path in sources("mailroom"):
        if path.name in ("states.py", "schema.py"):
            continue
        source = path.read_text()
        assert "UPDATE mails" not in source, path.name
        assert "INSERT INTO mails" not in source, path.name
        assert "INSERT INTO events" not in source, path.name


def test_the_guard_notices_a_wrong_import() -> None:
    assert "sandbox" in imported_by("import sandbox.ledger")
    assert "views" in imported_by("def f():\n    from views.here import me")


def test_the_map_of_the_mailroom_names_every_room_once() -> None:
    lines = [
        line.partition(":")[2] for line in (mailroom.__doc__ or "").splitlines() if line.startswith("- ")
    ]
    named = sorted(re.findall(r"[a-z_]+", re.sub(r"\(.*?\)", "", " ".join(lines))))
    there = sorted(path.stem for path in (ROOT / "mailroom").glob("*.py") if path.stem != "__init__")
    assert named == there
