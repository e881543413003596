"""What the vault's reader believes, in Chromium over a real edge: a real service, and one whose answers are altered."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.altering import Altering, altering
from tests.browser.browsing import ROOT, Visitor, chromium, needs
from tests.browser.vaulting import built, vault_site
from tests.disclosure.composite.world import SCHEMAS
from tests.zkservice.composite_city import SCHOOL, CompositeCity, composite_city

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICE = "departments/public-security"
_ASK = "([question, given]) => reading.ask(question, given)"


@dataclass
class World:
    """A city, something between it and the edge, and a page with a reader."""

    town: CompositeCity
    between: Altering
    visitor: Visitor
    vaults: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    async def begin(self, vault: str = "", later: int = 0) -> str:
        """Begin with a reader over a new vault, or over one of before."""
        vault = vault or f"vault-{next(self.vaults)}"
        given = [vault, self.town.city.ready.verifier_key, later]
        await self.visitor.page.evaluate("(given) => reading.begin(...given)", given)
        return vault

    async def ask(self, question: str, *given: Any) -> Any:
        said = await self.visitor.page.evaluate(_ASK, [question, list(given)])
        assert "fault" not in said, said
        return said["value"]

    async def refused(self, question: str, *given: Any) -> str:
        said = await self.visitor.page.evaluate(_ASK, [question, list(given)])
        assert "fault" in said, said
        reason: str = said["fault"]["reason"]
        return reason

    async def kept(self) -> list[str]:
        found: list[str] = await self.visitor.page.evaluate("() => reading.kept()")
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    needs()
    folder = tmp_path_factory.mktemp("vault-reading")
    pages = await asyncio.to_thread(built, folder / "pages", ROOT / "web/pages/test/vault/reading")
    async with (
        composite_city(folder / "server") as town,
        altering(town.city) as between,
        chromium() as browser,
        vault_site(town.city, browser, pages, endpoint=between.endpoint(town.city)) as place,
        place.visitor() as visitor,
    ):
        page = await visitor.goes_to("/")
        await page.wait_for_function("() => window.reading")
        yield World(town, between, visitor)


@pytest_asyncio.fixture(loop_scope="module")
async def world(whole: World) -> AsyncIterator[World]:
    """Give the world with nothing altered, and a new vault."""
    await whole.begin()
    yield whole
    whole.between.alter.clear()
    whole.between.away = False


async def test_what_is_published_is_read_as_python_has_it(world: World) -> None:
    town = world.town
    for schema in SCHEMAS:
        assert await world.ask("schema", str(schema.name)) == schema.canonical.hex()
    key = town.police.key
    assert await world.ask("issuerKey", str(key.name)) == [key.suite, key.public_key.hex(), "active"]
    assert (await world.ask("departmentName", POLICE))["en"]
    registered = town.city.verifier_keys[SCHOOL].public_key().public_bytes_raw()
    assert (await world.ask("verifier", f"verifiers/{SCHOOL}"))[1] == registered.hex()
    assert (await world.ask("regulator", town.regulator_key.digest.hex()))[0] == "regulators/prosecutor"
    office = town.offices["public-security"]
    assert await world.ask("lists", POLICE) == [[office.name, office.accumulator.key.octets.hex()]]
    assert await world.ask("newestEpoch", POLICE) == [2, (await office.epoch()).octets.hex()]
    assert await world.ask("epoch", POLICE, 1) == [1, (await office.epoch(1)).octets.hex()]
