"""What each page loads before a person sees it, in octets on the wire, compressed."""

from pathlib import Path

from benchmarks.results import Row
from tests.browser.browsing import BUILT, chromium
from tests.browser.test_promises import FIRST_VIEW_OCTETS, PAGES
from tests.browser.vaulting import vault_site
from tests.zkservice.support import city


async def measure(folder: Path) -> list[Row]:
    """Open each page once in a browser that has none of it."""
    rows = list[Row]()
    async with (
        city(folder / "server") as town,
        chromium() as browser,
        vault_site(town, browser, BUILT) as place,
    ):
        for path in PAGES:
            async with place.visitor() as visitor:
                visitor.expected = ["404"]  # there is no counter here, no centre, no ledger to watch
                told = await visitor.first_view(path)
            rows.append({
                "operation": "first view", "what": path, "octets": sum(told), "files": len(told),
                "limit": FIRST_VIEW_OCTETS,
            })  # fmt: skip
    return rows
