"""How a counter shows each end of a question, held against docs/screens; test_screens.py says how."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.browsing import SIZES, Site, site
from tests.browser.pictures import looks
from tests.browser.test_counter import asks, signs_in
from tests.web_edge.behind import BRIEF, CODE, answer, decline, desk_of
from tests.zkservice.support import Issued, city
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Still:
    """A counter at which nobody else asks, and a person's credential."""

    place: Site
    issued: Issued


Scene = Callable[[Still, Page], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(
    as_pictured: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Still]:
    folder = tmp_path_factory.mktemp("still-counter")
    async with city(folder / "server") as town:
        desk = await desk_of(town, folder / "home", BRIEF)
        async with site(town, browser, Watched(), desk=desk, counter_code=CODE) as place:
            yield Still(place, await town.claim(await town.issue()))


async def _pairing(_: Still, page: Page) -> None:
    await page.get_by_label("The person types a code from this screen").check()
    await asks(page)
    await expect(page.get_by_text("The person types this code:")).to_be_visible()


async def _answered(still: Still, page: Page) -> None:
    await answer(still.place.town, still.issued, await asks(page))
    await expect(page.get_by_role("heading", name="Proven")).to_be_visible()


async def _declined(still: Still, page: Page) -> None:
    await decline(still.place.town, await asks(page))
    await expect(page.get_by_role("heading", name="Declined")).to_be_visible()


async def _expired(_: Still, page: Page) -> None:
    await page.get_by_role("button", name="brief", exact=True).click()
    await expect(page.get_by_role("heading", name="Not answered")).to_be_visible()


SCENES: dict[str, Scene] = {
    each.__name__.removeprefix("_"): each for each in (_pairing, _answered, _declined, _expired)
}


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("scene", list(SCENES))
async def test_it_looks_as_it_did(still: Still, scene: str, size: str, tmp_path: Path) -> None:
    async with still.place.inside("/counter/", signs_in, size) as visitor:
        page = visitor.page
        await SCENES[scene](still, page)
        told = await looks(page, f"counter-{scene}-{size}", tmp_path)
    assert not told, "\n".join(told)
