"""What tests of faults share: one sandbox, and a dashboard with a fresh copy of a prepared folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.dashboard import Dashboard, prepare_folder
from tests.sandbox_server import Sandbox, running_sandbox

MAILS = 12


@pytest.fixture(scope="package")
def shared_sandbox() -> Iterator[Sandbox]:
    """One sandbox without a limit; take `sandbox`, which cleans it first."""
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox without a limit, faults or mails."""
    shared_sandbox.reset_faults()
    shared_sandbox.clear()
    return shared_sandbox


@pytest.fixture(scope="package")
def prepared(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a batch of queued mails; take `dashboard`, which works on a copy."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    prepare_folder(folder, shared_sandbox, MAILS)
    return folder


@pytest.fixture
def dashboard(prepared: Path, sandbox: Sandbox, tmp_path: Path) -> Iterator[Dashboard]:
    """A dashboard with a batch of twelve queued mails, not started yet."""
    folder = tmp_path / "data"
    shutil.copytree(prepared, folder)
    dashboard = Dashboard(folder, sandbox)
    try:
        yield dashboard
    finally:
        dashboard.close()
