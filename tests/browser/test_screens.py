"""Each view as it looks, held against the pictures in docs/screens: a difference is looked at by somebody.

    ZK_SCREENS=write python -m pytest tests/browser -k screens

writes them anew. They are compared where they are made with the same browser and the same font.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.browsing import SIZES, Site, site
from tests.browser.conftest import Nine, nine_cities
from tests.browser.pictures import held_against, looks, picture
from tests.consortium.making import LOG
from tests.consortium.watching import TimedLog
from tests.web_edge.behind import CODE, desk_of
from tlog.accusing import contradiction

pytestmark = pytest.mark.asyncio(loop_scope="session")
Scene = Callable[[Nine, Page], Awaitable[object]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(
    as_pictured: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Nine, Site]]:
    """A city of these tests' own, in which nothing happened but what they know, with its counter."""
    folder = tmp_path_factory.mktemp("still")
    async with nine_cities(folder, browser) as nine:
        desk = await desk_of(nine.town, folder / "home")
        async with site(nine.town, browser, nine.watched, desk=desk, counter_code=CODE) as place:
            yield nine, place


async def _start(_: Nine, page: Page) -> None:
    await expect(page.get_by_role("heading", level=2).first).to_be_visible()


async def _ledger(_: Nine, page: Page) -> None:
    await expect(page.get_by_text("each following the one before it")).to_be_visible()
    await expect(page.get_by_text("The quorum has cosigned")).to_be_visible()


async def _receipt(nine: Nine, page: Page) -> None:
    await page.get_by_label("Paste the receipt").fill(nine.receipt.decode())
    await page.get_by_role("button", name="Check", exact=True).click()
    await expect(page.get_by_role("heading", name="The receipt holds.")).to_be_visible()


async def _trust(_: Nine, page: Page) -> None:
    await expect(page.get_by_role("textbox").first).to_be_visible()


async def _alarms(nine: Nine, page: Page) -> None:
    folder, name = nine.monitor / "alarms", "split_view-0123456789abcdef.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).exists():
        notes = [TimedLog(LOG, seed).grow(2).note for seed in (0, 1)]
        (folder / name).write_bytes(contradiction(notes[0], notes[1], [LOG.verifier], [])[0].to_bytes())
        await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("article").filter(has_text="SPLIT_VIEW")).to_have_count(1)


async def _sign_in(_: Nine, page: Page) -> None:
    await expect(page.get_by_label("Code of the counter")).to_be_visible()


async def _choosing(nine: Nine, page: Page) -> None:
    await _sign_in(nine, page)
    await page.get_by_label("Code of the counter").fill(CODE)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="What is it for?")).to_be_visible()


async def _asking(nine: Nine, page: Page) -> None:
    await _choosing(nine, page)
    await page.get_by_role("button", name="test", exact=True).click()
    await expect(page.get_by_role("img", name="QR code of the question")).to_be_visible()


SCENES: dict[str, tuple[str, Scene]] = {
    "start": ("/", _start),
    "chain-ledger": ("/chain/", _ledger),
    "chain-receipt": ("/chain/#receipt", _receipt),
    "chain-trust": ("/chain/#trust", _trust),
    "chain-alarms": ("/chain/#alarms", _alarms),
    "counter-sign-in": ("/counter/", _sign_in),
    "counter-choosing": ("/counter/", _choosing),
    "counter-asking": ("/counter/", _asking),
}


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("scene", list(SCENES))
async def test_it_looks_as_it_did(still: tuple[Nine, Site], scene: str, size: str, tmp_path: Path) -> None:
    nine, place = still
    path, reached = SCENES[scene]
    async with place.visitor(size) as visitor:
        visitor.expected = ["401"]
        page = await visitor.goes_to(path)
        await reached(nine, page)
        assert not await looks(page, f"{scene}-{size}", tmp_path)


async def test_a_line_that_is_gone_is_a_difference(
    still: tuple[Nine, Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZK_SCREENS", raising=False)
    async with still[1].visitor("phone") as visitor:
        page = await visitor.goes_to("/")
        await _start(still[0], page)
        for hidden in (["visibility", "hidden"], ["display", "none"]):
            await page.evaluate(
                "([name, value]) => document.querySelector('main p').style.setProperty(name, value)", hidden
            )
            found = held_against("start-phone-light", await picture(page), tmp_path)
            assert found is not None
            assert (tmp_path / "start-phone-light.png").is_file()


async def test_in_chinese_and_in_large_type_it_looks_as_it_did(
    still: tuple[Nine, Site], tmp_path: Path
) -> None:
    _, place = still
    async with place.visitor("phone", locale="zh-CN") as visitor:
        page = await visitor.goes_to("/chain/")
        await page.locator("[aria-pressed=false]").click()
        await expect(page.get_by_role("region").first).to_be_visible()
        await expect(page.locator("[data-test=size]")).to_be_visible()
        await expect(page.locator("section[aria-busy=false]").first).to_be_visible()
        found = held_against("chain-ledger-phone-zh-large", await picture(page), tmp_path)
        assert found is None, found.told
