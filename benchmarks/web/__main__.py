"""`python -m benchmarks.web [--rounds N] [--output FILE]`: what the pages cost a person who waits.

Wants the prover and the pages built (scripts/web-prover.sh, scripts/web.sh) and Chromium. Beside the seconds
stands the pairing check of blst on the same machine. Exit code 0, 1 if a promised figure is missed, 2 without
the native group.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.results import Row
from benchmarks.web import counter, page, proofs, sizes
from zk.bench.measure import unit, unit_seconds
from zk.exits import Exit

ROUNDS = 15
FRESH = 5


async def measure(rounds: int) -> list[Row]:
    """Return all rows but the unit's."""
    rows = await proofs.measure(FRESH, rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in (counter.scanned, counter.pasted):
            (place := folder / each.__name__).mkdir()
            rows += await each(place, rounds)
        (place := folder / "sizes").mkdir()
        return rows + await sizes.measure(place)


def main() -> int:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--output", type=Path, help="where to write the rows; default: print the section")
    given = parser.parse_args()
    check = unit()
    if check is None:
        sys.stderr.write("the native group is not installed, and P is what it measures\n")
        return 2
    rows = [{"operation": "pairing check", "seconds": unit_seconds(check)}]
    rows += asyncio.run(measure(given.rounds))
    if given.output:
        given.output.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    else:
        sys.stdout.write(page.section(rows))
    return 0 if page.holds(rows) else Exit.UNHEALTHY


if __name__ == "__main__":
    raise SystemExit(main())
