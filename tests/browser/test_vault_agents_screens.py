"""Agents by clicking: an agent shows a code, a company appoints with it, looks at that, and ends it."""

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from prover.client.applications import AgentCode
from tests.browser.applying import COMMIT, can_appoint, card, company_number, queue
from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, bind, looks_well, take
from tests.browser.vault_town import World
from tests.zkservice import residents

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(town: World) -> World:
    return await can_appoint(town)


async def code_of(world: World, size: str) -> str:
    """Have an agent bind a vault and get an identity card; return the code that it shows."""
    async with at_the_vault(world, size=size) as visitor:
        page = visitor.page
        await bind(world, page, residents.number())
        await page.get_by_role("link", name="Inbox").click()
        await expect(page.get_by_text("A company appoints you by a code")).to_be_visible()
        await looks_well(visitor)
        await take(page, await card(world, f"agent-{size}".encode()))
        await page.get_by_role("link", name="Inbox").click()
        await page.get_by_role("button", name="Show the code").click()
        code = await page.locator("[data-test=agent-code]").inner_text()
        assert AgentCode.parse(code).commit == COMMIT
        await expect(page.get_by_role("img", name="Your code as an agent")).to_be_visible()
        await looks_well(visitor)
        return code


async def fill(page: Page, code: str) -> None:
    await page.get_by_role("button", name="Appoint an agent").click()
    await page.get_by_label("The agent's code").fill(code)
    await page.get_by_label("Items of").select_option("departments/police")
    await page.get_by_role("button", name="Add the item").click()
    await page.get_by_label("Errand, by its identifier").fill("business-change")
    await page.get_by_role("button", name="Add the errand").click()
    await page.get_by_label("Errand, by its identifier").fill("too-much")
    await page.get_by_role("button", name="Add the errand").click()
    await page.get_by_role("button", name="Take too-much out again").click()
    await page.get_by_label("Last day").fill("2099-12-31")
    await page.get_by_label("Why, in your words").fill("She keeps <b>our</b> books.")


@pytest.mark.parametrize("size", list(SIZES))
async def test_from_an_agents_code_to_an_appointment_that_is_ended(world: World, size: str) -> None:
    code, company = await code_of(world, size), company_number()
    async with at_the_vault(world, size=size) as visitor:
        page = visitor.page
        await bind(world, page, company, company=True)
        await page.get_by_role("link", name="Inbox").click()
        await expect(page.get_by_text("The company has appointed nobody.")).to_be_visible()
        await fill(page, code)
        await looks_well(visitor)
        await page.get_by_role("button", name="Appoint", exact=True).dblclick()
        await expect(page.get_by_text("Until 31 December 2099")).to_be_visible()
        await expect(page.get_by_text("Errand business-change, Not decided yet")).to_be_visible()
        await looks_well(visitor)
        own = [each for each in await queue(world) if each.applicant.number == company]
        assert len(own) == 2
        await page.get_by_role("button", name="End the appointment").click()
        await expect(page.get_by_text("It ends at once")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Let it go on").click()
        await expect(page.get_by_text("Until 31 December 2099")).to_be_visible()
        await page.get_by_role("button", name="End the appointment").click()
        await page.get_by_role("button", name="End it").dblclick()
        await expect(page.get_by_text("Ended at")).to_be_visible()
        await expect(page.get_by_role("button", name="End the appointment")).to_have_count(0)
        await looks_well(visitor)
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_role("button", name="Agent appointed")).to_have_count(1)
        await page.get_by_role("button", name="Appointment ended").click()
        await expect(page.get_by_text("It stands on the ledger; only this vault knows")).to_be_visible()
        await looks_well(visitor)


async def test_an_agent_says_for_whom_it_applies(world: World) -> None:
    number = residents.number()
    async with at_the_vault(world, size="phone") as visitor:
        page = visitor.page
        await bind(world, page, number)
        await page.get_by_role("link", name="Inbox").click()
        await page.get_by_role("button", name="Apply for something").click()
        await page.get_by_label("Department", exact=True).select_option("departments/police")
        await page.get_by_label("Why, in your words").fill("For the company.")
        await page.get_by_label("For a company").fill("91370100MA3C0F1XX")
        await looks_well(visitor)
        await page.get_by_role("button", name="Send the application").click()
        await expect(page.get_by_text("Not decided yet")).to_have_count(1)
        (asked,) = [each for each in await queue(world) if each.applicant.number == number]
        assert asked.on_behalf.number == "91370100MA3C0F1XX"
