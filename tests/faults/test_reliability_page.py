"""docs/reliability.md tells the truth: every test it names exists, and every fault test is named there."""

import re

from tests.sandbox_server import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
NAMED = set(re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", PAGE))


def promises(path: str) -> set[str]:
    return {
        f"{path}::{name}" for name in re.findall(r"^def (test_\w+)", (ROOT / path).read_text(), re.MULTILINE)
    }


def test_every_test_it_names_exists() -> None:
    assert NAMED
    existing = {name for path in {name.partition("::")[0] for name in NAMED} for name in promises(path)}
    assert existing >= NAMED


def test_every_fault_test_is_named_there() -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    faults = {name for path in files for name in promises(path)} - promises(
        "tests/faults/test_reliability_page.py"
    )
    assert faults - NAMED <= {
        "tests/faults/test_chaos.py::test_what_was_on_the_wire_sent_again_without_looking_would_double"
    }
