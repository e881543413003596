"""`python -m benchmarks.consortium [--seconds 600] [--blocks 100000] [--output FILE]`: the order's figures.

Ten minutes of the nine logs' checkpoints at an interval of 1 s, then claims, then a chain of 100,000 blocks
that a new node joins: about half an hour on two cores, which nine nodes share. A short run says how it goes:
--seconds 30 --blocks 500.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.consortium import ordering, syncing
from zk.commands.consortium_parts import engine_path

_PORT = 26_200


def main() -> None:
    """Measure all of it, and print or write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.consortium", description=__doc__)
    parser.add_argument("--nodes", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--interval", type=float, default=1.0)
    parser.add_argument("--claims", type=float, default=60, help="seconds of claims; 0 for none")
    parser.add_argument("--blocks", type=int, default=100_000, help="of the fast chain; 0 for none")
    parser.add_argument("--rows", type=int, default=10_000, help="claims in the fast chain")
    parser.add_argument("--port", type=int, default=_PORT)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    engine, rows = engine_path(os.environ.get("ZK_COMETBFT_PROGRAM", "")), []
    with tempfile.TemporaryDirectory() as name:
        with ordering.nine(Path(name) / "nine", given.port, engine, given.nodes) as trial:
            rows.append(ordering.checkpoints(trial, given.seconds, given.interval))
            if given.claims:
                rows.append(ordering.claims(trial, given.claims))
        if given.blocks:
            place = Path(name) / "fast"
            rows.append(
                syncing.measure(place, given.port + 2 * given.nodes, engine, given.blocks, given.rows)
            )
    text = json.dumps({"rows": rows}, indent=1) + "\n"
    if given.output is None:
        os.write(1, text.encode())
    else:
        given.output.write_text(text)


if __name__ == "__main__":
    main()
