"""One city and one school's edge for all tests of a module; a vault with a permit for each that wants one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from prover import Vault, VaultKeys
from prover.store import Store
from tests.openid.edges import Edge, edge
from tests.prover.making import PASSPHRASE
from tests.prover.town import Town, running


@pytest.fixture(scope="session")
def empty_vault(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VaultKeys]:
    path = tmp_path_factory.mktemp("vaults") / "empty.vault"
    with Vault.create(path, PASSPHRASE) as made:
        return path, made.keys


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running(tmp_path_factory.mktemp("openid") / "data") as made:
        yield made


@pytest.fixture(scope="module")
def school(town: Town) -> Iterator[Edge]:
    """An edge of the school's, which asks for the district of a permit."""
    with edge(town, town.city.request) as made:
        yield made


@pytest.fixture
def vault(tmp_path: Path, town: Town, empty_vault: tuple[Path, VaultKeys]) -> Iterator[Vault]:
    """A vault with one permit."""
    path = shutil.copy2(empty_vault[0], tmp_path / "my.vault")
    with Vault(Store.open(Path(path)), empty_vault[1]) as made:
        town.client().claim(town.offer(), made, town.log)
        yield made


@pytest.fixture
def empty(tmp_path: Path, empty_vault: tuple[Path, VaultKeys]) -> Iterator[Vault]:
    path = shutil.copy2(empty_vault[0], tmp_path / "my.vault")
    with Vault(Store.open(Path(path)), empty_vault[1]) as made:
        yield made
