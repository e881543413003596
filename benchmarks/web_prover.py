"""What the school question costs in a worker of Chromium: `python -m benchmarks.web_prover`.

Told apart are the first answer of a fresh worker, which reads what is published and the credentials before it
proves, with tables that it has to verify and with tables that its vault verified before; and the answers that
come after it. Wants web/prover built (scripts/web-prover.sh) and Chromium. Exit code 0, or 1 if a vault with
verified tables is not below the two seconds that are promised.
"""

import asyncio
import json
import statistics
import sys
from typing import Final

from tests.web import browser
from tests.web.node import PROVER

FRESH: Final = 5
ROUNDS: Final = 21
LIMIT: Final = 2000.0
_NAME: Final = "school"
_UNVERIFIED: Final = "tables to verify"
_VERIFIED: Final = "tables verified before"
_READ: Final = "all read"


async def measure() -> dict[str, list[float]]:
    """Return the milliseconds of answers, by what a worker has before it begins."""
    vectors = json.loads((PROVER / "test" / "vectors" / "composite.json").read_text(encoding="utf-8"))
    place = next(at for at, each in enumerate(vectors["answers"]) if each["name"] == _NAME)
    given = {"kind": "composite", "vectors": vectors, "place": place, "seeded": False}
    times: dict[str, list[float]] = {_UNVERIFIED: [], _VERIFIED: [], _READ: []}
    for known, first in ((False, _UNVERIFIED), (True, _VERIFIED)):
        for _ in range(FRESH):
            async with browser.page() as opened:
                times[first].append((await browser.ask(opened, given | {"known": known}))[1])
                times[_READ] += [(await browser.ask(opened, given))[1] for _ in range(ROUNDS)]
    return times


def main() -> int:
    """Measure and tell."""
    measured = asyncio.run(measure())
    for label, times in measured.items():
        low, middle, high = min(times), statistics.median(times), max(times)
        sys.stdout.write(f"{label}: median {middle:.0f} ms of {len(times)} ({low:.0f} to {high:.0f})\n")
    promised = (statistics.median(measured[each]) for each in (_VERIFIED, _READ))
    return int(max(promised) >= LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
