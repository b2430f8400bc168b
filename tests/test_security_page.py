"""docs/security.md tells the truth: its tests exist, its limits are the program's, no requirement is left out."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from app import MAX_REQUEST_BYTES, create_app
from mailroom import attachments, invites, passwords, rendering, sessions, texts, throttle, unsubscribe, zips
from mailroom.service import Service
from tests.filled import ADI, fill
from tests.house import Browser
from views import access, request_limits

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has, level 3 left out.
REQUIREMENTS = """
1.1: 1-2; 1.2: 1-9; 1.3: 1-11; 1.4: 1-3; 1.5: 1-2; 2.1: 1-3; 2.2: 1-3; 2.3: 1-4; 2.4: 1; 3.2: 1-2; 3.3: 1-4; 3.4: 1-6;
3.5: 1-5; 3.7: 1-2; 4.1: 1-3; 4.2: 1; 4.3: 1-2; 4.4: 1-4; 5.1: 1; 5.2: 1-3; 5.3: 1-2; 5.4: 1-3; 6.1: 1-3; 6.2: 1-12;
6.3: 1-4; 6.4: 1-4; 6.5: 1-5; 6.6: 1-3; 6.8: 1-4; 7.1: 1-3; 7.2: 1-4; 7.3: 1-2; 7.4: 1-5; 7.5: 1-2; 7.6: 1-2; 8.1: 1-2;
8.2: 1-3; 8.3: 1; 8.4: 1; 9.1: 1-3; 9.2: 1-4; 10.1: 1-2; 10.2: 1-2; 10.3: 1-4; 10.4: 1-11; 10.5: 1-5; 10.6: 1-2;
10.7: 1-3; 11.1: 1-2; 11.2: 1-3; 11.3: 1-3; 11.4: 1-4; 11.5: 1; 11.6: 1; 12.1: 1-3; 12.2: 1-2; 12.3: 1-4; 13.1: 1;
13.2: 1-5; 13.3: 1-2; 13.4: 1-5; 14.1: 1-2; 14.2: 1-4; 14.3: 1-3; 15.1: 1-3; 15.2: 1-3; 15.3: 1-7; 16.1: 1; 16.2: 1-5;
16.3: 1-4; 16.4: 1-3; 16.5: 1-3; 17.1: 1; 17.2: 1-4; 17.3: 1-2
"""


def functions_in(name: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / f"{name}.py").read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def requirements() -> list[str]:
    found = []
    for section, first, last in re.findall(r"(\d+\.\d+): (\d+)(?:-(\d+))?", REQUIREMENTS):
        found += [f"{section}.{n}" for n in range(int(first), int(last or first) + 1)]
    return found


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)::(test_\w+)`", PAGE))
    assert len(named) > 100
    for file in sorted({file for file, _ in named}):
        missing = {test for name, test in named if name == file} - functions_in(file)
        assert not missing, (file, missing)


def test_every_requirement_is_there_once_with_a_test_or_a_reason() -> None:
    listed = PAGE.partition("## ASVS 5.0")[2]
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.+) \| (.+) \|$", listed, re.MULTILINE)
    assert all(re.search(r"`test_\w+::test_\w+`", test) for _, _, test in rows)
    assert all(len(how) > 3 for _, how, _ in rows)
    # Those that do not apply stand in brackets behind what they are about.
    others = re.findall(r"\((\d+\.\d+\.\d+(?:,\s+\d+\.\d+\.\d+)*)\)", listed)
    without = [number for part in others for number in re.split(r",\s+", part)]
    there = [number for number, _, _ in rows] + without
    assert sorted(there) == sorted(set(there)), "one stands there twice"
    assert set(there) == set(requirements())


def test_a_row_without_a_test_and_a_name_that_is_none_would_be_noticed() -> None:
    assert "test_every_test_it_names_exists" in functions_in("test_security_page")
    assert "test_that_nobody_wrote" not in functions_in("test_security_page")
    assert len(requirements()) == 253


def said(row: str) -> str:
    found = re.search(rf"^\| {re.escape(row)} \| (.+) \|$", PAGE, re.MULTILINE)
    assert found, row
    return found[1]


def test_the_limits_on_this_page_are_those_of_the_program() -> None:
    assert said("a password").startswith(f"{passwords.SHORTEST} to {passwords.LONGEST} characters")
    assert said("wrong passwords and codes").startswith(
        f"{throttle.FREE_FOR_ACCOUNT} for an account and {throttle.FREE_FOR_NETWORK} for a network in "
        f"{throttle.WINDOW.seconds // 60} minutes are free; then a wait of {throttle.SHORTEST_WAIT} s that doubles "
        f"up to {throttle.LONGEST_WAIT // 60} minutes"
    )
    hours, days = sessions.IDLE.seconds // 3600, sessions.LONGEST.days
    assert said("a session").startswith(f"{hours} hours idle, {days} days in all")
    assert (
        said("links to join, to set up, to set a password") == f"once, {invites.VALID_SECONDS // 3600} hours"
    )
    mb = 1_000_000
    assert said("a request") == (
        f"{request_limits.MAX_STRANGERS_BODY_BYTES / mb} MB from a stranger, turned away by its head; "
        f"{MAX_REQUEST_BYTES // mb} MB from somebody signed in, {access.MAX_SEND_REQUEST_BYTES // mb} MB with a zip on "
        "the page Send"
    )
    assert f"{texts.MAX_BYTES // mb} MB, 100,000 rows, 100 columns" in said("a list")
    assert f"{zips.MAX_BYTES // mb} MB" in said("a zip of files")
    assert said("an attachment").startswith(f"{attachments.MAX_BYTES // mb} MB")
    assert f"{rendering.MAX_HTML_BYTES // 1000} kB" in said("a template")


@pytest.fixture
def app(service: Service) -> Flask:
    return create_app(service)


def test_passwords_are_typed_unseen_and_may_be_pasted() -> None:
    fields = 0
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert "onpaste" not in text, path
        for line in re.findall(r"ui\.field\(\"(?:password|present)\".*", text):
            fields += 1
            assert 'type="password"' in line, (path, line)
    assert fields >= 6
    for path in (ROOT / "static").glob("*.js"):
        assert '"paste"' not in path.read_text(), path


def test_every_page_has_the_way_out(app: Flask, service: Service) -> None:
    filled, adi = fill(service), Browser(app, "adi")
    whole = 0
    for endpoint, url in filled.pages(app, ADI):
        with adi.get(url) as answer:
            page = answer.data.decode(errors="replace")
            if answer.mimetype == "text/html" and "<nav" in page:
                whole += 1
                assert 'action="/sign-out"' in page, (endpoint, url)
    assert whole > 50


def code() -> dict[str, str]:
    return {
        str(path): path.read_text()
        for folder in ("mailroom", "views", "oca")
        for path in (ROOT / folder).rglob("*.py")
    }


def test_what_is_random_has_bits_enough() -> None:
    found = [int(n) for text in code().values() for n in re.findall(r"secrets\.token_\w+\((\d+)\)", text)]
    assert len(found) >= 5
    # What is no key but only tells one page or line from another may be shorter; see below.
    assert min(found) >= 8
    assert unsubscribe._SIGNATURE * 8 >= 128
    for path, text in code().items():
        assert not re.search(
            r"^\s*import random\b|random\.(?:choice|randint|random)\(", text, re.MULTILINE
        ) or (path.endswith("pace.py")), path


def test_only_good_algorithms_are_used() -> None:
    for path, text in code().items():
        assert not re.search(r"\b(?:md5|sha1|MODE_ECB|DES|RC4|Blowfish)\b", text), path
    assert passwords._hasher.time_cost >= 2
    assert passwords._hasher.memory_cost >= 19 * 1024
    assert passwords._hasher.type.name == "ID"


def test_no_folder_is_listed_and_trace_is_not_answered(app: Flask) -> None:
    http = app.test_client()
    for url in (
        "/static/",
        "/static",
        "/docs/",
        "/.git/config",
        "/data/mailroom.db",
        "/static/../mailroom.key",
    ):
        with http.get(url) as answer:
            assert answer.status_code in (303, 308, 404), url
    assert http.open("/", method="TRACE").status_code == 405


def test_nothing_is_kept_in_the_browser() -> None:
    for path in (ROOT / "static").glob("*.js"):
        if "htmx" not in path.name:
            assert not re.search(
                r"localStorage|sessionStorage|indexedDB|document\.cookie", path.read_text()
            ), path
