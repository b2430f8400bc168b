"""Programs that are measured beside Mailroom, installed into `.venv-bench`, apart from it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.sandbox_server import ROOT

VENV = ROOT / ".venv-bench"


def install(name: str, pinned: Sequence[str], folder: Path = VENV) -> str:
    """Why they could not be installed, in a few words, or "" when they are there. name: what they are together."""
    stamp = folder / f"{name}.txt"
    if stamp.exists() and stamp.read_text() == "\n".join(pinned):
        return ""
    try:
        subprocess.run(
            [sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=120
        )
        (VENV / ".gitignore").write_text("*\n")
        pip = [python(folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned]
        subprocess.run(pip, check=True, capture_output=True, text=True, timeout=300)
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        return said.splitlines()[-1]
    stamp.write_text("\n".join(pinned))
    return ""


def python(folder: Path = VENV) -> str:
    """The Python that has them."""
    return str(folder / "bin" / "python")
