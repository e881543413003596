"""The vault's inbox, by clicking: a department's code, what it delivers, what is applied for."""

import datetime as dt

import pytest
from playwright.async_api import expect

from disclosure import Value
from tests.browser.applying import decide, delivered
from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, looks_well, paste
from tests.browser.vault_town import World
from tests.zkservice import residents
from tests.zkservice.support import PERMIT
from wire.convert import values_to
from zkproto.v1 import application_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("size", list(SIZES))
async def test_from_a_code_to_what_was_delivered_and_what_was_applied_for(world: World, size: str) -> None:
    number = residents.number()
    async with at_the_vault(world, size=size) as visitor:
        page = visitor.page
        await page.get_by_role("link", name="Inbox").click()
        await expect(page.get_by_text("The inbox needs an account")).to_be_visible()
        await looks_well(visitor)
        await paste(page, await world.account(number))
        await expect(page.get_by_role("heading", name="An account with")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_label("Number of the ID document").fill(number)
        await page.get_by_role("button", name="Bind this vault").dblclick()
        await expect(page.get_by_text("The vault is bound.")).to_be_visible()
        await page.get_by_role("button", name="Credentials").click()
        await delivered(world, number)
        await page.get_by_role("link", name="Inbox").click()
        await page.get_by_role("heading", name="Waiting for you").wait_for()
        await looks_well(visitor)
        await page.locator("ul.choices button").first.click()
        await page.get_by_role("button", name="Take it into the vault").click()
        await expect(page.get_by_text("It is in your vault now.")).to_be_visible()
        await page.get_by_role("button", name="Credentials").click()
        await expect(page.get_by_text("Nothing waits for you.")).to_be_visible()

        await page.get_by_role("button", name="Apply for something").click()
        await page.get_by_label("Department", exact=True).select_option("departments/police")
        await page.get_by_label("What you apply for").select_option(str(PERMIT.name))
        await page.get_by_label("Why, in your words").fill("I have moved <b>here</b>.")
        await page.locator("#value-district").select_option("370103")
        await page.locator("#value-since").fill("2019-09-01")
        await page.locator("#value-fee").fill("12.345")
        await page.locator("#value-student").select_option(label="no")
        await looks_well(visitor)
        await page.get_by_role("button", name="Send the application").click()
        await expect(page.get_by_text("Something that you state is not written")).to_be_visible()
        await page.locator("#value-fee").fill("12.34")
        await page.get_by_role("button", name="Send the application").dblclick()
        await expect(page.get_by_text("Not decided yet")).to_have_count(1)
        await looks_well(visitor)
        applied = (await residents.applications(world.town.city).ListApplications(
            application_pb2.ListApplicationsRequest(parent="departments/police"),
            metadata=world.town.city.bearer(world.town.city.department_token),
        )).applications  # fmt: skip
        ((name, values),) = [
            (each.name, list(each.values)) for each in applied if each.applicant.number == number
        ]
        stated: dict[str, Value] = {
            "district": "370103", "since": dt.date(2019, 9, 1), "fee": 1234, "student": False,
        }  # fmt: skip
        assert values == list(values_to(PERMIT, stated.items()))
        await decide(
            world, name, refuse={"zh": "<img src=x onerror=alert(1)>", "en": "<img src=x onerror=alert(1)>"}
        )
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_role("button", name="Recorded")).to_have_count(2)
        await page.get_by_role("link", name="Inbox").click()
        await expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
        await looks_well(visitor)
