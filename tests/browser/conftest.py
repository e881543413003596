"""What tests here start: one browser and one city with witnesses for all, for each file a town of its own.

A file's tests share its town one after the other: each has browser contexts, vaults and persons of its own
and finds a service that tells the truth. A test that would spoil the town for the others starts another.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser import reading, showing
from tests.browser.browsing import BUILT, Site, chromium, needs, site
from tests.browser.errand_town import Bureau, both_forms, bureau, stocked
from tests.browser.pictures import as_they_were_made
from tests.browser.vault_town import World, vault_town
from tests.browser.vaulting import Tab, built, opened
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
async def browser() -> AsyncIterator[Browser]:
    """The browser of all visitors that need no other one: each has a context of its own."""
    async with chromium() as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nine(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nine]:
    async with nine_cities(tmp_path_factory.mktemp("nine"), browser) as made:
        yield made


@pytest.fixture(scope="module")
def as_pictured() -> None:
    """Skip a file where pictures would be made with another browser or other letters than the kept ones."""
    as_they_were_made()


@pytest.fixture(scope="module")
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages before a file's town: everybody's, or a page of tests, where the file names one as PAGE."""
    needs()
    page: Path | None = getattr(request.module, "PAGE", None)
    if page is None:
        return BUILT
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "test-pages"
    folder.mkdir(exist_ok=True)
    return built(folder, page)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(
    browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The town of a file."""
    async with vault_town(tmp_path_factory.mktemp("town") / "server", browser, pages) as made:
        yield made


@pytest.fixture
def world(town: World) -> World:
    """The town, as a test finds it."""
    town.between.honest()
    return town


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counters(town: World) -> AsyncIterator[Bureau]:
    """The counters of a school and a bank, open in a file's town."""
    async with bureau(town, both_forms(1)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def supplied(world: World, empty: Tab) -> Tab:
    """A vault with what `counters` ask for: a permit and an insurance of both forms, and no household."""
    return await stocked(world, empty)


@pytest_asyncio.fixture(loop_scope="session")
async def blank(world: World) -> AsyncIterator[Tab]:
    """A browser with nothing in it."""
    async with world.place.visitor() as visitor, opened(visitor) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def empty(blank: Tab) -> Tab:
    """A vault that has just been made."""
    await blank.make()
    return blank


@pytest.fixture
def tab(empty: Tab) -> Tab:
    """The vault of a test: an empty one, where its file puts nothing into it."""
    return empty


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reading_page(
    browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[reading.World]:
    """A town of a file's own, with a page that has the vault's reader in it."""
    async with reading.reading_world(tmp_path_factory.mktemp("town") / "server", browser, pages) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def reader(reading_page: reading.World) -> reading.World:
    """The same with a reader that has read nothing, and nothing kept."""
    reading_page.between.honest()
    await reading_page.forget()
    await reading_page.begin()
    return reading_page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def showing_page(
    browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[showing.World]:
    """A town of a file's own, with a page that has what a vault shows in it."""
    async with showing.showing_world(tmp_path_factory.mktemp("town"), browser, pages) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def shower(showing_page: showing.World) -> showing.World:
    """The same with a new vault, and credentials in it."""
    showing_page.between.honest()
    await showing_page.begin()
    await showing_page.stock()
    showing_page.between.sent.clear()
    return showing_page
