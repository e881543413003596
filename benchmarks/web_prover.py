"""What the school question costs in a worker of Chromium: `python -m benchmarks.web_prover`.

Told apart are the first answer of a fresh worker, which reads everything that is published before it proves,
and those after it. Wants web/prover built (scripts/web-prover.sh) and Chromium. Exit code 0, or 1 if the
median is not below the two seconds that are promised.
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


async def measure() -> tuple[list[float], list[float]]:
    """Return the milliseconds of each worker's first answer, and of the answers after it."""
    vectors = json.loads((PROVER / "test" / "vectors" / "composite.json").read_text(encoding="utf-8"))
    place = next(at for at, each in enumerate(vectors["answers"]) if each["name"] == _NAME)
    given = {"kind": "composite", "vectors": vectors, "place": place, "seeded": False}
    first, later = list[float](), list[float]()
    for _ in range(FRESH):
        async with browser.page() as opened:
            first.append((await browser.ask(opened, given))[1])
            later += [(await browser.ask(opened, given))[1] for _ in range(ROUNDS)]
    return first, later


def main() -> int:
    """Measure and tell."""
    first, later = asyncio.run(measure())
    for label, times in (("first answer of a worker", first), ("answer after it", later)):
        low, middle, high = min(times), statistics.median(times), max(times)
        sys.stdout.write(f"{label}: median {middle:.0f} ms of {len(times)} ({low:.0f} to {high:.0f})\n")
    return int(max(map(statistics.median, (first, later))) >= LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
