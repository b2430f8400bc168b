"""No library older than the version that mended a known hole in it; both what is installed and what is pinned."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The oldest version that may be used, and the newest hole it has no more, https://osv.dev has them all.
FLOORS = {
    "certifi": ("2024.7.4", "CVE-2024-39689", "a certificate authority that is not trusted any more"),
    "cbor2": ("5.9.0", "CVE-2026-26209", "nested data without end stops the process"),
    "cryptography": ("46.0.7", "CVE-2026-39892", "reading beyond a buffer"),
    "flask": ("3.1.3", "CVE-2026-27205", "a cache keeps what belongs to one session"),
    "idna": ("3.15", "CVE-2026-45409", "a name takes too long to read"),
    "jinja2": ("3.1.6", "CVE-2025-27516", "a template gets out of its sandbox"),
    "pyasn1": ("0.6.3", "CVE-2026-30922", "nested data without end stops the process"),
    "pyjwt": ("2.13.0", "CVE-2026-48526", "a public key is taken for a secret"),
    "pyopenssl": ("26.0.0", "CVE-2026-27459", "writing beyond a buffer"),
    "requests": ("2.33.0", "CVE-2026-25645", "a file at a guessable place in /tmp"),
    "urllib3": ("2.7.0", "CVE-2026-44432", "a small answer unpacks without end"),
    "waitress": ("3.0.1", "CVE-2024-49768", "a second request after one that was refused"),
    "werkzeug": ("3.1.6", "CVE-2026-27199", "a file name that stops the thread, on Windows"),
}


def number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0]))


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)==([^\s\\;]+)", line) for line in lines)
    return {one[1].lower(): one[2] for one in found if one}


@pytest.mark.parametrize("name", FLOORS)
def test_no_library_has_a_hole_that_is_known_and_mended(name: str) -> None:
    floor, hole, _ = FLOORS[name]
    assert re.fullmatch(r"CVE-\d{4}-\d{4,7}", hole)
    for found in (version(name), pinned("requirements.txt")[name]):
        assert number(found) >= number(floor), f"{name} {found} has {hole}; take {floor} or newer"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_everything_that_is_installed_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text()
    packages = pinned(name)
    assert len(packages) > 20
    for package in re.split(r"\n(?=[A-Za-z0-9])", text):
        if "==" in package.partition("\n")[0]:
            assert "--hash=sha256:" in package, package.partition("\n")[0]
    # pip refuses what is not in the list, and looks at no other index.
    assert "--require-hashes" in (ROOT / "Makefile").read_text()
    assert not re.search(r"index-url|trusted-host|git\+|http://", text)


def test_what_the_program_imports_is_pinned_by_itself() -> None:
    wanted = (ROOT / "requirements.in").read_text().lower()
    for name in ("cryptography", "flask", "requests", "waitress"):
        assert re.search(rf"^{name}\b", wanted, re.MULTILINE), name


def test_an_old_version_would_be_noticed() -> None:
    assert number("3.1.5") < number(FLOORS["werkzeug"][0]) <= number("3.1.9")
    assert number("2.32.4") < number(FLOORS["requests"][0]) < number("2.100")
