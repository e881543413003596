"""One city with its witnesses, one edge and one browser for all tests here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.browsing import Site, chromium, needs, site
from tests.zkservice.support import City, reopened
from tests.zkservice.witnessing import Consortium, anchored, consortium, published
from web_edge.watched import Watched


@dataclass
class Nine:
    """The city, those that cosign, a receipt of a presentation, and where it all can be looked at."""

    town: City
    gathered: Consortium
    receipt: bytes
    site: Site
    monitor: Path
    watched: Watched


@asynccontextmanager
async def nine_cities(folder: Path, browser: Browser) -> AsyncIterator[Nine]:
    """Start the city and its witnesses in a folder, with one answered question, and an edge before them."""
    monitor = folder / "monitor"
    async with (
        consortium(folder / "witnesses", folder / "server") as gathered,
        reopened(folder / "server", **gathered.settings) as town,
    ):
        await town.furnish()
        issued = await town.claim(await town.issue())
        _, _, answer = await town.answered(issued)
        await anchored(town, await published(town), 60)
        watched = Watched(gathered.policy, monitor)
        async with site(town, browser, watched) as place:
            yield Nine(town, gathered, answer.receipt, place, monitor, watched)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nine]:
    needs()
    async with chromium() as browser, nine_cities(tmp_path_factory.mktemp("nine"), browser) as made:
        yield made
