"""Compare a fresh run with the committed results: `python -m benchmarks.regress [FRESH.json]`.

FRESH.json is what `zk bench --json` printed; without it a run is made. Ratios are compared, to P or to one
thread, never times, so the two runs may be of different machines of one kind. Exit code: 0 if no row got
worse by more than 15%, 1 with the names of those that did, 2 if there is nothing to compare.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.results import LATEST, Row, load
from zk.bench.rows import PROMISED, Measure

TOLERANCE: Final = 0.15


def worse(before: list[Row], after: list[Row]) -> list[str]:
    """Return a line for each row of before that got worse, or that is missing; new ones are none of these."""
    fresh = {row["name"]: row["measured"] for row in after}
    lines = []
    for row in before:
        name, old, new = row["name"], row["measured"], fresh.get(row["name"])
        said = f"{name}: {old:.2f} {row['measure']} before"
        if new is None:
            lines.append(f"{said}, not measured now")
        elif (old / new if row["measure"] == Measure.TIMES else new / old) > 1 + TOLERANCE:
            lines.append(f"{said}, {new:.2f} now ({new / old - 1:+.0%})")
    return lines


def _fresh(path: str | None) -> list[Row]:
    """Return the rows of a run; none if it was made with another group, whose unit is another one."""
    if path:
        text = Path(path).read_text()
    else:
        command = [sys.executable, "-m", "zk.cli", "bench", "--json"]
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    document = json.loads(text or "{}")
    rows: list[Row] = document.get("rows", []) if document.get("group") == PROMISED else []
    return rows


def main(arguments: Sequence[str], latest: Path = LATEST) -> int:
    """Print the rows that got worse."""
    before = load(latest)["quick"] if latest.exists() else []
    after = _fresh(arguments[0] if arguments else None)
    if not before or not after:
        sys.stderr.write("there is nothing to compare\n")
        return 2
    lines = worse(before, after)
    sys.stdout.write("\n".join(lines) + "\n" if lines else "no row got worse\n")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
