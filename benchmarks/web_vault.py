"""How long a person waits at a counter: from a link that was scanned to the verifier's verdict, in Chromium.

    python -m benchmarks.web_vault [ROUNDS]

A real server, a real edge, the built vault page, two credentials of two departments. The person's own
seconds, reading and tapping, are not in it: measured are from the link to the consent on the screen, and from
the tap to the moment in which the verifier's stream says that the answer is verified. Beside the seconds
stands the pairing check of blst on the same machine. Exit code 0, or 1 if the median of both together is not
below the three seconds that are promised.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.async_api import expect

import bbs.groups
from tests.browser.browsing import BUILT, chromium
from tests.browser.clicking import at_the_vault
from tests.browser.vault_town import World, vault_town
from tests.disclosure.composite.world import INSURANCE, PERMIT
from zk.bench.measure import pairing_check
from zkproto.v1 import presentation_pb2 as pb

ROUNDS = 15
LIMIT = 3.0


async def measured(world: World, rounds: int) -> list[tuple[float, float]]:
    """Return the seconds to the consent and from the tap to the verdict, round by round."""
    found = []
    async with at_the_vault(world, PERMIT, INSURANCE, size="phone") as visitor:
        page = visitor.page
        for _ in range(rounds):
            _, made, link = await world.asked(world.main())
            await page.get_by_role("link", name="Scan", exact=True).click()
            await page.get_by_label("Link", exact=True).fill(str(link))
            begun = time.perf_counter()
            await page.get_by_role("button", name="Open the link").click()
            await expect(page.get_by_text("Nothing is shown before you agree.")).to_be_visible()
            told = time.perf_counter()
            verdict = asyncio.ensure_future(_verified(world, made))
            agreed = time.perf_counter()
            await page.get_by_role("button", name="Agree and show").click()
            await verdict
            found.append((told - begun, time.perf_counter() - agreed))
            await expect(page.get_by_text("It was shown, and the use stands on the ledger.")).to_be_visible()
            await page.get_by_role("button", name="Back").click()
    return found


async def _verified(world: World, made: pb.CreateExchangeResponse) -> None:
    asked = pb.WatchExchangeRequest(exchange=made.exchange, result_token=made.result_token)
    async for state in world.town.city.presentation.WatchExchange(asked):
        if state.state == pb.WatchExchangeResponse.STATE_VERIFIED:
            return
    raise RuntimeError("the exchange ended without an answer")


async def main() -> int:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    check = pairing_check(bbs.groups.by_name("blst"))
    begun = time.perf_counter()
    for _ in range(100):
        check()
    unit = (time.perf_counter() - begun) / 100
    with tempfile.TemporaryDirectory() as folder:
        async with chromium() as browser, vault_town(Path(folder) / "server", browser, BUILT) as world:
            found = await measured(world, rounds)
    both = [sum(each) for each in found]
    for name, each in (
        ("link to consent", [told for told, _ in found]),
        ("tap to verdict", [verdict for _, verdict in found]),
        ("both", both),
    ):
        low, middle, high = min(each), statistics.median(each), max(each)
        sys.stdout.write(f"{name:16} median {middle:.2f} s of {len(each)} ({low:.2f} to {high:.2f})\n")
    sys.stdout.write(f"one pairing check of blst on this machine: {unit * 1e3:.2f} ms\n")
    return int(statistics.median(both) >= LIMIT)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
