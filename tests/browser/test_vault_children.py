"""What a guardian holds of children: told apart in the vault, by what the credentials themselves say."""

from dataclasses import replace
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from disclosure import AttributeType, Schema, SchemaName, Value
from tests.browser.browsing import SIZES
from tests.browser.clicking import at_the_vault, looks_well, take
from tests.browser.vault_town import World
from tests.disclosure.composite.world import HOUSEHOLD, PERMIT
from tests.disclosure.world import definition, text

pytestmark = pytest.mark.asyncio(loop_scope="session")
_CHILD: Final = definition("child_id", AttributeType.HASH)
_SECRET: Final = definition("child_secret", AttributeType.SECRET)


def about(item: str, title: str, *attributes: object) -> Schema:
    name = SchemaName("public-security", item, 1)
    return replace(HOUSEHOLD, name=name, display_name=text(title), attributes=attributes)  # type: ignore[arg-type]


GUARDIANSHIP: Final = about("guardianship", "guardianship", _CHILD, _SECRET)
BIRTH: Final = about(
    "birth_cert", "birth", _CHILD, _SECRET, definition("child_name", AttributeType.TEXT, max_length=60)
)
SHOTS: Final = about("vaccination", "shots", _CHILD)
REGISTER: Final = about("child_registration", "register", _SECRET)
ONE, OTHER = bytes(range(32)), bytes(range(1, 33))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(town: World) -> World:
    for schema in (GUARDIANSHIP, BIRTH, SHOTS, REGISTER):
        await town.town.city.add_schema(schema)
    return town


async def given(world: World, page: Page, person: bytes, schema: Schema, values: dict[str, Value]) -> None:
    await take(page, await world.offered(schema, values, person=person))


@pytest.mark.parametrize("size", list(SIZES))
async def test_each_childs_credentials_are_together_and_the_guardians_apart(world: World, size: str) -> None:
    person = f"guardian-{size}".encode()
    async with at_the_vault(world, PERMIT, size=size, person=person) as visitor:
        page = visitor.page
        await expect(page.get_by_role("heading", name="About you")).to_have_count(0)
        await given(world, page, person, REGISTER, {"child_secret": b"\7" * 32})
        await given(world, page, person, SHOTS, {"child_id": ONE})
        await expect(page.get_by_role("heading", name="About a child")).to_have_count(2)
        await expect(page.get_by_role("heading", name="About you")).to_be_visible()
        await given(world, page, person, GUARDIANSHIP, {"child_id": ONE, "child_secret": b"\7" * 32})
        await expect(page.get_by_role("heading", name="About a child (1)")).to_be_visible()
        await expect(page.locator("[data-test=child]")).to_have_count(1)
        birth: dict[str, Value] = {"child_id": ONE, "child_secret": b"\7" * 32, "child_name": "王一"}
        await given(world, page, person, BIRTH, birth)
        await given(world, page, person, SHOTS, {"child_id": OTHER})
        first, second = page.locator("[data-test=child]").nth(0), page.locator("[data-test=child]").nth(1)
        await expect(first.get_by_role("heading", name="About the child 王一")).to_be_visible()
        await expect(first.get_by_role("button")).to_have_count(4)
        await expect(second.get_by_role("heading", name="About a child (2)")).to_be_visible()
        await expect(second.get_by_role("button")).to_have_count(1)
        await expect(page.locator("[data-test=mine]").get_by_role("button")).to_have_count(1)
        await looks_well(visitor)
        await second.get_by_role("button").click()
        await expect(page.get_by_text("About a child (2)")).to_be_visible()
        await looks_well(visitor)
        await page.get_by_role("button", name="Back").click()
        await first.get_by_role("button", name="register").click()
        await expect(page.get_by_text("王一")).to_be_visible()
