"""What a person types for an errand's counters, and what a screen reader is told: in the vault's page."""

from dataclasses import replace

import pytest
from playwright.async_api import Page, expect

from disclosure import LocalizedText
from disclosure.errand import ErrandBundle, ErrandBundleName, FieldType, FormField
from tests.browser.clicking import at_the_vault, looks_well
from tests.browser.errand_town import Bureau, both_forms, bureau
from tests.browser.vault_town import World
from tests.disclosure.composite.world import INSURANCE, PERMIT

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIELDS = (
    FormField("constructor", LocalizedText("称呼", "Called"), FieldType.TEXT, max_length=20),
    FormField("note", LocalizedText("备注", "Note"), FieldType.TEXT, optional=True, max_length=20),
    FormField("count", LocalizedText("人数", "How many"), FieldType.NUMBER, optional=True),
)


def typed() -> ErrandBundle:
    """Return a bundle of the school alone, which wants to be told more."""
    school = replace(both_forms(1).counters[0], fields=FIELDS)
    return replace(both_forms(1), name=ErrandBundleName("typed", 1), counters=(school,))


async def opens(world: World, school: Bureau, page: Page) -> None:
    """Begin the errand, and open what its counter asks."""
    await page.goto(f"{world.place.origin}/vault/#{school.bundle}")
    await page.get_by_role("button", name="Begin", exact=True).click()
    await expect(page.get_by_text("As soon as all of them have asked")).to_be_visible()
    await school.ask()
    await page.get_by_role("button", name="See what they ask").click()
    await expect(page.get_by_role("heading", name="What the counters want to be told")).to_be_visible()


async def test_a_field_that_is_not_taken_is_named(world: World) -> None:
    async with bureau(world, typed()) as school, at_the_vault(world, PERMIT, INSURANCE) as visitor:
        page = visitor.page
        await opens(world, school, page)
        called, note, count = (page.get_by_label(each.display_name.en) for each in FIELDS)
        go_on = page.get_by_role("button", name="Go on")
        await expect(called).to_have_value("")

        await called.fill("学" * 7)
        await expect(page.get_by_text("This takes 21 octets, and 20 is the most")).to_be_visible()
        await expect(called).to_have_attribute("aria-invalid", "true")
        await go_on.click()
        await expect(called).to_be_focused()
        await called.fill("学" * 6)
        await expect(page.get_by_text("18 of 20 octets")).to_be_visible()
        await expect(called).to_have_attribute("aria-invalid", "false")

        await note.fill("a\u202eb")
        await go_on.click()
        await expect(page.get_by_text("“Note” cannot be taken like this.")).to_be_visible()
        await expect(page.get_by_text("FORM_INCOMPLETE")).to_be_visible()
        await expect(note).to_be_focused()
        await expect(note).to_have_attribute("aria-invalid", "true")
        await expect(called).to_have_attribute("aria-invalid", "false")
        await looks_well(visitor)

        await note.fill("ab")
        await expect(note).to_have_attribute("aria-invalid", "false")
        await count.fill(str(1 << 63))
        await go_on.click()
        await expect(page.get_by_text("“How many” cannot be taken like this.")).to_be_visible()
        await expect(count).to_be_focused()
        await count.fill("3")
        await go_on.click()
        await expect(page.get_by_text("Nothing is shown to any counter before you agree.")).to_be_visible()
        await stands_below_its_counter(page)
        await looks_well(visitor)


async def stands_below_its_counter(page: Page) -> None:
    """What is shown stands below the counter that gets it: no other heading is of the part's own level."""
    part = page.locator("section[data-part=school]")
    await expect(part.get_by_role("heading", level=3)).to_have_count(1)
    await expect(part.get_by_role("heading", level=3)).to_have_text("Part 1 of 1: The school's counter")
    await expect(part.get_by_role("heading", level=4, name="They will see")).to_have_count(0)
    await expect(part.get_by_role("heading", level=4).first).to_be_visible()
    await expect(part.get_by_role("heading", level=5, name="They will see").first).to_be_visible()
