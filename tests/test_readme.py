"""The README tells the truth: every command and setting it names exists, and the other way round."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_every_setting_the_program_reads_is_in_the_readme_and_no_other() -> None:
    source = (ROOT / "mailroom" / "settings.py").read_text()
    read = set(re.findall(r'"((?:MAILROOM|OCA)_[A-Z_]+)"', source))
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert read == told


def test_every_make_target_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)", README))
    assert named
    assert named <= targets


def test_every_file_the_readme_links_to_exists() -> None:
    linked = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert linked
    for link in linked:
        assert (ROOT / link).exists(), link
