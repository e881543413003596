"""A code that a vault shows on a phone, before the camera of a vault that asks for it."""

from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.applying import can_appoint, card, company_number
from tests.browser.browsing import Site, chromium
from tests.browser.clicking import bind, make, take
from tests.browser.filming import camera, screened
from tests.browser.vault_town import World
from tests.zkservice import residents

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(town: World) -> World:
    return await can_appoint(town)


async def shows_its_code(world: World, page: Page) -> tuple[str, bytes]:
    """Have a person bind a vault, take an identity card and show the code; return it, and its picture."""
    await make(page)
    await bind(world, page, residents.number())
    await take(page, await card(world, b"shows-a-code"))
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
            await bind(world, page, company_number(), company=True)
            await page.get_by_role("link", name="Inbox").click()
            await page.get_by_role("button", name="Appoint an agent").click()
            await expect(page.get_by_label("The agent's code")).to_have_value("")
            await page.get_by_role("button", name="Scan the agent's code").click()
            await page.get_by_role("button", name="Turn the camera on").click()
            await expect(page.get_by_label("The agent's code")).to_have_value(code)
            await expect(page.locator("video")).to_have_count(0)
            await company.passes_axe()
