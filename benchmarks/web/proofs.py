"""What the school question costs in a worker of Chromium.

Told apart are the first answer of a fresh worker, which reads what is published and the credentials before it
proves, with tables that it has to verify and with tables that its vault verified before; and the answers that
come after it.
"""

import json
from typing import Final

from benchmarks.results import Row
from benchmarks.web.times import row
from tests.web import browser
from tests.web.node import PROVER

LIMIT: Final = 2.0
"""Seconds that are promised for a vault with verified tables."""
_NAME: Final = "school"
_UNVERIFIED: Final = "a fresh worker that verifies all tables first"
_VERIFIED: Final = "a fresh worker, tables verified when they came"
_READ: Final = "a worker that has read everything"


async def measure(fresh: int, rounds: int) -> list[Row]:
    """Ask so many fresh workers, and those so many times more; by what a worker has before it begins."""
    vectors = json.loads((PROVER / "test" / "vectors" / "composite.json").read_text(encoding="utf-8"))
    place = next(at for at, each in enumerate(vectors["answers"]) if each["name"] == _NAME)
    given = {"kind": "composite", "vectors": vectors, "place": place, "seeded": False}
    times: dict[str, list[float]] = {_READ: [], _VERIFIED: [], _UNVERIFIED: []}
    for known, first in ((False, _UNVERIFIED), (True, _VERIFIED)):
        for _ in range(fresh):
            async with browser.page() as opened:
                times[first].append((await browser.ask(opened, given | {"known": known}))[1] / 1000)
                times[_READ] += [(await browser.ask(opened, given))[1] / 1000 for _ in range(rounds)]
    limits = {_READ: LIMIT, _VERIFIED: LIMIT}
    return [row("proof in the page", what, found, limits.get(what)) for what, found in times.items()]
