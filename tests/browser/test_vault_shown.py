"""A code that a vault shows on a phone, before the camera of a vault that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from disclosure import OfferLink
from tests.browser.browsing import BUILT, Site, chromium, needs
from tests.browser.filming import camera, screened
from tests.browser.test_vault import make, take
from tests.browser.test_vault_agents import CARD, COMMIT
from tests.browser.test_vault_agents_screens import bind
from tests.browser.vault_town import World, vault_town
from tests.zkservice import holding, residents
from tests.zkservice.cases_applications import furnished

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    needs()
    async with vault_town(tmp_path_factory.mktemp("shown") / "server", BUILT) as made:
        await furnished(made.town.city)
        await made.town.city.add_schema(CARD)
        yield made


async def shows_its_code(world: World, page: Page) -> tuple[str, bytes]:
    """Have a person bind a vault, take an identity card and show the code; return it, and its picture."""
    await make(page)
    await bind(world, page, residents.number(), company=False)
    made = await holding.offer(
        world.town.city, holding.identified({"id_commit": COMMIT}, b"shows-a-code", CARD)
    )
    await take(page, OfferLink(world.server, made.offer.removeprefix("offers/"), made.claim_code))
    await page.get_by_role("link", name="Inbox").click()
    await page.get_by_role("button", name="Show the code").click()
    shown = await page.get_by_role("img", name="Your code as an agent").screenshot()
    return await page.locator("[data-test=agent-code]").inner_text(), shown


async def test_an_agents_code_on_a_phone_is_scanned_by_the_company(world: World, tmp_path: Path) -> None:
    async with world.place.visitor("phone") as agent:
        code, shown = await shows_its_code(world, await agent.goes_to("/vault/"))
    film = screened(tmp_path / "code.y4m", shown)
    async with chromium(*camera(film)) as browser:
        desk = Site(browser, world.place.port, world.place.town)
        async with desk.visitor(permissions=["camera"]) as company:
            page = await company.goes_to("/vault/")
            await make(page)
            await bind(world, page, f"9137{residents.number()[-14:]}", company=True)
            await page.get_by_role("link", name="Inbox").click()
            await page.get_by_role("button", name="Appoint an agent").click()
            await expect(page.get_by_label("The agent's code")).to_have_value("")
            await page.get_by_role("button", name="Scan the agent's code").click()
            await page.get_by_role("button", name="Turn the camera on").click()
            await expect(page.get_by_label("The agent's code")).to_have_value(code)
            await expect(page.locator("video")).to_have_count(0)
            await company.passes_axe()
