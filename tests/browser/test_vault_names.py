"""Names that departments, verifiers and credentials have, where they are markup: text on every screen."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Browser, Page, expect

from disclosure import (
    ExchangeLink,
    ExpiryRule,
    LocalizedText,
    OfferLink,
    Query,
    Request,
    SchemaName,
    VerifierName,
)
from tests.browser.browsing import Site
from tests.browser.clicking import make, paste
from tests.browser.vaulting import vault_site
from tests.web_edge.standing import endpoint_of
from tests.zkservice.allowing import allowed, any_policy
from tests.zkservice.support import PERMIT, VALUES, City, city
from wire.convert import text_to
from zkproto.v1 import catalog_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
MARKUP = "<img src=x onerror=document.title='owned'>"
EVIL = LocalizedText(MARKUP, MARKUP)
NAMED = replace(
    PERMIT,
    name=SchemaName("evil", "residence_permit", 1),
    display_name=EVIL,
    attributes=tuple(replace(each, display_name=EVIL) for each in PERMIT.attributes),
)
VERIFIER = VerifierName("evil")
HOUR = dt.timedelta(hours=1)


@dataclass
class Hostile:
    """A city with a department and a verifier that nobody should have registered."""

    town: City
    token: str
    place: Site

    async def offer(self) -> OfferLink:
        made = await self.town.issue({**VALUES, "name": MARKUP}, schema=NAMED, token=self.token)
        return OfferLink(endpoint_of(self.town).server, made.offer.removeprefix("offers/"), made.claim_code)

    async def question(self) -> ExchangeLink:
        now = self.town.clock().replace(microsecond=0)
        shown = (Query("permit", NAMED.name, ("name", "district"), ExpiryRule.SHOWN),)
        asked = Request(VERIFIER, EVIL, shown, now, now + HOUR, policy=any_policy(VERIFIER))
        made = await self.town.ask(asked)
        server = endpoint_of(self.town).server
        return ExchangeLink(server, made.exchange.removeprefix("exchanges/"), made.ticket)


async def registered(town: City) -> str:
    """Register department, schema, key, verifier and policy under these names; return the token."""
    admin = town.bearer(town.admin)
    called = catalog_pb2.Department(display_name=text_to(EVIL))
    created = await town.catalog.CreateDepartment(
        catalog_pb2.CreateDepartmentRequest(department_id="evil", department=called), metadata=admin
    )
    await town.add_schema(NAMED)
    await town.add_key("evil")
    key = town.verifier_keys["evil"] = Ed25519PrivateKey.generate()
    verifier = catalog_pb2.Verifier(
        display_name=text_to(EVIL), public_key=key.public_key().public_bytes_raw()
    )
    await town.catalog.CreateVerifier(
        catalog_pb2.CreateVerifierRequest(verifier_id="evil", verifier=verifier), metadata=admin
    )
    await town.add_policy(allowed(any_policy(VERIFIER), [NAMED], EVIL))
    token: str = created.access_token
    return token


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hostile(
    browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    async with city(folder / "server") as town, vault_site(town, browser, pages) as place:
        yield Hostile(town, await registered(town), place)


async def is_text(page: Page) -> None:
    """The name can be read, and nothing was made of it."""
    await expect(page.get_by_role("main")).to_contain_text(MARKUP)
    assert await page.locator("img").count() == 0
    assert "owned" not in await page.title()


async def test_they_are_text_on_every_screen(hostile: Hostile) -> None:
    async with hostile.place.visitor("phone") as visitor:
        page = await visitor.goes_to("/vault/")
        await make(page)
        await paste(page, await hostile.offer())
        await expect(page.get_by_role("heading", name="A credential for you")).to_be_visible()
        await is_text(page)
        await page.get_by_role("button", name="Take it into the vault").click()
        await expect(page.get_by_text("It is in your vault now.")).to_be_visible()
        await page.get_by_role("button", name="Credentials").click()
        await is_text(page)
        await page.get_by_role("button", name="Valid until").click()
        await expect(page.get_by_role("heading", name="What it says")).to_be_visible()
        await is_text(page)
        await paste(page, await hostile.question())
        await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
        await is_text(page)
        await visitor.fits()
        await page.get_by_role("button", name="Agree and show").click()
        await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
        await is_text(page)
        await page.get_by_role("link", name="History").click()
        await is_text(page)
