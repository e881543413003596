"""Each view of the resource centre as it looks, held against docs/screens; test_screens.py says how."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.browsing import SIZES, site
from tests.browser.centre_town import (
    CODE,
    VIEWS,
    Watching,
    counted,
    demanding,
    opens,
    queued,
    registry,
    signs_in,
)
from tests.browser.pictures import looks
from tests.zkservice.centre import add_item
from tests.zkservice.counting import access
from tests.zkservice.pushes import record
from tests.zkservice.stored import change
from tests.zkservice.support import City, city
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
MARCH = dt.datetime(2026, 3, 31, 4, tzinfo=dt.UTC)
"""When it is for the page that shows statistics: which days are the last ones, and which month is over."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(
    as_pictured: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Watching]:
    """A city in which nothing happened but what is counted here."""
    async with city(tmp_path_factory.mktemp("still-centre") / "server") as town:
        await add_item(town)
        await demanding(town)
        await counted(town)
        await queued(town)
        await told_of(town)
        pusher = await registry(town)
        await pusher.finish((await pusher.push([record(each) for each in range(12)])).push)
        made = Watching(town, await access(town), None)  # type: ignore[arg-type]
        async with site(town, browser, Watched(), **made.given) as place:
            made.site = place
            yield made


async def told_of(town: City) -> None:
    """Let there be uses in the days and the month that the page with statistics shows."""
    columns = "day, what, verifier, policy, department, n"
    for day, verifier, what, n in (
        ("03-05", "school", "asked", 903), ("03-05", "school", "answered", 700),
        ("03-30", "school", "declined", 12), ("03-12", "bank", "asked", 240),
        ("03-13", "bank", "answered", 137), ("03-13", "bank", "over-asked", 3),
        ("02-02", "school", "asked", 804), ("02-03", "school", "declined", 4),
        ("02-03", "bank", "asked", 118),
    ):  # fmt: skip
        row = (f"2026-{day}", what, f"verifiers/{verifier}", "", "", n)
        change(town.ready.data, f"insert into statistic ({columns}) values (?, ?, ?, ?, ?, ?)", *row)


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_centre_looks_as_it_did(still: Watching, size: str, tmp_path: Path) -> None:
    async with still.site.visitor(size) as visitor:
        visitor.expected = ["401"]
        page = await visitor.goes_to("/centre/")
        await expect(page.get_by_label("Code of the centre")).to_be_visible()
        told = await looks(page, f"centre-sign-in-{size}", tmp_path)
        await page.reload()
        await page.get_by_label("Code of the centre").fill(CODE)
        await signs_in(page)
        for view in VIEWS:
            if view == "Statistics":
                await page.clock.set_fixed_time(MARCH)
            await page.reload()
            await opens(page, view)
            await expect(page.get_by_role("row").nth(1)).to_be_visible()
            told += await looks(page, f"centre-{view.lower().replace(' ', '-')}-{size}", tmp_path)
    assert not told, "\n".join(told)
