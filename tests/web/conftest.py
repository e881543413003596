"""What the tests of the vault's page share: its code, compiled for Node once in a process."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.showing import PAGES


@pytest.fixture(scope="session")
def built() -> Iterator[Path]:
    """Give a folder within the pages' own, which `run_showing` compiles into; it is gone in the end."""
    made = PAGES / "dist" / f"showing-{secrets.token_hex(4)}"  # each process has its own
    yield made
    shutil.rmtree(made, ignore_errors=True)
