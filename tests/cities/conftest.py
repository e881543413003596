"""Nine cities for all tests here but those of a divided network; each test leaves all of them running."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cities.towns import Towns
from zk.demo.consortium.cities import LETTERS, REGULATOR, Place, founded


def loopback(letter: str) -> Place:
    """Return an address of its own: where a city was, nobody else listens before it has returned."""
    return Place(f"127.{64 + os.getpid() % 128}.0.{(*LETTERS, REGULATOR).index(letter) + 1}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def towns(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Towns]:
    with founded(tmp_path_factory.mktemp("cities"), place=loopback) as made:
        towns = Towns(made)
        await towns.furnish()
        await towns.show(LETTERS, 1)
        yield towns
