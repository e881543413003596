"""`python -m benchmarks.load [--calls N] [--output FILE]`: every figure of the service, as JSON."""

import argparse
import json
import sys
from pathlib import Path

from zk.bench.load.figures import benching, costs, sweep
from zk.bench.measure import quiet, unit


def main() -> int:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=2000, help="calls of one row, default 2000")
    arguments.add_argument("--output", type=Path, help="where to write the rows; default: print them")
    given = arguments.parse_args()

    check = unit()
    if check is None:
        sys.stderr.write("the native group is not installed, and P is what it measures\n")
        return 2
    with quiet(), benching(check) as bench:
        rows = [*(bench.row(*each) for each in costs(given.calls)), *sweep(bench, given.calls)]
    text = json.dumps([row.document() for row in rows], indent=1) + "\n"
    if given.output:
        given.output.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
