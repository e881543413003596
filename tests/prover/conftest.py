"""A vault that was made once, and a copy of it for every test that wants one."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prover import Vault, VaultKeys
from prover.store import Store
from tests.prover.composite_town import CompositeTown
from tests.prover.making import NOW, PASSPHRASE
from tests.prover.town import Town, running
from tests.zkservice.composite_city import furnished


class Ticking:
    """A clock that goes on by a second at each look."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="session")
def empty_vault(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VaultKeys]:
    path = tmp_path_factory.mktemp("vaults") / "empty.vault"
    Vault.create(path, PASSPHRASE).close()
    with Vault.open(path, PASSPHRASE) as opened:
        return path, opened.keys


@pytest.fixture
def path(empty_vault: tuple[Path, VaultKeys], tmp_path: Path) -> Path:
    return Path(shutil.copy2(empty_vault[0], tmp_path / "my.vault"))


Reopen = Callable[[], Vault]


@pytest.fixture
def reopen(empty_vault: tuple[Path, VaultKeys], path: Path) -> Iterator[Reopen]:
    """Open the file anew, as another process would; what was open before is left as by a killed process.

    Only the keys are not derived again, which is slow on purpose; `Vault.open` does all of it.
    """
    opened: list[Vault] = []
    clock = Ticking()

    def again() -> Vault:
        opened.append(Vault(Store.open(path), empty_vault[1], clock=clock))
        return opened[-1]

    yield again
    for each in opened:
        each.close()


@pytest.fixture
def vault(reopen: Reopen) -> Vault:
    return reopen()


@pytest.fixture(scope="session")
def the_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def town(the_town: Town) -> Iterator[Town]:
    """A real server; its clock is right again after each test."""
    yield the_town
    the_town.city.clock.ahead = dt.timedelta()


@pytest.fixture(scope="session")
def the_composite_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompositeTown]:
    with running(tmp_path_factory.mktemp("composite")) as started:
        yield CompositeTown(started, started.run(furnished(started.city)))


@pytest.fixture
def composite(the_composite_town: CompositeTown) -> Iterator[CompositeTown]:
    """A real server of the composite form; its clock is right again after each test."""
    yield the_composite_town
    the_composite_town.town.city.clock.ahead = dt.timedelta()
