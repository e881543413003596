"""The vault's standing consents, by clicking: terms granted, answered when the vault is opened, withdrawn."""

import pytest
from playwright.async_api import expect

from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, looks_well, make, paste, take, unlock
from tests.browser.consenting import TOLD, WATCHED, asked, small, went
from tests.browser.vault_town import World, watched
from tests.disclosure.composite.world import PERMIT

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("size", list(SIZES))
async def test_from_terms_to_answers_and_a_withdrawal(world: World, size: str) -> None:
    async with at_the_vault(world, PERMIT, size=size) as visitor:
        page = visitor.page
        await page.get_by_role("link", name="Standing consents").click()
        await expect(page.get_by_text("You have given no standing consents.")).to_be_visible()
        await looks_well(visitor)
        consent = await asked(world, times=3, interval_days=0)
        await paste(page, consent.link)
        await expect(page.get_by_role("heading", name="wants to ask again and again")).to_be_focused()
        await expect(page.get_by_text("At most 3 times")).to_be_visible()
        await expect(page.get_by_role("heading", name="They will see").first).to_be_visible()
        await looks_well(visitor)
        assert went(world, "GrantConsent") == []
        await page.get_by_role("button", name="Agree, without asking me each time").dblclick()
        await expect(page.get_by_text("Agreed. It stands under Standing consents")).to_be_visible()
        await looks_well(visitor)
        assert (await consent.told()).state == TOLD.STATE_GRANTED
        await page.get_by_role("button", name="Credentials").click()
        # What waits is answered when the vault is opened, and told where the person then is.
        exchange = await consent.use(small(world))
        await page.reload()
        await unlock(page)
        await expect(page.get_by_text("was answered under your standing consent.")).to_be_visible()
        await looks_well(visitor)
        assert (await watched(world.town.city, exchange)).state == WATCHED.STATE_VERIFIED
        await page.get_by_role("link", name="History").click()
        await page.get_by_role("button", name="under a standing consent").click()
        told = "Answered under a standing consent, without asking you."
        await expect(page.get_by_text(told)).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("link", name="Standing consents").click()
        await expect(page.get_by_text("answered 1 of 3 times")).to_be_visible()
        another = await consent.use(small(world))
        await page.get_by_role("button", name="Look for requests now").click()
        await expect(page.get_by_text("was answered under your standing consent.")).to_be_visible()
        await expect(page.get_by_text("answered 2 of 3 times")).to_be_visible()
        assert (await watched(world.town.city, another)).state == WATCHED.STATE_VERIFIED
        await page.get_by_role("button", name="Withdraw", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("gets no more answers")
        await looks_well(visitor)
        await page.get_by_role("button", name="Keep it").click()
        assert (await consent.told()).state == TOLD.STATE_GRANTED
        await page.get_by_role("button", name="Withdraw", exact=True).click()
        await page.get_by_role("button", name="Withdraw it").click()
        await expect(page.get_by_text("Withdrawn")).to_be_visible()
        await expect(page.get_by_role("button", name="Withdraw", exact=True)).to_have_count(0)
        assert (await consent.told()).state == TOLD.STATE_WITHDRAWN


async def test_what_is_beyond_a_consent_is_told_in_words(world: World) -> None:
    async with at_the_vault(world, PERMIT) as visitor:
        page = visitor.page
        consent = await asked(world, times=9, interval_days=30)
        await paste(page, consent.link)
        await page.get_by_role("button", name="Agree, without asking me each time").click()
        await expect(page.get_by_text("Agreed. It stands under Standing consents")).to_be_visible()
        await page.get_by_role("button", name="Credentials").click()
        await page.get_by_role("link", name="Standing consents").click()
        await expect(page.get_by_text("At least 30 days apart")).to_be_visible()
        for number in range(2):
            consent.lift(last_used=None)
            await consent.use(small(world))
            await page.get_by_role("button", name="Look for requests now").click()
            told = "(CONSENT_BEYOND)" if number else "was answered under your standing consent."
            await expect(page.get_by_text(told)).to_be_visible()
        await visitor.passes_axe()
        await page.get_by_role("link", name="History").click()
        await page.get_by_role("button", name="Refused: too much was asked").click()
        await expect(page.get_by_text("or your standing consent, allows. Nothing was shown.")).to_be_visible()


async def test_by_the_keyboard_and_in_chinese_it_is_declined(world: World) -> None:
    async with world.place.visitor("phone", locale="zh-CN") as visitor:
        page = await visitor.goes_to("/vault/")
        await page.get_by_role("button", name="English").click()
        await make(page)
        await take(page, await world.offered(PERMIT, person=b"by keys"))
        await page.get_by_role("button", name="中文").click()
        consent = await asked(world, times=1)
        await page.get_by_role("link", name="扫码", exact=True).press("Enter")
        await page.get_by_label("链接", exact=True).fill(str(consent.link))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="希望以后反复询问")).to_be_focused()
        await expect(page.get_by_text("一次", exact=True)).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="拒绝", exact=True).press("Enter")
        await expect(page.get_by_text("您已拒绝。没有出示任何内容。")).to_be_visible()
        assert (await consent.told()).state == TOLD.STATE_DECLINED
        await page.get_by_role("button", name="凭证", exact=True).press("Enter")
        await page.get_by_role("link", name="持续授权").press("Enter")
        await expect(page.get_by_text("您没有给过持续授权。")).to_be_visible()
        await looks_well(visitor)
