"""`python -m benchmarks.others [--rounds N] [--output FILE]`: the rows of all packages, as JSON."""

import argparse
import json
import sys
from pathlib import Path

from bbs import SHA_256
from benchmarks.others.compare import PACKAGES, compare
from benchmarks.results import Row
from zk.bench.cases import Case
from zk.bench.measure import Operation, in_turns, ratio, unit


def ours(check: Operation, rounds: int) -> Row:
    """Measure this project's own operations the same way: ten messages, three shown."""
    case = Case(SHA_256, 10, 3)
    operations = {
        "sign": case.sign,
        "verify": case.verify,
        "prove": case.proof_gen_prepared,
        "verify proof": case.proof_verify,
    }
    in_turns([*operations.values()], 3)
    units, *taken = in_turns([check, *operations.values()], 5 * rounds)
    ratios = {name: ratio(times, units) for name, times in zip(operations, taken, strict=True)}
    octets = {"signature": len(case.signature), "proof": len(case.proof)}
    row = {"package": "zk-disclosure", "version": "this", "setting": "BBS, blst, prepared credential"}
    return row | {"octets": octets, "ratios": ratios}


def main() -> int:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40, help="turns of each operation, default 40")
    arguments.add_argument("--output", type=Path, help="where to write the rows; default: print them")
    given = arguments.parse_args()
    check = unit()
    if check is None:
        sys.stderr.write("the native group is not installed, and P is what it measures\n")
        return 2
    rows = [ours(check, given.rounds), *(compare(each, check, given.rounds) for each in PACKAGES)]
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    if given.output:
        given.output.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
