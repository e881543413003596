"""What a person does in the vault's page, by clicking: the steps that many tests begin with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page, expect

from disclosure import Schema
from tests.browser.browsing import Visitor
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE
from tests.zkservice import residents
from tests.zkservice.support import new_id


@asynccontextmanager
async def at_the_vault(
    world: World, *schemas: Schema, size: str = "desktop", person: bytes = b"", **given: Any
) -> AsyncIterator[Visitor]:
    """Open the window of somebody who has made a vault and has taken credentials of these schemas."""
    async with world.place.visitor(size, **given) as visitor:
        await visitor.goes_to("/vault/")
        await make(visitor.page)
        await takes(world, visitor.page, *schemas, person=person)
        yield visitor


async def make(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Make a vault in this browser")).to_be_visible()
    await page.get_by_label("I have compared it").check()
    await page.get_by_label("Passphrase", exact=True).first.fill(PASSPHRASE)
    await page.get_by_label("The passphrase once more").fill(PASSPHRASE)
    await page.get_by_role("button", name="Make the vault").click()
    await expect(page.get_by_role("heading", name="Credentials")).to_be_visible()


async def unlock(page: Page, passphrase: str = PASSPHRASE) -> None:
    await expect(page.get_by_role("heading", name="Open your vault")).to_be_visible()
    await page.get_by_label("Passphrase").fill(passphrase)
    await page.get_by_role("button", name="Open", exact=True).click()


async def paste(page: Page, link: object) -> None:
    await page.get_by_role("link", name="Scan", exact=True).click()
    await page.get_by_label("Link", exact=True).fill(str(link))
    await page.get_by_role("button", name="Open the link").click()


async def take(page: Page, link: object) -> None:
    await paste(page, link)
    await page.get_by_role("button", name="Take it into the vault").click()
    await expect(page.get_by_text("It is in your vault now.")).to_be_visible()
    await page.get_by_role("button", name="Credentials").click()


async def takes(world: World, page: Page, *schemas: Schema, person: bytes = b"") -> None:
    """Take credentials of somebody whom departments have identified: of a new person, if none is named."""
    who = person or new_id().encode()
    for schema in schemas:
        await take(page, await world.offered(schema, person=who))


async def bind(world: World, page: Page, number: str, *, company: bool = False) -> None:
    """Bind the vault to whom the police have identified, by their code."""
    await paste(page, await world.account(number, residents.COMPANY if company else residents.PERSON))
    if company:
        await page.get_by_label("A company").check()
    label = "Unified social credit code" if company else "Number of the ID document"
    await page.get_by_label(label).fill(number)
    await page.get_by_role("button", name="Bind this vault").click()
    await expect(page.get_by_text("The vault is bound.")).to_be_visible()
    await page.get_by_role("button", name="Credentials").click()


async def goes_offline(visitor: Visitor) -> None:
    """Lose the network, load the page anew, and open the vault in it."""
    await visitor.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await visitor.context.set_offline(True)
    await visitor.page.reload()
    await unlock(visitor.page)


async def looks_well(visitor: Visitor) -> None:
    await visitor.fits()
    await visitor.passes_axe()
