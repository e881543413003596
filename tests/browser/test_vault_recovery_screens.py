"""Recovery words by clicking: shown, written down, compared, and a new browser that has the history again."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, goes_offline, looks_well, make, paste
from tests.browser.consenting import TOLD, asked
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE
from tests.disclosure.composite.world import INSURANCE, PERMIT

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def asks_for_the_words(page: Page, passphrase: str = PASSPHRASE) -> None:
    """Give the passphrase for them in the settings."""
    await page.get_by_role("link", name="Vault settings").click()
    card = page.locator("section", has=page.get_by_role("heading", name="Recovery words"))
    await card.get_by_label("Passphrase now").fill(passphrase)
    await card.get_by_role("button", name="Show the words").click()


async def shown(page: Page) -> list[str]:
    """Have the words shown to whoever gives the passphrase; return them."""
    await asks_for_the_words(page)
    await expect(page.locator("ol.words li")).to_have_count(24)
    await expect(page.locator("html")).to_have_attribute("translate", "no")
    await expect(page.locator("html")).to_have_class(re.compile(r"\bnotranslate\b"))
    return await page.locator("ol.words li").all_inner_texts()


async def let_alone(field: Locator) -> None:
    """What is typed goes to no spelling service, and is not corrected."""
    for name, value in (("autocorrect", "off"), ("spellcheck", "false"), ("autocomplete", "off")):
        await expect(field).to_have_attribute(name, value)


async def compared(page: Page, words: list[str], *, right: bool) -> None:
    fields = page.locator("input[id^=word-]")
    await expect(fields).to_have_count(3)
    await let_alone(fields.first)
    for each in await fields.all():
        place = int(str(await each.get_attribute("id")).removeprefix("word-"))
        await each.fill(f" {words[place].upper()}" if right else words[place - 1])
    await page.get_by_role("button", name="Compare").click()


async def put_in(page: Page, words: list[str]) -> None:
    """Fill in the form that makes a vault from its words."""
    await page.get_by_role("button", name="I have the words").click()
    await page.get_by_label("The 24 words").fill("\n".join(words))
    await page.get_by_label("I have compared it").check()
    await page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    await page.get_by_label("The passphrase once more").fill(PASSPHRASE)


@pytest.mark.parametrize("size", list(SIZES))
async def test_words_are_written_down_and_give_the_history_back(world: World, size: str) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE, size=size) as visitor:
        page = visitor.page
        await paste(page, (await world.asked(world.main()))[2])
        await page.get_by_role("button", name="Agree and show").click()
        await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
        entry = await page.locator("[data-test=entry]").inner_text()
        words = await shown(page)
        await looks_well(visitor)
        await page.get_by_role("button", name="I have written them down").click()
        await compared(page, words, right=False)
        await expect(page.get_by_text("That is not what was shown.")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Show the words again").click()
        await page.get_by_role("button", name="I have written them down").click()
        await compared(page, words, right=True)
        await expect(page.get_by_text("You have written them down rightly.")).to_be_visible()
        await expect(page.locator("ol.words")).to_have_count(0)
    async with world.place.visitor(size) as visitor:
        page = await visitor.goes_to("/vault/")
        await put_in(page, words)
        await looks_well(visitor)
        await page.get_by_role("button", name="Make the vault from the words").click()
        await expect(page.get_by_role("heading", name="The history on the ledger")).to_be_visible()
        await expect(page.get_by_text("You have not shown anything yet.")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Read the ledger").click()
        await expect(page.get_by_text("Of this vault's own: 1.")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Read from the ledger").click()
        await expect(page.locator("[data-test=entry]")).to_have_text(entry)
        await expect(
            page.get_by_text("The entry stands on the ledger as its log has signed it.")
        ).to_be_visible()
        await expect(page.get_by_role("button", name="Save the receipt")).to_have_count(0)
        await looks_well(visitor)


async def test_a_standing_consent_of_a_lost_phone_is_listed_and_withdrawn(world: World) -> None:
    async with at_the_vault(world, PERMIT) as visitor:
        page = visitor.page
        consent = await asked(world, times=3)
        await paste(page, consent.link)
        await page.get_by_role("button", name="Agree, without asking me each time").click()
        await expect(page.get_by_text("Agreed. It stands under Standing consents")).to_be_visible()
        words = await shown(page)
    async with world.place.visitor() as visitor:
        page = await visitor.goes_to("/vault/")
        await put_in(page, words)
        await page.get_by_role("button", name="Make the vault from the words").click()
        await page.get_by_role("button", name="Read the ledger").click()
        await expect(page.get_by_text("Of this vault's own: 1.")).to_be_visible()
        await page.get_by_role("link", name="Standing consents").click()
        await expect(page.get_by_text("Not answered here")).to_be_visible()
        await expect(page.get_by_text("At most 3 times")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Withdraw", exact=True).click()
        await page.get_by_role("button", name="Withdraw it").click()
        await expect(page.get_by_text("Withdrawn")).to_be_visible()
        assert (await consent.told()).state == TOLD.STATE_WITHDRAWN


async def test_wrong_words_and_a_wrong_passphrase_are_told(world: World) -> None:
    async with world.place.visitor() as visitor:
        page = await visitor.goes_to("/vault/")
        await put_in(page, ["abandon"] * 24)
        await let_alone(page.get_by_label("The 24 words"))
        await page.get_by_role("button", name="Make the vault from the words").click()
        await expect(page.get_by_text("(WORDS_INVALID)")).to_be_visible()
        await page.get_by_role("button", name="Back").click()
        await make(page)
        await asks_for_the_words(page, f"{PASSPHRASE}!")
        await expect(page.get_by_text("(PASSPHRASE_WRONG)")).to_be_visible()
        await expect(page.locator("ol.words")).to_have_count(0)


async def test_the_words_are_there_without_a_network_and_the_ledger_is_not(world: World) -> None:
    async with at_the_vault(world, size="phone") as visitor:
        visitor.expected += ["Failed to load", "ERR_INTERNET_DISCONNECTED"]
        page = visitor.page
        await goes_offline(visitor)
        assert len(set(await shown(page))) > 10
        await page.get_by_role("button", name="Read the ledger").click()
        await expect(page.get_by_text("The service cannot be reached.").last).to_be_visible()
        await visitor.context.set_offline(False)
        await page.get_by_role("button", name="Read the ledger").click()
        await expect(page.get_by_text("Of this vault's own: 0.")).to_be_visible()


async def test_in_chinese_the_words_are_of_the_chinese_list(world: World) -> None:
    async with world.place.visitor("phone", locale="zh-CN") as visitor:
        page = await visitor.goes_to("/vault/")
        await page.get_by_label("我已比对").check()
        await page.get_by_label("口令", exact=True).first.fill(PASSPHRASE)
        await page.get_by_label("再输入一次口令").fill(PASSPHRASE)
        await page.get_by_role("button", name="建立凭证库").click()
        await page.get_by_role("link", name="凭证库设置").click()
        card = page.locator("section", has=page.get_by_role("heading", name="恢复词"))
        await card.get_by_label("现在的口令").fill(PASSPHRASE)
        await card.get_by_role("button", name="显示恢复词").click()
        await expect(page.locator("ol.words li")).to_have_count(24)
        words = await page.locator("ol.words li").all_inner_texts()
        assert {len(each) for each in words} == {1}
        await looks_well(visitor)
