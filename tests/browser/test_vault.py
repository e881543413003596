"""The vault's page, by clicking, from making a vault to a receipt and a backup."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from disclosure.composite import verify_composite
from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, goes_offline, looks_well, make, paste, take, unlock
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tlog import Verifier, verify_receipt
from wire.composite import composite_presentation_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("size", list(SIZES))
async def test_from_nothing_to_a_receipt(world: World, size: str, tmp_path: Path) -> None:
    async with world.place.visitor(size) as visitor:
        page = await visitor.goes_to("/vault/")
        await expect(page.locator("[data-test=fingerprint]")).to_be_visible()
        await looks_well(visitor)
        await make(page)
        await expect(page.get_by_text("You have no credentials yet.")).to_be_visible()
        await looks_well(visitor)
        await paste(page, await world.offered(PERMIT, person=f"permit-{size}".encode()))
        await expect(page.get_by_role("heading", name="A credential for you")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Take it into the vault").click()
        await expect(page.get_by_text("It is in your vault now.")).to_be_visible()
        await page.get_by_role("button", name="Credentials").click()
        await take(page, await world.offered(INSURANCE, person=f"insured-{size}".encode()))
        await expect(page.get_by_role("button", name="Valid until")).to_have_count(2)
        await looks_well(visitor)
        request, exchange, link = await world.asked(world.main())
        await paste(page, link)
        await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
        await expect(page.get_by_role("heading", name="They will see").first).to_be_visible()
        await expect(page.get_by_role("heading", name="Only proven, not shown").first).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Agree and show").dblclick()
        await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
        await looks_well(visitor)
        state = await world.watched(exchange)
        shown = composite_presentation_of(state.composite_presentation)
        assert (
            verify_composite(request, shown, world.town.directory(), world.town.now).answer.branch == "main"
        )
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Save the receipt").click()
        await (await coming.value).save_as(tmp_path / "receipt")
        receipt = (tmp_path / "receipt").read_bytes()
        log = Verifier.from_string(world.town.city.ready.verifier_key)
        entry = str(verify_receipt(receipt, log).index)
        await expect(page.locator("[data-test=entry]")).to_have_text(entry)
        await page.get_by_role("link", name="Scan", exact=True).click()  # where the link was pasted
        await expect(page.get_by_label("Link", exact=True)).to_be_visible()
        await page.get_by_role("link", name="History").click()
        await page.get_by_role("button", name="Shown").click()
        await expect(page.locator("[data-test=entry]")).to_have_text(entry)
        await page.get_by_role("link", name="Vault settings").click()
        await expect(page.get_by_role("heading", name="Backup")).to_be_visible()
        await looks_well(visitor)


async def test_what_is_declined_shows_nothing(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE) as visitor:
        page = visitor.page
        world.between.sent.clear()
        _, _, link = await world.asked(world.main())
        await paste(page, link)
        await page.get_by_role("button", name="Decline").click()
        await expect(page.get_by_text("You declined. Nothing was shown.")).to_be_visible()
        went = [method for method, _ in world.between.sent]
        assert "DeclineExchange" in went
        assert "SubmitPresentation" not in went
        await page.get_by_role("button", name="Credentials").click()
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_role("button", name="You declined")).to_be_visible()


async def test_what_is_missing_is_told_and_nothing_can_be_agreed_to(world: World) -> None:
    async with at_the_vault(world) as visitor:
        page = visitor.page
        _, _, link = await world.asked(world.main())
        await paste(page, link)
        await expect(page.get_by_text("This is missing:")).to_be_visible()
        await expect(page.get_by_role("button", name="Agree and show")).to_have_count(0)
        await visitor.passes_axe()


async def test_a_link_in_the_address_is_opened_once_the_vault_is_and_forgotten_at_once(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE) as visitor:
        page = visitor.page
        _, _, link = await world.asked(world.main())
        await page.goto("about:blank")
        await page.goto(f"{world.place.origin}/vault/#{link}")
        assert "zk:" not in page.url
        await unlock(page)
        await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
        await page.go_back()
        await page.go_forward()
        assert "zk:" not in page.url


async def test_a_link_that_comes_beside_another_change_of_the_address_is_opened(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE) as visitor:
        page = visitor.page
        for before in ("uses", "zk://elsewhere", "settings", "uses", "settings", "home"):
            _, _, link = await world.asked(world.main())
            comes = "([before, link]) => { location.hash = before; location.hash = link; }"
            await page.evaluate(comes, [before, str(link)])
            agree = page.get_by_role("button", name="Agree and show")
            await expect(agree).to_be_visible()
            assert "zk:" not in page.url
            if before == "settings":  # the next one comes while this one is looked at
                continue
            await page.get_by_role("link", name="Credentials", exact=True).click()
            await expect(agree).to_have_count(0)


async def test_reload_locks_and_a_wrong_passphrase_opens_nothing(world: World) -> None:
    async with at_the_vault(world, PERMIT) as visitor:
        page = visitor.page
        await page.reload()
        await unlock(page, f"{PASSPHRASE}!")
        await expect(page.get_by_text("(PASSPHRASE_WRONG)")).to_be_visible()
        await visitor.passes_axe()
        await unlock(page)
        await expect(page.get_by_role("button", name="Valid until")).to_have_count(1)
        await page.get_by_role("link", name="Vault settings").click()
        await page.get_by_role("button", name="Lock the vault").click()
        await expect(page.get_by_role("heading", name="Open your vault")).to_be_visible()


async def test_an_answer_that_could_not_be_sent_is_sent_later(world: World) -> None:
    async with at_the_vault(world, PERMIT, INSURANCE) as visitor:
        visitor.expected += ["503", "Failed to load"]
        page = visitor.page
        _, exchange, link = await world.asked(world.main())
        await paste(page, link)
        await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
        world.between.away = True
        await page.get_by_role("button", name="Agree and show").click()
        await expect(page.get_by_role("heading", name="Not sent yet")).to_be_visible()
        await page.reload()
        await unlock(page)
        await expect(page.get_by_text("1 answer is not sent yet.")).to_be_visible()
        world.between.away = False
        await page.get_by_role("button", name="Send now").click()
        await expect(page.get_by_text("1 answer is not sent yet.")).to_have_count(0)
        assert (await world.watched(exchange)).composite_presentation.proof


async def test_a_backup_is_restored_in_another_browser(world: World, tmp_path: Path) -> None:
    async with at_the_vault(world, PERMIT) as visitor:
        page = visitor.page
        await page.get_by_role("link", name="Vault settings").click()
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Save a backup file").click()
        await (await coming.value).save_as(tmp_path / "vault.backup")
    async with world.place.visitor() as visitor:
        page = await visitor.goes_to("/vault/")
        await page.get_by_label("The vault's file").set_input_files(tmp_path / "vault.backup")
        await page.get_by_label("Passphrase", exact=True).last.fill(PASSPHRASE)
        await page.get_by_role("button", name="Restore", exact=True).click()
        await expect(page.get_by_role("button", name="Valid until")).to_have_count(1)


async def test_a_link_of_elsewhere_and_one_that_is_none_are_told_in_words(world: World) -> None:
    async with at_the_vault(world) as visitor:
        page = visitor.page
        _, _, link = await world.asked(world.main())
        await paste(page, replace(link, server="elsewhere.example:443"))
        await expect(page.get_by_text("(LINK_ELSEWHERE)")).to_be_visible()
        await page.get_by_role("button", name="Back").click()
        await paste(page, "zk://present?nothing")
        await expect(page.get_by_text("(LINK_INVALID)")).to_be_visible()


async def test_in_chinese_every_screen_has_its_words(world: World) -> None:
    async with world.place.visitor("phone", locale="zh-CN") as visitor:
        page = await visitor.goes_to("/vault/")
        await expect(page.get_by_role("heading", level=2).first).to_contain_text("凭证库")
        await looks_well(visitor)


async def test_without_a_network_the_page_opens_and_shows_what_it_holds(world: World) -> None:
    async with at_the_vault(world, PERMIT, size="phone") as visitor:
        visitor.expected += ["Failed to load", "ERR_INTERNET_DISCONNECTED"]
        page = visitor.page
        await goes_offline(visitor)
        await expect(page.get_by_role("button", name="Valid until")).to_have_count(1)
        await expect(page.get_by_text("There is no network.")).to_be_visible()
        await visitor.passes_axe()
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_text("You have not shown anything yet.")).to_be_visible()
        await visitor.context.set_offline(False)
        kept = await page.evaluate(
            "caches.keys().then((names) => caches.open(names[0])).then((cache) => cache.keys())"
            ".then((all) => all.map((each) => new URL(each.url).pathname))"
        )
        assert "/vault/" in kept
        assert not any(each.startswith(("/rpc", "/watched")) for each in kept)
