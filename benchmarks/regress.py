"""Compare a fresh run with the committed results: `python -m benchmarks.regress [FRESH.json]`.

FRESH.json is what `python -m benchmarks.quick --json` printed; without it a run is made. Ratios to P are
compared, never times, so the two runs may be of different machines of one kind. Exit code: 0 if no row got
worse by more than 15%, 1 with the names of those that did, 2 if there is nothing to compare.
"""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.results import LATEST, Row, load

TOLERANCE = 0.15


def worse(before: list[Row], after: list[Row]) -> list[str]:
    """Return a line for each row of before that got worse, or that is missing."""
    fresh = {row["name"]: row["measured"] for row in after}
    lines = []
    for row in before:
        name, old, new = row["name"], row["measured"], fresh.get(row["name"])
        if new is None:
            lines.append(f"{name}: {old:.2f} P before, not measured now")
        elif new > old * (1 + TOLERANCE):
            lines.append(f"{name}: {old:.2f} P before, {new:.2f} P now ({new / old - 1:+.0%})")
    return lines


def _fresh(path: str | None) -> list[Row]:
    if path:
        text = Path(path).read_text()
    else:
        command = [sys.executable, "-m", "benchmarks.quick", "--json"]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows: list[Row] = json.loads(text or "{}").get("rows", [])
    return rows


def main() -> int:
    """Print the rows that got worse."""
    before = load()["quick"] if LATEST.exists() else []
    after = _fresh(sys.argv[1] if len(sys.argv) > 1 else None)
    if not before or not after:
        sys.stderr.write("there is nothing to compare\n")
        return 2
    lines = worse(before, after)
    sys.stdout.write("\n".join(lines) + "\n" if lines else "no row got worse\n")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
