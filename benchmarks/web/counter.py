"""How long a person waits at a counter, in Chromium, before a real server and edge with the built pages.

The person's own seconds, reading and tapping, are not in it. Once the code on the counter's page is filmed
by the vault's camera: from the camera's button to the consent on the screen, and from the tap to "Proven" on
the counter's page. And once the link is pasted, for a question about two departments' credentials, up to the
moment in which the verifier's stream says that the answer is verified.
"""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Final

from playwright.async_api import Page, expect

from benchmarks.results import Row
from benchmarks.web.times import row
from tests.browser.browsing import BUILT, Site, chromium
from tests.browser.clicking import at_the_vault, make, take
from tests.browser.filming import camera, filmed, screened
from tests.browser.test_counter import asks, signs_in
from tests.browser.test_vault_scanned import offer
from tests.browser.vault_town import World, vault_town
from tests.browser.vaulting import vault_site
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.web_edge.behind import CODE, desk_of
from tests.zkservice.support import city
from zkproto.v1 import presentation_pb2 as pb

LIMIT: Final = 3.0
"""Seconds that are promised from the scan to the verdict."""
_SCANNED: Final = "one credential, the code filmed by the vault's camera"
_PASTED: Final = "two credentials of two departments, the link pasted"
_Times = list[tuple[float, float]]


def _rows(what: str, found: _Times) -> list[Row]:
    return [
        row("scan to consent", what, [told for told, _ in found]),
        row("tap to verdict", what, [verdict for _, verdict in found]),
        row("scan to verdict", what, [sum(each) for each in found], LIMIT),
    ]


async def _answered(page: Page, verdict: Awaitable[None], begun: float) -> tuple[float, float]:
    """Wait for the consent and agree; return the seconds to it, and from the tap to the verdict."""
    await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
    told, waiting = time.perf_counter(), asyncio.ensure_future(verdict)
    agreed = time.perf_counter()
    await page.get_by_role("button", name="Agree and show").click()
    await waiting
    found = (told - begun, time.perf_counter() - agreed)
    await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
    await page.get_by_role("button", name="Back").click()
    return found


async def scanned(folder: Path, rounds: int) -> list[Row]:
    """Film the counter's code so many times with the camera of a phone."""
    found: _Times = []
    film = filmed(folder / "code.y4m", None)
    async with city(folder / "server") as town, chromium() as clerks, chromium(*camera(film)) as phones:
        given = {"desk": await desk_of(town, folder / "home"), "counter_code": CODE}
        async with vault_site(town, clerks, BUILT, **given) as place, place.visitor() as clerk:
            clerk.expected = ["401"]
            counter = await clerk.goes_to("/counter/")
            await signs_in(counter)
            phone = Site(phones, place.port, town)
            async with phone.visitor("phone", permissions=["camera"]) as holder:
                page = await holder.goes_to("/vault/")
                await make(page)
                await take(page, await offer(town))
                for _ in range(rounds):
                    await asks(counter)
                    shown = counter.get_by_role("img", name="QR code of the question")
                    screened(film, await shown.screenshot())
                    await page.get_by_role("link", name="Scan", exact=True).click()
                    begun = time.perf_counter()
                    await page.get_by_role("button", name="Turn the camera on").click()
                    proven = counter.get_by_role("heading", name="Proven")
                    found.append(await _answered(page, expect(proven).to_be_visible(), begun))
                    await counter.get_by_role("button", name="Next person").click()
    return _rows(_SCANNED, found)


async def pasted(folder: Path, rounds: int) -> list[Row]:
    """Paste so many links of a question about two departments' credentials."""
    found: _Times = []
    async with (
        chromium() as browser,
        vault_town(folder / "server", browser, BUILT) as world,
        at_the_vault(world, PERMIT, INSURANCE, size="phone") as visitor,
    ):
        page = visitor.page
        for _ in range(rounds):
            _, made, link = await world.asked(world.main())
            await page.get_by_role("link", name="Scan", exact=True).click()
            await page.get_by_label("Link", exact=True).fill(str(link))
            begun = time.perf_counter()
            await page.get_by_role("button", name="Open the link").click()
            found.append(await _answered(page, _verified(world, made), begun))
    return _rows(_PASTED, found)


async def _verified(world: World, made: pb.CreateExchangeResponse) -> None:
    asked = pb.WatchExchangeRequest(exchange=made.exchange, result_token=made.result_token)
    async for state in world.town.city.presentation.WatchExchange(asked):
        if state.state == pb.WatchExchangeResponse.STATE_VERIFIED:
            return
    raise RuntimeError("the exchange ended without an answer")
